"""The worth of a fit's models to its ensemble, while it is under way."""

from __future__ import annotations

import math
from contextlib import suppress
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
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from automl.rows.folds import Split
    from automl.types import Array, Ensembler, Metric, Rung

ROWS = 2_000
"""Validation rows of a fold that models are weighed on: the weights need not be exact."""
MODELS = 15
"""Models that are weighed, the best ones."""
ENOUGH = 3
"""Models of all folds from which on those of the first fold alone do not count."""


class EnsembleValue:
    """Weighs finished models as the ensemble of all learners would.

    Where models of all folds are made, they are weighed on the rows of all folds.
    """

    def __init__(  # noqa: PLR0913 - by keyword where they could be mistaken
        self,
        run: Path,
        ensembler: Ensembler | None,
        metric: Metric,
        truth: Array,
        split: Split,
        seed: int,
        *,
        weights: Array | None = None,
        seconds: float = math.inf,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Set up without any model.

        Args:
            run: The run directory, where predictions are.
            ensembler: Gives the weights; without one no model carries any.
            metric: What the ensemble should do best.
            truth: (n,) answers that configurations are chosen by.
            split: The folds.
            seed: Seed of the ensembler and of the rows drawn.
            weights: (n,) how much each row counts; None where all count alike.
            seconds: How long one answer of the ensembler may take.
            say: Is told of an ensembler that is given up.
        """
        self._seconds, self._say = seconds, say
        self._run = run
        self._ensembler = ensembler
        self._metric = metric
        self._seed = seed
        rng = np.random.default_rng(seed)
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
            with suppress(PluginError):  # the score has told what is wrong with the metric
                self._terms[rung.learner] = influence(self._metric, self._truth[0], values)
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
        """The weights; none where the ensembler fails, which is then asked no more."""
        if self._ensembler is None:
            return {}
        what = f"the ensembler {self._ensembler.name}"
        try:
            found: Mapping[str, float]
            found = bounded(what, self._seconds, self._weigh, self._ensembler)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            if isinstance(error, PluginError) and not isinstance(error, OverdueError):
                return {}  # the metric failed, which may be better the next time
            self._say(f"Models are not weighed on the way: {sentence(error)}")
            self._ensembler = None
            return {}
        return found

    def _weigh(self, ensembler: Ensembler) -> dict[str, float]:
        whole = [t for t, folds in self._models.items() if len(folds) == len(self._rows)]
        folds = range(len(self._rows)) if len(whole) >= ENOUGH else range(1)
        trials = whole if len(whole) >= ENOUGH else [t for t, f in self._models.items() if 0 in f]
        y = np.concatenate([self._truth[fold] for fold in folds])
        made = {t: np.concatenate([self._models[t][fold] for fold in folds]) for t in trials}
        losses = [loss(self._metric, score(self._metric, y, p)) for p in made.values()]
        learners = [self._learner[trial] for trial in made]
        chosen = [trials[place] for place in candidates(losses, learners, MODELS)]
        if len(chosen) < 2:
            return dict.fromkeys(chosen, 1.0)
        stack = np.stack([made[trial] for trial in chosen])
        found = resolve(ensembler.factory)(self._seed).fit(stack, y, self._metric)
        return {t: float(w) for t, w in zip(chosen, found, strict=True) if w > 0}
