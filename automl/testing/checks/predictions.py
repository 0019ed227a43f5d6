"""Checks of predictions on a plain table."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from automl.testing import tables
from automl.testing.contract import CLASSES, check, fault_if
from automl.testing.fixture import agree, sound, spread
from automl.workers.evaluate import SUM

if TYPE_CHECKING:
    from automl.testing.fixture import Fixture
    from automl.types import Array, View

MISPLACED = 0.5
"""Standard deviations, summed over classes, by which another column order must fit better."""
FLAT = 1e-3
"""Lower limit of a column's standard deviation: below, the column carries no information."""


@check(
    "Run the learner's factory, fit and predict on the rows by hand; the reason names the error.",
    needs=("builds",),
)
def fits(fixture: Fixture) -> None:
    """A learner that fails on a plain table of 200 rows fails on every table."""
    _ = fixture.plain


@check(
    "Return (n, n_classes) probabilities, (n,) values or (n,) anomaly scores, as finite floats, "
    "one row for each row asked about.",
    needs=("fits",),
)
def shapes(fixture: Fixture) -> None:
    """A prediction with another shape or type, or with NaN in it, makes the fit a failed one."""
    fitted = fixture.plain
    sound(fitted.model.predict(fitted.rows.test), fitted.rows.test)


@check("Normalise each row of probabilities, for instance by a softmax.", tasks=CLASSES)
def probabilities(fixture: Fixture) -> None:
    """Log loss, calibration and every ensemble treat the numbers as probabilities."""
    fitted = fixture.plain
    normalised(fixture.predict(fitted, fitted.rows.test))


def normalised(prediction: Array) -> None:
    """Require (n, k) probabilities.

    Raises:
        FaultError: Probabilities are negative, or a row does not sum to one.
    """
    low, high = float(prediction.min()), float(prediction.max())
    fault_if(low < 0 or high > 1 + SUM, f"probabilities lie between {low:.3g} and {high:.3g}")
    sums = prediction.sum(axis=1)
    worst = float(sums[np.abs(sums - 1).argmax()])
    fault_if(abs(worst - 1) > SUM, f"the probabilities of a row sum to {worst:.3g}")


@check(
    "Put the probability of class code j into column j, whatever order the library keeps.",
    tasks=CLASSES,
)
def class_order(fixture: Fixture) -> None:
    """Columns in another order score worse than guessing, and silently corrupt an ensemble."""
    fitted = fixture.plain
    in_order(fitted.rows.test_y, fixture.predict(fitted, fitted.rows.test))


def in_order(y: Array, prediction: Array) -> None:
    """Require that no other assignment of columns to classes fits the true labels better.

    Raises:
        FaultError: Another assignment fits clearly better.
    """
    classes = np.unique(y)
    rows = np.arange(len(classes))
    means = np.stack([prediction[y == c].mean(axis=0) for c in classes])
    fit = (means - prediction.mean(axis=0)) / np.maximum(prediction.std(axis=0), FLAT)
    every = itertools.permutations(range(prediction.shape[1]), len(classes))
    best = max(every, key=lambda columns: fit[rows, columns].sum())
    gain = float(fit[rows, best].sum() - fit[rows, classes].sum())
    fault_if(gain > MISPLACED, f"classes {classes.tolist()} seem to stand in columns {list(best)}")


@check(
    "Scale predictions back to the units of the target, if the model learned a scaled one.",
    tasks=("regression",),
)
def units(fixture: Fixture) -> None:
    """A target around 1,000 must be predicted around 1,000."""
    fitted = fixture.plain
    y = np.asarray(fitted.rows.train.y, dtype=np.float64)
    middle = float(np.median(fixture.predict(fitted, fitted.rows.test)))
    low, high = float(y.min() - np.ptp(y)), float(y.max() + np.ptp(y))
    fault_if(
        not low <= middle <= high,
        f"targets lie between {y.min():.0f} and {y.max():.0f}, predictions about {middle:.3g}",
    )


@check("Return higher scores for more anomalous rows; flip the sign if needed.", tasks=("anomaly",))
def score_order(fixture: Fixture) -> None:
    """Anomaly scores are ranked, the highest first."""
    fitted = fixture.plain
    scores = fixture.predict(fitted, fitted.rows.test)
    odd = fitted.rows.test_y == 1
    fault_if(
        scores[odd].mean() < scores[~odd].mean(),
        "rows far from all others get lower scores than common ones",
    )


@check("Predict each row by itself, in the order asked; do not sort, group or shuffle rows.")
def row_order(fixture: Fixture) -> None:
    """Predictions are matched to rows by position."""
    fitted = fixture.plain
    view = fitted.rows.test
    order = np.random.default_rng(0).permutation(len(view))
    moved = fixture.predict(fitted, _like(fixture, view.take(order)))
    before = fixture.predict(fitted, view)
    scale = spread(before, fixture.task)
    agree(before[order], moved, "rows in another order", scale=scale)


@check(
    "Use nothing of the other rows when predicting one: no statistics of the batch (a net must be "
    "in evaluation mode), no ranks among them."
)
def single_row(fixture: Fixture) -> None:
    """The prediction of a row must not depend on the other rows of the batch."""
    fitted = fixture.plain
    view = fitted.rows.test
    batch = fixture.predict(fitted, view)
    scale = spread(batch, fixture.task)
    for i in (0, 7, len(view) - 1):
        alone = fixture.predict(fitted, _like(fixture, view.take(np.array([i]))))
        agree(batch[i : i + 1], alone, f"row {i} alone and in a batch", scale=scale)


def _like(fixture: Fixture, view: View) -> View:
    return tables.writable(view) if fixture.changed_inputs else tables.shared(view)


CHECKS = (
    fits,
    shapes,
    probabilities,
    class_order,
    units,
    score_order,
    row_order,
    single_row,
)
