"""Fits ensemblers to the out-of-fold predictions of a run, and cross-fits them."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import ArtifactError, BudgetError
from automl.files import write_array, write_json
from automl.hooks.bounded import bounded
from automl.hooks.calls import resolve, sentence
from automl.metrics import loss, score
from automl.runs.record import RunReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from automl.types import Array, Combiner, Ensembler, Metric

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
class _Pool:
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


@dataclass(frozen=True, slots=True)
class _Blend:
    """The result of one fit of an ensembler."""

    weights: dict[str, float]
    """Trial -> weight, greatest first."""
    trials: tuple[str, ...]
    """The keys of `weights` in the order of the fit."""
    combiner: Combiner | None = None
    """None: the weighted mean."""

    def of(self, predictions: Mapping[str, Array], rows: Array | None = None) -> Array:
        """The blend of some rows of its members' predictions, as precise as they are."""
        taken = slice(None) if rows is None else rows
        dtype = predictions[self.trials[0]].dtype
        if self.combiner is None:
            parts = (predictions[t][taken] * dtype.type(w) for t, w in self.weights.items())
            return np.asarray(sum(parts), dtype)
        stack = np.stack([predictions[trial][taken] for trial in self.trials])
        return np.asarray(self.combiner.combine(stack), dtype)


def ensemble(
    run: Path,
    ensemblers: Sequence[Ensembler],
    metric: Metric,
    seed: int,
    seconds: Callable[[], float] = lambda: math.inf,
) -> list[dict[str, Any]]:
    """Fit ensemblers and write their weights and honest predictions.

    Weights found on one half of the scored rows predict the other, both ways
    (`predictions/NAME-crossfit.npy`); the final weights are found on all scored rows and also
    predict the locked test rows, if there are any (`predictions/NAME-test.npy`). The baseline is a
    member only if nothing else finished.

    Args:
        run: The run directory.
        ensemblers: The ensemblers; each uses learners of the families it names.
        metric: The metric that they optimise.
        seed: Seed of the sampled rows and of the ensemblers.
        seconds: How long the next ensembler may take; one that takes longer is left out.

    Returns:
        The content of `model/ensembles.json`, one entry an ensembler: `{name, family, plugin,
        members: [{learner, trial, weight}], combiner, score_val, seconds, status, reason}`.
        `reason` explains an entry without members; `combiner` is None for a weighted mean, else
        `{trials, state}`.

    Raises:
        BudgetError: no learner finished.
        ArtifactError: the directory is not a run, or is damaged.
    """
    record = RunReader(run)
    pool = _pool(record, metric, seed)
    entries = [_entry(pool, ensembler, seed, seconds()) for ensembler in ensemblers]
    path = run / "model" / "ensembles.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, entries)
    return entries


# --------------------------------------------------------------------------------- members


def _pool(record: RunReader, metric: Metric, seed: int) -> _Pool:
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
    return _Pool(record, metric, tuple(own), tuple(own.values()), predictions, y, fits, losses)


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


def _members(pool: _Pool, allowed: Sequence[int], fit: int) -> list[int]:
    """Candidates of one fit."""
    rows, counts = zip(*CANDIDATES, strict=True)
    most = round(np.interp(np.log10(max(len(pool.fits[fit]), 1)), rows, counts))
    each = PER_LEARNER if pool.record.supervision.supervised else 1
    losses = [pool.losses[i, fit] for i in allowed]
    learners = [pool.record.learner_of(pool.trials[i]) for i in allowed]
    return [allowed[place] for place in candidates(losses, learners, most, each)]


# --------------------------------------------------------------------------------- weights


def _allowed(pool: _Pool, ensembler: Ensembler) -> list[int]:
    """Indices of the candidates whose family the ensembler uses."""
    families = ensembler.families
    return [i for i, f in enumerate(pool.families) if families is None or f in families]


def _entry(pool: _Pool, ensembler: Ensembler, seed: int, seconds: float) -> dict[str, Any]:
    """Weights, predictions and score of one ensembler, or the reason why there are none."""
    start = time.perf_counter()
    families, allowed = ensembler.families, _allowed(pool, ensembler)
    entry: dict[str, Any] = {
        "name": ensembler.name,
        "family": "ensemble",
        "plugin": _plugin(ensembler),
        "members": [],
        "combiner": None,
        "score_val": None,
        "seconds": 0.0,
        "status": "skipped",
        "reason": f"no {' or '.join(sorted(families or ('learner',)))} model finished",
    }
    if not allowed:
        return entry
    try:
        what = f"the ensembler {ensembler.name}"
        blends, value, combiner = bounded(what, seconds, _blended, pool, ensembler, allowed, seed)
    except (ArtifactError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - a plugin's error costs its row, not the run
        return entry | {"status": "failed", "reason": sentence(error)}
    final = blends[0]
    found = {
        "members": [
            {"learner": pool.record.learner_of(trial), "trial": trial, "weight": weight}
            for trial, weight in final.weights.items()
        ],
        "combiner": combiner,
        "score_val": value,
        "seconds": time.perf_counter() - start,
        "status": "ok",
        "reason": "",
    }
    return entry | found


def _blended(
    pool: _Pool, ensembler: Ensembler, allowed: Sequence[int], seed: int
) -> tuple[list[_Blend], float, dict[str, Any] | None]:
    """The fits of an ensembler, whose predictions are written; score and combiner of the first."""
    blends = [_blend(pool, ensembler, allowed, fit, seed) for fit in range(len(pool.fits))]
    value, final = _write(pool, ensembler.name, blends), blends[0]
    if final.combiner is None:
        return blends, value, None
    state = json.loads(json.dumps(dict(final.combiner.state())))
    return blends, value, {"trials": list(final.trials), "state": state}


def _blend(
    pool: _Pool, ensembler: Ensembler, allowed: Sequence[int], fit: int, seed: int
) -> _Blend:
    """Fit an ensembler to the rows of one fit."""
    members = _members(pool, allowed, fit)
    if len(members) == 1:
        alone = pool.trials[members[0]]
        return _Blend({alone: 1.0}, (alone,))
    rows = pool.fits[fit]
    stack = pool.predictions[np.ix_(np.array(members), rows)]
    algorithm = resolve(ensembler.factory)(seed)
    weights = np.asarray(algorithm.fit(stack, pool.y[rows], pool.metric), dtype=np.float64)
    if weights.shape != (len(members),) or not np.isfinite(weights).all() or not weights.any():
        msg = f"the ensembler gave weights {weights!r} for {len(members)} members"
        raise ValueError(msg)
    order = np.argsort(-weights, kind="stable")
    return _Blend(
        {pool.trials[members[i]]: float(weights[i]) for i in order if weights[i] != 0},
        tuple(pool.trials[m] for m, w in zip(members, weights, strict=True) if w != 0),
        algorithm if hasattr(algorithm, "combine") else None,
    )


def _write(pool: _Pool, name: str, blends: Sequence[_Blend]) -> float:
    """Write the predictions of an ensemble; return the score of the final weights on all rows.

    Members are read in strips of rows, so that not all of them are in memory at once.
    """
    record, folder = pool.record, pool.record.run / "predictions"
    final, *halves = blends
    # each half of the rows is predicted by the fit on the other half
    others = list(zip(record.halves, reversed(halves), strict=False))
    shape = (len(record.y), *pool.predictions.shape[2:])
    dtype = pool.predictions.dtype
    blend, crossfit = np.zeros(shape, dtype), np.zeros(shape, dtype)
    trials = list(dict.fromkeys(trial for found in blends for trial in found.trials))
    step = max(1, FIT_CELLS // (len(trials) * int(np.prod(shape[1:]))))
    for start in range(0, shape[0], step):
        strip = np.arange(start, min(start + step, shape[0]))
        whole = len(strip) == shape[0]
        read = {trial: record.prediction(trial, None if whole else strip) for trial in trials}
        blend[strip] = final.of(read)
        for half, found in others:
            rows = half[(half >= start) & (half < start + step)]
            crossfit[rows] = found.of(read, rows - start)
    _check(blend, final)
    write_array(folder / f"{name}-crossfit.npy", crossfit if len(others) == 2 else blend)
    if record.y_test is not None:
        tests = {trial: record.test_prediction(trial) for trial in final.trials}
        write_array(folder / f"{name}-test.npy", final.of(tests))
    return score(pool.metric, record.y, blend, record.weights)


def _check(blend: Array, found: _Blend) -> None:
    if found.combiner is not None and not np.isfinite(blend).all():
        msg = "the ensembler combined its members to NaN or infinite values"
        raise ValueError(msg)


def _plugin(ensembler: Ensembler) -> str:
    """The package that declares the ensembler."""
    factory = ensembler.factory
    module = factory if isinstance(factory, str) else getattr(factory, "__module__", "")
    return module.partition(":")[0].partition(".")[0]
