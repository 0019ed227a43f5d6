"""Fits ensemblers to the out-of-fold predictions of a run, and cross-fits them."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.ensemble.blend import fit_blend
from automl.ensemble.pool import FIT_CELLS, read_pool
from automl.errors import ArtifactError
from automl.files import write_array, write_json
from automl.hooks.bounded import bounded
from automl.hooks.calls import sentence
from automl.metrics import score
from automl.runs.record import RunReader
from automl.units import format_latency

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from automl.ensemble.blend import Blend
    from automl.ensemble.pool import Pool
    from automl.types import Array, Ensembler, Metric


def ensemble(
    run: Path,
    ensemblers: Sequence[Ensembler],
    metric: Metric,
    seed: int,
    seconds: Callable[[], float] = lambda: math.inf,
    *,
    row_seconds: float | None = None,
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
        row_seconds: Seconds that the members of an ensemble together may take to predict a row.

    Returns:
        The content of `model/ensembles.json`, one entry an ensembler: `{name, family, plugin,
        members: [{learner, trial, weight}], combiner, score_val, pruned, seconds, status,
        reason}`. `reason` explains an entry without members; `combiner` is None for a weighted
        mean, else `{trials, state}`; `pruned` is None unless members were left out that there was
        no time for, else `{members, score, score_left}`, with them and without on the same rows.

    Raises:
        BudgetError: no learner finished.
        ArtifactError: the directory is not a run, or is damaged.
    """
    record = RunReader(run)
    pool = read_pool(record, metric, seed)
    most = math.inf if row_seconds is None else row_seconds
    entries = [_entry(pool, ensembler, seed, seconds(), most) for ensembler in ensemblers]
    path = run / "model" / "ensembles.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, entries)
    return entries


def _entry(
    pool: Pool, ensembler: Ensembler, seed: int, seconds: float, row_seconds: float
) -> dict[str, Any]:
    """Weights, predictions and score of one ensembler, or the reason why there are none."""
    start = time.perf_counter()
    families = ensembler.families
    entry: dict[str, Any] = {
        "name": ensembler.name,
        "family": "ensemble",
        "plugin": _plugin(ensembler),
        "members": [],
        "combiner": None,
        "score_val": None,
        "pruned": None,
        "seconds": 0.0,
        "status": "skipped",
        "reason": f"no {' or '.join(sorted(families or ('learner',)))} model finished",
    }
    if not pool.allowed(ensembler):
        return entry
    try:
        what = f"the ensembler {ensembler.name}"
        found = bounded(what, seconds, _blended, pool, ensembler, seed, row_seconds)
    except (ArtifactError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - a plugin's error costs its row, not the run
        return entry | {"status": "failed", "reason": sentence(error)}
    if not found:
        return entry | {"reason": f"no model predicts a row in {format_latency(row_seconds)}"}
    return entry | found | {"seconds": time.perf_counter() - start, "status": "ok", "reason": ""}


def _blended(pool: Pool, ensembler: Ensembler, seed: int, row_seconds: float) -> dict[str, Any]:
    """Fit an ensembler and write its predictions; empty where no member is fast enough."""
    fits = range(len(pool.fits))
    found = [fit_blend(pool, ensembler, fit, seed, row_seconds) for fit in fits]
    blends = [blend for blend in found if blend is not None]
    if len(blends) < len(found):
        return {}
    value, final, combiner = _write(pool, ensembler.name, blends), blends[0], None
    if final.combiner is not None:
        state = json.loads(json.dumps(dict(final.combiner.state())))
        combiner = {"trials": list(final.trials), "state": state}
    return {
        "members": [
            {"learner": pool.record.learner_of(trial), "trial": trial, "weight": weight}
            for trial, weight in final.weights.items()
        ],
        "combiner": combiner,
        "score_val": value,
        "pruned": _pruned(pool, final),
    }


def _pruned(pool: Pool, final: Blend) -> dict[str, Any] | None:
    """The members and the score before some were left out, and the score since."""
    if final.pruned_from is None:
        return None
    predictions = dict(zip(pool.trials, pool.predictions, strict=True))
    before, left = (
        score(pool.metric, pool.y, blend.of(predictions)) for blend in (final.pruned_from, final)
    )
    return {"members": len(final.pruned_from.weights), "score": before, "score_left": left}


def _write(pool: Pool, name: str, blends: Sequence[Blend]) -> float:
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


def _check(blend: Array, found: Blend) -> None:
    if found.combiner is not None and not np.isfinite(blend).all():
        msg = "the ensembler combined its members to NaN or infinite values"
        raise ValueError(msg)


def _plugin(ensembler: Ensembler) -> str:
    """The package that declares the ensembler."""
    factory = ensembler.factory
    module = factory if isinstance(factory, str) else getattr(factory, "__module__", "")
    return module.partition(":")[0].partition(".")[0]
