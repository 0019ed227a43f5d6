"""Studies whose truth is known: error rates that follow curves chosen beforehand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from automl import scaling

Truth = Callable[[np.ndarray], np.ndarray]
"""n -> error rate."""

ROWS = 20_000
TRAINING_NOISE = 0.02
"""Standard deviation of log error from training alone: another seed, other rows."""


def falling(n: np.ndarray) -> np.ndarray:
    """The deep curve of the power control: .35 (n / 500)^-.5."""
    return np.asarray(0.35 * (n / 500) ** -0.5)


def flat(n: np.ndarray) -> np.ndarray:
    """The classical curve of the power control: .20 at any n; they cross at 1531."""
    return np.full(np.shape(n), 0.2)


def study(
    deep: Truth, classical: Truth, seed: int, *, repeats: int = 5, anchors: int = 9
) -> scaling.Study:
    """A study by the plan: a fifth held out in each repeat, half-octave anchors.

    Error rates differ between repeats by what training adds and by the rows held out.
    """
    rng = np.random.default_rng(seed)
    held = min(ROWS // 5, 5000)
    n = np.ceil((ROWS - ROWS // 5) * 2.0 ** (-np.arange(anchors)[::-1] / 2))
    rows = []
    for repeat in range(repeats):
        for name, family, truth in (("net", "deep", deep), ("tree", "classical", classical)):
            rate = truth(n) * np.exp(TRAINING_NOISE * rng.normal(size=anchors))
            error = rng.binomial(held, np.clip(rate, 0, 1)) / held
            rows += [
                {
                    "learner": name,
                    "family": family,
                    "repeat": repeat,
                    "n": float(n[k]),
                    "score": float(error[k]),
                    "error": float(error[k]),
                    "rows": held,
                    "trial": name,
                    "fit_seconds": 1e-3 * float(n[k]),
                }
                for k in range(anchors)
            ]
    return scaling.study_from_table(
        rows, metric="error_rate", greater_is_better=False, bounded=True
    )


def fit(deep: Truth, classical: Truth, seed: int, *, anchors: int = 4) -> scaling.Study:
    """What the ladder of one fit leaves: octave anchors, one permutation, terms of every row.

    The validated rows are the same for all; a row that is hard at one anchor is hard at others.
    """
    rng = np.random.default_rng(seed)
    held = ROWS // 8
    n = np.ceil((ROWS - held) * 2.0 ** -np.arange(anchors)[::-1])
    hard = rng.uniform(size=held)
    points = []
    for name, family, truth in (("net", "deep", deep), ("tree", "classical", classical)):
        rate = np.clip(truth(n) * np.exp(TRAINING_NOISE * rng.normal(size=anchors)), 0, 1)
        for k in range(anchors):
            # half of a row's luck is its own at each anchor, half is how hard it is
            luck = np.where(rng.uniform(size=held) < 0.5, hard, rng.uniform(size=held))
            points.append(_point(name, family, float(n[k]), (luck < rate[k]).astype(float)))
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
