"""The claims, each with the contrast that was fixed before anything was measured.

An effect is above 0 where it speaks for the claim. Skill is the share of what there is to gain:
0 is the baseline's loss and 1 the least loss of any learner on the most rows of that study.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from scipy import stats

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
    """One study on one table."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found
        self._points = {
            name: {point["at"]: point for point in points}
            for name, points in found["learners"].items()
        }
        every = [at for points in self._points.values() for at in points]
        self.levels = sorted(set(every))
        self.top = self.levels[-1]
        last = {n: p[self.top]["loss"] for n, p in self._points.items() if self.top in p}
        self._worst = last.get("baseline", math.nan)
        self._gain = self._worst - min(last.values())

    def skill(self, learner: str, at: float) -> Effect | None:
        """Of one learner at one level; None where it has no point."""
        point = self._points.get(learner, {}).get(at)
        if point is None or not self._gain > 0:
            return None
        error = math.nan if point["error"] is None else point["error"] / self._gain
        return Effect((self._worst - point["loss"]) / self._gain, error)

    def best(self, learners: Iterable[str], at: float) -> Effect | None:
        """The most skilled of some learners; both sides of a contrast name equally many."""
        known = [skill for name in learners if (skill := self.skill(name, at)) is not None]
        return max(known, key=lambda skill: skill.value, default=None)

    def seconds(self, learners: Iterable[str], at: float) -> float | None:
        """Of the fit of the most skilled of some learners."""
        known = [(s.value, n) for n in learners if (s := self.skill(n, at)) is not None]
        return self._points[max(known)[1]][at]["seconds"] if known else None

    def enough(self, learners: Iterable[str]) -> float:
        """log2 of the fewest rows with 95% of the best skill; one octave beyond where none has."""
        names = list(learners)
        for at in self.levels:
            best = self.best(names, at)
            if best is not None and best.value >= ENOUGH:
                return math.log2(at)
        return math.log2(self.top) + 1

    def rate(self) -> Effect | None:
        """Skill that the best deep learner gains on the best classical one a doubling."""
        family = next((c for c in self._found["contrasts"] if c["kind"] == "family"), None)
        if family is None or family["rate"]["low"] is None or not self._gain > 0:
            return None
        rate = family["rate"]
        error = (rate["high"] - rate["low"]) / 2 / stats.t.ppf(0.975, REPEATS - 1)
        return Effect(-rate["per_doubling"] / self._gain, error / self._gain)


def less(one: Effect | None, other: Effect | None) -> Effect | None:
    """One minus the other; their errors add up as if they were independent."""
    if one is None or other is None:
        return None
    return Effect(one.value - other.value, math.hypot(one.error, other.error))


def scales_better(found: Evidence) -> Effect | None:
    """Rate on the rows axis."""
    return Curves(found["rows"]).rate()


def ahead(found: Evidence) -> Effect | None:
    """Level with all rows."""
    curves = Curves(found["rows"])
    return less(curves.best(DEEP, curves.top), curves.best(CLASSICAL, curves.top))


def needs_more_rows(found: Evidence) -> Effect | None:
    """Octaves of rows to 95% of the best skill, deep minus classical."""
    curves = Curves(found["rows"])
    return Effect(curves.enough(DEEP) - curves.enough(CLASSICAL), math.nan)


def trees_with_a_quarter(found: Evidence) -> Effect | None:
    """Ensembles of trees at n/4 against nets at n."""
    curves = Curves(found["rows"])
    quarter = min(curves.levels, key=lambda at: abs(at - curves.top / 4))
    trees = curves.best(("lightgbm", "random_forest"), quarter)
    return less(trees, curves.best(DEEP, curves.top))


def svm_on_few_rows(found: Evidence) -> Effect | None:
    """Against the best of three others."""
    curves = Curves(found["few rows"])
    others = ("mlp", "lightgbm", "linear")
    return less(curves.skill("svm", curves.top), curves.best(others, curves.top))


def trees_and_levels(found: Evidence) -> Effect | None:
    """What levels of categories give a decision tree, less what they give a net."""
    curves = Curves(found["levels"])
    gains = [
        less(curves.skill(name, curves.top), curves.skill(name, curves.levels[0]))
        for name in ("decision_tree", "mlp")
    ]
    return less(*gains)


def suffers(experiment: str) -> Callable[[Evidence], Effect | None]:
    """Skill that nets lose beyond what classical learners lose, first level to last."""

    def effect(found: Evidence) -> Effect | None:
        curves = Curves(found[experiment])
        lost = [
            less(curves.best(side, curves.levels[0]), curves.best(side, curves.top))
            for side in (DEEP, CLASSICAL)
        ]
        return less(*lost)

    return effect


def unlabelled_rows(found: Evidence) -> Effect | None:
    """The same autoencoder with and without the rows whose label is hidden."""
    labels, rows = Curves(found["labels"]), Curves(found["rows"])
    with_all = labels.skill("autoencoder", labels.levels[0])
    return less(with_all, rows.skill("autoencoder", rows.levels[0]))


def transfer(found: Evidence) -> Effect | None:
    """Pre-training on the rows without a label, against a net without it."""
    curves = Curves(found["labels"])
    few = curves.levels[0]
    return less(curves.skill("autoencoder", few), curves.skill("mlp", few))


def time_to_train(found: Evidence) -> Effect | None:
    """log2 of seconds, classical over deep: above 0 nets are quicker."""
    curves = Curves(found["rows"])
    sides = [curves.seconds(side, curves.top) for side in (CLASSICAL, DEEP)]
    if sides[0] is None or sides[1] is None:
        return None
    return Effect(math.log2(sides[0] / sides[1]), math.nan)


def detects(name: str) -> Callable[[Evidence], Effect | None]:
    """ROC AUC less the isolation forest's, over seeds."""

    def effect(found: Evidence) -> Effect | None:
        auc = found["anomalies"]["auc"]
        gaps = np.array(auc[name]) - np.array(auc["isolation_forest"])
        return Effect(float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(len(gaps))))

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
    return less(curves.skill("gan", few), curves.skill("mlp", few))


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
        "skill that all levels of the categories give over two levels, decision_tree less mlp",
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
        "gan (an mlp whose scarce classes a GAN fills up), less mlp, 500 rows",
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
