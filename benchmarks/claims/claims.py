"""The claims, each with the contrast that was fixed before it was measured.

An effect is above 0 where it speaks for the claim, and is paired by repeat. Skill is the share of
what there is to gain: 0 is the baseline's loss and 1 the least loss of any learner at the last
level of that study. The best of several learners is the one that validation prefers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from automl import scaling
from benchmarks.claims.experiments import CLASSICAL, DEEP, REPEATS
from benchmarks.claims.judging import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Evidence: TypeAlias = dict[str, Any]
"""Experiment -> what it found on one table."""

SKILL = 0.01
"""A hundredth of what there is to gain is no difference that matters."""
RATE = SKILL / 3
ENOUGH = 0.95
"""Share of the best skill that counts as having learned."""


@dataclass(frozen=True)
class Claim:
    """A sentence from the popular debate, and what decides it."""

    text: str
    contrast: str
    """In words, with n and what is held fixed."""
    needs: tuple[str, ...]
    """Experiments."""
    effect: Callable[[Evidence], Effect | None]
    margin: float
    unit: str
    kind: Literal["more", "not less"] = "more"


@dataclass(frozen=True)
class Untestable:
    """A sentence that no experiment on tables can decide, and why."""

    text: str
    reason: str


class Curves:
    """One study on one table, a value a repeat."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._points = {
            name: {point["at"]: point for point in points}
            for name, points in found["learners"].items()
        }
        every = [at for points in self._points.values() for at in points]
        self.levels = sorted(set(every))
        self.top = self.levels[-1]
        last = {n: self.losses(n, self.top) for n, p in self._points.items() if self.top in p}
        means = {name: float(np.nanmean(losses)) for name, losses in last.items()}
        self._gain = means.get("baseline", math.nan) - min(means.values())

    @property
    def tells(self) -> bool:
        """Whether any learner does better than the baseline."""
        return self._gain > 0

    def losses(self, learner: str, at: float) -> np.ndarray:
        """(r,) losses of one learner at one level; NaN where it has none."""
        return self._column(learner, at, "loss")

    def best(self, learners: Iterable[str], at: float, what: str = "loss") -> np.ndarray:
        """(r,) losses, or seconds, of whom validation prefers; NaN where one of them is missing."""
        names = list(learners)
        seen = np.stack([self._column(name, at, "val") for name in names])
        values = np.stack([self._column(name, at, what) for name in names])
        chosen = np.where(np.isnan(seen), np.inf, seen).argmin(axis=0)
        there = np.isfinite(np.stack([self.losses(name, at) for name in names])).all(axis=0)
        return np.where(there, values[chosen, np.arange(values.shape[1])], np.nan)

    def effect(self, saved: np.ndarray) -> Effect | None:
        """(r,) losses saved, as skill."""
        return effect_of(saved / self._gain) if self.tells else None

    def enough(self, learners: Iterable[str]) -> float:
        """log2 of the fewest rows with 95% of the best skill; one octave beyond where none has."""
        names = list(learners)
        worst = np.nanmean(self.losses("baseline", self.top))
        for at in self.levels:
            if (worst - self.best(names, at).mean()) / self._gain >= ENOUGH:
                return math.log2(at)
        return math.log2(self.top) + 1

    def rate(self, deep: Iterable[str], classical: Iterable[str]) -> Effect | None:
        """Skill that the best deep learner gains on the best classical one a doubling."""
        names = list(deep), list(classical)
        gaps = [np.subtract(*(self.best(side, at) for side in names)) for at in self.levels]
        known = [
            (at, gap) for at, gap in zip(self.levels, gaps, strict=True) if np.isfinite(gap).all()
        ]
        if not known or known[-1][0] != self.top or not self.tells:
            return None
        n, values = zip(*known, strict=True)
        slope = scaling.Series(np.array(n), np.stack(values, axis=1)).slope()
        if not slope.errors:
            return None
        error, freedom = slope.errors[0]
        return Effect(-slope.value / self._gain, error / self._gain, freedom)

    def _column(self, learner: str, at: float, what: str) -> np.ndarray:
        values = self._points.get(learner, {}).get(at, {}).get(what, [None] * REPEATS)
        return np.array(values, dtype=np.float64)


def effect_of(values: np.ndarray) -> Effect | None:
    """(r,) effects of repeats with a fifth held out; None where fewer than two are known."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    estimate = scaling.Series(np.array([1.0]), known[:, None]).at()
    return Effect(estimate.value, *estimate.errors[0])


def scales_better(found: Evidence) -> Effect | None:
    """Rate on the rows axis."""
    return Curves(found["rows"]).rate(DEEP, CLASSICAL)


def ahead(found: Evidence) -> Effect | None:
    """Level with all rows."""
    curves = Curves(found["rows"])
    return curves.effect(curves.best(CLASSICAL, curves.top) - curves.best(DEEP, curves.top))


def needs_more_rows(found: Evidence) -> Effect | None:
    """Octaves of rows to 95% of the best skill, deep minus classical."""
    curves = Curves(found["rows"])
    tops = [curves.best(side, curves.top) for side in (DEEP, CLASSICAL)]
    if not (curves.tells and np.isfinite(tops).all()):
        return None
    return Effect(curves.enough(DEEP) - curves.enough(CLASSICAL), math.nan)


def trees_with_a_quarter(found: Evidence) -> Effect | None:
    """Ensembles of trees at n/4 against nets at n."""
    curves = Curves(found["rows"])
    quarter = min(curves.levels, key=lambda at: abs(at - curves.top / 4))
    trees = curves.best(("lightgbm", "random_forest"), quarter)
    return curves.effect(curves.best(DEEP, curves.top) - trees)


def svm_on_few_rows(found: Evidence) -> Effect | None:
    """Against the best of three others."""
    curves = Curves(found["few rows"])
    others = curves.best(("mlp", "lightgbm", "linear"), curves.top)
    return curves.effect(others - curves.losses("svm", curves.top))


def trees_and_levels(found: Evidence) -> Effect | None:
    """What levels of categories give a decision tree, less what they give a net."""
    curves = Curves(found["levels"])
    tree, net = (
        curves.losses(name, curves.levels[0]) - curves.losses(name, curves.top)
        for name in ("decision_tree", "mlp")
    )
    return curves.effect(tree - net)


def suffers(experiment: str) -> Callable[[Evidence], Effect | None]:
    """Skill that nets lose beyond what classical learners lose, first level to last."""

    def effect(found: Evidence) -> Effect | None:
        curves = Curves(found[experiment])
        deep, classical = (
            curves.best(side, curves.top) - curves.best(side, curves.levels[0])
            for side in (DEEP, CLASSICAL)
        )
        return curves.effect(deep - classical)

    return effect


def unlabelled_rows(found: Evidence) -> Effect | None:
    """The same autoencoder with and without the rows whose label is hidden."""
    labels, rows = Curves(found["labels"]), Curves(found["rows"])
    without = rows.losses("autoencoder", rows.levels[0])
    return labels.effect(without - labels.losses("autoencoder", labels.levels[0]))


def transfer(found: Evidence) -> Effect | None:
    """Pre-training on the rows without a label, against a net without it."""
    curves = Curves(found["labels"])
    few = curves.levels[0]
    return curves.effect(curves.losses("mlp", few) - curves.losses("autoencoder", few))


def time_to_train(found: Evidence) -> Effect | None:
    """log2 of seconds, classical over deep: above 0 nets are quicker."""
    curves = Curves(found["rows"])
    classical, deep = (curves.best(side, curves.top, "seconds") for side in (CLASSICAL, DEEP))
    return effect_of(np.log2(classical / deep))


def detects(name: str) -> Callable[[Evidence], Effect | None]:
    """ROC AUC less the isolation forest's, over seeds."""

    def effect(found: Evidence) -> Effect | None:
        auc = found["anomalies"]["auc"]
        gaps = np.array(auc[name]) - np.array(auc["isolation_forest"])
        error = float(gaps.std(ddof=1) / np.sqrt(len(gaps)))
        return Effect(float(gaps.mean()), error, len(gaps) - 1.0)

    return effect


def pruned(share: str) -> Callable[[Evidence], Effect | None]:
    """Loss before less loss after."""

    def effect(found: Evidence) -> Effect | None:
        one = found["pruning"]["pruned"][share]
        return Effect(-one["more"], one["error"])

    return effect


def augmented(found: Evidence) -> Effect | None:
    """A net whose scarce classes a GAN filled up, against the net alone."""
    curves = Curves(found["scarce classes"])
    few = curves.levels[0]
    return curves.effect(curves.losses("mlp", few) - curves.losses("gan", few))


FAMILIES = "best of mlp, resnet, realmlp against best of lightgbm, random_forest, linear"
DETECTING = "ROC AUC on held-out rows less that of isolation_forest, default settings, no labels"
LEDGER: tuple[Claim | Untestable, ...] = (
    Claim(
        "Deep learning scales better with data",
        f"{FAMILIES}, defaults, 250 to 4,000 rows: skill gained a doubling",
        ("rows",),
        scales_better,
        RATE,
        "skill a doubling",
    ),
    Claim(
        "Deep learning is more accurate on tables",
        f"{FAMILIES}, defaults, 4,000 rows",
        ("rows",),
        ahead,
        SKILL,
        "skill",
    ),
    Claim(
        "Deep learning needs more labelled data",
        f"{FAMILIES}: octaves of rows until 95% of the best skill",
        ("rows",),
        needs_more_rows,
        0.25,
        "doublings of the rows",
    ),
    Claim(
        "Ensembles of trees do as well with a quarter of the data",
        "best of lightgbm, random_forest at 1,000 rows, best of mlp, resnet, realmlp at 4,000",
        ("rows",),
        trees_with_a_quarter,
        SKILL,
        "skill",
        "not less",
    ),
    Claim(
        "Support vector machines suit small data sets",
        "svm against the best of mlp, lightgbm, linear, about 500 rows",
        ("few rows",),
        svm_on_few_rows,
        SKILL,
        "skill",
        "not less",
    ),
    Claim(
        "Decision trees suit categorical variables better than nets do",
        "skill that all levels of the categories give over the commonest sixteenth of them, two at"
        " least, decision_tree less mlp",
        ("levels",),
        trees_and_levels,
        SKILL,
        "skill",
    ),
    Claim(
        "Deep learning suffers more from wrong labels",
        f"{FAMILIES}: skill lost from 10% to 40% wrong labels",
        ("label noise",),
        suffers("label noise"),
        SKILL,
        "skill",
    ),
    Claim(
        "Deep learning suffers more from missing values",
        f"{FAMILIES}: skill lost from 10% to 40% blanked cells",
        ("gaps",),
        suffers("gaps"),
        SKILL,
        "skill",
    ),
    Claim(
        "Autoencoders profit from unlabelled data",
        "autoencoder with about 250 labels: with 3,750 rows unlabelled, less without them",
        ("labels", "rows"),
        unlabelled_rows,
        SKILL,
        "skill",
    ),
    Claim(
        "Transfer learning needs less labelled data",
        "autoencoder pre-trained on 3,750 unlabelled rows, less mlp, about 250 labels",
        ("labels",),
        transfer,
        SKILL,
        "skill",
    ),
    Claim(
        "Deep learning trains faster",
        f"{FAMILIES}, 4,000 rows on one core: log2 of seconds, classical over deep",
        ("rows",),
        time_to_train,
        0.1,
        "doublings of the time",
    ),
    Claim(
        "Autoencoders find anomalies better",
        DETECTING,
        ("anomalies",),
        detects("autoencoder"),
        0.005,
        "ROC AUC",
    ),
    Claim(
        "Variational autoencoders find anomalies better",
        DETECTING,
        ("anomalies",),
        detects("vae"),
        0.005,
        "ROC AUC",
    ),
    Claim(
        "GANs find anomalies better", DETECTING, ("anomalies",), detects("gan"), 0.005, "ROC AUC"
    ),
    Claim(
        "Deep SVDD finds anomalies better",
        DETECTING,
        ("anomalies",),
        detects("deep_svdd"),
        0.005,
        "ROC AUC",
    ),
    Claim(
        "Half of a net's weights can be pruned without loss",
        "error of mlp before, less after its smallest 50% of weights are 0, no training after",
        ("pruning",),
        pruned("0.5"),
        0.005,
        "error rate, or share of the variance",
        "not less",
    ),
    Claim(
        "Nine tenths of a net's weights can be pruned without loss",
        "error of mlp before, less after its smallest 90% of weights are 0, no training after",
        ("pruning",),
        pruned("0.9"),
        0.005,
        "error rate, or share of the variance",
        "not less",
    ),
    Claim(
        "GANs help where data are few",
        "gan (an mlp whose scarce classes a GAN fills up), less mlp, at most 500 rows",
        ("scarce classes",),
        augmented,
        SKILL,
        "skill",
    ),
    Untestable(
        "Deep learning took 72 hours where the traditional way took 120",
        "No task, data or people are named; what can be said about time is the row on training.",
    ),
    Untestable(
        "LSTMs detect anomalies with an AUC of .87",
        "They read sequences; a row of a table is none.",
    ),
)
