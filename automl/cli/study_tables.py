"""A study for the terminal: sentences, tables of verdicts and curves, and shortfalls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.cli.output import plain_table
from automl.cli.run_files import read_run
from automl.units import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from automl.runs.info import RunInfo
    from automl.scaling import ScalingContent

VERDICTS = ("deep", "classical", "level", "rate", "crossover", "at")
CURVES = ("learner", "family", "at", "score", "95% interval", "fit s", "time grows as")


def study_parts(run: Path, *, equal_seconds: bool = False) -> Sequence[RenderableType]:
    """Judge a study from its points, and lay out the results.

    Args:
        run: The folder of the study.
        equal_seconds: Whether to compare learners in equal seconds.

    Raises:
        ArtifactError: The folder is no study, or is damaged.
        UsageError: `equal_seconds`, but the axis is not rows.
    """
    from automl.scaling import read_study, scaling_of

    info, study = read_run(run), read_study(run)
    if equal_seconds:
        study = study.in_equal_seconds()
    found = scaling_of(study)
    main = found.content.regime
    others = [regime for regime in study.regimes if regime != main]
    better = "higher" if study.greater_is_better else "lower"
    parts: list[RenderableType] = [f"{sentence}\n" for sentence in found.sentences]
    for regime in (main, *others):
        content = found.content if regime == main else scaling_of(study, regime).content
        if rows := list(_verdicts(content)):
            parts += [f"verdicts, {regime}", plain_table(VERDICTS, rows), ""]
    parts += [
        f"{study.metric} ({better} is better) at the last anchor of each learner, {main}",
        plain_table(CURVES, _curves(found.content)),
    ]
    return [*parts, *_shortfalls(info)]


def _verdicts(content: ScalingContent) -> Iterator[list[Any]]:
    for one in content.contrasts:
        level, rate, where = one.words
        low, high = one.crossover.low, one.crossover.high
        if low is not None and high is not None:
            where += f" ({number_text(low)} to {number_text(high)})"
        yield [one.deep, one.classical, level, rate, where, one.level.n]


def _curves(content: ScalingContent) -> Iterable[list[Any]]:
    for name in content.furthest_first:
        learner = content.learners[name]
        last, exponent = learner.points[-1], learner.cost.exponent
        interval = ""
        if last.low is not None and last.high is not None:
            interval = f"{number_text(last.low)} to {number_text(last.high)}"
        grows = "" if exponent is None else f"n^{exponent:.2f}"
        yield [
            *(name, learner.family, last.n, last.score),
            *(interval, last.fit_seconds, grows),
        ]


def _shortfalls(info: RunInfo) -> Iterator[str]:
    """Lines on learners that were left out or cut short, and on the cost of the study."""
    told: dict[str, list[str]] = {}
    for row in info.learners:
        if row.reason:
            status = "" if row.status == "ok" else f"{row.status}: "
            told.setdefault(f"{status}{row.reason}", []).append(row.name)
    if told:
        yield "\nnot all of it could be done:"
    for why, names in told.items():
        yield f"  {', '.join(names)}: {why}"
    if info.spent is not None and info.spent.money is not None:
        yield f"\nthe study cost about {info.spent.money:.2f}"
