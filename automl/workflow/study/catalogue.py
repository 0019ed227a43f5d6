"""The axes there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.workflow.study import harm
from automl.workflow.study.axes import Axis, Labels, Rows
from automl.workflow.study.means import ModelSize, Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from automl.types import Dataset
    from automl.workflow.study.design import Repeat

AXES: Mapping[str, Callable[[Dataset, Sequence[Repeat], int], Axis]] = {
    "rows": Rows,
    "labels": Labels,
    "label-noise": harm.label_noise,
    "missingness": harm.missingness,
    "missing-by-value": harm.missing_by_value,
    "features": harm.features,
    "noise-columns": harm.noise_columns,
    "cardinality": harm.cardinality,
    "model-size": ModelSize,
    "budget": harm.Trials,
    "workers": Workers,
}
"""Name on the command line -> what makes the axis of a table, its repeats and anchors; of
`workers` the machine's CPUs stand in for the anchors."""
