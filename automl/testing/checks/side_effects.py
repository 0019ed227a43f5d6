"""Checks of side effects: on the rows, the process, the time limit and the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.hooks.declarations import peak_memory
from automl.testing.contract import SkippedError, check, fault_if, skip_if
from automl.testing.fixture import DEADLINE, FitSettings, agree, sound, spread
from automl.units import format_size

if TYPE_CHECKING:
    from automl.testing.fixture import Fixture

OVERRUN = 4 * DEADLINE + 1.0
"""Longest time that the fit with the deadline may take."""
AFTER_STOP = 2.0
"""Longest time that a fit may go on after it was told to stop."""
FIRST_STEPS = 4
TOO_MANY = 1.5
"""Average number of running threads above which a fit uses more than one."""
FEWEST_SAMPLES = 10
TOLERANCE = 32 * 2**20
"""Bytes tolerated above twice the declared memory."""


@check("Copy before changing: the rows are read-only and shared with every other worker.")
def inputs_kept(fixture: Fixture) -> None:
    """All workers share the memory, so a change would corrupt the rows of every learner."""
    _ = fixture.plain
    fault_if(fixture.changed_inputs, fixture.changed_inputs)


@check(
    "Use generators of your own (`np.random.default_rng(run.seed)`, `torch.Generator`, or "
    "`torch.random.fork_rng`), and restore every global setting in a `finally`."
)
def global_state(fixture: Fixture) -> None:
    """A worker's process is reused for other learners, and a notebook has state of its own."""
    found = sorted({name for _, changed in fixture.twins for name in changed})
    fault_if(found, f"fit or predict changed {', '.join(found)}")


@check(
    "Draw everything random from `run.seed`: pass it as `random_state` or seed your own "
    "generator with it."
)
def seed(fixture: Fixture) -> None:
    """Repeating a fit with its seed must repeat the leaderboard."""
    (first, _), (second, _) = fixture.twins
    view = fixture.small_rows.test
    scale = spread(sound(first, view), fixture.task)
    agree(first, sound(second, view), "two fits of one seed", scale=scale)


@check(
    "Check `run.seconds_left()` between steps and end with the model so far; omit `fidelity` if "
    "the fit cannot be cut short.",
    once=True,
)
def deadline(fixture: Fixture) -> None:
    """Budgets are kept: a fit far over its time limit is killed with its worker."""
    skip_if(
        fixture.learner.fidelity is None,
        "declares no fidelity: the host starts it only where it is expected to finish",
    )
    seconds = fixture.metered[0].seconds
    if seconds > OVERRUN:
        seconds = min(seconds, fixture.measure()[0].seconds)  # another process may have been busy
    fault_if(
        seconds > OVERRUN,
        f"given {DEADLINE:g} s and no early-stopping rows, the fit took {seconds:.1f} s",
    )


@check(
    "Call `run.report(step, prediction)` on the early-stopping rows as training goes on, and "
    "return from fit as soon as it answers True.",
    once=True,
)
def stop(fixture: Fixture) -> None:
    """The host decides when a fit ends, by its own score and its own clock."""
    _with_patience(fixture)
    fitted = fixture.fit(fixture.own(fixture.plain_rows), FitSettings(reports=2))
    run = fitted.run
    fault_if(
        not run.reports, "declares patience and was given early-stopping rows, but reported nothing"
    )
    fault_if(run.late > 1, f"went on and reported {run.late} times more after it was told to stop")
    fault_if(
        fitted.ended - run.told_to_stop > AFTER_STOP,
        f"took {fitted.ended - run.told_to_stop:.1f} s to end after it was told to stop",
    )


@check(
    "Keep the state of the model when `run.best_step` is the step just reported, and restore it at "
    "the end of fit.",
    once=True,
)
def best_step(fixture: Fixture) -> None:
    """Early stopping is useless if the last model is kept instead of the best one."""
    _with_patience(fixture)
    rows = fixture.own(fixture.plain_rows)
    fitted = fixture.fit(rows, FitSettings(reports=FIRST_STEPS, first_is_best=True))
    _, held_out = rows.parts(stopping=True)
    if held_out is None or len(fitted.run.reports) < 2:
        msg = "reported fewer than two steps, so there is nothing to go back to"
        raise SkippedError(msg)
    first, last = fitted.run.reports[0][1], fitted.run.reports[-1][1]
    skip_if(
        np.array_equal(first, last),
        "no step changed the prediction, so the steps cannot be told apart",
    )
    kept = fixture.predict(fitted, held_out)
    scale = spread(first, fixture.task)
    agree(first, kept, "the best step as reported, and the model kept", scale=scale)


def _with_patience(fixture: Fixture) -> None:
    skip_if(
        fixture.learner.patience is None, "declares no patience: it gets no early-stopping rows"
    )


@check(
    "Pass `run.threads` on (`n_jobs`, `nthread`, `torch.set_num_threads`), and start no pool of "
    "your own beyond it.",
    once=True,
)
def threads(fixture: Fixture) -> None:
    """Every CPU runs a fit of its own; a fit that takes more CPUs slows down all others."""
    usage = fixture.metered[1]
    skip_if(
        usage.samples < FEWEST_SAMPLES,
        "the system does not report it, or the fit was over too soon to be sampled",
    )
    running = usage.running
    if running > TOO_MANY:
        running = min(running, fixture.measure()[1].running)
    fault_if(running > TOO_MANY, f"given 1 thread, {running:.1f} were running at once on average")


@check(
    "Declare the peak of a fit beyond its rows in `memory(rows, columns)`, in bytes, or leave it "
    "out where it is not known.",
    once=True,
)
def memory(fixture: Fixture) -> None:
    """A worker over its memory limit is killed; the declaration decides which fits may start."""
    fitted, usage = fixture.metered
    rows = fitted.rows
    columns = len(rows.schema.features)
    declared = peak_memory(fixture.learner, rows.schema, len(rows.train), columns)
    skip_if(not declared, "declares no memory")
    if usage.peak_bytes is None:
        msg = "the system does not report the peak of a process"
        raise SkippedError(msg)
    fault_if(
        usage.peak_bytes > 2 * declared + TOLERANCE,
        f"took {format_size(usage.peak_bytes)}, declared {format_size(declared)}",
    )


CHECKS = (
    inputs_kept,
    global_state,
    seed,
    deadline,
    stop,
    best_step,
    threads,
    memory,
)
