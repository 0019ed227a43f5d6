"""`run.json`: everything that is known of a run besides its fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from automl.errors import ArtifactError
from automl.files import known_fields, to_plain
from automl.metrics import get_metric
from automl.options import choices_of
from automl.types import Regime, Status, Task

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from automl.types import Metric

FORMAT = 2
"""Format of the run directories that this version writes; 1 where a directory does not tell."""
DISTRIBUTION = "automl-crossover"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric of the run."""

    name: str = ""
    greater_is_better: bool = True


@dataclass(frozen=True, slots=True)
class MachineInfo:
    """The part of a machine that the run was allowed."""

    cpus: int | None = None
    memory_bytes: int | None = None
    python: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class SplitInfo:
    """A fit's division of its rows; 0 and "" where it is not known."""

    fingerprint: str = ""
    """Fingerprint of the places of the rows."""
    content: str = ""
    """Fingerprint of the values in the rows."""
    test_content: str | None = None
    """Fingerprint of the values in the locked rows; None without any."""
    rows: int = 0
    test_rows: int = 0
    folds: int = 0
    all_folds_at_top: bool = False
    refit: bool = False
    rungs: Mapping[str, int] = field(default_factory=dict)
    """Rung -> its rows."""


@dataclass(frozen=True, slots=True)
class LearnerInfo:
    """A learner that the run knew, and what became of it."""

    name: str
    family: str = ""
    plugin: str = ""
    status: Status | Literal[""] = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpentInfo:
    """The cost of a study so far, with those sessions of it that went before."""

    seconds: float = 0.0
    money: float | None = None


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """The plan of a study, and the rows that it came to on its table."""

    axis: str = "rows"
    anchors: int = 0
    seed: int = 0
    regimes: tuple[Regime, ...] = ()
    repeats: int = 0
    levels: tuple[float, ...] = ()
    rows: tuple[int, ...] = ()
    """Training rows of each level."""
    scored_rows: tuple[int, ...] = ()
    """Rows that score in each repeat."""
    choosing_rows: tuple[int, ...] = ()
    """Rows that choose at each level."""
    fingerprint: str = ""
    price_per_hour: float | None = None
    seconds_per_row: float | None = None
    """Seconds that a fit may take for each training row; None before the search has begun."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The content of `run.json`. What a file lacks, being of another version, has its default."""

    format: int = 1
    status: str = ""
    """`running`, `interrupted`, `stopped` by a trouble of its own, or `done`."""
    reason: str = ""
    """The trouble that stopped it."""
    created: str = ""
    source: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The options by their names."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Libraries that the run was begun with."""
    resumed_with: Mapping[str, str] = field(default_factory=dict)
    """Those of the last session, where they differ."""
    machine: MachineInfo = MachineInfo()
    task: Task | Literal[""] = ""
    target: str | None = None
    metric: MetricInfo = MetricInfo()
    """The metric of the honest scores."""
    choice: MetricInfo = MetricInfo()
    """The metric that configurations are chosen by."""
    scored_on: str = "crossfit"
    split: SplitInfo = SplitInfo()
    learners: tuple[LearnerInfo, ...] = ()
    unweighted: tuple[str, ...] = ()
    """Learners that were fitted as if all rows counted alike, in a run with weights."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    """Schema of the table; `automl.data.schema` reads it."""
    phases: Mapping[str, float] = field(default_factory=dict)
    """Phase -> seconds since the command began when it ended."""
    encoding: Mapping[str, float] = field(default_factory=dict)
    """Seconds of the last session's work on encoded rows, beside the search: `views`, `store`."""
    spent: SpentInfo | None = None
    """Cost of a study."""
    study: StudyInfo | None = None
    """None for a fit."""
    scored_rows: str | None = None
    n_scored: int | None = None
    """Rows that the scores stand on; None before they are known."""
    best: str | None = None
    """The ensemble or learner that predicts unless another is named; None without a model."""

    def judged_by(self, extra_metrics: Iterable[Metric] = ()) -> Metric:
        """Find the metric of the honest scores.

        Args:
            extra_metrics: Metrics of plugins.

        Raises:
            UsageError: The plugin with the metric is no longer installed.
            ArtifactError: The file does not name it.
        """
        if not self.task or not self.metric.name:
            msg = "run.json does not name the metric of the run; fit again"
            raise ArtifactError(msg)
        return get_metric(self.metric.name, self.task, extra_metrics)

    @property
    def choices(self) -> dict[str, Any]:
        """Name of an option -> the choice that the run was begun with."""
        return choices_of(self.arguments, {} if self.study is None else asdict(self.study))

    @property
    def version(self) -> str | None:
        """The version of automl that wrote the run."""
        return self.versions.get(DISTRIBUTION)

    def learners_after(self, outcomes: Mapping[str, tuple[Status, str]]) -> tuple[LearnerInfo, ...]:
        """The learners with what became of them, by name: status and reason."""
        return tuple(
            replace(row, status=outcomes[row.name][0], reason=outcomes[row.name][1])
            if row.name in outcomes
            else row
            for row in self.learners
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of a file, of this version or another; unknown keys are ignored."""
        values = known_fields(cls, content)
        for name, kind in _PARTS.items():
            if name in values:
                values[name] = kind(**known_fields(kind, values[name]))
        rows = content.get("learners", ())
        values["learners"] = tuple(LearnerInfo(**known_fields(LearnerInfo, row)) for row in rows)
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The content of the file; what is not known yet is left out."""
        content: dict[str, Any] = {} if self.study is None else {"kind": "study"}
        for name in (one.name for one in fields(self)):
            value = getattr(self, name)
            if value is not None or name == "target":
                content[name] = dict(value) if isinstance(value, Mapping) else to_plain(value)
        return content


_PARTS: Mapping[str, type[Any]] = {
    "machine": MachineInfo,
    "metric": MetricInfo,
    "choice": MetricInfo,
    "split": SplitInfo,
    "spent": SpentInfo,
    "study": StudyInfo,
}
