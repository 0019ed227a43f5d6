"""A world in which learners have known costs and scores, for dealing without training."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field, replace

from automl.rows.ladder import Ladder
from automl.schedule.base import Job, Plan, Worker
from automl.schedule.fit import FitScheduler
from automl.schedule.time_model import OVERHEAD
from automl.space import Float
from automl.types import TOP, Cell, Family, Learner, Rung, Trial

BMR = frozenset({"binary", "multiclass", "regression"})


def learner(
    name: str,
    family: Family = "classical",
    *,
    fidelity: str | None = "rounds",
    libraries: tuple[str, ...] = (),
) -> Learner:
    return Learner(
        name=name,
        family=family,
        tasks=BMR,
        view="matrix",
        factory="nowhere:build",
        space={"x": Float(0, 1)},
        defaults=({"x": 0.5}, {"x": 0.25}),
        fidelity=fidelity,
        libraries=libraries,
        refits=fidelity is not None,
    )


def _family(name: str, deep: tuple[str, ...]) -> Family:
    if name == "baseline":
        return "baseline"
    return "deep" if name in deep else "classical"


@dataclass
class World:
    """Runs a scheduler's jobs on slots, by known seconds at full size."""

    seconds: dict[str, float]
    failing: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    """Learners that cannot be cut short."""
    stubborn: frozenset[str] = frozenset()
    """Learners that say they can, and cannot."""
    flat: dict[str, float] = field(default_factory=dict)
    """Seconds of a fit that do not grow with the rows."""
    libraries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Learner -> the libraries that it imports."""
    imports: dict[str, float] = field(default_factory=dict)
    """Library -> seconds of its import, in every worker anew."""
    unseeded: bool = False
    """True if seeds make no difference."""
    better: dict[str, float] = field(default_factory=dict)
    """Learner -> how much better it scores than others."""
    ladder: Ladder = field(
        default_factory=lambda: Ladder({0: 100, 1: 200, 2: 400, 3: 800}, 5, all_folds_at_top=False)
    )

    def scheduler(self, plan: Plan, deep: tuple[str, ...] = ()) -> FitScheduler:
        learners = [
            (
                learner(
                    name,
                    _family(name, deep),
                    fidelity=None if name in self.fixed else "rounds",
                    libraries=self.libraries.get(name, ()),
                ),
                cost,
            )
            for name, cost in self.seconds.items()
        ]
        return FitScheduler(learners, self.ladder, plan, self)

    def weights(self) -> dict[str, float]:
        """Equal weights of the best three models of all rows so far."""
        best = sorted(self._tops.items(), key=lambda entry: -entry[1])[:3]
        return {trial: 1 / len(best) for trial, _ in best}

    def standard_error(self) -> float:
        return 0.0

    def __post_init__(self) -> None:
        self._tops: dict[str, float] = {}
        self.declines: dict[str, float] = {}
        """Learner -> seconds that it says a fit of all rows needs; with less it declines."""
        self.liars: set[str] = set()
        """Those of them that decline however much time they get."""
        self.declined: dict[str, int] = {}
        self.started: dict[str, float] = {}
        """Trial -> when it was started."""

    def fit(self, job: Job) -> Rung:
        """The rung that a job would leave behind."""
        trial, cell = job.trial, job.cell
        name = trial.learner
        takes = self.seconds[name] * self.ladder.share(cell) + self.flat.get(name, 0.0)
        seconds = takes if name in self.fixed | self.stubborn else min(takes, job.soft_limit)
        if seconds > job.time_left:
            return self.rung(trial, cell, None, job.time_left, "failed")
        if name in self.failing:
            return self.rung(trial, cell, None, 0.1, "failed")
        level = 0.5 + 0.4 * self.ladder.share(cell) ** 0.5 + self.better.get(name, 0.0)
        score = level - abs(float(trial.config["x"]) - 0.4) / 5
        score += 0.0 if self.unseeded else 1e-6 * trial.seed
        if cell == Cell(TOP, 0):
            self._tops[trial.id] = score
        rung = self.rung(trial, cell, score, seconds, "ok")
        return replace(rung, censored=True, needed_seconds=takes) if seconds < takes else rung

    def rung(self, trial: Trial, cell, score, seconds, status) -> Rung:
        return Rung(
            learner=trial.learner,
            trial=trial.id,
            config=trial.config,
            **cell._asdict(),
            seed=trial.seed,
            n=self.ladder.rows(cell),
            score=score,
            fit_seconds=seconds,
            predict_seconds=0.0,
            status=status,
            reason="" if status == "ok" else "it always fails",
        )

    def run(self, scheduler: FitScheduler) -> tuple[list[Rung], float]:
        """All rungs in the order they finished, and the time when the last one did."""
        plan = scheduler.plan
        now, number = 0.0, 0
        busy: list[tuple[float, int, Rung, set[str]]] = []
        rungs: list[Rung] = []
        idle: deque[set[str]] = deque(set() for _ in range(plan.slots))
        while True:
            while idle and (plan.seconds is None or now < plan.seconds):
                job = scheduler.next_job(now, Worker(frozenset(idle[0])))
                if job is None:
                    break
                name = job.trial.learner
                self.started.setdefault(job.trial.id, now)
                needed = self.declines.get(name, 0.0)
                if job.cell.rung >= TOP and (needed > job.soft_limit or name in self.liars):
                    self.declined[name] = self.declined.get(name, 0) + 1
                    if scheduler.declined(job, needed):
                        scheduler.take(self.rung(job.trial, job.cell, None, 0.0, "not_reached"))
                    continue
                worker = idle.popleft()
                missing = set(self.libraries.get(name, ())) - worker
                import_seconds = sum(self.imports[library] for library in missing)
                worker |= missing
                rung = replace(self.fit(job), overhead_seconds=import_seconds)
                number += 1
                end = now + import_seconds + rung.fit_seconds + OVERHEAD
                heapq.heappush(busy, (end, number, rung, worker))
            if not busy:
                return rungs, now
            now, _, rung, worker = heapq.heappop(busy)
            idle.append(worker)
            rungs.append(rung)
            scheduler.take(rung)
