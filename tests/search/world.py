"""A world in which learners have known costs and scores, for dealing without training."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from automl.search.dealer import Dealer
from automl.search.ladder import Ladder
from automl.search.plan import Job, Plan
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
    """Runs a dealer's jobs on slots, by known seconds at full size."""

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

    def dealer(self, plan: Plan, deep: tuple[str, ...] = ()) -> Dealer:
        lanes = [
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
        return Dealer(lanes, self.ladder, plan)

    def fit(self, job: Job) -> Rung:
        """What the job would leave behind."""
        trial, step = job.trial, job.step
        name = trial.learner
        takes = self.seconds[name] * self.ladder.share(step) + self.flat.get(name, 0.0)
        seconds = takes if name in self.fixed | self.stubborn else min(takes, job.allowance)
        if seconds > job.left:
            return self.rung(trial, step, None, job.left, "failed")
        if name in self.failing:
            return self.rung(trial, step, None, 0.1, "failed")
        level = 0.5 + 0.4 * self.ladder.share(step) ** 0.5
        return self.rung(
            trial, step, level - abs(float(trial.config["x"]) - 0.4) / 5, seconds, "ok"
        )

    def rung(self, trial: Trial, step, score, seconds, status) -> Rung:
        return Rung(
            learner=trial.learner,
            trial=trial.id,
            config=trial.config,
            rung=step.rung,
            fold=step.fold,
            seed=trial.seed,
            n=self.ladder.rows(step),
            score=score,
            fit_seconds=seconds,
            predict_seconds=0.0,
            status=status,
            reason="" if status == "ok" else "it always fails",
        )

    def run(self, dealer: Dealer) -> tuple[list[Rung], float]:
        """All rungs in the order they finished, and the time when the last one did."""
        plan = dealer.plan
        now, busy, rungs, number = 0.0, [], [], 0
        while True:
            while len(busy) < plan.slots and (plan.seconds is None or now < plan.seconds):
                job = dealer.deal(now)
                if job is None:
                    break
                rung = self.fit(job)
                number += 1
                heapq.heappush(busy, (now + rung.fit_seconds, number, rung))
            if not busy:
                return rungs, now
            now, _, rung = heapq.heappop(busy)
            rungs.append(rung)
            dealer.take(rung)
