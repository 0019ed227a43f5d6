"""Pictures of a study with matplotlib: curves, and the difference behind each verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from automl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

    from automl.scaling.content import ContrastFinding, GapPoint, ScalingContent

BAND_OPACITY = 0.12
"""Opacity of intervals, as in the report's style.css."""


def told_sides(one: ContrastFinding) -> tuple[str, str]:
    """Names of the deep and the classical side as they stand in sentences."""
    if one.kind == "family":
        return "the best deep learner", "the best classical learner"
    return one.deep, one.classical


def gap_unit(content: ScalingContent) -> str:
    """The unit of differences: points, hundredths of a metric in [0, 1], else the metric."""
    return f"points of {content.metric}" if content.bounded else content.metric


def in_unit(content: ScalingContent, value: float | None) -> float | None:
    """A difference in that unit."""
    return None if value is None else 100 * value if content.bounded else value


def pyplot() -> Any:
    """Pyplot of matplotlib.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        msg = "plotting needs matplotlib; install it with: pip install matplotlib"
        raise UsageError(msg) from error
    return plt


def panels(content: ScalingContent) -> list[Axes]:
    """A new figure: the curves, and below them the difference of every tested contrast."""
    tested = [one for one in content.contrasts if one.tested and one.differences]
    count = 1 + len(tested)
    plt = pyplot()
    width, height = plt.rcParams["figure.figsize"]
    size = (width, height * (1 + count) / 2)
    figure, grid = plt.subplots(count, sharex=True, figsize=size, squeeze=False)
    axes: list[Axes] = list(grid[:, 0])
    draw_curves(content, axes[0])
    for one, ax in zip(tested, axes[1:], strict=True):
        draw_difference(content, one, ax)
    for ax in axes[:-1]:
        ax.set_xlabel("")
    axes[0].legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
    figure.set_layout_engine("constrained")
    return axes


def draw_curves(content: ScalingContent, axes: Axes) -> None:
    """Draw the curves with their intervals, rows on a log scale.

    The baseline, which would compress all others, is drawn only if there is nothing else.
    """
    styles = {"deep": "-", "classical": "--", "baseline": ":"}
    real = {k: one for k, one in content.learners.items() if one.family != "baseline"}
    for name, learner in (real or content.learners).items():
        n, score = [p.n for p in learner.points], _drawn(p.score for p in learner.points)
        low, high = (_drawn(getattr(p, end) for p in learner.points) for end in ("low", "high"))
        (line,) = axes.plot(n, score, styles.get(learner.family, "-"), marker="o", label=name)
        axes.fill_between(n, low, high, color=line.get_color(), alpha=BAND_OPACITY, linewidth=0)
    _place(content, axes)
    better = "higher" if content.greater_is_better else "lower"
    axes.set_ylabel(f"{content.metric} ({better} is better)")
    axes.legend(fontsize="small")


def draw_difference(content: ScalingContent, one: ContrastFinding, axes: Axes) -> None:
    """Draw the difference behind a verdict, its line with a band, and where the sides cross."""
    n, value, low, high = _columns(content, one.differences)
    reach = [[v - end for v, end in zip(value, low, strict=True)]]
    reach.append([end - v for v, end in zip(value, high, strict=True)])
    axes.axhline(0, color="gray", linestyle=":")
    (points, *_) = axes.errorbar(n, value, yerr=reach, fmt="o", color="black", label="difference")
    if one.line:
        n, value, low, high = _columns(content, one.line)
        axes.plot(n, value, "-", color=points.get_color(), label="fitted line")
        axes.fill_between(n, low, high, color=points.get_color(), alpha=BAND_OPACITY, linewidth=0)
    crossed = one.crossover
    if crossed.status == "observed" and crossed.low is not None and crossed.high is not None:
        axes.axvspan(crossed.low, crossed.high, color="gray", alpha=BAND_OPACITY)
    _place(content, axes)
    axes.set_ylabel("← deep ahead · classical ahead →", fontsize="small")
    title = f"{one.deep} or {one.classical}, in {gap_unit(content)}"
    axes.set_title(title, fontsize="medium")


def _place(content: ScalingContent, axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xlabel("training rows" if content.axis == "rows" else content.axis)
    axes.xaxis.set_major_formatter("{x:,.0f}" if content.axis == "rows" else "{x:g}")


def _columns(content: ScalingContent, points: Iterable[GapPoint]) -> tuple[list[float], ...]:
    """Sizes, differences and the ends of their intervals in the unit of differences."""
    kept = list(points)
    columns = ([p.difference for p in kept], [p.low for p in kept], [p.high for p in kept])
    return [p.n for p in kept], *(_drawn(in_unit(content, v) for v in column) for column in columns)


def _drawn(values: Iterable[float | None]) -> list[float]:
    """Unknown numbers as NaN, which matplotlib does not draw."""
    return [math.nan if value is None else value for value in values]
