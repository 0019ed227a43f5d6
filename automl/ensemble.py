"""Runs ensemblers over the out-of-fold predictions of a run, and cross-fits them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.metrics import loss, score
from automl.search.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from automl.types import Array, Ensembler, Metric

FIT_ROWS = 20_000
"""Rows that a fit of an ensembler sees at most."""
FIT_CELLS = 30_000_000
"""Numbers (members x rows x classes) that a fit sees at most: 120 MB."""
PER_LEARNER = 5
"""Configurations of one learner that an ensemble may draw from."""


@dataclass(frozen=True, slots=True)
class _Pool:
    """What an ensembler may draw from, ordered by the loss on the rows of each fit."""

    record: Record
    metric: Metric
    fits: tuple[Array, ...]
    """Positions within the scored rows that each fit sees: all, then each half."""
    losses: dict[str, Array]
    """Trial -> its loss on the rows of each fit."""
    families: dict[str, str]
    """Trial -> family of its learner."""


def ensemble(
    run: Path, ensemblers: Sequence[Ensembler], metric: Metric, seed: int
) -> list[dict[str, Any]]:
    """Combine a run's members and put weights and honest predictions on disk.

    Weights found on one half of the scored rows predict the other, both ways
    (`predictions/NAME-crossfit.npy`); the final weights are found on all scored rows and also
    predict the locked test rows, where there are any (`predictions/NAME-test.npy`). The
    baseline is a member only where nothing else finished.

    Args:
        run: The run directory.
        ensemblers: The ways to combine; each draws from the families it names.
        metric: What they optimise.
        seed: Seeds the rows drawn and the ensemblers.

    Returns:
        What `model/ensembles.json` holds, one entry an ensembler: `{name, family, plugin,
        members: [{learner, trial, weight}], score_val, seconds, status, reason}`. One without
        members says in `reason` why.
    """
    record = Record(run)
    pool = _pool(record, metric, seed)
    entries = [_entry(pool, ensembler, seed) for ensembler in ensemblers]
    path = run / "model" / "ensembles.json"
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    draft.replace(path)
    return entries


# --------------------------------------------------------------------------------- members


def _pool(record: Record, metric: Metric, seed: int) -> _Pool:
    rng = np.random.default_rng(seed)
    everything = np.arange(len(record.y))
    halves = record.halves if len(record.halves) == 2 else (everything, everything)
    fits = tuple(_sample(rows, FIT_ROWS, rng) for rows in (everything, *halves))
    families = {s.name: s.family for s in record.standings}
    trials = [t for own in record.candidates.values() for t in own]
    serious = [t for t in trials if families[record.learner_of(t)] != "baseline"] or trials
    losses = {}
    for trial in serious:
        prediction = record.prediction(trial)
        losses[trial] = np.array(
            [loss(metric, score(metric, record.y[rows], prediction[rows])) for rows in fits]
        )
    of = {trial: families[record.learner_of(trial)] for trial in serious}
    return _Pool(record, metric, fits, losses, of)


def _sample(rows: Array, most: int, rng: np.random.Generator) -> Array:
    """At most so many of the rows, ascending."""
    if len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def _members(pool: _Pool, trials: Sequence[str], fit: int) -> list[str]:
    """The members one fit draws from: the best of every learner first, then the second best.

    Few rows support few candidates; the number is that of AutoGluon's portfolios.
    """
    rows = len(pool.fits[fit])
    most = round(np.interp(np.log10(max(rows, 1)), [2, 2.7, 3.4, 4], [4, 8, 15, 40]))
    ranks: dict[str, int] = {}
    order = []
    for trial in sorted(trials, key=lambda t: (pool.losses[t][fit], t)):
        learner = pool.record.learner_of(trial)
        ranks[learner] = ranks.get(learner, -1) + 1
        if ranks[learner] < PER_LEARNER:
            order.append((ranks[learner], pool.losses[trial][fit], trial))
    return [trial for *_, trial in sorted(order)[:most]]


# --------------------------------------------------------------------------------- weights


def _entry(pool: _Pool, ensembler: Ensembler, seed: int) -> dict[str, Any]:
    """Weights, predictions and score of one ensembler, or the reason why there are none."""
    start = time.perf_counter()
    families = ensembler.families
    trials = [t for t, family in pool.families.items() if families is None or family in families]
    entry: dict[str, Any] = {
        "name": ensembler.name,
        "family": "ensemble",
        "plugin": _plugin(ensembler),
        "members": [],
        "score_val": None,
        "seconds": 0.0,
        "status": "skipped",
        "reason": f"no {' or '.join(sorted(families or ('learner',)))} model finished",
    }
    if not trials:
        return entry
    try:
        weights = [_weights(pool, ensembler, trials, fit, seed) for fit in range(3)]
    except Exception as error:  # noqa: BLE001 - a plugin's algorithm costs its row, not the run
        return entry | {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
    value = _write(pool, ensembler.name, weights)
    found = {
        "members": [
            {"learner": pool.record.learner_of(trial), "trial": trial, "weight": weight}
            for trial, weight in weights[0].items()
        ],
        "score_val": value,
        "seconds": time.perf_counter() - start,
        "status": "ok",
        "reason": "",
    }
    return entry | found


def _weights(
    pool: _Pool, ensembler: Ensembler, trials: Sequence[str], fit: int, seed: int
) -> dict[str, float]:
    """Trial -> weight, greatest first, found on the rows of one fit."""
    members = _members(pool, trials, fit)
    if len(members) == 1:
        return {members[0]: 1.0}
    rows = pool.fits[fit]
    first = pool.record.prediction(members[0], rows[:1])
    most = max(FIT_CELLS // (len(members) * first.size), 1)
    rows = _sample(rows, most, np.random.default_rng(seed))
    stack = np.stack([pool.record.prediction(trial, rows) for trial in members])
    weights = _factory(ensembler)(seed).fit(stack, pool.record.y[rows], pool.metric)
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (len(members),) or not np.isfinite(weights).all() or not weights.any():
        msg = f"the ensembler gave weights {weights!r} for {len(members)} members"
        raise ValueError(msg)
    order = np.argsort(-np.abs(weights), kind="stable")
    return {members[i]: float(weights[i]) for i in order if weights[i] != 0}


def _write(pool: _Pool, name: str, weights: Sequence[dict[str, float]]) -> float:
    """Write an ensemble's predictions; its score on all scored rows with the final weights."""
    record, folder = pool.record, pool.record.run / "predictions"
    final = _blend(weights[0], record.prediction)
    if len(record.halves) == 2:
        crossfit = np.empty_like(final)
        for rows, other in zip(record.halves, reversed(weights[1:]), strict=True):
            crossfit[rows] = _blend(other, partial(record.prediction, rows=rows))
    else:
        crossfit = final
    np.save(folder / f"{name}-crossfit.npy", crossfit)
    if record.y_test is not None:
        np.save(folder / f"{name}-test.npy", _blend(weights[0], record.test_prediction))
    return score(pool.metric, record.y, final)


def _blend(weights: dict[str, float], predict: Callable[[str], Array]) -> Array:
    """Weighted sum of the members' predictions, float32."""
    total: Array | None = None
    for trial, weight in weights.items():
        part = predict(trial) * np.float32(weight)
        total = part if total is None else total + part
    assert total is not None  # noqa: S101 - weights are never empty
    return total


def _factory(ensembler: Ensembler) -> Callable[[int], Any]:
    """The callable that makes the algorithm, imported now."""
    if not isinstance(ensembler.factory, str):
        return ensembler.factory
    module, _, name = ensembler.factory.partition(":")
    factory: Callable[[int], Any] = getattr(import_module(module), name)
    return factory


def _plugin(ensembler: Ensembler) -> str:
    """The package that brings the algorithm."""
    factory = ensembler.factory
    module = factory if isinstance(factory, str) else getattr(factory, "__module__", "")
    return module.partition(":")[0].partition(".")[0]
