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
    from collections.abc import Callable, Iterator

    from torch import nn

    from automl import Array, Run
    from automl_torch.data import Inputs

EPOCH_ROWS = 1 << 15
"""An epoch is a pass over the rows, or over this many of them where there are more."""
WARM_UP = 0.1
"""Share of the training during which the learning rate rises."""
FLOOR = 0.01
"""Learning rate at both ends of the schedule, relative to its peak."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train."""

    epochs: int
    batch: int
    rate: float
    decay: float
    clip: float = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What to train on: rows, their targets, and how far off an output is."""

    rows: Inputs
    target: torch.Tensor
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    evaluate: Callable[[], Array] | None
    """Predicts the stop rows; None without stop rows."""


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

    def progress(self) -> float:
        """Share of the training that is over."""
        by_steps = self._done / self._steps
        if not math.isfinite(self._began):
            return by_steps
        left = self._run.seconds_left() - self.reserve - self._pace
        return max(by_steps, 1 - left / max(self._began - self.reserve, 1e-9))


def learning_rate(progress: float) -> float:
    """One cycle, relative to the peak: a linear rise, then half a cosine down."""
    if progress < WARM_UP:
        return FLOOR + (1 - FLOOR) * progress / WARM_UP
    fall = min((progress - WARM_UP) / (1 - WARM_UP), 1.0)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * fall))


def batches(rows: int, size: int, device: torch.device) -> Iterator[torch.Tensor]:
    """Endless (size,) positions: one permutation after the other."""
    while True:
        for batch in torch.split(torch.randperm(rows, device=device), size):
            if len(batch) == size or rows < 2 * size:
                yield batch


def train(net: nn.Module, task: Task, plan: Plan, run: Run) -> None:
    """Train `net` in place and leave it with its best weights.

    Ends after the planned epochs, when the host says so, or in time before the deadline.
    With stop rows the prediction is reported after each epoch (`EPOCH_ROWS`) and at the end.

    Raises:
        AutoMLError: The weights became infinite before any epoch was kept.
    """
    per_epoch = max(1, min(len(task.rows), EPOCH_ROWS) // plan.batch)
    optimiser = AdamW(net, plan.decay, plan.clip)
    clock = Clock(plan.epochs * per_epoch, run)
    best: torch.Tensor | None = None
    progress, over = 0.0, False
    net.train()
    for step, batch in enumerate(batches(len(task.rows), plan.batch, task.target.device), start=1):
        loss = task.loss(net(task.rows.take(batch)), task.target.index_select(0, batch))
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            optimiser.step(plan.rate * learning_rate(progress))
        progress = clock.tick()
        ended = step % per_epoch == 0 or progress >= 1
        if ended and not torch.isfinite(optimiser.weights.sum()):
            break
        if task.evaluate and ended:
            epoch = math.ceil(step / per_epoch)
            over = run.report(epoch, task.evaluate())
            net.train()
            if run.best_step == epoch:
                best = optimiser.weights.clone()
        if over or progress >= 1:
            break
    if best is not None:
        optimiser.weights.copy_(best)
    if not torch.isfinite(optimiser.weights.sum()):
        msg = "The net diverged: its weights are no longer finite; try a lower learning_rate."
        raise AutoMLError(msg)
    net.eval()
