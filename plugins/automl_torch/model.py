"""A net as a model of the host: everything but the architecture."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from automl_torch import files, loop
from automl_torch.data import Layout, TargetScale, to_inputs
from automl_torch.nets import Columns, Dropout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from automl import Array, Config, Run, TensorBlock, View
    from automl import Task as TaskName
    from automl_torch.data import Inputs

    Architecture = Callable[[Config, Layout, int], nn.Module]
    """(configuration, inputs, number of outputs) -> an untrained net on the CPU, which takes
    `Inputs` of n rows and answers (n, outputs)."""

CHUNK_CELLS = 1 << 23
"""Input cells that a prediction handles at once."""
BATCHES = ((2_800, 32), (6_400, 64), (12_000, 128))
"""(rows, batch size) up to that many rows; beyond the last, `LARGEST_BATCH`."""
LARGEST_BATCH = 256
"""On a CPU 1024 rows cost three times as much as 256 and teach little more: of 225,000 rows
trained for 8 s, 256 left an RMSE 15% lower."""


def batch_size(rows: int, asked: int = 0) -> int:
    """The batch size asked for, or what trains best per second of CPU on so many rows."""
    fitting = next((size for limit, size in BATCHES if rows <= limit), LARGEST_BATCH)
    return max(1, min(asked or fitting, rows))


class NetModel:
    """An architecture that fits, predicts, saves and loads as the host asks.

    Reads from the configuration: `epochs`, `batch_size` (0: by rows), `learning_rate`,
    `weight_decay`; the rest belongs to the architecture.
    """

    def __init__(
        self, architecture: Architecture, config: Config, task: TaskName, n_classes: int
    ) -> None:
        self._architecture = architecture
        self._config = dict(config)
        self._task = task
        self._outputs = 1 if task == "regression" else max(n_classes, 2)
        self._layout: Layout | None = None
        self._scale: TargetScale | None = None
        self._net: nn.Module | None = None
        self._device = "cpu"

    def fit(self, train: View, stop: View | None, run: Run) -> None:
        """Train until the plan, the deadline or the host ends it; keeps the best epoch."""
        self._device = run.device
        self._layout = Layout.of(train.X)
        with loop.settings(run.seed, run.threads, run.device):
            rows = to_inputs(train.X, self._layout, run.device)
            target = self._target(train).to(run.device)
            self._net = self._architecture(self._config, self._layout, self._outputs)
            for part in self._net.modules():
                if isinstance(part, Columns):
                    part.measure(rows.numbers.cpu())
            self._net.to(run.device)
            evaluate = None if stop is None else self._evaluator(stop)
            loss = nn.functional.mse_loss if self._scale else nn.functional.cross_entropy
            work = loop.Task(rows, target, loss, evaluate)
            loop.train(self._net, work, self._plan(len(train)), run)
            for part in self._net.modules():
                if isinstance(part, Dropout):
                    part.forget()

    def _plan(self, rows: int) -> loop.Plan:
        config: dict[str, Any] = self._config
        return loop.Plan(
            epochs=int(config.get("epochs", 60)),
            batch=batch_size(rows, int(config.get("batch_size", 0))),
            rate=float(config.get("learning_rate", 4e-3)),
            decay=float(config.get("weight_decay", 0.2)),
        )

    def _target(self, train: View) -> torch.Tensor:
        y = np.asarray(train.y)
        if self._task != "regression":
            return torch.tensor(y, dtype=torch.int64)
        self._scale = TargetScale.of(y)
        return torch.tensor(self._scale.scale(y))[:, None]

    def _evaluator(self, stop: View) -> Callable[[], Array]:
        layout = self._layout or Layout.of(stop.X)
        chunks = [to_inputs(block, layout, self._device) for block in self._chunks(stop)]
        return lambda: self._answer(chunks)

    def predict(self, view: View) -> Array:
        """(n, k) float32 class probabilities or (n,) float64 values."""
        if self._net is None or self._layout is None:
            msg = "fit or load before predict"
            raise RuntimeError(msg)
        blocks = self._chunks(view)
        return self._answer(to_inputs(block, self._layout, self._device) for block in blocks)

    @staticmethod
    def _chunks(view: View) -> Iterator[TensorBlock]:
        size = max(256, min(1 << 14, CHUNK_CELLS // max(1, view.X.numbers.shape[1])))
        for start in range(0, len(view), size):
            yield view.X.take(slice(start, start + size))

    def _answer(self, chunks: Iterable[Inputs]) -> Array:
        net = cast("nn.Module", self._net).eval()
        with torch.inference_mode():
            outputs = [net(rows) if self._scale else net(rows).softmax(-1) for rows in chunks]
            joined = torch.cat(outputs) if outputs else torch.empty(0, self._outputs)
        array: Array = joined.cpu().numpy()
        return self._scale.restore(array[:, 0]) if self._scale else array

    def save(self, folder: Path) -> None:
        """Write weights and what is needed to rebuild the net around them."""
        if self._net is None or self._layout is None:
            msg = "fit or load before save"
            raise RuntimeError(msg)
        details = {
            "config": self._config,
            "task": self._task,
            "outputs": self._outputs,
            "layout": asdict(self._layout),
            "scale": asdict(self._scale) if self._scale else None,
        }
        files.write(folder, self._net.state_dict(), details)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, onto the CPU.

        Raises:
            ArtifactError: The files are missing or damaged.
        """
        weights, details = files.read(folder)
        layout = details["layout"]
        self._config, self._task = details["config"], details["task"]
        self._outputs, self._device = details["outputs"], "cpu"
        self._layout = Layout(
            layout["numbers"], tuple(layout["flagged"]), tuple(layout["cardinalities"])
        )
        self._scale = TargetScale(**details["scale"]) if details["scale"] else None
        with torch.random.fork_rng(devices=[]):
            self._net = self._architecture(self._config, self._layout, self._outputs)
        self._net.load_state_dict(weights)
        self._net.eval()
