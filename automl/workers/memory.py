"""Memory as a budget: the bytes that a fit needs, and whether they are there beside the others.

A need is what the learner declares, corrected by what its former fits took: what a process held
before a fit, and by how much the fit made it grow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import psutil

from automl.hooks.declarations import peak_memory
from automl.units import THOUSAND, format_size
from automl.workers import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from automl.schedule.base import Job
    from automl.types import Cell, Learner, Schema
    from automl.workers.shares import Workers

LEAST_MEMORY = 2 * 100 * THOUSAND**2
"""Bytes that a worker needs: one that fits `baseline` on 500 rows fills 170 MB, most of them with
libraries; `linear` and `xgboost` end within this, and a net takes half as much again. A fit that
adds no more than that tells nothing of larger ones."""


class Taken(NamedTuple):
    """The memory of one process around a fit."""

    before: int
    """Bytes before it, libraries for the most part."""
    growth: int
    """Bytes that the fit added at its peak."""


@dataclass(slots=True)
class Needs:
    """The needs of one learner's fits, by their rows."""

    declared: Callable[[int], int]
    """Rows to bytes beyond libraries and rows; 0 where nothing is declared."""
    taken: dict[int, Taken] = field(default_factory=dict)

    def take(self, rows: int, found: Taken) -> None:
        """Take what a fit on so many rows took; of several the largest growth."""
        known = self.taken.get(rows, found)
        growth = max(known.growth, found.growth)
        self.taken[rows] = Taken(min(known.before, found.before), growth)

    def at(self, rows: int) -> int:
        """Bytes of a fit on so many rows; 0 where nothing tells."""
        declared = self.declared(rows)
        if not self.taken:
            return LEAST_MEMORY + declared if declared else 0
        nearest = max((n for n in self.taken if n <= rows), default=min(self.taken))
        before = min(one.before for one in self.taken.values())  # other fits leave some behind
        growth = self.taken[nearest].growth
        if nearest == rows:
            return before + growth
        fixed = min(growth, LEAST_MEMORY)
        if not declared:
            return before + fixed + (growth - fixed) * rows // nearest
        there = self.declared(nearest)
        if growth <= there:
            return before + growth * declared // there
        return before + fixed + max(there, growth - fixed) * declared // there


def _unknown(_: Job) -> tuple[Needs, int]:
    return Needs(lambda _: 0), 0


class Grant(NamedTuple):
    """The part of the memory that a fit gets."""

    held: int
    """Bytes that others must leave."""
    allowed: int
    """Bytes over which its worker ends itself."""


class MemoryBudget:
    """The memory of all workers together, and who holds it.

    A fit whose need is known holds that, any other the share of a worker. One that needs more than
    a share gets all that the others leave.
    """

    def __init__(
        self, workers: Workers, total: int = 0, needs: Callable[[Job], tuple[Needs, int]] = _unknown
    ) -> None:
        """Set up a budget of which nothing is spent.

        Args:
            workers: The workers, each of which may fill its share in any case.
            total: Bytes of all of them together; 0 for no limit.
            needs: The needs of a job's learner, and the job's rows.
        """
        self.workers = workers
        self.limited = total > 0
        """False where a job may begin whatever it needs."""
        self._share = workers.memory
        self._total = max(total, self._share) if total else self._share * workers.slots
        self._needs = needs
        self._held: dict[int, int] = {}

    def refusal(self, job: Job) -> str:
        """Why a job would never fit; empty if it may."""
        need = self._need(job)
        if not self.limited or need <= self._total:
            return ""
        return f"needs about {format_size(need)}, {format_size(self._total)} allowed"

    def may_have_more(self, job: Job, allowed: int) -> bool:
        """Return whether a job that outgrew what it was allowed may be given all there is.

        A learner of whose need nothing was known is taken to be at fault.
        """
        return self._need(job) > 0 and allowed < self._total

    def grant(self, number: int, job: Job, *, alone: bool = False) -> Grant | None:
        """Reserve memory for a job that is to begin; None if it has to wait for others to end.

        Args:
            number: Of the attempt.
            job: The job.
            alone: Whether all is for it.
        """
        if not self.limited:
            return Grant(0, self._total if alone else self._share)
        left = self._total - sum(self._held.values())
        usual = min(self._share, self._total // self.workers.slots)
        held = self._total if alone else min(self._need(job) or usual, self._total)
        if self._held and held > left:
            return None
        self._held[number] = held
        return Grant(held, left if held > self._share else self._share)

    def release(self, number: int) -> None:
        """Take back what an attempt held."""
        self._held.pop(number, None)

    def learn(self, job: Job, found: Taken | None) -> None:
        """Hear what a job took."""
        if found is not None:
            needs, rows = self._needs(job)
            needs.take(rows, found)

    def _need(self, job: Job) -> int:
        needs, rows = self._needs(job)
        return needs.at(rows)


def needs_of(
    learners: Mapping[str, Learner], schema: Schema, size: Callable[[Cell], int]
) -> Callable[[Job], tuple[Needs, int]]:
    """A function that gives the needs of a job's learner, and the job's rows.

    Args:
        learners: Those that jobs may be of, by name.
        schema: Of the table.
        size: Rows of a cell.
    """
    columns = schema.width

    def declared(learner: Learner) -> Callable[[int], int]:
        return lambda rows: peak_memory(learner, schema, rows, columns)

    known = {name: Needs(declared(learner)) for name, learner in learners.items()}
    return lambda job: (known[job.trial.learner], size(job.cell))


def spare(allowed: int, store: int) -> int:
    """Bytes for all workers together: what is allowed, less the driver and the store of rows.

    Other programs may leave less than that.

    Args:
        allowed: Bytes for all that belongs to the run.
        store: Bytes that encoded rows may fill.
    """
    driver = psutil.Process().memory_info().rss
    return max(min(allowed - driver, limits.available()) - store, LEAST_MEMORY)
