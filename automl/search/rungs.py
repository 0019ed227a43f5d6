"""The rows of every rung, encoded once per (view, rung, fold) in the background."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from automl.data.views import Views
from automl.search.ladder import BAG, TOP, Step
from automl.search.objective import RungData
from automl.types import TensorBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from automl.data.split import Split
    from automl.search.plan import Job
    from automl.types import Dataset, Learner, ViewKind


class Key(NamedTuple):
    """One encoding."""

    rung: int
    fold: int
    kind: ViewKind


class RungStore:
    """Makes `RungData` on a thread and hands out references to it.

    Each encoding is fitted on the rung's training rows only. From rung 3 on its fitted form is
    saved for the artifact. Where anomalies are looked for, no label is handed out. The least
    recently used references are dropped when the store is full; a dropped one is made again when
    it is asked for.
    """

    def __init__(
        self,
        data: Dataset,
        split: Split,
        put: Callable[[RungData], Any],
        *,
        learners: Sequence[Learner],
        folder: Path,
        capacity: int,
        test_X: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> None:
        """Set up an empty store.

        Args:
            data: All training rows.
            split: Folds and prefixes.
            put: Turns a `RungData` into a reference that jobs can carry.
            learners: Those that may ask for rows.
            folder: Where fitted views are saved, `<kind>-f<fold>` each.
            capacity: Bytes of encoded rows to keep.
            test_X: Locked test rows, which every model predicts as well.
            seed: Seed of encoders that draw at random.
        """
        self._data = data
        self._split = split
        self._put = put
        self._kinds = {learner.name: learner.view for learner in learners}
        self._unlabelled = {p.view for p in learners if p.uses_unlabelled}
        self._folder = folder
        self._capacity = capacity
        self._test_X = test_X
        self._seed = seed
        self._futures: OrderedDict[Key, Future[tuple[Any, int]]] = OrderedDict()
        self._views: OrderedDict[tuple[int, int], Views] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="views")

    def prefetch(self, steps: Iterable[Step]) -> None:
        """Start making the views of these steps, in order."""
        for step in steps:
            for kind in sorted(set(self._kinds.values())):
                self._future(self._key(step, kind))

    def get(self, job: Job, wait: float) -> Any | None:
        """A reference to the job's rows, or None if they are not ready within `wait` seconds."""
        future = self._future(self._key(job.step, self._kinds[job.trial.learner]))
        try:
            reference, _ = future.result(timeout=wait)
        except NotReady:
            return None
        following = (
            job.step.fold % self._split.n_folds + 1
        )  # after the fit on every row comes fold 1
        if job.step.fold and following < self._split.n_folds:
            self.prefetch([Step(job.step.rung, following)])
        self._evict()
        return reference

    def close(self) -> None:
        """Stop making views and forget them."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._futures.clear()
        self._views.clear()

    def _key(self, step: Step, kind: ViewKind) -> Key:
        """Rung 4 shares the rows of rung 3, but for the fit on every row."""
        shared = step.rung == BAG and step.fold < self._split.n_folds
        return Key(TOP if shared else step.rung, step.fold, kind)

    def _future(self, key: Key) -> Future[tuple[Any, int]]:
        if key not in self._futures:
            self._futures[key] = self._thread.submit(self._make, key)
        self._futures.move_to_end(key)
        return self._futures[key]

    def _evict(self) -> None:
        """Drop what was used least recently; jobs under way hold references of their own."""
        done = {k: f.result()[1] for k, f in self._futures.items() if f.done()}
        held = sum(done.values())
        for key in list(done)[:-2]:
            if held <= self._capacity:
                return
            held -= done[key]
            del self._futures[key]

    def _make(self, key: Key) -> tuple[Any, int]:
        prefix = self._split.prefix(key.fold, key.rung)
        stop = self._split.stop_rows(key.fold, key.rung)
        rows = np.concatenate([prefix[~stop], prefix[stop]])
        views = self._fitted(key, rows)
        validation = self._split.validation(key.fold)
        suspects = self._data.suspects
        made = RungData(
            train_X=views.train(key.kind),
            train_y=None if suspects is not None else self._data.y[rows],
            n_stop=int(stop.sum()),
            validation_X=self._encoded(views, key.kind, self._data.X.iloc[validation]),
            test_X=self._encoded(views, key.kind, self._test_X),
            unlabelled_X=self._encoded(views, key.kind, self._without_target(key)),
            stop_y=None if suspects is None else suspects[prefix[stop]],
        )
        if key.rung >= TOP:
            views.save(key.kind, self._folder / f"{key.kind}-f{key.fold}")
        parts = (made.train_X, made.validation_X, made.test_X, made.unlabelled_X)
        size = sum(map(_nbytes, parts))
        return self._put(made), size

    def _without_target(self, key: Key) -> pd.DataFrame | None:
        """Rows without a target: as large a share of them as the rung has of the others.

        Those of a lower rung come first, in the same order.
        """
        rows = self._data.unlabelled
        if rows is None or key.kind not in self._unlabelled:
            return None
        share = len(self._split.prefix(key.fold, key.rung)) / len(self._split.prefix(key.fold, TOP))
        order = np.random.default_rng(self._seed).permutation(len(rows))
        return rows.iloc[order[: max(1, round(min(share, 1.0) * len(rows)))]]

    def _encoded(self, views: Views, kind: ViewKind, X: pd.DataFrame | None) -> Any:
        """Rows to predict; None where there are none."""
        return None if X is None or not len(X) else views.transform(kind, X)

    def _fitted(self, key: Key, rows: Any) -> Views:
        """The encoding that all views of a (rung, fold) share."""
        at = (key.rung, key.fold)
        if at not in self._views:
            blind = self._data.suspects is not None
            y = np.zeros(len(rows), np.int64) if blind else self._data.y[rows]
            self._views[at] = Views(self._data.X.iloc[rows], y, self._data.schema, self._seed)
            while len(self._views) > 2:
                self._views.popitem(last=False)
        return self._views[at]


def _nbytes(X: Any) -> int:
    if X is None:
        return 0
    if isinstance(X, TensorBlock):
        return int(X.numbers.nbytes + X.missing.nbytes + X.codes.nbytes)
    return int(X.nbytes) if isinstance(X, np.ndarray) else int(X.memory_usage(index=False).sum())
