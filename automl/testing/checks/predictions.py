"""Checks of predictions on a plain table."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from automl.search.objective import SUM
from automl.testing import tables
from automl.testing.bench import agree, sound, spread
from automl.testing.outcome import CLASSES, FaultError, check

if TYPE_CHECKING:
    from automl.testing.bench import Bench
    from automl.types import Array, View

MISPLACED = 0.5
"""Standard deviations, over all classes, by which another order must fit better to be a fault."""
FLAT = 1e-3
"""Least standard deviation that counts: below, a column says nothing."""


@check(
    "Run the learner's factory, fit and predict on the rows by hand; the reason names the error.",
    needs=("builds",),
)
def fits(bench: Bench) -> None:
    """A learner that fails on a plain table of 200 rows fails on every table."""
    _ = bench.plain


@check(
    "Return (n, n_classes) probabilities, (n,) values or (n,) anomaly scores, as finite floats, "
    "one row for each row asked about.",
    needs=("fits",),
)
def shapes(bench: Bench) -> None:
    """A prediction of another shape or type, or with NaN in it, costs the learner its step."""
    fitted = bench.plain
    sound(fitted.model.predict(fitted.rows.test), fitted.rows.test)


@check("Normalise each row of probabilities, for instance by a softmax.", tasks=CLASSES)
def probabilities(bench: Bench) -> None:
    """Log loss, calibration and every ensemble take the numbers for probabilities."""
    fitted = bench.plain
    normalised(bench.predict(fitted, fitted.rows.test))


def normalised(prediction: Array) -> None:
    """Require (n, k) probabilities.

    Raises:
        FaultError: They are negative or do not sum to one.
    """
    low, high = float(prediction.min()), float(prediction.max())
    if low < 0 or high > 1 + SUM:
        msg = f"probabilities lie between {low:.3g} and {high:.3g}"
        raise FaultError(msg)
    sums = prediction.sum(axis=1)
    worst = float(sums[np.abs(sums - 1).argmax()])
    if abs(worst - 1) > SUM:
        msg = f"the probabilities of a row sum to {worst:.3g}"
        raise FaultError(msg)


@check(
    "Put the probability of class code j into column j, whatever order the library keeps.",
    tasks=CLASSES,
)
def class_order(bench: Bench) -> None:
    """Columns in another order score worse than guessing, and spoil an ensemble unseen."""
    fitted = bench.plain
    in_order(fitted.rows.test_y, bench.predict(fitted, fitted.rows.test))


def in_order(y: Array, prediction: Array) -> None:
    """Require that no other assignment of columns to the classes seen fits the answers better.

    Raises:
        FaultError: One does, clearly.
    """
    classes = np.unique(y)
    rows = np.arange(len(classes))
    means = np.stack([prediction[y == c].mean(axis=0) for c in classes])
    fit = (means - prediction.mean(axis=0)) / np.maximum(prediction.std(axis=0), FLAT)
    every = itertools.permutations(range(prediction.shape[1]), len(classes))
    best = max(every, key=lambda columns: fit[rows, columns].sum())
    gain = float(fit[rows, best].sum() - fit[rows, classes].sum())
    if gain > MISPLACED:
        msg = f"classes {classes.tolist()} seem to stand in columns {list(best)}"
        raise FaultError(msg)


@check(
    "Scale predictions back to the units of the target, if the model learned a scaled one.",
    tasks=("regression",),
)
def units(bench: Bench) -> None:
    """A target around 1,000 must be predicted around 1,000."""
    fitted = bench.plain
    y = np.asarray(fitted.rows.train.y, dtype=np.float64)
    middle = float(np.median(bench.predict(fitted, fitted.rows.test)))
    low, high = float(y.min() - np.ptp(y)), float(y.max() + np.ptp(y))
    if not low <= middle <= high:
        msg = f"targets lie between {y.min():.0f} and {y.max():.0f}, predictions about {middle:.3g}"
        raise FaultError(msg)


@check("Return higher scores for stranger rows; flip the sign if need be.", tasks=("anomaly",))
def score_order(bench: Bench) -> None:
    """Anomaly scores are ranked, the highest first."""
    fitted = bench.plain
    scores = bench.predict(fitted, fitted.rows.test)
    odd = fitted.rows.test_y == 1
    if scores[odd].mean() < scores[~odd].mean():
        msg = "rows far from all others get lower scores than common ones"
        raise FaultError(msg)


@check("Predict each row by itself, in the order asked; do not sort, group or shuffle rows.")
def row_order(bench: Bench) -> None:
    """Predictions are matched to rows by position."""
    fitted = bench.plain
    view = fitted.rows.test
    order = np.random.default_rng(0).permutation(len(view))
    moved = bench.predict(fitted, _like(bench, view.take(order)))
    before = bench.predict(fitted, view)
    scale = spread(before, bench.task)
    agree(before[order], moved, "rows in another order", scale=scale)


@check(
    "Use nothing of the other rows when predicting one: no statistics of the batch (a net must be "
    "in evaluation mode), no ranks among them."
)
def single_row(bench: Bench) -> None:
    """A row's prediction must not depend on which rows it is asked with."""
    fitted = bench.plain
    view = fitted.rows.test
    batch = bench.predict(fitted, view)
    scale = spread(batch, bench.task)
    for i in (0, 7, len(view) - 1):
        alone = bench.predict(fitted, _like(bench, view.take(np.array([i]))))
        agree(batch[i : i + 1], alone, f"row {i} alone and in a batch", scale=scale)


def _like(bench: Bench, view: View) -> View:
    return tables.writable(view) if bench.changed_inputs else tables.shared(view)


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
