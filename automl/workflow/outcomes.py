"""Predictions compared with the truth: calibration, confusion, residuals, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.metrics.scoring import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.types import Array

BINS = 10
QUANTILES = (5, 25, 50, 75, 95)
"""Percent."""
REST = "other classes"


def calibration(y: Array, shares: Array, classes: Sequence[Any]) -> dict[str, Any]:
    """Predicted probabilities against what happened, in bins of equally many rows.

    Of two classes the probability of the second, positive one; of more, that of the predicted
    class. Rows without a finite prediction are left out.

    Args:
        y: (n,) class codes.
        shares: (n, k) probabilities.
        classes: k labels.

    Returns:
        `{what, error, bins: [{predicted, observed, low, high, count}]}`: `error` is the mean
        distance of predicted and observed over the rows (the expected calibration error), `low`
        and `high` are Wilson's 95% interval of the observed share.
    """
    known = np.isfinite(shares).all(axis=1)
    y, shares = y[known], np.asarray(shares[known], np.float64)
    if len(classes) == 2:
        what, predicted, happened = f"probability of {classes[1]}", shares[:, 1], y == 1
    else:
        what = "probability of the predicted class"
        predicted, happened = shares.max(axis=1), shares.argmax(axis=1) == y
    bins = []
    for rows in _bins(predicted):
        observed = float(happened[rows].mean())
        low, high = wilson(observed, len(rows))
        bins.append(
            {
                "predicted": float(predicted[rows].mean()),
                "observed": observed,
                "low": low,
                "high": high,
                "count": len(rows),
            }
        )
    error = sum(b["count"] * abs(b["predicted"] - b["observed"]) for b in bins)
    return {"what": what, "error": error / max(len(y), 1), "bins": bins}


def confusion(y: Array, shares: Array, classes: Sequence[Any], most: int) -> dict[str, Any]:
    """Counts of true (rows) and predicted (columns) classes.

    Args:
        y: (n,) class codes.
        shares: (n, k) probabilities; the greatest is the prediction.
        classes: k labels.
        most: Classes told apart; beyond, the rarest are counted together.

    Returns:
        `{labels, counts, rest, accuracy}`, `rest` naming the last label if it stands for several
        classes.
    """
    known = np.isfinite(shares).all(axis=1)
    y, predicted = np.asarray(y[known], np.int64), shares[known].argmax(axis=1)
    k = len(classes)
    kept = np.arange(k)
    if k > most:
        frequent = np.argsort(-np.bincount(y, minlength=k), kind="stable")[: most - 1]
        kept = np.sort(frequent)
    place = np.full(k, len(kept))
    place[kept] = np.arange(len(kept))
    size = len(kept) + (k > most)
    flat = np.bincount(place[y] * size + place[predicted], minlength=size * size)
    labels = [_plain(classes[int(i)]) for i in kept] + [REST] * (k > most)
    counts = flat.reshape(size, size).tolist()
    return {
        "labels": labels,
        "counts": counts,
        "rest": REST if k > most else None,
        "accuracy": float((y == predicted).mean()) if len(y) else 0.0,
    }


def residuals(y: Array, values: Array) -> dict[str, Any]:
    """Quantiles of truth less prediction, over all rows and in bins of equally many.

    Args:
        y: (n,) values.
        values: (n,) predictions.

    Returns:
        `{overall, bins: [{prediction, count, q05, q25, q50, q75, q95}]}`; `overall` has the
        same quantiles, their mean and the mean absolute residual.
    """
    known = np.isfinite(values)
    y, values = y[known], np.asarray(values[known], np.float64)
    rest = y - values
    if not len(rest):
        return {"overall": {}, "bins": []}
    bins = [
        {"prediction": float(values[rows].mean()), "count": len(rows)} | _quantiles(rest[rows])
        for rows in _bins(values)
    ]
    means = {"mean": float(rest.mean()), "mean_absolute": float(np.abs(rest).mean())}
    return {"overall": _quantiles(rest) | means, "bins": bins}


def _bins(values: Array) -> list[Array]:
    """Positions in ascending order of the values, in parts of equal size; none is empty."""
    order = np.argsort(values, kind="stable")
    return [rows for rows in np.array_split(order, BINS) if len(rows)]


def _quantiles(values: Array) -> dict[str, float]:
    found = np.percentile(values, QUANTILES)
    return {f"q{at:02}": float(value) for at, value in zip(QUANTILES, found, strict=True)}


def _plain(label: Any) -> Any:
    """A label as JSON has it: one that it has not as its spelling."""
    label = label.item() if hasattr(label, "item") else label
    return label if isinstance(label, str | bool | int | float) else str(label)
