"""One learner of a study: what it has done, what it could do next, and how long that takes."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from automl.metrics import loss_sign
from automl.schedule.sampler import Sampler
from automl.schedule.time_model import OVERHEAD, carried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from automl.types import Config, Learner, Regime, Rung


class Stage(IntEnum):
    """The stages of a repeat, in their order."""

    DEFAULT = 0
    TUNING = auto()
    CHOSEN = auto()
    """Fits of what tuning chose."""
    RETUNING = auto()
    """Tuning anew at every level."""
    NARROWING = auto()
    """Further subsets of levels, beyond those of the plan."""


Place: TypeAlias = tuple[int, int, int, int]
"""(number, level, repeat, subset): equal for equal fits, whichever regime asked for them."""


class StudyFit(NamedTuple):
    """One fit: a configuration, by number, on one subset of the rows of a level and repeat."""

    repeat: int
    stage: Stage
    level: int
    number: int
    subset: int = 0

    @property
    def place(self) -> Place:
        """The place of the fit."""
        return self.number, self.level, self.repeat, self.subset


@dataclass(slots=True)
class Tuning:
    """The configurations tried at one level in one repeat, each started when the last is judged."""

    sampler: Sampler
    numbers: list[int] = field(default_factory=list)
    judged: int = 0
    closed: bool = False
    """No further one is affordable."""


@dataclass(slots=True)
class StudyLearner:
    """One learner. Levels are counted from 0, the lowest, up to `top`."""

    learner: Learner
    cost: float
    """Declared cost relative to a linear model."""
    sizes: tuple[int, ...]
    top: int
    """The highest level it may reach by its limits."""
    regimes: tuple[Regime, ...]
    tuned_at: int
    """The level at which `transferred` tunes."""
    trials: int
    """Configurations tried wherever it is tuned."""
    seed: int
    greater_is_better: bool
    rate: float = math.inf
    """Seconds a row that a fit may take, where the learner can end early: the same at every level,
    so that a learner short of time is short of it alike everywhere."""
    unit: float = 1e-5
    """Seconds a row that a linear model takes here."""
    subsets: tuple[int, ...] = ()
    """Subsets of each level that a repeat trains settings on that are not tuned there; 1 if empty.
    A level whose first subset has no score gets no further one."""
    room: tuple[int, ...] = ()
    """Subsets of each level that share no rows; 1 if empty."""
    narrowed: dict[int, int] = field(default_factory=dict)
    """Level -> subsets that the spare time allows, if more than planned."""
    finished: dict[tuple[int, int, int], Rung] = field(default_factory=dict)
    """(number, level, repeat) -> what came of it on the first subset."""
    beats: Callable[[Rung, Rung], bool] | None = None
    """Tells of two fits in one cell whether more than luck is between their scores: else what
    tuning found does not replace the default, and a learner is not beaten in the race. None to
    choose by the scores alone."""
    further: dict[Place, Rung] = field(default_factory=dict)
    """Place -> what came of it on another subset."""
    running: set[Place] = field(default_factory=set)
    configs: dict[int, Config] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    tunings: dict[tuple[int, int], Tuning] = field(default_factory=dict)
    cap: int = -1
    """The highest level it can afford, as things stand."""
    repeats: int = 0
    """Repeats it can afford, as things stand."""
    plain: bool = False
    """True if it can afford no tuning on few rows beside its default."""
    chance: float = 1.0
    """Probability that it goes on after the first repeat: 0 or 1 once the race is over."""
    ended: dict[int, int] = field(default_factory=dict)
    """Number of a configuration -> the lowest level at which a fit of it had to be ended."""
    spent: float = 0.0
    """Seconds of its finished fits."""
    _done: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(level, repeat) -> finished fits."""
    _measured: dict[int, float] | None = None
    _expected: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for config in self.learner.defaults:
            self.number(dict(config))

    def take(self, place: Place, rung: Rung) -> None:
        """Record a finished fit."""
        number, level, repeat, subset = place
        self.running.discard(place)
        self.spent += rung.fit_seconds + rung.predict_seconds + OVERHEAD
        if subset:
            self.further[place] = rung
            return
        self.finished[number, level, repeat] = rung
        self._done[level, repeat] += 1
        self._measured = None
        self._expected.clear()
        if rung.status == "not_reached":
            self.ended[number] = min(level, self.ended.get(number, level))

    # ------------------------------------------------------------- configurations

    def number(self, config: Config) -> int:
        """The number of a configuration, the same for the same settings; a new one if need be."""
        text = json.dumps(dict(config), sort_keys=True)
        if text not in self.numbers:
            self.know(max(self.configs, default=-1) + 1, config)
        return self.numbers[text]

    def know(self, number: int, config: Config) -> None:
        """Note a configuration under its number."""
        self.configs[number] = dict(config)
        self.numbers[json.dumps(dict(config), sort_keys=True)] = number

    def tuning(self, repeat: int, level: int) -> Tuning:
        """The tuning at one level of one repeat, brought up to date.

        It is a function of what has finished there, so a resumed study deals the same again.
        """
        found = self.tunings.get((repeat, level))
        if found is None:
            seed = self.seed + 7_919 * repeat + 101 * level
            better = self.greater_is_better
            found = Tuning(Sampler(self.learner, seed, greater_is_better=better))
            self.tunings[repeat, level] = found
        while not found.closed:
            if found.judged == len(found.numbers):
                if found.judged >= self.trials or found.sampler.exhausted:
                    found.closed = True
                    break
                found.numbers.append(self.number(found.sampler.next()))
            rung = self.finished.get((found.numbers[-1], level, repeat))
            if rung is None:
                break
            if rung.score is not None:
                found.sampler.tell(found.judged, 0, rung.score, top=True)
            found.judged += 1
        return found

    def chosen(self, repeat: int) -> int | None:
        """Number of the configuration that `transferred` tuning chose; None until it is over."""
        found = self.tuning(repeat, self.tuned_at)
        if not found.closed:
            return None
        sign = loss_sign(greater_is_better=self.greater_is_better)
        scores = {
            number: sign * rung.score
            for number in found.numbers
            if (rung := self.finished.get((number, self.tuned_at, repeat))) is not None
            and rung.score is not None
        }
        if not scores:
            return None
        best = min(scores, key=lambda number: scores[number])
        if best and 0 in scores and self.beats is not None:
            ahead, default = (self.finished[k, self.tuned_at, repeat] for k in (best, 0))
            return best if self.beats(ahead, default) else 0
        return best

    # ------------------------------------------------------------------- what next

    @property
    def transfers(self) -> bool:
        """True if it is tuned on few rows."""
        return "transferred" in self.regimes and not self.plain and self._tunes

    @property
    def _retunes(self) -> bool:
        """True if it is tuned at every level."""
        return "retuned" in self.regimes and self._tunes

    @property
    def _tunes(self) -> bool:
        """False if its default lost the race, and no more of it is wanted."""
        return self.chance > 0 or "default" not in self.regimes

    def open(self, repeat: int, *, tuned: bool) -> Iterator[StudyFit]:
        """Fits of a repeat that could start now, the next one first: of the default, or tuned."""
        for fit in self._tunings(repeat) if tuned else self._defaults(repeat):
            if fit.place not in self.running and self._lacks(fit):
                yield fit

    def _lacks(self, fit: StudyFit) -> bool:
        first = self.finished.get((fit.number, fit.level, fit.repeat))
        if not fit.subset:
            return first is None
        return first is not None and first.status == "ok" and fit.place not in self.further

    def _on_subsets(
        self, repeat: int, stage: Stage, levels: Iterable[int], number: int
    ) -> Iterator[StudyFit]:
        for level in levels:
            for subset in range(self.planned(level)):
                yield StudyFit(repeat, stage, level, number, subset)

    def planned(self, level: int) -> int:
        """Subsets of a level that the plan has."""
        return self.subsets[level] if self.subsets else 1

    def _defaults(self, repeat: int) -> Iterator[StudyFit]:
        if "default" in self.regimes:
            yield from self._on_subsets(repeat, Stage.DEFAULT, range(self.cap + 1), 0)

    def _tunings(self, repeat: int) -> Iterator[StudyFit]:
        levels = range(self.cap + 1)
        if self.transfers and self.tuned_at <= self.cap:
            yield from self._tune(repeat, Stage.TUNING, self.tuned_at)
            if (number := self.chosen(repeat)) is not None:
                open_ = range(min(self.cap + 1, self.ended.get(number, self.cap + 1)))
                yield from self._on_subsets(repeat, Stage.CHOSEN, open_, number)
        if self._retunes:
            for level in levels:
                yield from self._tune(repeat, Stage.RETUNING, level)

    def narrowing(self, repeat: int) -> Iterator[StudyFit]:
        """Fits of a repeat on further subsets that could start now, the next one first."""
        for level, count in sorted(self.narrowed.items()):
            for number in sorted(self._settings(repeat)):
                for subset in range(self.planned(level), count):
                    fit = StudyFit(repeat, Stage.NARROWING, level, number, subset)
                    if fit.place not in self.running and self._lacks(fit):
                        yield fit

    def _settings(self, repeat: int) -> set[int]:
        """Numbers of the settings that are not tuned where they are trained."""
        found = {0} if "default" in self.regimes else set()
        if self.transfers and (chosen := self.chosen(repeat)) is not None:
            found.add(chosen)
        return found

    def lacks_subset(self, level: int, repeat: int, subset: int) -> int:
        """Fits on one further subset that a level of a repeat still lacks."""
        return sum(
            self._lacks(StudyFit(repeat, Stage.NARROWING, level, number, subset))
            for number in self._settings(repeat)
        )

    def _tune(self, repeat: int, stage: Stage, level: int) -> list[StudyFit]:
        tuning = self.tuning(repeat, level)
        return [] if tuning.closed else [StudyFit(repeat, stage, level, tuning.numbers[-1])]

    def need(self, repeat: int, cap: int) -> float:
        """Seconds that a repeat still takes up to a level."""
        return sum(
            missing * self.expected(level)
            for level in range(cap + 1)
            if (missing := self._missing(level, repeat, cap))
        )

    def whole(self, cap: int, repeats: int) -> float:
        """Seconds that so many repeats should still take up to a level."""
        return sum(self.weight(repeat) * self.need(repeat, cap) for repeat in range(repeats))

    def weight(self, repeat: int) -> float:
        """Probability that it takes part in a repeat."""
        return self.chance if repeat else 1.0

    def least(self, repeat: int, cap: int) -> float:
        """Seconds until a repeat has one fit at every level up to a cap."""
        return sum(self.expected(at) for at in range(cap + 1) if not self._done[at, repeat])

    def rows(self) -> int:
        """Rows of all fits of a repeat up to the top."""
        levels = enumerate(self.sizes[: self.top + 1])
        return sum(self._missing(at, -1, self.top) * n for at, n in levels)

    def _missing(self, level: int, repeat: int, cap: int) -> int:
        """Fits that a level of a repeat still lacks, at most."""
        transfers = self.transfers and self.tuned_at <= cap
        if self._retunes or (transfers and level == self.tuned_at):
            tuning = self.tunings.get((repeat, level))
            trials = self.trials if self.learner.space else len(self.learner.defaults)
            closed = tuning is not None and tuning.closed
            missing = 0 if closed else max(0, trials - self._done[level, repeat])
        else:
            missing = int("default" in self.regimes and (0, level, repeat) not in self.finished)
        if transfers and level != self.tuned_at:
            missing += self._lacks_chosen(level, repeat)
        return missing + self._lacks_subsets(level, repeat, transfers=transfers)

    def _lacks_subsets(self, level: int, repeat: int, *, transfers: bool) -> int:
        """Fits on further subsets that a level of a repeat still lacks, at most."""
        more = range(1, self.planned(level))
        if not more:
            return 0
        numbers, unknown = {0} if "default" in self.regimes else set(), 0
        if transfers:
            tuning = self.tunings.get((repeat, self.tuned_at))
            if tuning is None or not tuning.closed:
                unknown = len(more)
            elif (chosen := self.chosen(repeat)) is not None:
                numbers.add(chosen)
        return unknown + sum(
            (number, level, repeat, subset) not in self.further
            for number in numbers
            if self._may_go_on(number, level, repeat)
            for subset in more
        )

    def _may_go_on(self, number: int, level: int, repeat: int) -> bool:
        """Return whether a setting may be fitted on further subsets of a level."""
        first = self.finished.get((number, level, repeat))
        if first is None:
            return level < self.ended.get(number, len(self.sizes))
        return first.status == "ok"

    def _lacks_chosen(self, level: int, repeat: int) -> bool:
        """Return whether a level lacks a fit of what `transferred` tuning chose, or will choose."""
        tuning = self.tunings.get((repeat, self.tuned_at))
        if tuning is None or not tuning.closed:
            return True
        number = self.chosen(repeat)
        if number is None or level >= self.ended.get(number, len(self.sizes)):
            return False
        counted = number == 0 and "default" in self.regimes
        return not counted and (number, level, repeat) not in self.finished

    # ------------------------------------------------------------------------ time

    @property
    def dead(self) -> bool:
        """True if its first fits failed, and none has ended well."""
        return len(self.finished) >= 2 and all(r.status == "failed" for r in self.finished.values())

    @property
    def failure(self) -> str:
        """Why its first failed fit failed; empty if none did."""
        return next((r.reason for r in self.finished.values() if r.status == "failed"), "")

    def measured(self) -> dict[int, float]:
        """Level -> median seconds of its finished fits."""
        if self._measured is None:
            found: dict[int, list[float]] = {}
            for (_, level, _), rung in self.finished.items():
                if rung.status == "ok":
                    found.setdefault(level, []).append(rung.fit_seconds + rung.predict_seconds)
            self._measured = {
                level: statistics.median(seconds) for level, seconds in sorted(found.items())
            }
        return self._measured

    def expected(self, level: int) -> float:
        """Seconds that a fit at a level should take.

        Measured at that level, or carried on from the nearest below with the growth seen so far;
        declared costs stand in before the first fit.
        """
        if level not in self._expected:
            self._expected[level] = min(self._carried(level), OVERHEAD + 1.1 * self.allowed(level))
        return self._expected[level]

    def allowed(self, level: int) -> float:
        """Seconds that a fit at a level may take."""
        return self.rate * self.sizes[level]

    def _carried(self, level: int) -> float:
        known = {self.sizes[at]: seconds for at, seconds in self.measured().items()}
        if not known:
            return OVERHEAD + self.cost * self.unit * self.sizes[level]
        return OVERHEAD + carried(known, self.sizes[level])
