"""The axes there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.rows.axes import corruption
from automl.rows.axes.resources import ModelSizeAxis, WorkersAxis
from automl.rows.axes.rows import LabelsAxis, RowsAxis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl.rows.axes.base import Axis
    from automl.rows.repeats import Repeat
    from automl.types import Dataset

AXES: Mapping[str, Callable[[Dataset, Sequence[Repeat], int], Axis]] = {
    "rows": RowsAxis,
    "labels": LabelsAxis,
    "label-noise": corruption.label_noise,
    "missingness": corruption.missingness,
    "missing-by-value": corruption.missing_by_value,
    "features": corruption.features,
    "noise-columns": corruption.noise_columns,
    "cardinality": corruption.cardinality,
    "model-size": ModelSizeAxis,
    "budget": corruption.TrialsAxis,
    "workers": WorkersAxis,
}
"""Name on the command line -> what makes the axis of a table, its repeats and anchors; of
`workers` the machine's CPUs stand in for the anchors."""
