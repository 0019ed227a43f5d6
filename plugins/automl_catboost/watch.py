"""Between CatBoost and the host: the clock after every round, predictions now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import automl


class Watch:
    """A metric that takes the predictions of the early-stopping rows, and a callback for reports.

    CatBoost has no other way to hand over the predictions that it keeps up to date. The metric is
    also asked for the training rows; early-stopping rows are told by their weight.
    """

    MARK = 2.0
    """Weight of every stop row; training rows have none."""

    def __init__(self, rounds: automl.BoosterRounds, classes: int) -> None:
        self._rounds = rounds
        self._classes = classes
        self._margins: Any = None

    def __deepcopy__(self, memo: Any) -> Watch:
        """Itself: CatBoost works on a copy of its settings, and the host waits here."""
        return self

    def evaluate(self, approxes: Any, _target: Any, weight: Any) -> tuple[float, float]:
        """CatBoost's call for a metric; there is none to give."""
        if weight is not None and len(weight) and weight[0] == self.MARK:
            self._margins = np.array([np.asarray(values) for values in approxes])
        return 0.0, 1.0

    @staticmethod
    def is_max_optimal() -> bool:
        """Asked by CatBoost; nothing depends on it."""
        return False

    @staticmethod
    def get_final_error(error: float, _weight: float) -> float:
        """Asked by CatBoost; nothing depends on it."""
        return error

    def after_iteration(self, info: Any) -> bool:
        """CatBoost's call after every round; False ends the fit."""
        self._rounds.tick()
        if self._margins is not None:
            self._rounds.report(info.iteration, _restored(self._margins, self._classes))
            self._margins = None
        return not self._rounds.over


def _restored(margins: Any, classes: int) -> Any:
    """(outputs, n) margins as (n, classes) probabilities or (n,) values."""
    if not classes:
        return margins[0]
    if len(margins) == 1:
        margins = np.vstack([np.zeros_like(margins[0]), margins[0]])
    shares = np.exp(margins - margins.max(axis=0)).T
    return shares / shares.sum(axis=1, keepdims=True)
