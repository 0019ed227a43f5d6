"""Studies whose truth is known: error rates that follow curves chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl import scaling

Truth = Callable[[np.ndarray], np.ndarray]
"""n -> error rate."""

ROWS = 20_000
TRAINING_NOISE = 0.02
"""Standard deviation of log error from training alone: another seed, other rows."""
CHOOSING = 0.1
"""Rows that choose among learners, in rows of an anchor."""
LUCK = 0.75
"""Part of the variance of a score that a difference of two scores on the same rows keeps."""
SUBSETS = (4, 2)
"""Subsets that a repeat trains on at the lowest anchors that enter the rate."""
NARROWED = (8, 5, 4)
"""Subsets of a learner that won the race, where there are seconds for them."""
RACING = 3
"""Learners of each family that go on after the first repeat."""


@dataclass(frozen=True, slots=True)
class World:
    """Conditions that make the evidence of a study worse than independent normal errors."""

    correlation: float = 0.0
    """Correlation of the training noise of two repeats: they share three quarters of the rows."""
    rho: float = 0.0
    """Part of the variance between repeats that their mean keeps for training rows in common, of a
    difference between them."""
    unequal: float = 0.0
    """Standard deviation of the log of the learners' training noise, drawn anew in every study."""
    tails: float | None = None
    """Degrees of freedom of the training noise, which is Student's; None for normal."""
    shared: bool = False
    """True if all repeats are scored on the same rows, as with `--time`."""
    censored: tuple[str, ...] = ()
    """Learners whose fits the time limit cut short."""


def falling(n: np.ndarray) -> np.ndarray:
    """The deep curve of the power control: .35 (n / 500)^-.5."""
    return np.asarray(0.35 * (n / 500) ** -0.5)


def flat(n: np.ndarray) -> np.ndarray:
    """The classical curve of the power control: .20 at any n; they cross at 1531."""
    return np.full(np.shape(n), 0.2)


def pair(deep: Truth, classical: Truth) -> dict[str, Truth]:
    """One learner a family."""
    return {"net": deep, "tree": classical}


def study(
    deep: Truth | Mapping[str, Truth],
    classical: Truth | Mapping[str, Truth],
    seed: int,
    *,
    repeats: int = 5,
    anchors: int = 9,
    subsets: tuple[int, ...] = SUBSETS,
    racing: int | None = RACING,
    world: World = World(),
) -> scaling.Study:
    """A study by the plan: a fifth held out in each repeat, half-octave anchors.

    After the first repeat the learners of each family go on that validation puts first there, and
    those that fewer than so many beat by more than the standard error.

    Error rates differ between repeats by what training adds and by the rows held out, which are
    the same for all learners of a repeat: a row that is hard for one is often hard for another.
    Where a repeat trains on several subsets its score is their mean.
    """
    rng = np.random.default_rng(seed)
    held = ROWS // 5
    n = np.ceil((ROWS - ROWS // 5) * 2.0 ** (-np.arange(anchors)[::-1] / 2))
    families = {"deep": _named(deep, "net"), "classical": _named(classical, "tree")}
    truths = [(f, name, truth) for f, own in families.items() for name, truth in own.items()]
    fits = _fits(n, subsets)
    shape = (len(truths), max(fits), anchors)
    noise = _noise(rng, (repeats, *shape), world)
    noise *= np.exp(world.unequal * rng.normal(size=(len(truths), 1, 1)))
    common = rng.normal(size=(len(truths), anchors))
    tests = [rng.uniform(size=held) for _ in range(1 if world.shared else repeats)]
    rows = []
    for repeat in range(repeats):
        hard = tests[0 if world.shared else repeat]
        for (family, name, truth), own, same in zip(truths, noise[repeat], common, strict=True):
            lasting = np.sqrt(world.rho * _variance(truth(n), held) / fits) * same
            rate = np.clip(truth(n) * np.exp(TRAINING_NOISE * own + lasting), 0, 1)
            choosing = np.maximum(CHOOSING * n, 20).astype(int)
            seen = rng.binomial(choosing, rate) / choosing
            wrong = [_wrong(rng, hard, rate[:k, at]).mean(axis=1) for at, k in enumerate(fits)]
            rows += [
                {
                    "learner": name,
                    "family": family,
                    "repeat": repeat,
                    "n": float(n[k]),
                    "score": float(wrong[k].mean()),
                    "score_val": float(seen[: fits[k], k].mean()),
                    "error": float(wrong[k].mean()),
                    "rows": held,
                    "trial": name,
                    "fit_seconds": 1e-3 * float(n[k]),
                    "censored": name in world.censored,
                    "losses": wrong[k] if world.shared else None,
                }
                for k in range(anchors)
            ]
    left = _eliminated(rows, racing)
    kept = [row for row in rows if row["repeat"] == 0 or row["learner"] not in left]
    made = scaling.study_from_table(
        kept, metric="error_rate", greater_is_better=False, bounded=True
    )
    return replace(made, same_rows=world.shared, eliminated=left)


def _eliminated(rows: list[dict[str, Any]], racing: int | None) -> tuple[str, ...]:
    """Learners that so many of their family beat in the first repeat by more than chance.

    By the standard error of the difference of two error rates on the rows that choose.
    """
    if racing is None:
        return ()
    top = max(row["n"] for row in rows)
    last = [row for row in rows if row["repeat"] == 0 and row["n"] == top]
    choosing = max(CHOOSING * top, 20)
    found = []
    for row in last:
        family = [one["score_val"] for one in last if one["family"] == row["family"]]
        own = row["score_val"]
        beaten = sum(
            own - other > np.sqrt((own * (1 - own) + other * (1 - other)) / choosing)
            for other in family
        )
        if beaten >= racing and sorted(family)[racing - 1] < own:
            found.append(row["learner"])
    return tuple(found)


def _fits(n: np.ndarray, subsets: tuple[int, ...]) -> np.ndarray:
    """Fits of a repeat at every anchor."""
    first = int(np.argmax(scaling.window(n)))
    return np.array([*[1] * first, *subsets, *[1] * len(n)][: len(n)])


def _variance(rate: np.ndarray, held: int) -> np.ndarray:
    """(k,) variance of a fit's log error rate between repeats, as far as a difference keeps it."""
    return np.asarray(TRAINING_NOISE**2 + LUCK * (1 - rate) / (rate * held))


def _named(truths: Truth | Mapping[str, Truth], name: str) -> Mapping[str, Truth]:
    return truths if isinstance(truths, Mapping) else {name: truths}


def _noise(rng: np.random.Generator, shape: tuple[int, ...], world: World) -> np.ndarray:
    """Standard deviates, the first axis of which are repeats, in part the same in all repeats."""

    def draw(size: tuple[int, ...]) -> np.ndarray:
        if world.tails is None:
            return rng.normal(size=size)
        spread = np.sqrt(world.tails / (world.tails - 2))
        return np.asarray(rng.standard_t(world.tails, size=size) / spread)

    own, common = draw(shape), draw((1, *shape[1:]))
    return np.asarray(np.sqrt(1 - world.correlation) * own + np.sqrt(world.correlation) * common)


def _wrong(rng: np.random.Generator, hard: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """(m, k) which of m rows k fits err on: half of it luck, half how hard a row is."""
    shape = (len(hard), len(rate))
    luck = rng.random(shape, dtype=np.float32)
    own = rng.random(shape, dtype=np.float32) < 0.5
    return np.asarray(np.where(own, luck, hard[:, None]) < rate)


def fit(
    deep: Truth,
    classical: Truth,
    seed: int,
    *,
    anchors: int = 4,
    world: World = World(),
) -> scaling.Study:
    """The study of one fit's ladder: octave anchors, one permutation, terms of every row.

    The validated rows are the same for all; a row that is hard at one anchor is hard at others.
    """
    rng = np.random.default_rng(seed)
    held = ROWS // 8
    n = np.ceil((ROWS - held) * 2.0 ** -np.arange(anchors)[::-1])
    hard = rng.uniform(size=held)
    noise = _noise(rng, (1, 2, anchors), world)[0]
    points = []
    families = (("net", "deep", deep), ("tree", "classical", classical))
    for (name, family, truth), own in zip(families, noise, strict=True):
        wrong = _wrong(rng, hard, np.clip(truth(n) * np.exp(TRAINING_NOISE * own), 0, 1))
        for k in range(anchors):
            point = _point(name, family, float(n[k]), wrong[:, k].astype(float))
            points.append(replace(point, censored=name in world.censored))
    return scaling.Study(
        metric="error_rate",
        greater_is_better=False,
        bounded=True,
        points=tuple(points),
        scored_on="crossfit",
        single=True,
    )


def _point(name: str, family: str, n: float, losses: np.ndarray) -> scaling.Point:
    halves = tuple(np.array_split(losses, 2))
    scores = tuple(float(half.mean()) for half in halves)
    return scaling.Point(
        learner=name,
        family=family,
        n=n,
        score=scores,
        score_val=scores[::-1],
        rows=tuple(len(half) for half in halves),
        error=scores,
        regime="halving",
        trial=name,
        fit_seconds=1e-3 * n,
        terms=lambda: halves,
    )
