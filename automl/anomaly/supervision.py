"""The supervision of a fit: its target or, for anomalies, pseudo-labels in place of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import UsageError
from automl.metrics import CONSENSUS
from automl.options import CONTAMINATION

if TYPE_CHECKING:
    from automl.types import Array, Dataset, Metric


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers that predictions of some rows are compared with, to choose and to score."""

    truth: Array
    """(n,) answers that configurations are chosen by: the target, or pseudo-labels."""
    labels: Array | None = None
    """(n,) labels that only score, -1 where unknown; None where `truth` scores as well."""

    @property
    def scored(self) -> Array:
        """(n,) answers that honest scores compare with."""
        return self.truth if self.labels is None else self.labels

    @property
    def known(self) -> Array:
        """(n,) bool: the rows that honest scores stand on."""
        if self.labels is None:
            return np.ones(len(self.truth), dtype=bool)
        return np.asarray(self.labels >= 0)


@dataclass(frozen=True, slots=True)
class Supervision:
    """The part that a target plays in a fit; by default it trains, chooses and scores.

    Anomaly detectors are trained without one and chosen by their agreement with pseudo-labels.
    Labels, where there are any, only score. Predictions are calibrated scores, and flags for
    the highest of them.
    """

    criterion: Metric | None = None
    """The metric that configurations are chosen by in place of the run's; None: by the run's."""
    contamination: float | None = None
    """Share of the rows that predictions flag; None where they are labels or values."""

    @property
    def supervised(self) -> bool:
        """True where a target trains and chooses."""
        return self.criterion is None

    def choice_of(self, metric: Metric) -> Metric:
        """The metric that configurations are chosen by, if scores are of the given one."""
        return self.criterion or metric

    def with_pseudo_labels(self, data: Dataset, seed: int) -> Dataset:
        """The rows with pseudo-labels where there is no target to choose by, else as they are."""
        if self.supervised:
            return data
        from automl.anomaly.reference import pseudo_labels

        return replace(data, pseudo_labels=pseudo_labels(data.X, data.schema, seed))

    def answers(self, data: Dataset, metric: Metric) -> Answers:
        """The answers of such rows, if scores are of the given metric."""
        if data.pseudo_labels is None:
            return Answers(data.y)
        return Answers(data.pseudo_labels, None if metric is self.criterion else data.y)


def supervision_of(task: str, contamination: float | None = None) -> Supervision:
    """The supervision of a task.

    Args:
        task: As in `Schema.task`, or "auto".
        contamination: Share of the rows to flag as anomalies; None for the usual one.

    Raises:
        UsageError: The share is out of range, or given for another task.
    """
    if task != "anomaly":
        if contamination is not None:
            msg = f"--contamination is for --task anomaly, and the task is {task}"
            raise UsageError(msg)
        return Supervision()
    share = CONTAMINATION if contamination is None else contamination
    if not 0 < share < 0.5:
        msg = f"--contamination is {share}; give a share of the rows between 0 and 0.5, such as 0.1"
        raise UsageError(msg)
    return Supervision(CONSENSUS, share)
