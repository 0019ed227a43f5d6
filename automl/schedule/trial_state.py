"""A configuration on its way to a model of all rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl.types import TOP, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automl.types import Rung, Status, Trial


@dataclass(slots=True)
class TrialState:
    """A trial's fits so far."""

    spec: Trial
    way: tuple[Cell, ...]
    """Cells that it takes one after the other: straight to all rows, or rung by rung."""
    finished: dict[Cell, Rung] = field(default_factory=dict)
    running: set[Cell] = field(default_factory=set)
    highest: int = -1
    """The highest rung with a score on fold 0; -1 for none."""
    failure: str = ""
    """Why a fit of it came to nothing."""
    blameless: Status | None = None
    """The status of its learner by that, if it was no fault of the learner."""
    drawn: bool = True
    """False while its configuration is yet to be drawn, as it may prove too expensive."""

    def take(self, rung: Rung) -> None:
        """Record a finished fit."""
        self.running.discard(rung.cell)
        self.finished[rung.cell] = rung
        if rung.status != "ok":
            self.failure = self.failure or rung.reason
        elif rung.score is not None and rung.fold == 0 and rung.rung <= TOP:
            self.highest = max(self.highest, rung.rung)

    def score(self, rung: int) -> float | None:
        """The validation score on fold 0 of a rung."""
        done = self.finished.get(Cell(rung, 0))
        return None if done is None else done.score

    @property
    def at_top(self) -> bool:
        """True if it has a model of all rows of fold 0."""
        return self.highest == TOP

    @property
    def whole(self) -> bool:
        """True if it has been all its way."""
        return all(cell in self.finished for cell in self.way)

    @property
    def busy(self) -> bool:
        """True while its fit on fold 0 is under way, which decides what comes after it."""
        return any(cell.fold == 0 for cell in self.running)

    def open(self, cells: Iterable[Cell]) -> list[Cell]:
        """Those of `cells` that are neither finished nor under way."""
        if self.failure:
            return []
        return [cell for cell in cells if cell not in self.finished and cell not in self.running]
