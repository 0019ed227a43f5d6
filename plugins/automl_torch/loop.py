"""The training loop that all nets share: planned for the time at hand."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from automl import AutoMLError
from automl_torch.optimiser import AdamW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import nn

    from automl import Array, Run
    from automl_torch.optimiser import Group
    from automl_torch.schedules import Schedule

EPOCH_ROWS = 1 << 15
"""An epoch is a pass over the rows, or over this many of them where there are more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings of a training."""

    epochs: int
    batch: int
    rate: Schedule
    """Learning rate by progress."""
    decay: Schedule
    """Weight decay by progress; a step takes rate times decay off the weights that decay."""
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    """Largest norm of the gradient; 0 for none."""

    @property
    def annealed(self) -> bool:
        """True if the training depends on how far it has come."""
        return any(
            schedule(part) != schedule(0.0)
            for schedule in (self.rate, self.decay)
            for part in (0.25, 0.5, 0.75, 1.0)
        )


@dataclass(frozen=True, slots=True)
class Task:
    """Batches of a training and their losses."""

    rows: int
    """Training rows; a batch is a tensor of positions among them."""
    device: torch.device | str
    loss: Callable[[torch.Tensor], torch.Tensor]
    """(m,) int64 positions to the mean loss of those rows."""
    groups: Sequence[Group]
    """The parameters to train; all others stay as they are."""
    evaluate: Callable[[], Array] | None = None
    """Predicts the early-stopping rows; None without early-stopping rows."""
    advance: Callable[[float], None] | None = None
    """Told the progress after every step, for what changes while a net trains."""


class Part:
    """A share of the time that a run has left, for training that has nothing to report."""

    best_step = -1

    def __init__(self, run: Run, share: float) -> None:
        left = run.seconds_left()
        self.seed, self.threads, self.device = run.seed, run.threads, run.device
        self._run = run
        self._kept = (1 - share) * left if math.isfinite(left) else 0.0

    def seconds_left(self) -> float:
        """Seconds until this part must be over; `inf` without a time limit."""
        return max(0.0, self._run.seconds_left() - self._kept)

    def report(self, step: int, prediction: Array) -> bool:
        """True when this part is over; nothing is scored."""
        del step, prediction
        return self.seconds_left() <= 0

    def cut_short(self, done: float = 0.0) -> None:
        """Pass on that time ended or hastened this part."""
        self._run.cut_short(done)


@contextmanager
def settings(seed: int, threads: int, device: str) -> Iterator[None]:
    """Seed torch and set its threads; on leaving both are as they were."""
    before = torch.get_num_threads()
    devices = [torch.cuda.current_device()] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        torch.set_num_threads(max(1, threads))
        try:
            yield
        finally:
            torch.set_num_threads(before)


class Clock:
    """Progress from 0 to 1, by steps or by the time at hand, whichever is further.

    A schedule tied to it ends annealed both after the planned steps and at the deadline,
    however unevenly the machine runs.
    """

    def __init__(self, steps: int, run: Run) -> None:
        self._steps = steps
        self._done = 0
        self._run = run
        self._began = run.seconds_left()
        self._pace = 0.0
        self._last = time.monotonic()
        self.reserve = min(0.05 + 0.04 * self._began, 1.0) if math.isfinite(self._began) else 0.0

    def tick(self) -> float:
        """Count a step and return the progress."""
        self._done += 1
        now = time.monotonic()
        self._pace += 0.1 * (now - self._last - self._pace)
        self._last = now
        return self.progress()

    def evaluated(self) -> None:
        """Keep enough time for another evaluation as long as the one that just ended."""
        now = time.monotonic()
        if math.isfinite(self._began):
            self.reserve = max(self.reserve, min(1.2 * (now - self._last), 0.3 * self._began))
        self._last = now

    def progress(self) -> float:
        """Share of the training that is over."""
        return max(self.done, self._by_time)

    @property
    def late(self) -> bool:
        """Return whether time would be over before the planned steps are, at the pace so far."""
        return self._by_time > self.done

    @property
    def done(self) -> float:
        """Part of the planned steps that is over."""
        return self._done / self._steps

    @property
    def _by_time(self) -> float:
        if not math.isfinite(self._began):
            return 0.0
        left = self._run.seconds_left() - self.reserve - self._pace
        return 1 - left / max(self._began - self.reserve, 1e-9)


def batches(rows: int, size: int, device: torch.device | str) -> Iterator[torch.Tensor]:
    """Endless (size,) positions: one permutation after the other."""
    while True:
        for batch in torch.split(torch.randperm(rows, device=device), size):
            if len(batch) == size or (rows < 2 * size and len(batch) > 1):
                yield batch


class Keeper:
    """Remembers a net's weights and running statistics, and puts them back."""

    def __init__(self, net: nn.Module, weights: torch.Tensor) -> None:
        self._parts = [weights, *net.buffers()]
        self._kept: list[torch.Tensor] = []

    def keep(self) -> None:
        """Remember the present state in place of an earlier one."""
        self._kept = [part.clone() for part in self._parts]

    def restore(self) -> None:
        """Back to the state last kept, if there is one."""
        for part, kept in zip(self._parts, self._kept, strict=False):
            part.copy_(kept)


def train(net: nn.Module, task: Task, plan: Plan, run: Run) -> None:
    """Train `net` in place and leave it with its best weights, in evaluation mode.

    Ends after the planned epochs, when the host says so, or in time before the deadline.
    With early-stopping rows each epoch (`EPOCH_ROWS`) and the end report a prediction.

    Raises:
        AutoMLError: The weights became infinite before any epoch was kept.
    """
    per_epoch = max(1, min(task.rows, EPOCH_ROWS) // plan.batch)
    optimiser = AdamW(task.groups, plan.betas, plan.clip)
    keeper = Keeper(net, optimiser.weights)
    clock = Clock(plan.epochs * per_epoch, run)
    progress, over = 0.0, False
    net.train()
    for step, batch in enumerate(batches(task.rows, plan.batch, task.device), start=1):
        task.loss(batch).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            optimiser.step(plan.rate(progress), plan.decay(progress))
        progress = clock.tick()
        if task.advance:
            task.advance(progress)
        ended = step % per_epoch == 0 or progress >= 1
        if ended and not torch.isfinite(optimiser.weights.sum()):
            break
        if task.evaluate and ended:
            epoch = math.ceil(step / per_epoch)
            over = run.report(epoch, task.evaluate())
            clock.evaluated()
            net.train()
            if run.best_step == epoch:
                keeper.keep()
        if over or progress >= 1:
            break
    if clock.late and (plan.annealed or task.advance or not over):
        run.cut_short(clock.done)
    keeper.restore()
    if not torch.isfinite(optimiser.weights.sum()):
        msg = "The net diverged: its weights are no longer finite; try a lower learning_rate."
        raise AutoMLError(msg)
    net.eval()
