"""Verdicts as sentences that state level and rate together, so that neither is read alone."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from automl.scaling.prose_rate import detectable, envelope, rate
from automl.scaling.wording import (
    SETTINGS,
    amount,
    cut_text,
    doubling,
    either,
    limit,
    number,
    place,
    sides,
    size,
    sized,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.scaling.judge import Judged
    from automl.scaling.picks import Pick
    from automl.scaling.points import Study


def sentence(study: Study, one: Judged) -> str:
    """Describe one contrast: level, rate, crossover, detectable change, learners left out.

    Args:
        study: The judged study, which knows the units of differences.
        one: The judged contrast.
    """
    if not one.tested:
        return _described(study, one)
    parts = (
        _level(study, one),
        *_reversals(study, one),
        rate(study, one),
        envelope(study, one),
        _crossover(study, one),
        detectable(study, one),
        _left_out(study, one),
    )
    return " ".join(part for part in parts if part)


def _described(study: Study, one: Judged) -> str:
    """Describe a contrast that is not tested: its figures, and no verdict."""
    deep, classical = sides(one)
    level, change = one.level, one.rate.difference
    leads, trails = (classical, deep) if level.value > 0 else (deep, classical)
    gains = classical if change.value > 0 else deep
    figures = f"{leads} is ahead of {trails} by {sized(study, level)}"
    if one.enough and math.isfinite(change.value):
        figures += f", and {gains} gains {sized(study, change)} {doubling(study)}"
    cut = "; fits were cut short" if level.bound or change.bound else ""
    return (
        f"{_where(study, one)}, {figures}{cut}. This describes and was not tested, for validation "
        "puts others first."
    )


def _standing(one: Judged) -> tuple[str, str]:
    """Names of the sides; a family with the learners that represent it at the level's anchor."""
    here = [pair for cell, pair in one.contrast.pairs.items() if cell.n == one.n]
    deep, classical = sides(one)
    return _who(deep, [pick for pick, _ in here]), _who(classical, [pick for _, pick in here])


def _who(family: str, picks: Sequence[Pick]) -> str:
    """A family with its learners, several if halves or repeats chose differently."""
    if not family.startswith("the "):
        return family
    chosen = Counter(point.learner for pick in picks for point in pick.points)
    names = " or ".join(learner for learner, _ in chosen.most_common())
    return f"{family} ({names}, as validation chose)" if len(chosen) > 1 else f"{family} ({names})"


def _level(study: Study, one: Judged) -> str:
    deep, classical = _standing(one)
    level, where = one.level, _where(study, one)
    if level.sign in (-1, 1):
        leader, other = (classical, deep) if level.sign == 1 else (deep, classical)
        by = sized(study, level)
        if level.bound:
            by += f" or by more: {cut_text(study, one, 0 if level.sign < 0 else 1)}"
        return f"{where}, {leader} leads {other} by {by}."
    if level.sign == 0:
        return (
            f"{where}, {deep} and {classical} are practically equal: they differ by "
            f"less than {amount(study, one.margin)}."
        )
    if level.bound:
        return f"{where}, {deep} or {classical}: which is better is undecided. {limit(study, one)}"
    return (
        f"{where}, {deep} or {classical}: which is better cannot be told"
        f"{either(study, level, *sides(one))}."
    )


def _where(study: Study, one: Judged) -> str:
    words = f"{'on' if study.axis == 'rows' else 'at'} {place(study, one.n)}"
    if study.equal_seconds:
        return f"In equal seconds, {words}"
    return f"{words[0].upper()}{words[1:]}"


def _reversals(study: Study, one: Judged) -> list[str]:
    """Regimes in which the other side is ahead."""
    deep, classical = sides(one)
    return [
        f"With {SETTINGS[regime]} it is the other way round: "
        f"{deep if level.sign == -1 else classical} leads by {sized(study, level)}."
        for regime, level in one.reversed_in.items()
    ]


def _crossover(study: Study, one: Judged) -> str:
    deep, classical = sides(one)
    crossed, top = one.crossover, place(study, one.n)
    if crossed.status == "observed":
        leader = deep if crossed.above == -1 else classical
        where = f"{number(study, crossed.low or 0)} and {place(study, crossed.high or 0)}"
        if one.level.sign == crossed.above:
            return f"They cross between {where}; above, {leader} leads."
        return f"They cross between {where}; above, {leader} led, but no longer clearly on {top}."
    if crossed.status == "none up to N":
        first = number(study, one.contrast.gap.n[one.contrast.gap.inside][0])
        return f"Neither overtakes the other between {first} and {top}; beyond, nothing is known."
    if crossed.status == "not within 2x":
        return (
            "They are not seen to cross, and up to twice the rows they should not: 90% bands that "
            "are calibrated for the error rate exclude it."
        )
    if crossed.status == "undecided":
        return "Whether they cross is undecided, for fits were cut short."
    return f"They are not seen to cross; whether they would with more {size(study)} is unknown."


def _left_out(study: Study, one: Judged) -> str:
    """A sentence on learners that represent no family, for they lack the last anchor."""
    if one.contrast.kind == "learner":
        return ""
    there = {point.learner for point in study.points if point.n >= one.n}
    late = set(study.not_reached) - there
    names = sorted(late if study.single else late | set(one.contrast.absent))
    if not names:
        return ""
    every = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"Left out, because they did not get this far: {every}."
