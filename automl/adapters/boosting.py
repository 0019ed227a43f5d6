"""Boosters become models: one adapter, and a small engine for each library.

The adapter does what boosters have in common: it turns views into numbers and labels, minds the
clock and the early stopping, keeps the best round, gives absent classes probability 0, and saves.
An engine trains, predicts and saves the way its library does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from automl.adapters.frame import category_levels, coded_matrix
from automl.adapters.rounds import BoosterRounds, BoosterTerms
from automl.adapters.target import LearnedTarget, learn_target

if TYPE_CHECKING:
    from automl.types import Array, Config, Run, Task, View

_BINS_IN_ALL = 256_000
"""About how many bins all columns may have: histograms of wide tables fill memory."""


@dataclass(frozen=True, slots=True)
class BoosterProblem:
    """The problem that an engine is made for, and the means lent to it.

    A loaded model knows task, target and columns only; the rest is for training.
    """

    task: Task
    target: LearnedTarget
    levels: Sequence[int]
    """Levels of each column that is a category; 0 for numbers."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The defaults and the configuration, rounds left out."""
    rows: int = 0
    seed: int = 0
    threads: int = 0
    """CPUs to use; 0 for the library's own choice."""
    device: str = "cpu"

    @property
    def classes(self) -> int:
        """Number of classes that the training rows have, two at least; 0 for regression."""
        return len(self.target.seen)

    @property
    def categories(self) -> list[int]:
        """Positions of the columns that are categories."""
        return [i for i, count in enumerate(self.levels) if count]

    def bins(self, most: int, fewest: int) -> int:
        """Bins of a column: `most`, down to `fewest` where there are many columns."""
        return max(fewest, min(most, _BINS_IN_ALL // len(self.levels)))


class BoosterEngine(Protocol):
    """A booster of one library, made for one problem.

    `X` is (n, d) float32: numbers, and for categories codes from 0; NaN where missing, and where
    the training rows lack the level. `y` is (n,): from 0 the positions of classes among those
    that the training rows have, or standardised values.
    """

    def data(self, X: Array, y: Array, like: Any, weights: Array | None = None) -> Any:
        """Rows in the library's own form.

        Args:
            X: The rows.
            y: Their labels; those of early-stopping rows mean nothing.
            like: None for training rows; for early-stopping rows the training data.
            weights: (n,) how much each training row counts; given where they differ, to an
                engine whose learner declares `weights`.
        """
        ...

    def train(self, data: Any, stop: Any, rounds: BoosterRounds) -> int:
        """Train until the rounds are over.

        Args:
            data: The training rows.
            stop: The early-stopping rows to predict when that is due, or None.
            rounds: Told of every round.

        Returns:
            Rounds that have trees; after 0 the mean or the class shares are predicted.
        """
        ...

    def predict(self, X: Array, rounds: int) -> Array:
        """Predict with so many first rounds.

        Returns:
            (n, classes) probabilities of the classes that the training rows have, or (n,) of the
            second of two; (n,) standardised values.
        """
        ...

    def save(self, folder: Path, rounds: int) -> None:
        """Write so many first rounds into the folder, which has a `model.json` of the adapter."""
        ...

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        ...


ALL_ROUNDS = -1
"""Rounds of a model whose file has only those that were kept, and does not say how many."""


class BoosterModel:
    """A `Model` of views `frame` around an engine; keeps the rounds up to the best one reported.

    Args:
        engine: Makes the engine once there is a problem.
        terms: The library's words.
        config: Settings other than the defaults of `terms`.
        task: As the factory of a learner gets it.
        n_classes: The same.
    """

    def __init__(
        self,
        engine: Callable[[BoosterProblem], BoosterEngine],
        terms: BoosterTerms,
        config: Config,
        task: Task,
        n_classes: int,
    ) -> None:
        self._make = engine
        self._terms = terms
        self._settings: dict[str, Any] = {**terms.defaults, **config}
        self._total = int(self._settings.pop(terms.rounds))
        self._task: Task = task
        self._target = LearnedTarget(n_classes)
        self._levels: list[int] = []
        self._engine: BoosterEngine | None = None
        self.rounds = 0
        """Rounds that predict; 0 where nothing could be learned, or has been yet."""

    def fit(self, train: View, stop: View | None, run: Run) -> None:
        """Boost until the host says stop, time runs out, or all rounds are done."""
        self._target, label = learn_target(
            np.asarray(train.y), self._target.n_classes, train.weights
        )
        self._levels = category_levels(train.X)
        if np.ptp(label) == 0 or not _varies(train.X):
            return
        problem = BoosterProblem(
            self._task,
            self._target,
            self._levels,
            settings=self._settings,
            rows=len(train),
            seed=run.seed,
            threads=run.threads,
            device=run.device,
        )
        engine = self._make(problem)
        more = () if train.weights is None else (train.weights,)
        data = engine.data(coded_matrix(train.X, self._levels), label, None, *more)
        self.rounds = self._boost(engine, data, label, stop, run)
        self._engine = engine if self.rounds else None

    def _boost(
        self, engine: BoosterEngine, data: Any, label: Array, stop: View | None, run: Run
    ) -> int:
        """Train the engine; returns the rounds to keep."""
        watched, report = None, None
        if stop is not None:
            # The labels of the early-stopping rows are the host's business: any known ones will do.
            known = np.resize(label, len(stop))
            watched = engine.data(coded_matrix(stop.X, self._levels), known, data)
            report = partial(_report, run, self._target)
        rounds = BoosterRounds(run, self._total, self._terms, self._settings, self._task, report)
        done = engine.train(data, watched, rounds)
        rounds.close()
        return run.best_step + 1 if stop is not None and run.best_step >= 0 else done

    def predict(self, view: View) -> Array:
        """(n, k) class probabilities or (n,) values."""
        if self._engine is None:
            return self._target.constant(len(view))
        raw = self._engine.predict(coded_matrix(view.X, self._levels), self.rounds)
        return self._target.restored(raw)

    def save(self, folder: Path) -> None:
        """Write what the engine saves beside a small JSON file."""
        if self._engine is not None:
            self._engine.save(folder, self.rounds)
        fitted = {"rounds": self.rounds, "levels": self._levels, "target": asdict(self._target)}
        (folder / "model.json").write_text(json.dumps(fitted), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        fitted = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if "target" not in fitted:
            boosted = any(file.name != "model.json" for file in folder.iterdir())
            fitted = _of_version_1(fitted, self._target.n_classes, boosted=boosted)
        self.rounds, self._levels = fitted["rounds"], fitted["levels"]
        self._target = LearnedTarget(**fitted["target"])
        if self.rounds:
            self._engine = self._make(BoosterProblem(self._task, self._target, self._levels))
            self._engine.load(folder)


def _of_version_1(fitted: Mapping[str, Any], n_classes: int, *, boosted: bool) -> dict[str, Any]:
    """A `model.json` of an earlier version in today's form: each booster had one of its own."""
    absent = fitted.get("absent", ())
    seen = fitted.get("seen") or [code for code in range(n_classes) if code not in absent]
    alone = len(seen) == 1
    prior = fitted.get("prior") or ([1.0] if alone else [])
    target = LearnedTarget(n_classes, list(seen), list(prior), fitted["shift"], fitted["scale"])
    rounds = (fitted.get("kept") or ALL_ROUNDS) if boosted and not alone else 0
    return {"rounds": rounds, "levels": fitted["levels"], "target": asdict(target)}


def _report(run: Run, target: LearnedTarget, step: int, raw: Array) -> bool:
    return run.report(step, target.restored(raw))


def _varies(frame: Any) -> bool:
    """Return whether any column has two values, a missing one counting."""
    return any(len(frame.iloc[:, i].unique()) > 1 for i in range(frame.shape[1]))
