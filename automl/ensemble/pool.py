"""Candidate members of ensembles, and the rows that their weights are found on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import BudgetError
from automl.metrics import loss, score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.runs.record import RunReader
    from automl.types import Array, Ensembler, Metric

FIT_ROWS = 20_000
"""Most scored rows in a fit of weights, half of them from each half; they keep the standard error
of an error rate below .004."""
FIT_CELLS = 40_000_000
"""Most numbers (trials x rows x classes) held in memory at once: 160 MB of float32."""
PER_LEARNER = 5
"""Configurations of one learner among the candidates; one where no target weighs them."""
CANDIDATES = ((3.4, 15), (4.0, 40))
"""(log10 of rows, candidates) between which the number of candidates is interpolated: as many as
in AutoGluon's portfolios, but no fewer on few rows, where averaging does better than choosing."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidate members of ensembles, on a sample of the scored rows."""

    record: RunReader
    metric: Metric
    trials: tuple[str, ...]
    families: tuple[str, ...]
    """Family of each trial's learner."""
    predictions: Array
    """(trials, s) or (trials, s, k) out-of-fold predictions."""
    y: Array
    """(s,) truth."""
    fits: tuple[Array, ...]
    """Positions in the sample of the rows of each fit: all, then each half."""
    losses: Array
    """(trials, fits) loss of each trial on the rows of each fit."""
    seconds: Array
    """(trials,) seconds of all models of a trial for a row."""

    def allowed(self, ensembler: Ensembler) -> list[int]:
        """Positions of the candidates whose family the ensembler uses."""
        families = ensembler.families
        return [i for i, f in enumerate(self.families) if families is None or f in families]

    def members(self, allowed: Sequence[int], fit: int) -> list[int]:
        """The candidates among some positions that one fit weighs."""
        rows, counts = zip(*CANDIDATES, strict=True)
        most = round(np.interp(np.log10(max(len(self.fits[fit]), 1)), rows, counts))
        each = PER_LEARNER if self.record.supervision.supervised else 1
        losses = [self.losses[i, fit] for i in allowed]
        learners = [self.record.learner_of(self.trials[i]) for i in allowed]
        return [allowed[place] for place in candidates(losses, learners, most, each)]


def read_pool(record: RunReader, metric: Metric, seed: int) -> Pool:
    """Read the predictions of every candidate; the baseline is one only if alone."""
    families = {s.name: s.family for s in record.standings}
    own = {
        t: families[name]
        for name, trials in record.candidates.items()
        for t in trials
        if all(rung.size_bytes is not None for rung in record.models(t))  # a saved model
    }
    own = {t: family for t, family in own.items() if family != "baseline"} or own
    if not own:
        msg = "no learner finished, so there is nothing to combine; give the run more time"
        raise BudgetError(msg)
    one = record.prediction(next(iter(own)), np.zeros(1, dtype=np.int64)).size
    parts = record.halves if len(record.halves) == 2 else (np.arange(len(record.y)),)
    most = min(FIT_ROWS, FIT_CELLS // (len(own) * one))
    rng = np.random.default_rng(seed)
    size = max(most // len(parts), 1)
    drawn = [sample(part, size, rng, record.weights_of(part)) for part in parts]
    rows = np.concatenate(drawn)
    everything, middle = np.arange(len(rows)), len(drawn[0])
    fits = (everything, everything[:middle], everything[middle:] if len(drawn) > 1 else everything)
    predictions = np.stack([record.prediction(trial, rows) for trial in own])
    y = record.y[rows]
    losses = np.array(
        [[loss(metric, score(metric, y[fit], p[fit])) for fit in fits] for p in predictions]
    )
    seconds = np.array([record.seconds_per_row(trial) for trial in own])
    return Pool(
        record, metric, tuple(own), tuple(own.values()), predictions, y, fits, losses, seconds
    )


def sample(rows: Array, most: int, rng: np.random.Generator, weights: Array | None = None) -> Array:
    """Sample at most `most` rows, ascending.

    Args:
        rows: Positions to draw from.
        most: How many.
        rng: Draws.
        weights: How much each of the rows counts. They are drawn in proportion to it, at equal
            steps, so that whoever counts the rows drawn alike counts rows by weight.
    """
    if weights is not None:
        size = min(most, len(rows))
        reached = np.cumsum(weights) / weights.sum()
        steps = (np.arange(size) + rng.random()) / size
        return rows[np.minimum(np.searchsorted(reached, steps), len(rows) - 1)]
    if len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def candidates(
    losses: Sequence[float], learners: Sequence[str], most: int, each: int = PER_LEARNER
) -> list[int]:
    """Choose the models that an ensemble may be made of: the best, a few of each learner.

    Args:
        losses: Of each model.
        learners: The learner of each model.
        most: Models to choose at most.
        each: Models of one learner to choose at most.

    Returns:
        Positions of the models, the best first.
    """
    seen: Counter[str] = Counter()
    chosen = []
    for i in sorted(range(len(losses)), key=losses.__getitem__):
        seen[learners[i]] += 1
        if seen[learners[i]] <= each:
            chosen.append(i)
    return chosen[:most]
