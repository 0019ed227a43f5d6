"""The two nets, of Keras's own layers only, so that their weights have plain names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_keras.backend import keras

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from automl_keras.data import Layout


def mlp(
    config: Mapping[str, Any], layout: Layout, outputs: int, seed: int
) -> tuple[dict[str, Any], Any]:
    """Inputs by name, and the output of an untrained multilayer perceptron over them."""
    inputs = _inputs(layout)
    return inputs, _deep(config, layout, inputs, outputs, _seeds(seed))


def wide_deep(
    config: Mapping[str, Any], layout: Layout, outputs: int, seed: int
) -> tuple[dict[str, Any], Any]:
    """Build a deep net beside a linear model of numbers, bins, categories and their crosses."""
    inputs = _inputs(layout)
    seeds = _seeds(seed)
    parts = [_deep(config, layout, inputs, outputs, seeds)]
    if "wide" in inputs:
        table = keras.layers.Embedding(
            sum(layout.wide_sizes), outputs, embeddings_initializer="zeros", name="wide_table"
        )
        # The sum of a row's entries: as an operation it would be named by a global counter.
        mean = keras.layers.GlobalAveragePooling1D(name="wide_mean")(table(inputs["wide"]))
        parts.append(keras.layers.Rescaling(len(layout.wide_sizes), name="wide_sum")(mean))
    if "numbers" in inputs:
        parts.append(
            keras.layers.Dense(
                outputs, use_bias=False, kernel_initializer="zeros", name="wide_numbers"
            )(inputs["numbers"])
        )
    return inputs, keras.layers.Add(name="wide_and_deep")(parts) if len(parts) > 1 else parts[0]


def _seeds(seed: int) -> Iterator[int]:
    """A seed for each thing that is drawn: Keras's global state is left alone."""
    return iter(range(seed * 1000 % 2**31, 2**32))


def _inputs(layout: Layout) -> dict[str, Any]:
    inputs = {}
    if layout.inputs:
        inputs["numbers"] = keras.Input((layout.inputs,), name="numbers")
    if layout.cardinalities:
        inputs["codes"] = keras.Input((len(layout.cardinalities),), dtype="int32", name="codes")
    if layout.edges or layout.crosses:
        inputs["wide"] = keras.Input((len(layout.wide_sizes),), dtype="int32", name="wide")
    return inputs


def _deep(
    config: Mapping[str, Any],
    layout: Layout,
    inputs: Mapping[str, Any],
    outputs: int,
    seeds: Iterator[int],
) -> Any:
    """Columns side by side, then blocks of dense, activation and dropout, then the head."""
    layers, initialisers = keras.layers, keras.initializers
    parts = [inputs["numbers"]] if "numbers" in inputs else []
    if "codes" in inputs:
        table = layers.Embedding(
            sum(layout.cardinalities),
            int(config.get("embedding", 8)),
            embeddings_initializer=initialisers.RandomNormal(stddev=0.3, seed=next(seeds)),
            name="table",
        )
        parts.append(layers.Flatten(name="embedded")(table(inputs["codes"])))
    hidden = layers.Concatenate(name="columns")(parts) if len(parts) > 1 else parts[0]
    for block in range(int(config.get("layers", 3))):
        hidden = layers.Dense(
            int(config.get("width", 256)),
            activation=str(config.get("activation", "relu")),
            kernel_initializer=initialisers.HeNormal(seed=next(seeds)),
            name=f"dense_{block}",
        )(hidden)
        drop = layers.Dropout(
            float(config.get("dropout", 0.2)), seed=next(seeds), name=f"dropout_{block}"
        )
        hidden = drop(hidden)
    return layers.Dense(
        outputs,
        kernel_initializer=initialisers.GlorotUniform(seed=next(seeds)),
        name="head",
    )(hidden)
