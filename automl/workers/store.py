"""The encoded rows of every cell, made once per view in the background."""

from __future__ import annotations

import time
from collections import OrderedDict
from concurrent.futures import wait as until
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from automl.data.views import Views
from automl.data.views.store import keep_view
from automl.errors import ArtifactError, ViewError
from automl.text import first_line
from automl.types import TensorBlock
from automl.workers.background import Background
from automl.workers.evaluate import RungData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    import pandas as pd

    from automl.rows.cells import CellRows, RowDesign
    from automl.schedule.base import Job
    from automl.types import Array, Cell, Learner, ViewKind

FITTED = 2
"""Cells whose fitted encodings are kept for their other views: two learners may take turns."""


class Truth(NamedTuple):
    """The targets that predictions of a cell are scored against."""

    validation: Array
    test: Array | None
    weights: Array | None = None
    """(n,) how much each validation row counts; None where all count alike."""


class _Key(NamedTuple):
    """One encoding."""

    cell: Cell
    kind: ViewKind


class RowStore:
    """Makes `RungData` on a thread and hands out references to it.

    Each encoding is fitted on a cell's training and early-stopping rows only. The least recently
    used references are dropped when the store is full; a dropped one is made again when it is
    asked for.
    """

    def __init__(
        self,
        design: RowDesign,
        put: Callable[[RungData], Any],
        learners: Sequence[Learner],
        *,
        capacity: int,
        seed: int = 0,
        folder: Path | None = None,
    ) -> None:
        """Set up an empty store.

        Args:
            design: Gives the rows of a cell.
            put: Turns a `RungData` into a reference that jobs can carry.
            learners: Those that may ask for rows.
            capacity: Bytes of encoded rows to keep.
            seed: Seed of encoders that draw at random.
            folder: Where fitted encodings are saved for models that are kept, `<kind>-f<fold>`
                each.
        """
        self._design = design
        self._put = put
        self._kinds = {learner.name: learner.view for learner in learners}
        self._unlabelled = {learner.view for learner in learners if learner.uses_unlabelled}
        self._capacity = capacity
        self._seed = seed
        self._folder = folder
        self._futures: dict[_Key, Future[tuple[Any, int]]] = {}
        self._fitted: OrderedDict[Cell, tuple[CellRows, Views]] = OrderedDict()
        self._truths: dict[Cell, Truth] = {}
        self.seconds = {"views": 0.0, "store": 0.0}
        """Seconds of making encoded rows, and of putting them into the store."""
        self._ahead = 0
        """Bytes that the cells of `prefetch` should take."""
        self._thread = Background("views")

    def prefetch(self, cells: Iterable[Cell], columns: int) -> None:
        """Start making every view of these cells, in order, until the store is probably full.

        Args:
            cells: Cells that jobs will want.
            columns: Columns of the table.
        """
        kinds = sorted(set(self._kinds.values()))
        for cell in cells:
            size = self._design.size(cell) * columns * np.dtype(np.float32).itemsize
            self._ahead += size * len(kinds)
            if self._ahead > self._capacity:
                return
            for kind in kinds:
                self._future(cell, kind)

    def get(self, job: Job, wait: float) -> Any | None:
        """Give a reference to a job's rows; None if they are not ready within `wait` seconds.

        Raises:
            ViewError: They cannot be made.
            ArtifactError: They would be encoded otherwise than those of models that are kept.
        """
        kind = self._kinds[job.trial.learner]
        future = self._future(job.cell, kind)
        until([future], timeout=wait)
        if not future.done():
            return None
        try:
            reference, _ = future.result()
        except ArtifactError:
            raise
        except Exception as error:
            where = self._design.where(job.cell)
            told = f"{type(error).__name__}: {first_line(error)}"
            msg = f"the view {kind} {where} could not be made ({told})"
            raise ViewError(msg) from error
        for cell in self._design.upcoming(job.cell):
            self._future(cell, kind)
        self._evict()
        return reference

    def truth(self, cell: Cell) -> Truth:
        """Give the targets of a cell's validation and test rows."""
        at = self._design.encoded_as(cell)
        if at not in self._truths:
            rows = self._design.rows(at)
            self._truths[at] = Truth(rows.validation_y, rows.test_y, rows.validation_weights)
        return self._truths[at]

    def confirm(self, cell: Cell) -> None:
        """Make those views of a cell that models of earlier sessions were trained with.

        Raises:
            ArtifactError: They are not what they were.
        """
        folder = self._folder
        for kind in sorted(set(self._kinds.values())) if folder else ():
            if folder and (folder / f"{kind}-f{cell.fold}" / "view.json").exists():
                made = self._future(cell, kind)
                until([made])
                if isinstance(error := made.exception(), ArtifactError):
                    raise error

    def forget(self, job: Job) -> None:
        """Make the rows of a job anew when they are asked for again."""
        key = _Key(self._design.encoded_as(job.cell), self._kinds[job.trial.learner])
        self._futures.pop(key, None)

    def close(self) -> None:
        """Stop making views and forget them; one that is being made holds up nobody."""
        self._thread.close()
        self._futures.clear()
        self._fitted.clear()

    def _future(self, cell: Cell, kind: ViewKind) -> Future[tuple[Any, int]]:
        key = _Key(self._design.encoded_as(cell), kind)
        made = self._futures.pop(key, None) or self._thread.submit(self._make, key)
        self._futures[key] = made  # the last one used
        return made

    def _evict(self) -> None:
        """Drop the references used least recently; jobs under way hold their own.

        The thread may drop some meanwhile.
        """
        done = {
            key: made.result()[1]
            for key, made in list(self._futures.items())
            if made.done() and made.exception() is None
        }
        held = sum(done.values())
        for key in list(done)[:-FITTED]:
            if held <= self._capacity:
                return
            held -= done[key]
            self._futures.pop(key, None)

    @contextmanager
    def _timed(self, work: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[work] += time.monotonic() - began

    def _make(self, key: _Key) -> tuple[Any, int]:
        with self._timed("views"):
            made = self._made(key)
        parts = (made.train_X, made.validation_X, made.test_X, made.unlabelled_X)
        with self._thread.while_open(), self._timed("store"):
            if self._folder is not None and self._design.keeps_model(key.cell):
                fitted = self._fitted[key.cell][1].fitted(key.kind)
                keep_view(fitted, self._folder / f"{key.kind}-f{key.cell.fold}")
            return self._handed_out(made), sum(map(_nbytes, parts))

    def _made(self, key: _Key) -> RungData:
        rows, views = self._encoding(key.cell)
        return RungData(
            train_X=views.train(key.kind),
            train_y=rows.y if rows.stop_y is None else None,
            n_stop=rows.n_stop,
            validation_X=_encoded(views, key.kind, rows.validation_X),
            test_X=_encoded(views, key.kind, rows.test_X),
            unlabelled_X=_encoded(
                views, key.kind, rows.unlabelled if key.kind in self._unlabelled else None
            ),
            stop_y=rows.stop_y,
            weights=rows.weights,
        )

    def _handed_out(self, made: RungData) -> Any:
        """A reference to rows; where there is no room for them, others make some first."""
        try:
            return self._put(made)
        except Exception:
            others = [key for key, future in list(self._futures.items()) if future.done()]
            if not others:
                raise
            for key in others:
                self._futures.pop(key, None)  # jobs under way hold their own
            return self._put(made)

    def _encoding(self, cell: Cell) -> tuple[CellRows, Views]:
        """The rows of a cell and the encoding that all its views share."""
        if cell not in self._fitted:
            rows = self._design.rows(cell)
            self._truths[cell] = Truth(rows.validation_y, rows.test_y, rows.validation_weights)
            views = Views(rows.X, rows.y, rows.schema, self._seed)
            self._fitted[cell] = replace(rows, X=rows.X.iloc[:0]), views  # they are encoded now
            while len(self._fitted) > 1 and self._keeps_too_much():
                self._fitted.popitem(last=False)
        return self._fitted[cell]

    def _keeps_too_much(self) -> bool:
        """True for more encodings than learners take turns with, or than there is room for."""
        held = sum(views.nbytes for _, views in self._fitted.values())
        return len(self._fitted) > FITTED or held > self._capacity


def _encoded(views: Views, kind: ViewKind, X: pd.DataFrame | None) -> Any:
    """Rows to predict, encoded; None where there are none."""
    return None if X is None or not len(X) else views.transform(kind, X)


def _nbytes(X: Any) -> int:
    if X is None:
        return 0
    if isinstance(X, TensorBlock):
        return int(X.numbers.nbytes + X.missing.nbytes + X.codes.nbytes)
    return int(X.nbytes) if isinstance(X, np.ndarray) else int(X.memory_usage(index=False).sum())
