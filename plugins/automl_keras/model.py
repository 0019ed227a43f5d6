"""A Keras net as a model of the host."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import AutoMLError
from automl_keras import weights
from automl_keras.backend import keras, place
from automl_keras.data import Layout, TargetScale
from automl_keras.nets import mlp, wide_deep
from automl_keras.train import Batches, Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from automl import Array, Config, Run, Task, View

    Net = Callable[[Config, Layout, int, int], tuple[dict[str, Any], Any]]
    """(configuration, layout, number of outputs, seed) -> inputs and output of a net."""

CHUNK = 4096
"""Rows that a prediction handles at once."""
BATCHES = ((2_000, 64), (6_000, 128), (20_000, 256), (60_000, 512))
"""(rows, batch size) up to that many rows; beyond the last, `LARGEST_BATCH`."""
LARGEST_BATCH = 1024


def build_mlp(config: Config, task: Task, n_classes: int) -> KerasModel:
    """The factory of the learner `keras_mlp`."""
    return KerasModel(mlp, config, task, n_classes)


def build_wide_deep(config: Config, task: Task, n_classes: int) -> KerasModel:
    """The factory of the learner `keras_wide_deep`."""
    return KerasModel(wide_deep, config, task, n_classes)


class KerasModel:
    """A net that fits, predicts, saves and loads as the host asks.

    Reads from the configuration `epochs`, `batch_size`, `learning_rate`, `weight_decay`; the
    rest belongs to the net.
    """

    def __init__(self, net: Net, config: Config, task: Task, n_classes: int) -> None:
        self._make = net
        self._config: dict[str, Any] = dict(config)
        self._outputs = 1 if task == "regression" else max(n_classes, 2)
        self._net: Any = None
        self._layout: Layout | None = None
        self._scale: TargetScale | None = None
        self._values = task == "regression"
        self._device, self._threads = "cpu", 1

    def fit(self, train: View, stop: View | None, run: Run) -> None:
        """Train until the plan, the deadline or the host ends it; keeps the best epoch.

        Raises:
            AutoMLError: The weights became infinite before any epoch was kept.
        """
        self._device, self._threads = run.device, run.threads
        wide = self._make is wide_deep
        crosses = bool(self._config.get("crosses", True))
        self._layout = Layout.of(train.X, wide=wide, crosses=crosses)
        with place(run.device, run.threads):
            trainer = self._build(run.seed)
            self._train(trainer, train, stop, run)
            if not all(np.isfinite(value).all() for value in self._net.get_weights()):
                msg = "the net diverged: its weights are not finite; try a lower learning_rate"
                raise AutoMLError(msg)

    def _train(self, trainer: Any, train: View, stop: View | None, run: Run) -> None:
        layout = self._known_layout()
        target = self._target(train)
        columns = [target] if train.weights is None else [target, train.weights]
        batches = Batches(layout.arrays(train.X), columns, self._batch(len(train)), run.seed)
        epochs = int(self._config.get("epochs", 60))
        peak = float(self._config.get("learning_rate", 3e-3))
        evaluate = None
        if stop is not None:
            watched = layout.arrays(stop.X)
            evaluate = partial(self._answer, watched)
        watch = Watch(run, epochs * len(batches), peak, evaluate)
        self._compile(trainer, peak)
        trainer.fit(batches, epochs=epochs, verbose=0, callbacks=[watch])

    def _batch(self, rows: int) -> int:
        fitting = next((size for limit, size in BATCHES if rows <= limit), LARGEST_BATCH)
        return max(1, min(int(self._config.get("batch_size", fitting)), rows))

    def _target(self, train: View) -> Array:
        y = np.asarray(train.y)
        if not self._values:
            return y
        self._scale = TargetScale.of(y)
        return self._scale.scale(y)[:, None]

    def _compile(self, trainer: Any, rate: float) -> None:
        optimiser = keras.optimizers.AdamW(
            rate,
            weight_decay=float(self._config.get("weight_decay", 0.02)),
            global_clipnorm=1.0,
        )
        optimiser.exclude_from_weight_decay(var_names=["bias"])
        loss = (
            keras.losses.MeanSquaredError()
            if self._values
            else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        trainer.compile(optimizer=optimiser, loss=loss)

    def predict(self, view: View) -> Array:
        """(n, k) float32 class probabilities or (n,) float64 values."""
        layout = self._known_layout()
        with place(self._device, self._threads):
            return self._answer(layout.arrays(view.X))

    def _known_layout(self) -> Layout:
        if self._layout is None:
            msg = "fit or load first"
            raise RuntimeError(msg)
        return self._layout

    def _answer(self, arrays: dict[str, Array]) -> Array:
        rows = len(next(iter(arrays.values())))
        parts = [
            np.asarray(
                self._net.predict_on_batch(
                    {name: array[start : start + CHUNK] for name, array in arrays.items()}
                )
            )
            for start in range(0, rows, CHUNK)
        ]
        outputs = np.concatenate(parts)
        if self._scale is not None:
            return self._scale.restore(outputs[:, 0])
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def save(self, folder: Path) -> None:
        """Write the weights, and what is needed to build the net around them as JSON."""
        layout = self._known_layout()
        with place(self._device, self._threads):
            weights.write(folder, self._net)
        details = {
            "config": self._config,
            "layout": asdict(layout),
            "scale": asdict(self._scale) if self._scale else None,
        }
        (folder / "net.json").write_text(json.dumps(details), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Build the net on the CPU, and give it the weights that `save` wrote.

        Raises:
            ArtifactError: The weights are damaged, or those of another net.
        """
        details = json.loads((folder / "net.json").read_text(encoding="utf-8"))
        self._layout = Layout(**details["layout"])
        self._scale = TargetScale(**details["scale"]) if details["scale"] else None
        self._config = details.get("config", self._config)
        self._device = "cpu"
        with place("cpu", self._threads):
            self._build(seed=0)
            weights.read(folder, self._net)

    def _build(self, seed: int) -> Any:
        """Make an untrained net, by the configuration and for the layout.

        Returns:
            A second model of its layers, to train it by: the net itself stays without an optimiser.
        """
        inputs, output = self._make(self._config, self._known_layout(), self._outputs, seed)
        self._net = keras.Model(inputs, output, name="net")
        return keras.Model(inputs, output)
