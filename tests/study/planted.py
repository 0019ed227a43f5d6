"""A plugin with learners whose error rates at every number of rows are known.

The column `sign` of the table tells the truth, and they err as often as `ERRORS` says. The slow
ones need 100 s to become good; one of them does not tell that time ended it.
"""

from __future__ import annotations

import time

import numpy as np

import automl

ERRORS = {
    "planted_deep": ("deep", lambda n: 0.35 * (n / 500) ** -0.5),
    "planted_classical": ("classical", lambda n: 0.20),
    "planted_falling": ("classical", lambda n: 0.35 * (n / 500) ** -0.5),
    "planted_proportional": ("deep", lambda n: 1.2 * 0.35 * (n / 500) ** -0.5),
}
SLOW = {
    "planted_slow_deep": "deep",
    "planted_slow_classical": "classical",
    "planted_silent_classical": "classical",
}
STEPS, PACE = 2000, 0.05


@automl.hookimpl
def automl_learners():
    for name, (family, _) in ERRORS.items():
        yield automl.Learner(
            name=name,
            family=family,
            tasks=frozenset({"binary"}),
            view="frame",
            factory="planted:known",
            defaults=({"name": name},),
        )
    for name, family in SLOW.items():
        yield automl.Learner(
            name=name,
            family=family,
            tasks=frozenset({"binary"}),
            view="frame",
            factory="planted:slow",
            defaults=({"silent": "silent" in name},),
            fidelity="steps",
        )


def known(config, task, n_classes):
    return Planted(ERRORS[config["name"]][1])


def slow(config, task, n_classes):
    return Slow(silent=config["silent"])


class Planted:
    """Knows the truth, and errs as often as it is told to."""

    def __init__(self, error):
        self.error = error

    def fit(self, train, stop, run):
        self.rate = min(0.5, self.error(len(train)))
        self.rng = np.random.default_rng([run.seed, len(train)])

    def predict(self, view):
        truth = view.X["sign"].to_numpy() > 0
        says = truth ^ (self.rng.random(len(view)) < self.rate)
        return np.stack([~says, says], axis=1).astype(np.float32)

    def save(self, folder):
        (folder / "rate").write_text(str(self.rate))

    def load(self, folder):
        self.rate = float((folder / "rate").read_text())
        self.rng = np.random.default_rng(0)


class Slow(Planted):
    """Errs less with every step: on .45 of the rows before the first, on .01 after the last."""

    def __init__(self, *, silent):
        self.silent = silent

    def fit(self, train, stop, run):
        steps = 0
        while steps < STEPS and run.seconds_left() > PACE:
            time.sleep(PACE)
            steps += 1
        if steps < STEPS and not self.silent:
            run.cut_short(steps / STEPS)
        self.error = lambda n: 0.45 - 0.44 * steps / STEPS
        super().fit(train, stop, run)
