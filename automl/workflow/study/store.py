"""The encoded rows of every cell, made once per view in the background."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from typing import TYPE_CHECKING, Any, NamedTuple

from automl.data.views import Views
from automl.search.objective import RungData

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from automl.search.ladder import Step
    from automl.search.plan import Job
    from automl.types import Array, Learner, ViewKind
    from automl.workflow.study.axes import Axis, Cell

CELL_BYTES = 8
"""Of one value of an encoded row, about."""


class _Key(NamedTuple):
    repeat: int
    level: int
    kind: ViewKind


class CellStore:
    """Makes `RungData` of cells on a thread and hands out references to it.

    Encodings are fitted on the cell's training and stop rows only.
    """

    def __init__(
        self,
        axis: Axis,
        put: Callable[[RungData], Any],
        learners: Sequence[Learner],
        *,
        capacity: int,
        columns: int,
        seed: int,
    ) -> None:
        """Set up an empty store.

        Args:
            axis: Gives the rows.
            put: Turns a `RungData` into a reference that jobs can carry.
            learners: Those that may ask for rows.
            capacity: Bytes of encoded rows to keep, about.
            columns: Of the table.
            seed: Seed of encoders that draw at random.
        """
        self._axis = axis
        self._put = put
        self._kinds = {learner.name: learner.view for learner in learners}
        self._unlabelled = {learner.view for learner in learners if learner.uses_unlabelled}
        self._most_rows = capacity // (CELL_BYTES * columns)
        self._seed = seed
        self._made: OrderedDict[_Key, Future[Any]] = OrderedDict()
        self._fitted: tuple[tuple[int, int], Cell, Views] | None = None
        self._truths: dict[tuple[int, int], tuple[Array, Array]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cells")

    def get(self, job: Job, wait: float) -> Any | None:
        """A reference to the job's rows, or None if they are not ready within `wait` seconds."""
        kind = self._kinds[job.trial.learner]
        future = self._future(_Key(job.step.fold, job.step.rung, kind))
        try:
            reference = future.result(timeout=wait)
        except NotReady:
            return None
        if job.step.rung + 1 < len(self._axis.levels):
            self._future(_Key(job.step.fold, job.step.rung + 1, kind))  # for the next in the row
        self._evict()
        return reference

    def _evict(self) -> None:
        """Drop what was used least recently; jobs under way hold references of their own."""
        while len(self._made) > 2 and (
            sum(self._axis.sizes[key.level] for key in self._made) > self._most_rows
        ):
            self._made.popitem(last=False)

    def truths(self, step: Step) -> tuple[Array, Array]:
        """The true values of the rows that choose, and of those that score."""
        at = (step.fold, step.rung)
        if at not in self._truths:
            cell = self._axis.cell(*at)
            self._truths[at] = cell.choose_y, cell.scored_y
        return self._truths[at]

    def close(self) -> None:
        """Stop making views and forget them."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._made.clear()
        self._fitted = None

    def _future(self, key: _Key) -> Future[Any]:
        if key not in self._made:
            self._made[key] = self._thread.submit(self._make, key)
        self._made.move_to_end(key)
        return self._made[key]

    def _make(self, key: _Key) -> Any:
        cell, views = self._views(key.repeat, key.level)
        others = cell.unlabelled if key.kind in self._unlabelled else None
        return self._put(
            RungData(
                train_X=views.train(key.kind),
                train_y=cell.y,
                n_stop=cell.n_stop,
                validation_X=views.transform(key.kind, cell.choose_X),
                test_X=views.transform(key.kind, cell.scored_X),
                unlabelled_X=None if others is None else views.transform(key.kind, others),
            )
        )

    def _views(self, repeat: int, level: int) -> tuple[Cell, Views]:
        at = (repeat, level)
        if self._fitted is None or self._fitted[0] != at:
            cell = self._axis.cell(repeat, level)
            self._truths[at] = cell.choose_y, cell.scored_y
            self._fitted = at, cell, Views(cell.X, cell.y, cell.schema, self._seed)
        return self._fitted[1], self._fitted[2]
