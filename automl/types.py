"""The nouns that the whole house speaks; frozen, light, free of heavy imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NamedTuple,
    Protocol,
    TypeAlias,
    cast,
    runtime_checkable,
)

from automl.space import Dimension, Size, Value

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

API_VERSION = 2

Task: TypeAlias = Literal["binary", "multiclass", "regression", "anomaly"]
Family: TypeAlias = Literal["deep", "classical", "ensemble", "baseline"]
ViewKind: TypeAlias = Literal["frame", "matrix", "tensors", "plain_tensors", "image"]
Status: TypeAlias = Literal["ok", "eliminated", "failed", "skipped", "not_reached"]
Regime: TypeAlias = Literal["default", "transferred", "halving", "retuned"]
"""Origin of the settings that a point was fitted with."""
ColumnKind: TypeAlias = Literal["number", "category", "datetime", "text", "image", "set_aside"]
Config: TypeAlias = Mapping[str, Value]
Array: TypeAlias = "np.ndarray[Any, Any]"

EMPTY: Mapping[str, Any] = MappingProxyType({})


# --------------------------------------------------------------------------- data


@dataclass(frozen=True, slots=True)
class Column:
    """One feature column: how it is read, and why."""

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
    """True if its values stood as text; a file of new rows is then read as text there, so that
    1.50 stays 1.50 where no word happens to be among the numbers."""
    sources: tuple[str, ...] = ()
    """Columns of the table that it is made of, in order, where it is not the one of its name."""
    width: int = 1
    """Columns that learners see of it, at most, where they have no eye for its kind."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width, channels) of images; () for other kinds."""
        if self.kind != "image":
            return ()
        return tuple(int(side) for side in self.parse.split(":")[1].split("x"))

    @property
    def raw(self) -> tuple[str, ...]:
        """Columns of the table that it is read from."""
        return self.sources or (self.name,)


@dataclass(frozen=True, slots=True)
class TextLayout:
    """The form of a text file: inferred once over the training file, then applied to later ones.

    What is at its default was neither asked for nor told by the text.
    """

    encoding: str = ""
    separator: str = ""
    quote: str = ""
    header: bool = True
    """False where the first line is a row; columns are then called x1, x2, ..."""
    decimal: str = ""
    """The decimal mark, a comma or a point."""
    notes: tuple[str, ...] = ()
    """Sentences on what was guessed and on lines that were left out."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Way to read a file: as asked for, or as the training file was."""

    layout: TextLayout = TextLayout()
    as_text: tuple[str, ...] = ()
    """Columns of delimited text whose values stay as they are written."""
    expected: tuple[str, ...] = ()
    """Features of the training file; none for a file that is read for the first time."""
    numbers: tuple[str, ...] = ()
    """Those of them that hold numbers."""
    roles: tuple[str, ...] = ()
    """Other columns that are read where a file has them: the target, the weights."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything inferred about a table; enough to read new rows the same way."""

    columns: tuple[Column, ...]
    target: str | None
    """Column that is predicted; for anomalies labels that only score, None without any."""
    task: Task
    target_reason: str
    task_reason: str
    classes: tuple[Any, ...] = ()
    """Labels in the order of predicted probabilities, spelled and typed as in the file."""
    target_dtype: str = "str"
    """dtype of the target as read, which predictions get back."""
    target_parse: str = ""
    """Rule by which strings of the target are read as numbers; empty where none are."""
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    """Column that says how much a row counts where models are fitted and scored."""
    rows: int = 0
    rows_dropped: int = 0
    """Rows without a target, which only learners that use unlabelled rows train on."""
    notes: tuple[str, ...] = ()
    """Sentences printed before training that belong to no single column."""
    layout: TextLayout = TextLayout()
    """Form of the training file, where it was text."""

    @property
    def n_classes(self) -> int:
        """Columns of a prediction: one a class; 0 where it is one number a row."""
        return 0 if self.task == "anomaly" else len(self.classes)

    @property
    def features(self) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.kind != "set_aside")

    @property
    def width(self) -> int:
        """Columns that learners see of all features, categories and dates counted once."""
        return sum(c.width for c in self.features)

    @property
    def as_text(self) -> tuple[str, ...]:
        """Columns, the target among them, that are read as text from a file of new rows."""
        names = tuple(c.name for c in self.features if c.as_text)
        return (*names, self.target) if self.target and self.classes else names

    @property
    def reading(self) -> Reading:
        """Way to read a file of new rows."""
        names = tuple(name for c in self.features for name in c.raw)
        numbers = tuple(c.name for c in self.features if c.kind == "number")
        roles = tuple(filter(None, (self.target, self.group, self.time, self.weight)))
        return Reading(self.layout, self.as_text, names, numbers, roles)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A typed table ready to be split.

    `X` holds one column per feature of the schema: float64 numbers, `category`, `datetime64`,
    `str` text, or `image`. `y` is (n,) int64 class codes or float64 values; for anomalies 1 for a
    row labelled as one, 0 for a common row, -1 where there is no label.
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
    pseudo_labels: Array | None = None
    """(n,) int64, for anomalies: 1 for the rows that reference detectors score highest. They
    stand in for labels where configurations are chosen; None for other tasks."""
    weights: Array | None = None
    """(n,) float64 above 0: how much each row counts; None where all count alike."""


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

    `X` is a DataFrame (`frame`), an (n, d) float32 array (`matrix`), a `TensorBlock` (`tensors`,
    `plain_tensors`) or an (n, height, width, channels) uint8 array (`image`); `y` is (n,) int64
    codes or float64 values, None when predicting and always for anomalies. Arrays may be shared
    between processes and are read-only.
    """

    X: Any
    y: Array | None
    task: Task
    n_classes: int
    """Number of classes of the whole data set; 0 for regression and anomalies."""
    unlabelled: Any | None = None
    """Rows without a target, in the form of `X`, for a learner that declares
    `uses_unlabelled`: of the training view only, and None where there are none."""
    weights: Array | None = None
    """(n,) float64, 1 in the mean: how much each row counts, for a learner that declares
    `weights`; of the training view only, and None where all count alike."""

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Array | slice) -> View:
        """The given rows, positions or a slice, in that order, without unlabelled ones."""
        if isinstance(self.X, TensorBlock):
            X = self.X.take(rows)
        else:
            X = self.X.iloc[rows] if hasattr(self.X, "iloc") else self.X[rows]
        y = None if self.y is None else self.y[rows]
        weights = None if self.weights is None else self.weights[rows]
        return View(X, y, self.task, self.n_classes, weights=weights)


# ----------------------------------------------------------------------- learners


class Run(Protocol):
    """The host's services to a model while it fits."""

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
        """Hand over the prediction on the early-stopping rows after `step`; True means stop now."""
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
    """Resources that one fit takes."""

    memory: int = 0
    """Peak bytes beyond the view, for plugins of API 1; `Learner.memory` takes its place."""
    gpus: float = 0.0
    """GPUs it can use; it must run without."""
    cost: float = 1.0
    """Time of one fit relative to other learners on the same rows (a linear model: 1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a learner stops to make sense; None for no limit."""

    rows: int | None = None
    """A fit takes so many of more rows; a study leaves out the fits on more."""
    columns: int | None = None
    classes: int | None = None
    unlabelled: int | None = None
    """Fewest rows without a target that make it more than another learner; with fewer it is
    skipped unless it is named."""

    def rows_of(self, rows: int) -> int:
        """Rows that a fit takes of so many."""
        return rows if self.rows is None else min(rows, self.rows)


@dataclass(frozen=True, slots=True)
class Prior:
    """Frequency with which a learner carries weight in ensembles, as published or measured."""

    share: float
    """Part of the data sets, from 0 to 1."""
    source: str
    """A sentence that names the study, its data sets and how the share was counted."""

    @classmethod
    def counted(cls, carried: int, tables: int, source: str) -> Prior:
        """Estimate the share from the tables on which the learner carried weight.

        Half a table is added to either side (Jeffreys), so that few tables prove nothing.
        """
        return cls((carried + 0.5) / (tables + 1), f"{carried} of {tables} in {source}")

    @property
    def fault(self) -> str:
        """Obstacle to using it, if any; not every author has a type checker."""
        share, source = cast("tuple[object, object]", (self.share, self.source))
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            return f"has a share of {share!r}; give a number from 0 to 1"
        if not isinstance(source, str) or not source.strip():
            return "has no source; say in a sentence where it was published"
        return ""


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
    """Setting that makes its model larger; a study of model sizes leaves out learners without."""
    patience: int | None = None
    """Steps without a better score on the early-stopping rows before the host says stop. None: no
    early stopping, and the learner trains on all rows of a rung."""
    resources: Callable[[Schema], Resources] = _no_demands
    limits: Limits = Limits()
    extra: str | None = None
    """The extra of the plugin's distribution that brings what this learner needs."""
    uses_unlabelled: bool = False
    """True if rows without a target are wanted, as `View.unlabelled`; without them it must work
    like any other learner."""
    trusted: tuple[str, ...] = ()
    """Types that the saved form may contain beyond what the format trusts by itself."""
    libraries: tuple[str, ...] = ()
    """Top-level modules that the factory imports, such as `("torch",)`. An import takes seconds,
    once a worker, and learners of one library share it; `()` counts none."""
    memory: Callable[[int, int], float] | None = None
    """(rows, feature columns) -> peak bytes of one fit beyond its view; None: not known."""
    prior: Prior | None = None
    """Published frequency with which it carries weight; None: the mean of its family."""
    weights: bool = False
    """True if `fit` honours sample weights."""
    warm_start: bool = False
    """True if `fit` goes on from what `load` read."""
    refits: bool = False
    """True if without early-stopping rows it makes as many steps as its `fidelity` setting says,
    the first ones of any longer fit: its fit on every row then holds none back, and makes as many
    steps as proved best."""
    scale_out: str | None = None
    """`"package.module:callable"`, a factory whose models are trained over several nodes."""
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
    `weighted(y, prediction, weights)` is the score of rows that count differently; without it
    such rows are scored as if they counted alike.
    """

    name: str
    tasks: frozenset[Task]
    greater_is_better: bool
    score: Callable[[Array, Array], float]
    influence: Callable[[Array, Array], Array] | None = None
    weighted: Callable[[Array, Array, Array], float] | None = None
    stopping: str | None = None
    """The metric that early stopping watches instead, for metrics too coarse to watch."""
    bounded: bool = False
    """True for metrics in [0, 1]."""


class Combiner(Protocol):
    """A fitted ensembler that makes more than a weighted mean."""

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

    `factory(seed)` gives an object with `fit(predictions, y, metric) -> weights`: (m, n, k) float32
    or (m, n) float64 out-of-fold predictions to (m,) weights that sum to one.

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


TOP = 3
"""The rung with all training rows of a fold; a study's fits count as made on it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration of one learner, on its way up the ladder."""

    learner: str
    number: int
    """Counts a learner's configurations in the order they were started."""
    config: Config
    seed: int = 0

    @property
    def id(self) -> str:
        return f"{self.learner}-{self.number}"


class Cell(NamedTuple):
    """One place of a fit: a rung and a fold of the ladder, or a level and a repeat of a study."""

    rung: int = TOP
    fold: int = 0
    """In a study the number of the subset of the level's rows."""
    level: int = 0
    """Place among the values of the axis, ascending."""
    repeat: int = 0
    axis: str = ""
    """Name of what grows in a study; empty on the ladder of a fit."""


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
    """Rows in the nested subset, early-stopping rows included."""
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
    """Seconds from handing the job out to its result, less fit and predict."""
    time_limited: bool = False
    """True if the fit used up its seconds."""
    censored: bool = False
    """True if time ended or hastened the fit before its own stopping rule would have: its score is
    a lower bound, and its seconds say nothing about its cost."""
    needed_seconds: float | None = None
    """Seconds that a censored fit would have taken at most, at its pace; None where not known."""
    level: int = 0
    """Place among the values of a study's axis."""
    repeat: int = 0
    """Number of a study's repeat."""
    axis: str = ""
    """Name of what grows in a study; empty for a fit."""

    @property
    def cell(self) -> Cell:
        """The place of the fit."""
        return Cell(self.rung, self.fold, self.level, self.repeat, self.axis)

    @property
    def key(self) -> tuple[str, str, Cell]:
        """Learner, trial and cell, which no two lines of a journal share."""
        return (self.learner, self.trial, self.cell)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a fit stands, for whoever shows it."""

    phase: str
    """"read", "search", "ensemble", "save" or "done"."""
    elapsed: float
    """Seconds since the command began."""
    limit: float | None
    running: tuple[str, ...] = ()
    """Fits under way, such as "xgboost-0 rung 2"."""
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
