"""The nouns that the whole house speaks; frozen, light, free of heavy imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from automl.space import Dimension, Size, Value

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

API_VERSION = 1

Task: TypeAlias = Literal["binary", "multiclass", "regression", "anomaly"]
Family: TypeAlias = Literal["deep", "classical", "ensemble", "baseline"]
ViewKind: TypeAlias = Literal["frame", "matrix", "tensors", "plain_tensors"]
Status: TypeAlias = Literal["ok", "failed", "skipped", "not_reached"]
ColumnKind: TypeAlias = Literal["number", "category", "datetime", "text", "set_aside"]
Config: TypeAlias = Mapping[str, Value]
Array: TypeAlias = "np.ndarray[Any, Any]"

EMPTY: Mapping[str, Any] = MappingProxyType({})


# --------------------------------------------------------------------------- data


@dataclass(frozen=True, slots=True)
class Column:
    """How one feature column is read, and why."""

    name: str
    kind: ColumnKind
    reason: str
    parse: str = "as_is"
    """The rule that turns raw values into typed ones; `automl.data.schema` lists the rules."""
    missing: float = 0.0
    """Share of the training rows without a value."""
    levels: int = 0
    """Distinct values, missing left out."""
    missing_words: tuple[str, ...] = ()
    """Spellings read as missing in this column."""
    as_text: bool = False
    """Whether its values stood as text; a file of new rows is then read as text there, so that
    1.50 stays 1.50 where no word happens to be among the numbers."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything inferred about a table; enough to read new rows the same way."""

    columns: tuple[Column, ...]
    target: str | None
    """What is predicted; for anomalies the labels that only score, or None where there are none."""
    task: Task
    target_reason: str
    task_reason: str
    classes: tuple[Value, ...] = ()
    """Labels in the order of predicted probabilities, spelled and typed as in the file."""
    target_dtype: str = "str"
    """dtype of the target as read, which predictions get back."""
    target_parse: str = ""
    """How strings of the target are read as numbers; empty where none are."""
    group: str | None = None
    time: str | None = None
    rows: int = 0
    rows_dropped: int = 0
    """Rows without a target, which only learners that use unlabelled rows train on."""
    notes: tuple[str, ...] = ()
    """Sentences printed before training that belong to no single column."""

    @property
    def n_classes(self) -> int:
        """Columns of a prediction: one a class; 0 where it is one number a row."""
        return 0 if self.task == "anomaly" else len(self.classes)

    @property
    def features(self) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.kind != "set_aside")

    @property
    def as_text(self) -> tuple[str, ...]:
        """Columns, the target among them, that are read as text from a file of new rows."""
        names = tuple(c.name for c in self.features if c.as_text)
        return (*names, self.target) if self.target and self.target_dtype == "str" else names


@dataclass(frozen=True, slots=True)
class Dataset:
    """A typed table ready to be split.

    `X` holds one column per feature of the schema: float64 numbers, `category`,
    `datetime64`, or `str` text. `y` is (n,) int64 class codes or float64 values; for anomalies
    1 for a row labelled as one, 0 for a common row, -1 where there is no label.
    """

    X: pd.DataFrame
    y: Array
    schema: Schema
    groups: Array | None = None
    """(n,) int64 group codes, or None."""
    times: Array | None = None
    """(n,) int64 order in time, or None."""
    unlabelled: pd.DataFrame | None = None
    """Rows without a target, columns as in `X`; None where there are none."""
    suspects: Array | None = None
    """(n,) int64, for anomalies: 1 for rows that a committee of detectors finds strange. They
    stand in for labels where configurations are chosen; None for other tasks."""


@dataclass(frozen=True, slots=True)
class TensorBlock:
    """The `tensors` view, and `plain_tensors`: what a deep net embeds and multiplies.

    `numbers` (n, d) float32, scaled, missing filled; `missing` (n, d) bool;
    `codes` (n, c) int32 with 0 for unknown and missing; `cardinalities` counts code 0 too.
    """

    numbers: Array
    missing: Array
    codes: Array
    cardinalities: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Array | slice) -> TensorBlock:
        return TensorBlock(
            self.numbers[rows], self.missing[rows], self.codes[rows], self.cardinalities
        )


@dataclass(frozen=True, slots=True)
class View:
    """Rows as one learner wants them.

    `X` is a DataFrame (`frame`), an (n, d) float32 array (`matrix`) or a `TensorBlock`
    (`tensors`, `plain_tensors`); `y` is (n,) int64 codes or float64 values, None when predicting
    and always for anomalies. Arrays may be shared between processes and are read-only.
    """

    X: Any
    y: Array | None
    task: Task
    n_classes: int
    """Number of classes of the whole data set; 0 for regression and anomalies."""
    unlabelled: Any | None = None
    """Rows without a target, in the form of `X`, for a learner that declares
    `uses_unlabelled`: of the training view only, and None where there are none."""

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Array | slice) -> View:
        """The given rows, positions or a slice, in that order, without unlabelled ones."""
        if isinstance(self.X, TensorBlock):
            X = self.X.take(rows)
        else:
            X = self.X.iloc[rows] if hasattr(self.X, "iloc") else self.X[rows]
        return View(X, None if self.y is None else self.y[rows], self.task, self.n_classes)


# ----------------------------------------------------------------------- learners


class Run(Protocol):
    """What the host lends a model while it fits."""

    seed: int
    threads: int
    device: str
    """"cpu" or "cuda"."""

    @property
    def best_step(self) -> int:
        """The reported step with the best score so far; -1 before the first report."""
        ...

    def seconds_left(self) -> float:
        """Seconds until this fit must be over; `inf` without a time limit."""
        ...

    def report(self, step: int, prediction: Array) -> bool:
        """Hand over the prediction on the stop rows after `step`; True means stop now."""
        ...

    def cut_short(self, done: float = 0.0) -> None:
        """Say that time ended the training, or hastened it, before its own rule would have.

        The score then counts as a lower bound of what the settings can do: no verdict holds it
        against the learner. A learner that asks `seconds_left()` should say so; the host knows by
        itself only of fits that end when `report` answers True, and of those that use up their
        time.

        Args:
            done: Part of the training that there was time for, such as steps over planned steps;
                the host forecasts from it what the whole would take. 0 where it is not known.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """One learner with one configuration; made by a learner's factory, once per fit."""

    def fit(self, train: View, stop: View | None, run: Run) -> None: ...

    def predict(self, view: View) -> Array:
        """(n, k) class probabilities, (n,) values, or (n,) scores, high for anomalies."""
        ...

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...


Factory: TypeAlias = Callable[[Config, Task, int], Model]
"""(configuration, task, number of classes as in `View`) -> an unfitted model."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one fit takes."""

    memory: int = 0
    """Peak bytes beyond the view itself; 0 for not known."""
    gpus: float = 0.0
    """GPUs it can use; it must run without."""
    cost: float = 1.0
    """Time of one fit relative to other learners on the same rows (a linear model: 1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a learner stops to make sense; None for no limit."""

    rows: int | None = None
    columns: int | None = None
    classes: int | None = None
    unlabelled: int | None = None
    """Fewest rows without a target that make it more than another learner; with fewer it is
    skipped unless it is named."""


def _no_demands(_: Schema) -> Resources:
    return Resources()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """The declaration of a learner: light enough to list without importing what it runs on."""

    name: str
    family: Family
    tasks: frozenset[Task]
    view: ViewKind
    factory: str | Factory
    """`"package.module:callable"`, imported only where a model is fitted, or a callable."""
    space: Mapping[str, Dimension] = field(default_factory=dict)
    defaults: Sequence[Config] = ({},)
    """A short portfolio of known-good configurations, best first."""
    fidelity: str | None = None
    """The setting that counts the learner's steps (rounds, epochs, trees); None: fits in one go."""
    size: Size | None = None
    """What makes its model larger; a learner without it has no place in a study of model sizes."""
    patience: int | None = None
    """Steps without a better score on the stop rows before the host says stop. None: no early
    stopping, and the learner trains on all rows of a rung."""
    resources: Callable[[Schema], Resources] = _no_demands
    limits: Limits = Limits()
    extra: str | None = None
    """The extra of the plugin's distribution that brings what this learner needs."""
    uses_unlabelled: bool = False
    """Whether rows without a target are wanted, as `View.unlabelled`; without them it must work
    like any other learner."""
    trusted: tuple[str, ...] = ()
    """Types that the saved form may contain beyond what the format trusts by itself."""
    api_version: int = API_VERSION
    summary: str = ""
    """One line for `automl learners`."""
    source: str = ""
    """Where the method and its settings come from: papers, libraries."""
    good_when: str = ""
    """Where it does well and where it does not, in a sentence or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A score on predictions; the host computes every one itself.

    `score(y, prediction)` takes (n,) codes or values and the model's prediction.
    `influence(y, prediction)` gives (n,) per-row terms whose mean is the score and whose
    spread gives its standard error (for AUC: DeLong's components). Without it a grouped
    jackknife is used.
    """

    name: str
    tasks: frozenset[Task]
    greater_is_better: bool
    score: Callable[[Array, Array], float]
    influence: Callable[[Array, Array], Array] | None = None
    stopping: str | None = None
    """The metric that early stopping watches instead, for metrics too coarse to watch."""
    bounded: bool = False
    """True for metrics in [0, 1]."""


class Combiner(Protocol):
    """What an ensembler's object can do, once fitted, that a weighted mean cannot."""

    def combine(self, predictions: Array) -> Array:
        """(m, n, ...) predictions of the members it needs, in the order of `fit`, to (n, ...)."""
        ...

    def state(self) -> Mapping[str, Any]:
        """All that `combine` uses, as JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become, in a fresh process, what gave that state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensembler:
    """A way to combine members.

    `factory(seed)` gives an object with `fit(predictions, y, metric) -> weights`: (m, n, ...)
    float32 out-of-fold predictions to (m,) weights that sum to one.

    An object that makes more than a weighted mean also has three methods of a `Combiner`. Its
    weights then only say which members it needs, those that are not zero, and how much each
    counts.
    """

    name: str
    tasks: frozenset[Task]
    factory: str | Callable[[int], Any]
    families: frozenset[Family] | None = None
    """Families it draws members from; None for all."""
    summary: str = ""


# ------------------------------------------------------------------------- search


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend; a limit that is None does not bind."""

    seconds: float | None = 300.0
    """Wall clock of the whole command."""
    trials: int | None = None
    """Configurations started, over all learners."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration of one learner, on its way up the ladder."""

    learner: str
    number: int
    """Counts a learner's configurations in the order they were dealt."""
    config: Config
    seed: int = 0

    @property
    def id(self) -> str:
        return f"{self.learner}-{self.number}"


@dataclass(frozen=True, slots=True)
class Rung:
    """A finished step of a trial: one line of the journal."""

    learner: str
    trial: str
    config: Config
    rung: int
    fold: int
    seed: int
    n: int
    """Rows in the rung's prefix, stop rows included."""
    score: float | None
    """The metric on the fold's validation rows."""
    fit_seconds: float
    predict_seconds: float
    status: Status
    reason: str = ""
    steps: int | None = None
    """Rounds, epochs or trees in the kept model."""
    size_bytes: int | None = None
    """The saved model, from rung 3 on."""
    overhead_seconds: float = 0.0
    """Time from dealing the rung to hearing of it, outside fit and predict."""
    hurried: bool = False
    """Whether the fit used up its seconds: the search may give it more."""
    censored: bool = False
    """Whether time ended or hastened the fit before its own stopping rule would have: its score is
    a lower bound, and its seconds say nothing about its cost."""
    needed_seconds: float | None = None
    """What a censored fit would have taken at most, at the pace seen; None where not known."""

    @property
    def key(self) -> tuple[str, str, int, int]:
        return (self.learner, self.trial, self.rung, self.fold)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a fit stands, for whoever shows it."""

    phase: str
    """"read", "search", "ensemble", "save" or "done"."""
    elapsed: float
    """Seconds since the command began."""
    limit: float | None
    running: tuple[str, ...] = ()
    """What trains now, such as "xgboost-0 rung 2"."""
    best: Mapping[Family, tuple[str, float]] = field(default_factory=dict)
    """Family -> (learner, validation score) of the best on the highest rung reached."""
    finished: int = 0
    failed: int = 0


class Observer(Protocol):
    """Shows a fit to whoever started it."""

    def say(self, text: str) -> None:
        """A line to be read: what was inferred, guessed, left out, or went wrong."""
        ...

    def show(self, progress: Progress) -> None:
        """Called after every rung and about twice a second."""
        ...
