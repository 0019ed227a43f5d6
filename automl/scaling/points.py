"""The points of a scaling study: all that the statistics see, whoever trained what they speak of.

A fit's journal (`automl.scaling.ladder`), a dedicated study and a plain table all become a
`Study`; everything else in this room is a function of one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeAlias

import numpy as np

from automl.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from automl.types import Array

NAME = "points.jsonl"
TERMS = "points"
"""Folder beside the file with the per-row terms of the points that have them."""

Regime: TypeAlias = Literal["default", "transferred", "halving", "retuned"]
Terms: TypeAlias = Callable[[], tuple["Array", ...]]

REGIMES: tuple[Regime, ...] = ("retuned", "transferred", "default", "halving")
"""The most tuned first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration of one learner, trained on `n` rows and scored.

    `score_val`, `score`, `rows` and `error` have one entry a *part*. A study with rows held out
    has one part: the choice sees `score_val[0]`, the curve shows `score[0]`. A cross-fitted
    score has two: part 0 is chosen by the score on one half of the rows and scored on the
    other, part 1 the reverse.
    """

    learner: str
    family: str
    """"deep", "classical" or "baseline"."""
    n: float
    """Training rows, or the value on another axis; log2 of it is the study's scale."""
    score: tuple[float, ...]
    """The raw metric, never sign-flipped, on rows that did not choose."""
    score_val: tuple[float, ...]
    """The raw metric that the choice among configurations sees."""
    rows: tuple[int, ...] = (1,)
    """Rows that each part is scored on; they weigh the parts."""
    error: tuple[float, ...] | None = None
    """The error rate on the same rows; only for classification."""
    regime: Regime = "default"
    repeat: int = 0
    trial: str = ""
    """Names the configuration: the same for the same settings at every `n` and in every repeat."""
    order: int = 0
    """The configuration's place in the order in which a fit dealt them, or a study in its cell."""
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    censored: bool = False
    """Whether time ended or hastened the fit before its own stopping rule would have: its score is
    a lower bound of what the settings can do, and its seconds say nothing about its cost."""
    needed_seconds: float = math.nan
    """What a censored fit would have taken at most; NaN where that is not known."""
    terms: Terms | None = field(default=None, compare=False, repr=False)
    """Gives (rows[p],) per-row terms of each part, whose mean is `score[p]`. The rows are the
    same for every point of a repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Points with what is needed to read them."""

    metric: str
    greater_is_better: bool
    bounded: bool
    """True for metrics in [0, 1]."""
    points: tuple[Point, ...] = ()
    axis: str = "rows"
    scored_on: Literal["test", "crossfit"] = "test"
    single: bool = False
    """True for a fit: one permutation of the rows, judged by the spread over rows."""
    test_to_train: float = 0.25
    """Held-out over training rows of a repeat, of which a fifth is held out."""
    same_rows: bool = False
    """True where every repeat is scored on the same rows, as the last fifth of a time is."""
    not_reached: tuple[str, ...] = ()
    """Learners that time kept from the last anchor that they are made for."""
    seconds_per_row: float | None = None
    """What every fit was offered for a training row; None where learners were offered different
    seconds."""
    equal_seconds: bool = False
    """Whether the question is who is ahead within `seconds_per_row`, and not who is when done."""

    @property
    def regimes(self) -> tuple[Regime, ...]:
        """Those that have points, the most tuned first."""
        held = {point.regime for point in self.points}
        return tuple(regime for regime in REGIMES if regime in held)

    def of(self, regime: Regime) -> Study:
        """The same study with the points of one regime."""
        return replace(self, points=tuple(p for p in self.points if p.regime == regime))

    def in_equal_seconds(self) -> Study:
        """The study of who is ahead in equal seconds: without the fits that took more.

        What the seconds cut short is then no censored score but the score that is asked for.

        Raises:
            UsageError: learners were offered different seconds, as in a fit.
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
        return -1.0 if self.greater_is_better else 1.0

    def loss(self, score: Array | float) -> Any:
        """Scores as something to make small, whose floor is 0 where the metric has one."""
        return 1.0 - score if self.greater_is_better else score


def study_from_table(
    rows: Iterable[Mapping[str, Any]], *, metric: str, greater_is_better: bool, bounded: bool
) -> Study:
    """A study from a plain table of results with rows held out in every repeat.

    Args:
        rows: Mappings with `learner`, `family`, `n`, `score`, and where known `regime`, `repeat`,
            `score_val` (else the first configuration is taken), `rows` (held-out rows), `error`,
            `fit_seconds`, `predict_seconds`, `censored`, `trial`, `order`, and `losses`, the
            (m,) per-row terms whose mean is `score`.
        metric: Name of the metric of `score`.
        greater_is_better: Its direction.
        bounded: Whether it lies in [0, 1].
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
    """Put a study into `points.jsonl` of a run directory: a line that describes it, then points."""
    header = asdict(replace(study, points=()))
    del header["points"]
    draft = run / f"{NAME}.part"
    with draft.open("w", encoding="utf-8") as out:
        out.write(json.dumps({"study": header}) + "\n")
        _write_points(run, out, study.points, 1)
    draft.replace(run / NAME)


def append_points(run: Path, points: Iterable[Point]) -> None:
    """Add points to the file that `write_study` began; per-row terms are on disk before the line.

    Raises:
        ArtifactError: nothing has been begun in `run`.
    """
    file = run / NAME
    if not file.exists():
        msg = f"{file} is missing; a study begins by writing its description"
        raise ArtifactError(msg)
    content = file.read_bytes()
    if not content.endswith(b"\n"):  # a kill tears at most the last line
        content = content[: content.rfind(b"\n") + 1]
        file.write_bytes(content)
    with file.open("a", encoding="utf-8") as out:
        _write_points(run, out, points, content.count(b"\n"))


def _write_points(run: Path, out: TextIO, points: Iterable[Point], start: int) -> None:
    """A line for each point, numbered from `start`."""
    for place, point in enumerate(points, start=start):
        line = {key: _known(value) for key, value in asdict(point).items() if key != "terms"}
        if point.terms is not None:
            (run / TERMS).mkdir(exist_ok=True)
            line["terms"] = f"{place}.npy"
            np.save(run / TERMS / line["terms"], np.concatenate(point.terms()))
        out.write(json.dumps(line) + "\n")
        out.flush()


def _known(value: Any) -> Any:
    """None for a number that is not known, which JSON cannot say."""
    return None if isinstance(value, float) and math.isnan(value) else value


def read_study(run: Path) -> Study:
    """The study in a run directory; a torn last line is left out.

    Raises:
        ArtifactError: there is none, or it is damaged.
    """
    file = run / NAME
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        first, *others = [json.loads(line) for line in lines if line.endswith("\n")]
        points = tuple(_read_point(run, line) for line in others)
        header = first["study"]
        header["not_reached"] = tuple(header.get("not_reached", ()))
        return Study(**header, points=points)
    except (OSError, ValueError, TypeError, KeyError) as error:
        msg = f"{file} is missing or damaged ({error}); run the study again"
        raise ArtifactError(msg) from error


def _read_point(run: Path, line: dict[str, Any]) -> Point:
    name = line.pop("terms", None)
    line["censored"] = line.pop("hurried", line.get("censored", False))  # its name before
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
