"""A world in which learners have known costs and scores, for dealing without training."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from automl.rows.ladder import Ladder
from automl.schedule.base import Job, Plan
from automl.schedule.fit import FitScheduler
from automl.space import Float
from automl.types import Family, Learner, Rung, Trial

BMR = frozenset({"binary", "multiclass", "regression"})


def learner(name: str, family: Family = "classical", *, fidelity: str | None = "rounds") -> Learner:
    return Learner(
        name=name,
        family=family,
        tasks=BMR,
        view="matrix",
        factory="nowhere:build",
        space={"x": Float(0, 1)},
        defaults=({"x": 0.5}, {"x": 0.25}),
        fidelity=fidelity,
    )


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
    ladder: Ladder = field(
        default_factory=lambda: Ladder({0: 100, 1: 200, 2: 400, 3: 800}, 5, all_folds_at_top=False)
    )

    def scheduler(self, plan: Plan, deep: tuple[str, ...] = ()) -> FitScheduler:
        learners = [
            (
                learner(
                    name,
                    "deep" if name in deep else "classical",
                    fidelity=None if name in self.fixed else "rounds",
                ),
                cost,
            )
            for name, cost in self.seconds.items()
        ]
        return FitScheduler(learners, self.ladder, plan)

    def fit(self, job: Job) -> Rung:
        """What the job would leave behind."""
        trial, cell = job.trial, job.cell
        name = trial.learner
        takes = self.seconds[name] * self.ladder.share(cell) + self.flat.get(name, 0.0)
        seconds = takes if name in self.fixed | self.stubborn else min(takes, job.soft_limit)
        if seconds > job.time_left:
            return self.rung(trial, cell, None, job.time_left, "failed")
        if name in self.failing:
            return self.rung(trial, cell, None, 0.1, "failed")
        level = 0.5 + 0.4 * self.ladder.share(cell) ** 0.5
        return self.rung(
            trial, cell, level - abs(float(trial.config["x"]) - 0.4) / 5, seconds, "ok"
        )

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
        now, busy, rungs, number = 0.0, [], [], 0
        while True:
            while len(busy) < plan.slots and (plan.seconds is None or now < plan.seconds):
                job = scheduler.next_job(now)
                if job is None:
                    break
                rung = self.fit(job)
                number += 1
                heapq.heappush(busy, (now + rung.fit_seconds, number, rung))
            if not busy:
                return rungs, now
            now, _, rung = heapq.heappop(busy)
            rungs.append(rung)
            scheduler.take(rung)
