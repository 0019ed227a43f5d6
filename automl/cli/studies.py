"""A study as people read it: sentences, verdicts, curves, and what it could not afford."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl.cli.output import plain_table
from automl.cli.runs import read_run
from automl.units import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

VERDICTS = ("deep", "classical", "level", "rate", "crossover", "at")
CURVES = ("learner", "family", "at", "score", "95% interval", "fit s", "time grows as")


def study_parts(run: Path, *, equal_seconds: bool = False) -> Sequence[RenderableType]:
    """Everything there is to say about a study, from its points.

    Args:
        run: The folder of the study.
        equal_seconds: Whether to ask who is ahead in equal seconds.

    Raises:
        ArtifactError: The folder is no study, or is damaged.
        UsageError: Equal seconds are asked of another axis than rows.
    """
    from automl.scaling import read_study, scaling_of

    content, study = read_run(run), read_study(run)
    if equal_seconds:
        study = study.in_equal_seconds()
    found = scaling_of(study)
    main = found.document["regime"]
    others = [regime for regime in study.regimes if regime != main]
    better = "higher" if study.greater_is_better else "lower"
    parts: list[RenderableType] = [f"{sentence}\n" for sentence in found.sentences]
    for regime in (main, *others):
        document = found.document if regime == main else scaling_of(study, regime).document
        if rows := list(_verdicts(document)):
            parts += [f"verdicts, {regime}", plain_table(VERDICTS, rows), ""]
    parts += [
        f"{study.metric} ({better} is better) at the last anchor of each learner, {main}",
        plain_table(CURVES, _curves(found.document)),
    ]
    return [*parts, *_shortfalls(content)]


def _verdicts(document: Mapping[str, Any]) -> Iterator[list[Any]]:
    for contrast in document["contrasts"]:
        crossed = contrast["crossover"]
        where = crossed["status"]
        if crossed["low"] is not None:
            where += f" ({number_text(crossed['low'])} to {number_text(crossed['high'])})"
        level, rate = contrast["level"], contrast["rate"]
        names = contrast["deep"], contrast["classical"]
        yield [*names, level["verdict"], rate["verdict"], where, level["n"]]


def _curves(document: Mapping[str, Any]) -> Iterable[list[Any]]:
    from automl.scaling import furthest_first

    for name in furthest_first(document):
        learner = document["learners"][name]
        last = learner["points"][-1]
        low, high, exponent = last["low"], last["high"], learner["cost"]["exponent"]
        interval = "" if low is None else f"{number_text(low)} to {number_text(high)}"
        grows = "" if exponent is None else f"n^{exponent:.2f}"
        yield [
            *(name, learner["family"], last["n"], last["score"]),
            *(interval, last["fit_seconds"], grows),
        ]


def _shortfalls(content: Mapping[str, Any]) -> Iterator[str]:
    """What was left out or cut short, and why; what it all cost."""
    told: dict[str, list[str]] = {}
    for row in content.get("learners", ()):
        if row["reason"]:
            status = "" if row["status"] == "ok" else f"{row['status']}: "
            told.setdefault(f"{status}{row['reason']}", []).append(row["name"])
    if told:
        yield "\nnot all of it could be done:"
    for why, names in told.items():
        yield f"  {', '.join(names)}: {why}"
    money = content.get("spent", {}).get("money")
    if money is not None:
        yield f"\nthe study cost about {money:.2f}"
