"""Checks of how a fit behaves: towards its rows, its process, the clock and the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from automl.testing.bench import DEADLINE, Brief, agree, sound, spread
from automl.testing.outcome import FaultError, SkippedError, check
from automl.units import format_size

if TYPE_CHECKING:
    from automl.testing.bench import Bench

OVERRUN = 4 * DEADLINE + 1.0
"""Seconds that the fit with the deadline may take in all."""
AFTER_STOP = 2.0
"""Seconds that a fit may go on after it was told to stop."""
FIRST_STEPS = 4
TOO_MANY = 1.5
"""Threads running at once, on average, that are more than one."""
FEWEST_LOOKS = 10
SLACK = 32 * 2**20
"""Bytes above twice the declared memory that a small table is granted."""


@check("Copy before changing: the rows are read-only and shared with every other worker.")
def inputs_kept(bench: Bench) -> None:
    """All workers read the same memory, so a change would spoil the rows of every learner."""
    _ = bench.plain
    if bench.changed_inputs:
        raise FaultError(bench.changed_inputs)


@check(
    "Use generators of your own (`np.random.default_rng(run.seed)`, `torch.Generator`, or "
    "`torch.random.fork_rng`), and put back what you set, in a `finally`."
)
def global_state(bench: Bench) -> None:
    """A worker's process is used again for other learners, and a notebook is its owner's."""
    if found := sorted({name for _, changed in bench.twins for name in changed}):
        msg = f"fit or predict changed {', '.join(found)}"
        raise FaultError(msg)


@check(
    "Draw everything random from `run.seed`: hand it on as `random_state` or seed your own "
    "generator with it."
)
def seed(bench: Bench) -> None:
    """The same seed must give the same leaderboard."""
    (first, _), (second, _) = bench.twins
    view = bench.small_rows.test
    scale = spread(sound(first, view), bench.task)
    agree(first, sound(second, view), "two fits of one seed", scale=scale)


@check(
    "Look at `run.seconds_left()` between steps and end with what there is; leave `fidelity` out "
    "if the fit cannot be cut short.",
    once=True,
)
def deadline(bench: Bench) -> None:
    """A budget is a promise; a fit far over its time is ended with its worker."""
    if bench.learner.fidelity is None:
        msg = "declares no fidelity: the host starts it only where it is expected to finish"
        raise SkippedError(msg)
    seconds = bench.metered[0].seconds
    if seconds > OVERRUN:
        seconds = min(seconds, bench.measure()[0].seconds)  # another process may have been busy
    if seconds > OVERRUN:
        msg = f"given {DEADLINE:g} s and no stop rows, the fit took {seconds:.1f} s"
        raise FaultError(msg)


@check(
    "Call `run.report(step, prediction)` on the stop rows as training goes on, and return from fit "
    "as soon as it answers True.",
    once=True,
)
def stop(bench: Bench) -> None:
    """The host decides when a fit is over, by its own score and its own clock."""
    _with_patience(bench)
    fitted = bench.fit(bench.own(bench.plain_rows), Brief(reports=2))
    run = fitted.run
    if not run.reports:
        msg = "declares patience and was given stop rows, but reported nothing"
        raise FaultError(msg)
    if run.late > 1:
        msg = f"went on and reported {run.late} times more after it was told to stop"
        raise FaultError(msg)
    if fitted.ended - run.told_to_stop > AFTER_STOP:
        msg = f"took {fitted.ended - run.told_to_stop:.1f} s to end after it was told to stop"
        raise FaultError(msg)


@check(
    "Keep the state of the model when `run.best_step` is the step just reported, and go back to it "
    "at the end of fit.",
    once=True,
)
def best_step(bench: Bench) -> None:
    """Early stopping is worth nothing if the last model is kept instead of the best one."""
    _with_patience(bench)
    rows = bench.own(bench.plain_rows)
    fitted = bench.fit(rows, Brief(reports=FIRST_STEPS, first_is_best=True))
    _, held_out = rows.parts(stopping=True)
    if held_out is None or len(fitted.run.reports) < 2:
        msg = "reported fewer than two steps, so there is nothing to go back to"
        raise SkippedError(msg)
    first, last = fitted.run.reports[0][1], fitted.run.reports[-1][1]
    if np.array_equal(first, last):
        msg = "no step changed the prediction, so the steps cannot be told apart"
        raise SkippedError(msg)
    kept = bench.predict(fitted, held_out)
    scale = spread(first, bench.task)
    agree(first, kept, "the best step as reported, and the model kept", scale=scale)


def _with_patience(bench: Bench) -> None:
    if bench.learner.patience is None:
        msg = "declares no patience: it gets no stop rows"
        raise SkippedError(msg)


@check(
    "Hand `run.threads` on (`n_jobs`, `nthread`, `torch.set_num_threads`), and start no pool of "
    "your own beyond it.",
    once=True,
)
def threads(bench: Bench) -> None:
    """Every CPU has a fit of its own; one that takes more slows down all others."""
    reading = bench.metered[1]
    if reading.looks < FEWEST_LOOKS:
        msg = "the system does not tell, or the fit was over too soon to look"
        raise SkippedError(msg)
    running = reading.running
    if running > TOO_MANY:
        running = min(running, bench.measure()[1].running)
    if running > TOO_MANY:
        msg = f"given 1 thread, {running:.1f} were running at once on average"
        raise FaultError(msg)


@check(
    "Declare the peak of a fit beyond its rows in `resources(schema)`, `automl.Resources(memory="
    "...)`, in bytes; 0 stands for not known.",
    once=True,
)
def memory(bench: Bench) -> None:
    """A worker over its allowance is ended, and the declaration decides who may start."""
    fitted, reading = bench.metered
    declared = bench.learner.resources(fitted.rows.schema).memory
    if not declared:
        msg = "declares no memory"
        raise SkippedError(msg)
    if reading.peak_bytes is None:
        msg = "the system does not tell the peak of a process"
        raise SkippedError(msg)
    if reading.peak_bytes > 2 * declared + SLACK:
        msg = f"took {format_size(reading.peak_bytes)}, declared {format_size(declared)}"
        raise FaultError(msg)


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
