"""The worth of a fit's models to its ensemble, while it is under way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.ensemble import candidates, sample
from automl.errors import OverdueError, PluginError
from automl.hooks.bounded import bounded
from automl.hooks.calls import resolve, sentence
from automl.metrics import influence, loss, score
from automl.runs.journal import stem
from automl.types import TOP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from automl.rows.folds import Split
    from automl.types import Array, Ensembler, Metric, Rung

ROWS = 2_000
"""Validation rows of a fold that models are weighed on: the weights need not be exact."""
MODELS = 15
"""Models that are weighed, the best ones."""
ENOUGH = 3
"""Models of all folds from which on those of the first fold alone do not count."""


@dataclass(slots=True)
class Weigher:
    """The ensembler of all learners, asked on the way until it fails."""

    ensembler: Ensembler | None
    """Without one no model carries any weight."""
    metric: Metric
    """Metric that the ensemble should do best by."""
    seed: int
    """Seed of the ensembler and of the rows that it is shown."""
    seconds: float = math.inf
    """Seconds that one answer may take."""
    say: Callable[[str], None] = lambda _: None
    """Is told of an ensembler that is given up."""

    def weights(
        self, y: Array, made: Mapping[str, Array], learners: Sequence[str]
    ) -> Mapping[str, float]:
        """Map trials to their weights; none where the ensembler fails, which is asked no more.

        Args:
            y: The truth.
            made: Trial -> its predictions.
            learners: Learner of each trial.
        """
        if self.ensembler is None:
            return {}
        what = f"the ensembler {self.ensembler.name}"
        try:
            found: Mapping[str, float]
            found = bounded(what, self.seconds, self._weigh, self.ensembler, y, made, learners)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            if isinstance(error, PluginError) and not isinstance(error, OverdueError):
                self.say(f"Models are not weighed this time: {sentence(error)}")
                return {}  # the metric failed, which may be better the next time
            self.say(f"Models are not weighed on the way: {sentence(error)}")
            self.ensembler = None
            return {}
        return found

    def _weigh(
        self, ensembler: Ensembler, y: Array, made: Mapping[str, Array], learners: Sequence[str]
    ) -> dict[str, float]:
        losses = [loss(self.metric, score(self.metric, y, p)) for p in made.values()]
        trials = list(made)
        chosen = [trials[place] for place in candidates(losses, learners, MODELS)]
        if len(chosen) < 2:
            return dict.fromkeys(chosen, 1.0)
        stack = np.stack([made[trial] for trial in chosen])
        found = resolve(ensembler.factory)(self.seed).fit(stack, y, self.metric)
        return {t: float(w) for t, w in zip(chosen, found, strict=True) if w > 0}


class EnsembleValue:
    """Weighs finished models as the ensemble of all learners would.

    Where models of all folds are made, they are weighed on the rows of all folds.
    """

    def __init__(
        self,
        run: Path,
        weigher: Weigher,
        truth: Array,
        split: Split,
        weights: Array | None = None,
    ) -> None:
        """Set up without any model.

        Args:
            run: The run directory, where predictions are.
            weigher: Gives the weights.
            truth: (n,) answers that configurations are chosen by.
            split: The folds.
            weights: (n,) how much each row counts; None where all count alike.
        """
        self._run = run
        self._weigher = weigher
        rng = np.random.default_rng(weigher.seed)
        self._rows: list[Array] = []
        self._truth: list[Array] = []
        folds = range(split.n_folds if split.all_folds_at_3 else 1)
        for rows in map(split.validation, folds):
            counted = None if weights is None else weights[rows]
            drawn = sample(np.arange(len(rows)), ROWS, rng, counted)
            self._rows.append(drawn)
            self._truth.append(truth[rows[drawn]])
        self._models: dict[str, dict[int, Array]] = {}
        """Trial -> fold -> its predictions of the rows drawn."""
        self._learner: dict[str, str] = {}
        self._weights: Mapping[str, float] | None = {}
        self._terms: dict[str, Array] = {}
        """Learner -> terms whose mean is the loss of its first fit, on the first fold."""
        self._fold_rows = len(split.validation(0))

    def add(self, rung: Rung) -> None:
        """Take a finished fit whose predictions are on disk."""
        if rung.rung > TOP or rung.score is None or rung.fold >= len(self._rows):
            return
        path = self._run / "predictions" / f"{stem(rung)}.npy"
        every = np.load(path, mmap_mode="r", allow_pickle=False)
        values = np.asarray(every[self._rows[rung.fold]])
        if not rung.fold and rung.learner not in self._terms:
            try:
                self._terms[rung.learner] = influence(self._weigher.metric, self._truth[0], values)
            except PluginError as error:
                self._weigher.say(f"No standard error of {rung.learner}: {sentence(error)}")
        if rung.rung == TOP:
            self._models.setdefault(rung.trial, {})[rung.fold] = values
            self._learner[rung.trial] = rung.learner
            self._weights = None

    def standard_error(self) -> float:
        """Standard error of the difference of two learners' losses, the median of those so far."""
        if len(self._terms) < 2:
            return 0.0
        middle = np.median(list(self._terms.values()), axis=0)
        apart = [np.nanstd(terms - middle) for terms in self._terms.values()]
        return float(np.median(apart)) * math.sqrt(2 / self._fold_rows)

    def weights(self) -> Mapping[str, float]:
        """Map the trials that the ensemble would be made of now to their weights."""
        if self._weights is None:
            self._weights = self._weighed()
        return self._weights

    def _weighed(self) -> Mapping[str, float]:
        whole = [t for t, folds in self._models.items() if len(folds) == len(self._rows)]
        folds = range(len(self._rows)) if len(whole) >= ENOUGH else range(1)
        trials = whole if len(whole) >= ENOUGH else [t for t, f in self._models.items() if 0 in f]
        y = np.concatenate([self._truth[fold] for fold in folds])
        made = {t: np.concatenate([self._models[t][fold] for fold in folds]) for t in trials}
        return self._weigher.weights(y, made, [self._learner[trial] for trial in made])
