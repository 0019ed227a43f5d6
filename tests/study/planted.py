"""A plugin with two learners whose error rates at every number of rows are known.

`planted_deep` errs on .35 (n/500)^-.5 of the rows, `planted_classical` on .20. The column `sign`
of the table tells the truth.
"""

from __future__ import annotations

import numpy as np

import automl


@automl.hookimpl
def automl_learners():
    for name, family in (("planted_deep", "deep"), ("planted_classical", "classical")):
        yield automl.Learner(
            name=name,
            family=family,
            tasks=frozenset({"binary"}),
            view="frame",
            factory=f"planted:{family}",
        )


def deep(config, task, n_classes):
    return Planted(lambda n: 0.35 * (n / 500) ** -0.5)


def classical(config, task, n_classes):
    return Planted(lambda n: 0.20)


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
