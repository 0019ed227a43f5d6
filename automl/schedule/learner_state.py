"""The learners of a search side by side: what each has tried, and what its fits take."""

from __future__ import annotations

import json
import statistics
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl.metrics import loss_sign
from automl.schedule.time_model import carried
from automl.types import TOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from automl.schedule.sampler import Sampler
    from automl.schedule.trial_state import TrialState
    from automl.types import Family, Learner, Rung

ATTEMPTS = 2
"""Defaults that may fail before their learner is given up."""
USUAL_PRIOR = 0.2
"""Chance of carrying weight of a learner of a family in which no learner declares any."""
FAMILIES: tuple[Family, ...] = ("deep", "classical")


@dataclass(slots=True)
class LearnerState:
    """One learner's configurations; what is asked of them often is kept up to date."""

    learner: Learner
    cost: float
    """Declared cost relative to a linear model."""
    sampler: Sampler
    prior: float
    """Chance that it carries weight in the best ensemble, before anything is known."""
    trials: list[TrialState] = field(default_factory=list)
    under_way: list[TrialState] = field(default_factory=list)
    """Those that have not been all their way, and have not failed."""
    losses: dict[int, list[float]] = field(default_factory=dict)
    """Rung -> ascending losses of its trials there, on fold 0."""
    spent: float = 0.0
    """Seconds, or declared cost where the plan has no seconds."""
    skipped: str = ""
    """Why it was not begun."""
    declined: dict[int, float] = field(default_factory=dict)
    """Rows -> seconds that it said a fit of so many rows needs."""
    _timed: dict[int, list[float]] = field(default_factory=dict)
    """Rows -> ascending seconds of fits on so many."""
    _cut: dict[int, list[float]] = field(default_factory=dict)
    """Rows -> those of fits that time cut short, where nobody knows how far they came."""
    _predicted: list[float] = field(default_factory=list)
    """Ascending seconds of its predictions, which are of the same rows whatever a fit is on."""
    _same: dict[str, list[TrialState]] = field(default_factory=dict)
    """Configuration -> its trials, which differ by their seeds."""

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.learner.name

    # ------------------------------------------------------------------- in and out

    def enter(self, trial: TrialState) -> None:
        """Take a trial that is to be started."""
        self.trials.append(trial)
        self.under_way.append(trial)
        self._same.setdefault(_key(trial), []).append(trial)

    def take(self, trial: TrialState, rung: Rung, loss: float | None) -> None:
        """Record a finished fit of a trial.

        Args:
            trial: The trial.
            rung: What became of the fit.
            loss: Its validation loss; None without a score.
        """
        trial.take(rung)
        if loss is not None and rung.fold == 0 and rung.rung <= TOP:
            insort(self.losses.setdefault(rung.rung, []), loss)
        if rung.status == "ok":
            known = not rung.censored or rung.needed_seconds is not None
            timed = self._timed if known else self._cut
            insort(timed.setdefault(rung.n, []), _took(rung))
            insort(self._predicted, rung.predict_seconds)
        self.under_way = [t for t in self.under_way if not (t.failure or t.whole)]

    def repeats(self, trial: TrialState) -> list[TrialState]:
        """Trials of the same configuration, itself included."""
        return self._same[_key(trial)]

    # -------------------------------------------------------------------- how it stands

    @property
    def dead(self) -> bool:
        """True if all that it tried failed before a model of all rows, and that is enough."""
        if self.at_top or not self.trials or not all(t.failure for t in self.trials):
            return False
        return len(self.trials) >= ATTEMPTS or self.sampler.exhausted

    @property
    def alive(self) -> bool:
        """True if it takes part."""
        return not self.skipped and not self.dead

    @property
    def leader(self) -> TrialState | None:
        """The first trial that has not failed, which stands for the learner at first."""
        return next((t for t in self.trials if not t.failure), None)

    @property
    def highest(self) -> int:
        """The highest rung with a score; -1 for none."""
        return max(self.losses, default=-1)

    @property
    def at_top(self) -> bool:
        """True if it has a model of all rows."""
        return TOP in self.losses

    @property
    def topped(self) -> bool:
        """True if it has a model of all rows, or one is being made."""
        return self.at_top or any(c.rung >= TOP for t in self.under_way for c in t.running)

    @property
    def complete(self) -> bool:
        """True if a trial has been all its way to all rows, on a small table all folds."""
        return any(t.whole for t in self.trials)

    def promoted(self, trial: TrialState, loss: float | None) -> bool:
        """Return whether a trial is in the better half of those that finished its highest rung.

        Asynchronous successive halving with a reduction factor of 2 (Li et al. 2020,
        arXiv 1810.05934), among the configurations of one learner.

        Args:
            trial: The trial.
            loss: Its loss on that rung.
        """
        if trial.highest < 0:
            return True
        rivals = self.losses[trial.highest]
        return loss is not None and bisect_left(rivals, loss) < (len(rivals) + 1) // 2

    def timed(self, rows: int) -> bool:
        """Return whether a fit on so many rows, or nearly so, has been timed."""
        return any(2 * n > rows for n in self._timed)

    def seconds(self, rows: int, row_seconds: float) -> float:
        """Seconds that a fit on so many rows should take, prediction included.

        Carried on from its own fits; from declared cost where there is none, or where time cut
        them short.
        """
        known = {n: _middle(times) for n, times in self._timed.items()} | self.declined
        least = {n: _middle(times) for n, times in self._cut.items()}
        if known:
            seconds = carried(known, self.learner.limits.rows_of(rows))
        else:
            declared = self.cost * row_seconds * rows
            seconds = max(declared, carried(least, rows)) if least else declared
        return seconds + self.predict_seconds

    @property
    def predict_seconds(self) -> float:
        """Seconds that its predictions took so far."""
        return _middle(self._predicted) if self._predicted else 0.0


def _key(trial: TrialState) -> str:
    return json.dumps(dict(trial.spec.config), sort_keys=True)


def _took(rung: Rung) -> float:
    """Seconds of a fit, or those that it would have taken with enough time."""
    return max(rung.fit_seconds, rung.needed_seconds or 0.0)


def _middle(ascending: list[float]) -> float:
    """The median, of an even number the lower one."""
    return ascending[(len(ascending) - 1) // 2]


class LearnerStates:
    """All learners of a search, the cheapest first."""

    def __init__(self, learners: Iterable[LearnerState], *, greater_is_better: bool) -> None:
        self._learners = {state.name: state for state in learners}
        self._sign = loss_sign(greater_is_better=greater_is_better)

    def __iter__(self) -> Iterator[LearnerState]:
        return iter(self._learners.values())

    def __getitem__(self, name: str) -> LearnerState:
        return self._learners[name]

    def __contains__(self, name: str) -> bool:
        return name in self._learners

    def __len__(self) -> int:
        return len(self._learners)

    def of(self, family: Family) -> list[LearnerState]:
        """The learners of a family that take part."""
        return [state for state in self if state.learner.family == family and state.alive]

    def loss(self, trial: TrialState, rung: int) -> float | None:
        """The validation loss of a trial on a rung."""
        score = trial.score(rung)
        return None if score is None else self._sign * score

    def loss_of(self, rung: Rung) -> float | None:
        """The validation loss of a finished fit."""
        return None if rung.score is None else self._sign * rung.score


def priors(learners: Iterable[Learner]) -> dict[str, float]:
    """Map learners to their declared chance of carrying weight, else the mean of their family."""
    everyone = list(learners)
    found: dict[str, float] = {}
    for learner in everyone:
        family = [o.prior.share for o in everyone if o.family == learner.family and o.prior]
        usual = statistics.mean(family) if family else USUAL_PRIOR
        found[learner.name] = learner.prior.share if learner.prior else usual
    return found
