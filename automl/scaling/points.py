"""The points of a scaling study, which are all that the statistics see.

A fit's journal (`automl.scaling.from_fit`), a dedicated study and a plain table all become a
`Study`; everything else in this package is a function of one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeAlias

import numpy as np

from automl.errors import ArtifactError, UsageError
from automl.files import mend_lines, replacing
from automl.metrics import loss_sign
from automl.scaling.criteria import CRITERIA, RHO, TEST_TO_TRAIN

if TYPE_CHECKING:
    from pathlib import Path

    from automl.types import Array, Regime

NAME = "points.jsonl"
TERMS = "points"
"""Folder of the per-row terms, beside the file of the points."""

Terms: TypeAlias = Callable[[], tuple["Array", ...]]

REGIMES: tuple[Regime, ...] = ("retuned", "transferred", "default", "halving")
"""The most tuned first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration of one learner, trained on `n` rows and scored.

    `score_val`, `score`, `rows` and `error` have one entry a *part*. A study with rows held out
    has one part: `score_val[0]` decides the choice, `score[0]` is on the curve. A cross-fitted
    score has two: part 0 is chosen by the score on one half of the rows and scored on the
    other half, part 1 the reverse.
    """

    learner: str
    family: str
    """"deep", "classical" or "baseline"."""
    n: float
    """Training rows, or the value on another axis; log2 of it is the study's scale."""
    score: tuple[float, ...]
    """The raw metric, never sign-flipped, on rows that took no part in the choice."""
    score_val: tuple[float, ...]
    """The raw metric by which configurations are chosen."""
    rows: tuple[int, ...] = (1,)
    """Number of test rows of each part, its weight."""
    error: tuple[float, ...] | None = None
    """The error rate on the rows of `score`; only for classification."""
    regime: Regime = "default"
    repeat: int = 0
    trial: str = ""
    """Name of the configuration; equal settings have one name at every `n` and in every repeat."""
    order: int = 0
    """Rank of the configuration in the order of starts: of the fit, or of an anchor of a study."""
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    censored: bool = False
    """True if the time limit ended or hastened the fit before its own stopping rule: the score is a
    lower bound for its settings, and the seconds do not show their cost."""
    needed_seconds: float = math.nan
    """Upper bound of the seconds that a censored fit needs; NaN where not known."""
    fits: int = 1
    """Fits that it is the mean of, each on other rows."""
    terms: Terms | None = field(default=None, compare=False, repr=False)
    """Returns (rows[p],) per-row terms of each part, with mean `score[p]`. All points of a repeat
    have the same rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Points with the metric and the design that they come from."""

    metric: str
    greater_is_better: bool
    bounded: bool
    """True for metrics in [0, 1]."""
    points: tuple[Point, ...] = ()
    axis: str = "rows"
    scored_on: Literal["test", "crossfit"] = "test"
    single: bool = False
    """True for a fit: one permutation of the rows, judged by the spread over rows."""
    test_to_train: float = TEST_TO_TRAIN
    """Test rows over training rows of a repeat."""
    same_rows: bool = False
    """True if every repeat is scored on the same rows, as with `--time`."""
    tested: int = CRITERIA.tested
    """Deep learners that are tested, those that validation puts first; others are described."""
    not_reached: tuple[str, ...] = ()
    """Learners that had no time for the last anchor within their limits."""
    eliminated: tuple[str, ...] = ()
    """Learners that had the first repeat only, for validation put others first there."""
    seconds_per_row: float | None = None
    """Time limit of every fit per training row; None if learners had different limits."""
    equal_seconds: bool = False
    """True to compare learners within `seconds_per_row` instead of after their own stopping."""

    @property
    def disjoint(self) -> bool:
        """True if repeats of one shuffle hold out disjoint fifths, so that they share little."""
        return not self.same_rows and self.test_to_train == TEST_TO_TRAIN

    @property
    def shared(self) -> float:
        """Part of the variance between repeats that their mean keeps, for they share rows."""
        return RHO if self.disjoint else self.test_to_train

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """Regimes that have points, the most tuned first."""
        held = {point.regime for point in self.points}
        return tuple(regime for regime in REGIMES if regime in held)

    def of(self, regime: Regime) -> Study:
        """Restrict the study to the points of one regime."""
        return replace(self, points=tuple(p for p in self.points if p.regime == regime))

    def in_equal_seconds(self) -> Study:
        """Restrict the study to fits within the time limit, to compare learners in equal seconds.

        The score of a fit that the limit ended then answers the question, and is not censored.

        Raises:
            UsageError: learners had different time limits, as in a fit.
        """
        offered = self.seconds_per_row
        if offered is None or self.axis != "rows":
            msg = (
                "fits were not offered the same seconds a row here, so learners cannot be compared "
                "in equal ones; run 'automl scale DATA' with a time limit and along rows"
            )
            raise UsageError(msg)
        kept = tuple(p for p in self.points if p.censored or p.fit_seconds <= offered * p.n)
        return replace(self, points=kept, not_reached=(), equal_seconds=True)

    @property
    def sign(self) -> float:
        """1 where a lower score is better, -1 where a higher one is."""
        return loss_sign(greater_is_better=self.greater_is_better)

    def loss(self, score: Array | float) -> Any:
        """Convert scores to losses, whose minimum is 0 where the metric has a best score."""
        return 1.0 - score if self.greater_is_better else score


def study_from_table(
    rows: Iterable[Mapping[str, Any]], *, metric: str, greater_is_better: bool, bounded: bool
) -> Study:
    """Make a study of a plain table of results with rows held out in every repeat.

    Args:
        rows: Mappings with `learner`, `family`, `n`, `score`, and where known `regime`, `repeat`,
            `score_val` (else the first configuration is chosen), `rows` (held-out rows), `error`,
            `fit_seconds`, `predict_seconds`, `censored`, `trial`, `order`, and `losses`, the
            (m,) per-row terms whose mean is `score`.
        metric: Name of the metric of `score`.
        greater_is_better: Direction of the metric.
        bounded: Whether the metric lies in [0, 1].
    """
    points = tuple(_point(dict(row), place) for place, row in enumerate(rows))
    return Study(metric=metric, greater_is_better=greater_is_better, bounded=bounded, points=points)


def _point(row: dict[str, Any], place: int) -> Point:
    losses = row.pop("losses", None)
    terms = None if losses is None else (np.asarray(losses, dtype=np.float64),)
    rows = int(row.pop("rows", 1 if terms is None else len(terms[0])))
    error = row.pop("error", None)
    parts: dict[str, Any] = {
        "score": (float(row.pop("score")),),
        "score_val": (float(row.pop("score_val", math.nan)),),
        "rows": (rows,),
        "error": None if error is None else (float(error),),
    }
    row.setdefault("order", place)
    return Point(**row, **parts, terms=None if terms is None else lambda: terms)


# -------------------------------------------------------------------------- on disk


def write_study(run: Path, study: Study) -> None:
    """Write a study to `points.jsonl` of a run directory: a line on the study, then its points."""
    header = asdict(replace(study, points=()))
    del header["points"]
    with replacing(run / NAME) as draft, draft.open("w", encoding="utf-8") as out:
        out.write(json.dumps({"study": header}) + "\n")
        _write_points(run, out, study.points, 1)


def append_points(run: Path, points: Iterable[Point]) -> None:
    """Append points to the file of `write_study`; per-row terms are written before the line.

    Raises:
        ArtifactError: `run` has no such file.
    """
    file = run / NAME
    if not file.exists():
        msg = f"{file} is missing; a study begins by writing its description"
        raise ArtifactError(msg)
    mend_lines(file)
    lines = file.read_bytes().count(b"\n")
    with file.open("a", encoding="utf-8") as out:
        _write_points(run, out, points, lines)


def _write_points(run: Path, out: TextIO, points: Iterable[Point], start: int) -> None:
    """Write one line a point; `start` is the number of the first line."""
    for place, point in enumerate(points, start=start):
        line = {key: _known(value) for key, value in asdict(point).items() if key != "terms"}
        if point.terms is not None:
            (run / TERMS).mkdir(exist_ok=True)
            line["terms"] = f"{place}.npy"
            np.save(run / TERMS / line["terms"], np.concatenate(point.terms()))
        out.write(json.dumps(line) + "\n")
        out.flush()


def _known(value: Any) -> Any:
    """Replace NaN, which JSON cannot hold, by None."""
    return None if isinstance(value, float) and math.isnan(value) else value


def read_study(run: Path) -> Study:
    """Read the study in a run directory; a truncated last line is ignored.

    Raises:
        ArtifactError: there is no study, or it is damaged.
    """
    file = run / NAME
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        first, *others = [json.loads(line) for line in lines if line.endswith("\n")]
        points = tuple(_read_point(run, line) for line in others)
        header = first["study"]
        for key in ("not_reached", "eliminated"):
            header[key] = tuple(header.get(key, ()))
        return Study(**header, points=points)
    except (OSError, ValueError, TypeError, KeyError) as error:
        msg = f"{file} is missing or damaged ({error}); run the study again"
        raise ArtifactError(msg) from error


def _read_point(run: Path, line: dict[str, Any]) -> Point:
    name = line.pop("terms", None)
    # the name in earlier versions
    line["censored"] = line.pop("hurried", line.get("censored", False))
    for key in ("fit_seconds", "predict_seconds", "needed_seconds"):
        line[key] = math.nan if line.get(key) is None else line[key]
    parts = {k: tuple(line[k]) for k in ("score", "score_val", "rows")}
    error = line["error"]
    terms = None if name is None else _stored(run / TERMS / name, parts["rows"])
    rest = {"error": None if error is None else tuple(error), "terms": terms}
    return Point(**line | parts | rest)


def _stored(path: Path, rows: tuple[int, ...]) -> Terms:
    def read() -> tuple[Array, ...]:
        try:
            values: Array = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            msg = f"{path} is missing or damaged ({error}); run the study again"
            raise ArtifactError(msg) from error
        return tuple(np.split(values, np.cumsum(rows)[:-1]))

    return read
