"""Small synthetic tables with a strong signal, encoded as the host encodes them for a worker."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.anomaly.reference import pseudo_labels
from automl.anomaly.supervision import supervision_of
from automl.data.schema import infer_schema, to_dataset, to_features
from automl.data.views import Views
from automl.testing.contract import CLASSES
from automl.testing.drawing import draw
from automl.types import Array, Schema, Task, TensorBlock, View, ViewKind

if TYPE_CHECKING:
    import pandas as pd

TARGET = "target"
STOP_SHARE = 10
"""One in so many training rows is an early-stopping row, as in a fit."""
EFFECT = {"Amsterdam": -1.0, "Bergen": 0.0, "Cork": 0.5, "Delft": 1.0}
NEW_CITY = "Esbjerg"
"""A category that is absent from the training rows."""

Alter = Callable[["pd.DataFrame"], "pd.DataFrame"]


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Training and new rows of one table, as a worker gets them."""

    train: View
    """All training rows; the last `n_stop` are early-stopping rows."""
    n_stop: int
    test: View
    """New rows, without the target."""
    test_y: Array
    schema: Schema
    stop_y: Array | None = None
    """For anomalies: pseudo-labels of the early-stopping rows, by which the host scores reports."""

    def parts(self, *, stopping: bool) -> tuple[View, View | None]:
        """Training and early-stopping rows; all rows are training rows without early stopping."""
        if not stopping or not self.n_stop:
            return self.train, None
        cut = len(self.train) - self.n_stop
        return self.train.take(slice(0, cut)), self.train.take(slice(cut, None))


def make_table(task: Task, rows: int, *, classes: int = 3, wide: int = 0) -> pd.DataFrame:
    """Make a raw table of four numbers (one with gaps), two categories and a target.

    Classes alternate, so that the first rows are balanced, however many are taken.

    Args:
        task: Kind of target.
        rows: Number of rows.
        classes: Classes of a multiclass target.
        wide: Number of additional noise columns.
    """
    import pandas as pd

    rng = np.random.default_rng(5)
    table = pd.DataFrame({f"x{i}": rng.normal(size=rows) for i in range(4)})
    table["city"] = rng.choice(list(EFFECT), rows)
    table["size"] = rng.choice(["small", "medium", "large"], rows)
    signal = 2 * table["x0"] + table["x1"] + table["city"].map(EFFECT)
    table.loc[rng.random(rows) < 0.1, "x3"] = np.nan
    noise = {f"noise{i}": rng.normal(size=rows) for i in range(wide)}
    table = pd.concat([table, pd.DataFrame(noise)], axis=1)
    if task == "regression":
        table[TARGET] = 1000.0 + 50.0 * signal + rng.normal(size=rows)
        return table
    if task == "anomaly":
        odd = np.arange(rows) % 10 == 9
        apart = rng.choice(
            [-6.0, 6.0], (int(odd.sum()), 3)
        )  # in all directions, not in one cluster
        table.loc[odd, ["x0", "x1", "x2"]] += apart
        table[TARGET] = np.where(odd, "odd", "fine")
        return table
    count = 2 if task == "binary" else classes
    rank = signal.rank(method="first").to_numpy() - 1
    label = (rank * count // rows).astype(int)
    table[TARGET] = [f"c{i:03d}" for i in label]
    turn = table.groupby(TARGET).cumcount().to_numpy()
    return table.iloc[np.lexsort((label, turn))].reset_index(drop=True)


def encode(
    table: pd.DataFrame,
    task: Task,
    kind: ViewKind,
    n_train: int,
    *,
    train: Alter = lambda rows: rows,
    test: Alter = lambda rows: rows,
) -> EncodedRows:
    """Read a raw table, fit a view on its first rows and encode all of them.

    For the view `image` each row is drawn first.

    Args:
        table: From `make_table`; the schema is inferred from all rows.
        task: Kind of target.
        kind: The view.
        n_train: Number of training rows; the others are new.
        train: Modifies the raw training rows after the schema was inferred.
        test: Modifies the raw new rows.
    """

    def shown(rows: pd.DataFrame) -> pd.DataFrame:
        return draw(rows, TARGET, EFFECT) if kind == "image" else rows

    schema = infer_schema(shown(table), target=TARGET, task=task)
    seen = to_dataset(schema, shown(train(table.iloc[:n_train].copy())))
    new = shown(test(table.iloc[n_train:].copy()))
    views = Views(seen.X, seen.y, schema)
    k = schema.n_classes
    n_stop = len(seen.y) // STOP_SHARE if len(seen.y) >= 2 * STOP_SHARE else 0
    supervised = supervision_of(task).supervised
    stop_y = pseudo_labels(seen.X, schema, 0)[-n_stop:] if n_stop and not supervised else None
    return EncodedRows(
        train=shared(View(views.train(kind), seen.y if supervised else None, task, k)),
        n_stop=n_stop,
        test=shared(View(views.transform(kind, to_features(schema, new)), None, task, k)),
        test_y=to_dataset(schema, new).y,
        schema=schema,
        stop_y=stop_y,
    )


def shared(view: View) -> View:
    """Copy a view with read-only arrays, as Ray's object store gives them."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(view, protocol=5, buffer_callback=buffers.append)
    copy: View = pickle.loads(data, buffers=[bytes(b.raw()) for b in buffers])  # noqa: S301 - ours
    return copy


def writable(view: View) -> View:
    """Copy a view with writable arrays."""
    copy: View = pickle.loads(pickle.dumps(view, protocol=4))  # noqa: S301 - ours
    return copy


def writable_rows(rows: EncodedRows) -> EncodedRows:
    """Copy training and new rows with writable arrays."""
    return replace(rows, train=writable(rows.train), test=writable(rows.test))


def digest(view: View) -> str:
    """Hash of the rows of a view."""
    found = hashlib.blake2b()
    for part in _parts(view.X):
        found.update(part)
    if view.y is not None:
        found.update(np.ascontiguousarray(view.y).tobytes())
    return found.hexdigest()


def _parts(X: Any) -> list[bytes]:
    if isinstance(X, TensorBlock):
        return [np.ascontiguousarray(a).tobytes() for a in (X.numbers, X.missing, X.codes)]
    if isinstance(X, np.ndarray):
        return [np.ascontiguousarray(X).tobytes()]
    from pandas.util import hash_pandas_object

    names = repr((list(X.columns), [str(t) for t in X.dtypes], len(X)))
    return [names.encode(), hash_pandas_object(X).to_numpy().tobytes()]


def shape_of(view: View) -> tuple[int, ...]:
    """Shape that `predict` must return for a view."""
    return (len(view), view.n_classes) if view.task in CLASSES else (len(view),)
