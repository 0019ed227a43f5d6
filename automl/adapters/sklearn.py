"""Estimators shaped like scikit-learn's become learners.

`sklearn_learner` is the adapter that third parties use. It declares; the estimator's module is
imported only where a model is fitted.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.adapters.growth import Monitor, adjust, chunks, first_steps, quiet
from automl.adapters.target import LearnedTarget, learn_target, spread_classes
from automl.errors import PluginError
from automl.types import Learner, Limits, Resources

if TYPE_CHECKING:
    from automl.space import Dimension, Size
    from automl.types import Array, Config, Family, Prior, Run, Schema, Task, View, ViewKind

_CLASSES = ("binary", "multiclass")
UNLABELLED = -1
"""Class of unlabelled rows, as in `sklearn.semi_supervised`."""


def sklearn_learner(  # noqa: PLR0913 - the fields of a declaration, by keyword
    name: str,
    estimator: str | Mapping[str, str],
    *,
    family: Family,
    tasks: Iterable[Task],
    view: ViewKind,
    space: Mapping[str, Dimension] | None = None,
    defaults: Sequence[Config] = ({},),
    fidelity: str | None = None,
    size: Size | None = None,
    patience: int | None = None,
    prior_weight: float = 0.0,
    cost: float = 1.0,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    extra: str | None = None,
    uses_unlabelled: bool = False,
    trusted: Sequence[str] = (),
    libraries: tuple[str, ...] | None = None,
    memory: Callable[[int, int], float] | None = None,
    prior: Prior | None = None,
    weights: bool = False,
    warm_start: bool = False,
    refits: bool = False,
    scale_out: str | None = None,
    standardise: bool = True,
    summary: str = "",
    source: str = "",
    good_when: str = "",
) -> Learner:
    """Declare an estimator shaped like scikit-learn's as a learner.

    Args:
        name: The learner's name on leaderboards and on the command line.
        estimator: `"package.module:Class"`, or such a path for each task; the key
            `"classification"` stands for binary and multiclass. Any callable that takes the
            configuration as keywords and returns an estimator will do. For anomalies it is one
            with `score_samples`, which scikit-learn's outlier detectors have: low for anomalous
            rows. Its `fit` gets None for `y`.
        family: "deep", "classical" or "baseline".
        tasks: The tasks it can do.
        view: "matrix" (dense float32, nothing missing) or "frame" (typed DataFrame).
        space: The settings to search, by parameter name.
        defaults: Known-good configurations, best first.
        fidelity: A parameter that counts steps and that the estimator can grow with
            `warm_start=True`, its value meaning the total (`n_estimators` of forests). Then a fit
            ends in time, keeping the steps it has, and the host can stop it early. If a warm start
            is too expensive, the estimator may have `fit_steps(X, y, X_stop, monitor)` instead: it
            calls `monitor(steps, None)` after every step, at times `monitor(steps, prediction for
            X_stop)`, and ends when either returns True; `keep_steps(steps)` then drops the later
            steps. `monitor(0, None)` marks the end of preparations. A booster may ask
            `monitor.paced(steps, rate, enough)` for the learning rate of the steps to come, where
            steps times rate of `enough` usually suffice: it is raised where time is short, and the
            fit declined where that would not do.
        size: What makes the model larger, such as `automl.Size("max_leaf_nodes", 31)`, for studies
            of model sizes.
        patience: Steps without a better score on the early-stopping rows before the fit is
            stopped; needs `fidelity`. None: no early stopping, and all rows are training rows.
        prior_weight: Weight of the training class frequencies in probabilities, for estimators
            with too many probabilities of 0 or 1: (p + w * prior) / (1 + w).
        cost: Time of one fit relative to a linear model on the same rows.
        limits: Largest table that suits the learner.
        extra: The extra of the plugin's distribution that installs the estimator's requirements.
        uses_unlabelled: Whether the estimator takes unlabelled rows, with -1 in `y`, as those of
            `sklearn.semi_supervised` do, if the table has any.
        trusted: Types beyond skops' own trusted ones that the saved model may contain, by full
            name; see `skops.io.get_untrusted_types`. Without them the model is ranked, not saved.
        libraries: Top-level modules that the estimator's module imports. Unless given, the one
            it is in, and scikit-learn.
        memory: (rows, feature columns) -> peak bytes of one fit beyond the rows themselves.
        prior: How often the learner carries weight in ensembles, as published.
        weights: Whether the estimator's `fit`, or `fit_steps`, takes `sample_weight`.
        warm_start: Whether a fit goes on from a model that was loaded.
        refits: Whether the steps of a fit are the first ones of any longer fit, so that it can be
            made anew on every row with as many as proved best.
        scale_out: A factory, `"package.module:callable"`, of models trained over several nodes.
        standardise: Whether values to estimate come with mean 0 and variance 1, and predictions
            are put back: many estimators work in single precision, or with tolerances made for
            such values. False for a loss that needs their sign, such as Poisson's.
        summary: One line for `automl learners`.
        source: Publication of the method and its settings.
        good_when: Tables on which it does well, and on which it does not.

    Returns:
        The declaration to yield from `automl_learners`.

    Raises:
        PluginError: A task has no estimator, `patience` is given without `fidelity`, or
            `uses_unlabelled` for a task without classes.
    """
    tasks = frozenset(tasks)
    paths = {task: _path_for(name, estimator, task) for task in sorted(tasks)}
    if patience is not None and fidelity is None:
        msg = f"{name}: patience counts steps, so name the parameter that counts them: fidelity"
        raise PluginError(msg)
    if uses_unlabelled and not tasks <= set(_CLASSES):
        msg = f"{name}: uses_unlabelled marks rows by the class -1, so declare tasks with classes"
        raise PluginError(msg)
    return Learner(
        name=name,
        family=family,
        tasks=tasks,
        view=view,
        factory=_Factory(tuple(paths.items()), fidelity, prior_weight, tuple(trusted), standardise),
        space=dict(space or {}),
        defaults=tuple(defaults),
        fidelity=fidelity,
        size=size,
        patience=patience,
        resources=partial(_constant, cost),
        limits=limits,
        extra=extra,
        uses_unlabelled=uses_unlabelled,
        trusted=tuple(trusted),
        libraries=_libraries(paths.values()) if libraries is None else libraries,
        memory=memory,
        prior=prior,
        weights=weights,
        warm_start=warm_start,
        refits=refits,
        scale_out=scale_out,
        summary=summary,
        source=source,
        good_when=good_when,
    )


def _constant(cost: float, _: Schema) -> Resources:
    return Resources(cost=cost)


def _libraries(paths: Iterable[str]) -> tuple[str, ...]:
    """Top-level modules of the estimators, and scikit-learn, which the adapter imports."""
    return tuple(sorted({"sklearn", *(path.partition(":")[0].partition(".")[0] for path in paths)}))


def _path_for(name: str, estimator: str | Mapping[str, str], task: Task) -> str:
    path: str | None
    if isinstance(estimator, str):
        path = estimator
    else:
        shared = estimator.get("classification") if task in _CLASSES else None
        path = estimator.get(task, shared)
    if path is None or path.count(":") != 1:
        msg = f'{name}: name the estimator for the task {task} as "package.module:Class"'
        raise PluginError(msg)
    return path


@dataclass(frozen=True, slots=True)
class _Factory:
    """Builds models; imports the estimator when called."""

    paths: tuple[tuple[Task, str], ...]
    fidelity: str | None
    prior_weight: float
    trusted: tuple[str, ...]
    standardise: bool = True

    def __call__(self, config: Config, task: Task, n_classes: int) -> EstimatorModel:
        import_module("sklearn")  # fits need it, and `libraries` is what making a model imports
        module, _, attribute = dict(self.paths)[task].partition(":")
        build = getattr(import_module(module), attribute)
        return EstimatorModel(build(**config), task, n_classes, self)


class EstimatorModel:
    """A `Model` around one estimator shaped like scikit-learn's."""

    def __init__(self, estimator: Any, task: Task, n_classes: int, factory: _Factory) -> None:
        self._estimator = estimator
        self._task = task
        self._n_classes = n_classes
        self._factory = factory
        self._target = LearnedTarget(n_classes)

    @property
    def _seen(self) -> list[int]:
        """Codes of the classes that the training rows have."""
        return self._target.seen

    def fit(self, train: View, stop: View | None, run: Run) -> None:
        """Fit on `train`, in chunks where the learner has steps, ending within the deadline."""
        import numpy as np

        adjust(self._estimator, random_state=run.seed, n_jobs=run.threads)
        y, weights = train.y, train.weights
        if self._task in _CLASSES or (self._task == "regression" and self._factory.standardise):
            self._target, y = learn_target(np.asarray(y), self._n_classes, weights)
            if len(self._seen) == 1:
                return
        X = train.X
        if train.unlabelled is not None:
            X = _joined(X, train.unlabelled)
            y = np.concatenate([np.asarray(y), np.full(len(train.unlabelled), UNLABELLED)])
            weights = None if weights is None else _continued(weights, len(train.unlabelled))
        more = {} if weights is None else {"sample_weight": weights}
        with quiet(run.threads):
            self._fit(X, y, more, stop, run)

    def _fit(self, X: Any, y: Any, more: dict[str, Any], stop: View | None, run: Run) -> None:
        fidelity = self._factory.fidelity
        if fidelity is None or (stop is None and math.isinf(run.seconds_left())):
            self._estimator.fit(X, y, **more)
        elif hasattr(self._estimator, "fit_steps"):
            total = int(self._estimator.get_params(deep=False)[fidelity])
            watch = Monitor(run, self._complete, total)
            self._estimator.fit_steps(X, y, None if stop is None else stop.X, watch, **more)
            watch.close()
            if stop is not None and run.best_step > 0:
                self._estimator.keep_steps(run.best_step)
        else:
            self._grow(lambda: self._estimator.fit(X, y, **more), X, stop, run)

    def _grow(self, fit: Callable[[], Any], X: Any, stop: View | None, run: Run) -> None:
        fidelity = str(self._factory.fidelity)
        adjust(self._estimator, warm_start=True)
        kept, first = None, first_steps(X, len(self._seen))
        for steps in chunks(self._estimator, fidelity, first, run, watched=stop is not None):
            self._estimator.set_params(**{fidelity: steps})
            fit()
            if stop is None:
                continue
            over = run.report(steps, self.predict(stop))
            if run.best_step == steps:
                kept = copy.deepcopy(self._estimator)
            if over:
                break
        self._estimator = kept or self._estimator

    def predict(self, view: View) -> Array:
        """(n, k) class probabilities in the order of class codes, (n,) values or anomaly scores."""
        import numpy as np

        if self._task == "anomaly":
            return -np.asarray(self._estimator.score_samples(view.X)).reshape(len(view))
        if self._task not in _CLASSES:
            return self._complete(np.asarray(self._estimator.predict(view.X)).reshape(len(view)))
        if len(self._seen) == 1:
            return np.eye(self._n_classes, dtype=np.float32)[np.repeat(self._seen, len(view))]
        return self._complete(_probabilities(self._estimator, view.X))

    def _complete(self, raw: Array) -> Array:
        """Values as they were; mix in the prior, and give classes not trained on probability 0."""
        import numpy as np

        if self._task not in _CLASSES:
            return self._target.restored(raw)
        weight = self._factory.prior_weight
        some = (raw + weight * np.asarray(self._target.prior, raw.dtype)) / (1 + weight)
        return spread_classes(np.asarray(some), self._seen, self._n_classes)

    def save(self, folder: Path) -> None:
        """Write `model.skops` and `model.json`; no pickle.

        Raises:
            PluginError: The estimator holds types that the learner does not declare as trusted.
        """
        target = self._target
        fitted = {
            "seen": target.seen,
            "prior": target.prior,
            "shift": target.shift,
            "scale": target.scale,
        }
        (folder / "model.json").write_text(json.dumps(fitted), encoding="utf-8")
        if len(self._seen) != 1:
            from automl.adapters.skops_file import write_skops

            write_skops(self._estimator, folder / "model.skops", self._factory.trusted)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, accepting only the types that the learner trusts."""
        fitted = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self._target = LearnedTarget(self._n_classes, **fitted)
        if len(self._seen) != 1:
            from automl.adapters.skops_file import read_skops

            self._estimator = read_skops(folder / "model.skops", self._factory.trusted)


def _continued(weights: Array, more: int) -> Array:
    """Weights of labelled rows, then of so many unlabelled ones, which count as rows do."""
    import numpy as np

    return np.concatenate([weights, np.ones(more)])


def _joined(X: Any, more: Any) -> Any:
    """Concatenate two matrices, or two frames with the same columns."""
    if hasattr(X, "iloc"):
        import pandas as pd

        return pd.concat([X, more], ignore_index=True)
    import numpy as np

    return np.concatenate([X, more])


def _probabilities(estimator: Any, X: Any) -> Array:
    """(n, number of classes seen) probabilities, by the best method of the estimator."""
    import numpy as np

    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X))
    if hasattr(estimator, "decision_function"):
        from scipy.special import softmax

        margin = np.asarray(estimator.decision_function(X))
        if margin.ndim == 1:
            margin = np.column_stack([np.zeros_like(margin), margin])
        return np.asarray(softmax(margin, axis=1))
    codes = np.asarray(estimator.predict(X)).astype(np.int64)
    return np.eye(len(estimator.classes_), dtype=np.float32)[codes]
