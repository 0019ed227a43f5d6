"""A net that scores how odd a row is, as a model of the host."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch

from automl_torch import files, loop
from automl_torch.data import Layout, to_inputs
from automl_torch.model import chunks_of, plan_of, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import nn

    from automl import Array, Config, Run, View
    from automl_torch.data import Inputs
    from automl_torch.model import Recipe


class Judge(Protocol):
    """A net that detects anomalies: a `torch.nn.Module` with a loss and a score."""

    cells: int
    """Numbers that the widest activation of one row holds."""

    def measure(self, rows: Inputs) -> None:
        """Fit what depends on the scale of the inputs; called once, on the CPU."""
        ...

    def loss(self, rows: Inputs) -> torch.Tensor:
        """The mean loss of a training batch."""
        ...

    def score(self, rows: Inputs) -> torch.Tensor:
        """(n,) scores, higher for odder rows."""
        ...


class DetectorModel:
    """A recipe whose net is a `Judge`; it fits, scores, saves and loads as the host asks.

    No target is looked at. Reads from the configuration what `NetModel` reads, but for
    `smoothing`.
    """

    def __init__(self, recipe: Recipe, config: Config) -> None:
        self._recipe = recipe
        self._config = dict(config)
        self._layout: Layout | None = None
        self._net: nn.Module | None = None
        self._device = "cpu"

    def fit(self, train: View, stop: View | None, run: Run) -> None:
        """Train until the plan, the deadline or the host ends it; keeps the best epoch."""
        self._device = run.device
        layout = self._layout = Layout.of(train.X)
        with loop.settings(run.seed, run.threads, run.device):
            net = self._net = self._recipe.architecture(self._config, layout, 1)
            judge = cast("Judge", net)
            with torch.no_grad():
                judge.measure(to_inputs(sample(train).X, layout, "cpu"))
            net.to(run.device)
            rows = to_inputs(train.X, layout, run.device)
            work = loop.Task(
                rows=len(rows),
                device=rows.numbers.device,
                loss=lambda batch: judge.loss(rows.take(batch)),
                groups=self._recipe.groups(net),
                evaluate=None if stop is None else self._evaluator(stop, layout),
            )
            loop.train(net, work, plan_of(self._recipe, self._config, len(rows), judge.cells), run)

    def _evaluator(self, stop: View, layout: Layout) -> Callable[[], Array]:
        cells = cast("Judge", self._net).cells
        chunks = [to_inputs(block, layout, self._device) for block in chunks_of(stop, cells)]
        return lambda: self._answer(chunks)

    def predict(self, view: View) -> Array:
        """(n,) float64 scores, higher for odder rows."""
        if self._net is None or self._layout is None:
            msg = "fit or load before predict"
            raise RuntimeError(msg)
        layout, cells = self._layout, cast("Judge", self._net).cells
        return self._answer(to_inputs(b, layout, self._device) for b in chunks_of(view, cells))

    def _answer(self, chunks: Iterable[Inputs]) -> Array:
        net = cast("nn.Module", self._net).eval()
        with torch.inference_mode():
            scores = [cast("Judge", net).score(rows).double().cpu().numpy() for rows in chunks]
        return np.concatenate(scores) if scores else np.empty(0)

    def save(self, folder: Path) -> None:
        """Write weights and what is needed to rebuild the net around them."""
        if self._net is None or self._layout is None:
            msg = "fit or load before save"
            raise RuntimeError(msg)
        details = {"config": self._config, "layout": asdict(self._layout)}
        files.write(folder, self._net.state_dict(), details)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, onto the CPU.

        Raises:
            ArtifactError: The files are missing or damaged.
        """
        weights, details = files.read(folder)
        self._config, self._device = details["config"], "cpu"
        self._layout = Layout.restored(details["layout"])
        with torch.random.fork_rng(devices=[]):
            self._net = self._recipe.architecture(self._config, self._layout, 1)
        self._net.load_state_dict(weights)
        self._net.eval()
