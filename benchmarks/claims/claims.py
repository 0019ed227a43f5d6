"""The claims, each with the contrast that was fixed before it was measured.

An effect is above 0 where it speaks for the claim, and is paired by repeat. Skill is the share of
what there is to gain: 0 is the baseline's loss and 1 the least loss of any learner at the last
level of that study (with the table as it is). The best of several learners is the one that
validation prefers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from automl import scaling
from benchmarks.claims.experiments import CLASSICAL, DEEP, HELD, REPEATS
from benchmarks.claims.judging import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Evidence: TypeAlias = dict[str, Any]
"""Experiment -> what it found on one table."""

SKILL = 0.01
"""A hundredth of what there is to gain is no difference that matters; nor, of a rate, is a
hundredth that one more doubling brings."""
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
    in_proportion: Callable[[Evidence], Effect | None] | None = None
    """The effect on the ratio of the losses, which must agree: a rate depends on the scale."""


@dataclass(frozen=True)
class Untestable:
    """A sentence that no experiment on tables can decide, and why."""

    text: str
    reason: str


class Curves:
    """One study on one table, a value a repeat.

    Args:
        found: The experiment's evidence.
        what: What stands for the loss.
    """

    def __init__(self, found: dict[str, Any], what: Literal["loss", "error"] = "loss") -> None:
        self._what = what
        self._points = {
            name: {point["at"]: point for point in points}
            for name, points in found["learners"].items()
        }
        every = [at for points in self._points.values() for at in points]
        self.levels = sorted(set(every))
        self.top = self.levels[-1]
        last = {n: self.losses(n, self.top) for n, p in self._points.items() if self.top in p}
        means = {n: np.nanmean(losses) for n, losses in last.items()}
        self._gain = float(means.get("baseline", math.nan) - np.nanmin(list(means.values())))

    @property
    def tells(self) -> bool:
        """Return whether any learner does better than the baseline."""
        return self._gain > 0

    def losses(self, learner: str, at: float) -> np.ndarray:
        """(r,) losses of one learner at one level; NaN where it has none."""
        return self._column(learner, at, self._what)

    def best(self, learners: Iterable[str], at: float, what: str = "") -> np.ndarray:
        """(r,) losses, or seconds, of whom validation prefers; NaN where it cannot tell.

        That is where one of them is missing, or no validation score is defined.
        """
        names = list(learners)
        seen = np.stack([self._column(name, at, "val") for name in names])
        values = np.stack([self._column(name, at, what or self._what) for name in names])
        chosen = np.where(np.isnan(seen), np.inf, seen).argmin(axis=0)
        there = np.isfinite(np.stack([self.losses(name, at) for name in names])).all(axis=0)
        told = there & np.isfinite(seen).any(axis=0)
        return np.where(told, values[chosen, np.arange(values.shape[1])], np.nan)

    def effect(self, saved: np.ndarray) -> Effect | None:
        """(r,) losses saved, as skill."""
        return effect_of(saved / self._gain) if self.tells else None

    def along(self, learners: Iterable[str]) -> np.ndarray:
        """(r, levels) losses of whom validation prefers at the last level, followed down."""
        names = list(learners)
        seen = np.stack([self._column(name, self.top, "val") for name in names])
        chosen = np.where(np.isnan(seen), np.inf, seen).argmin(axis=0)
        told = np.isfinite(self.best(names, self.top))
        every = np.stack([[self.losses(name, at) for at in self.levels] for name in names])
        values = every[chosen, :, np.arange(every.shape[2])]
        return np.where(told[:, None], values, np.nan)

    def enough(self, learners: Iterable[str]) -> float:
        """log2 of the fewest rows with 95% of the best skill; one octave beyond where none has."""
        worst = np.nanmean(self.losses("baseline", self.top))
        for at, losses in zip(self.levels, self.along(learners).T, strict=True):
            if (worst - losses.mean()) / self._gain >= ENOUGH:
                return math.log2(at)
        return math.log2(self.top) + 1

    def rate(self, deep: Iterable[str], classical: Iterable[str]) -> Effect | None:
        """Skill that the best deep learner gains on the best classical one a doubling."""
        slope = self._slope(self.along(deep) - self.along(classical)) if self.tells else None
        return slope and Effect(-slope.value / self._gain, slope.se / self._gain, slope.df)

    def rate_in_proportion(self, deep: Iterable[str], classical: Iterable[str]) -> Effect | None:
        """log2 of the ratio of their losses that it gains; None where a loss is not above 0."""
        sides = np.stack([self.along(deep), self.along(classical)])
        if not (self.tells and np.isfinite(sides).any()) or np.nanmin(sides) <= 0:
            return None
        slope = self._slope(np.log2(sides[0]) - np.log2(sides[1]))
        return slope and Effect(-slope.value, slope.se, slope.df)

    def _slope(self, gaps: np.ndarray) -> scaling.Estimate | None:
        """Slope of (r, levels) gaps at the levels of all repeats; the last one must be there."""
        known = np.isfinite(gaps).all(axis=0)
        if not known[-1]:
            return None
        held = HELD["studies"]
        series = scaling.Series(
            np.array(self.levels)[known], gaps[:, known], shared=held / (1 - held)
        )
        slope = series.slope()
        return slope if slope.errors else None

    def _column(self, learner: str, at: float, what: str) -> np.ndarray:
        values = self._points.get(learner, {}).get(at, {}).get(what, [None] * REPEATS)
        return np.array(values, dtype=np.float64)


def effect_of(values: np.ndarray, held: float = HELD["studies"]) -> Effect | None:
    """(r,) effects of repeats with a share held out; None where fewer than two are known."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return None
    one = scaling.Series(np.array([1.0]), known[:, None], shared=held / (1 - held))
    estimate = one.at()
    return Effect(estimate.value, estimate.se, estimate.df)


def scales_better(found: Evidence) -> Effect | None:
    """Rate on the rows axis."""
    return Curves(found["rows"]).rate(DEEP, CLASSICAL)


def scales_better_in_proportion(found: Evidence) -> Effect | None:
    """Effect on the ratio of the losses."""
    return Curves(found["rows"]).rate_in_proportion(DEEP, CLASSICAL)


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
    """Gain of a decision tree by levels of categories, less that of a net."""
    curves = Curves(found["levels"])
    tree, net = (
        curves.losses(name, curves.levels[0]) - curves.losses(name, curves.top)
        for name in ("decision_tree", "mlp")
    )
    return curves.effect(tree - net)


def suffers(experiment: str) -> Callable[[Evidence], Effect | None]:
    """Skill that nets lose beyond what classical learners lose, from the table as it is."""

    def effect(found: Evidence) -> Effect | None:
        # the log loss of rows with the right labels would ask who doubts most, not who errs most
        doubts = experiment == "label noise" and found["clean"]["metric"] == "log_loss"
        what: Literal["loss", "error"] = "error" if doubts else "loss"
        whole, spoilt = Curves(found["clean"], what), Curves(found[experiment], what)
        deep, classical = (
            spoilt.best(side, spoilt.top) - whole.best(side, whole.top)
            for side in (DEEP, CLASSICAL)
        )
        return whole.effect(deep - classical)

    return effect


def pretraining(control: str) -> Callable[[Evidence], Effect | None]:
    """An autoencoder that learned from all rows too, against the same net as `control`."""

    def effect(found: Evidence) -> Effect | None:
        curves = Curves(found["labels"])
        few = curves.levels[0]
        return curves.effect(curves.losses(control, few) - curves.losses("pretrained", few))

    return effect


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
        return effect_of(gaps, HELD["anomalies"])

    return effect


def pruned(share: str) -> Callable[[Evidence], Effect | None]:
    """Skill after less skill before."""

    def effect(found: Evidence) -> Effect | None:
        skills = found["pruning"]["pruned"]
        gained = np.array(skills[share]["skill"]) - np.array(skills["0"]["skill"])
        return effect_of(gained, HELD["pruning"])

    return effect


def augmented(found: Evidence) -> Effect | None:
    """A net whose scarce classes a GAN filled up, against the net alone."""
    curves = Curves(found["scarce classes"])
    alone, filled = (curves.losses(name, curves.top) for name in ("not_filled_up", "filled_up"))
    return curves.effect(alone - filled)


FAMILIES = "best of mlp, resnet, realmlp against best of lightgbm, random_forest, linear"
DETECTING = "ROC AUC on held-out rows less that of isolation_forest, default settings, no labels"
LEDGER: tuple[Claim | Untestable, ...] = (
    Claim(
        "Deep learning scales better with data",
        f"{FAMILIES}, defaults, 500 to 4,000 rows: skill gained a doubling",
        ("rows",),
        scales_better,
        SKILL,
        "skill a doubling",
        in_proportion=scales_better_in_proportion,
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
        "skill that all levels of the categories give over at most a sixteenth of those of the"
        " widest, decision_tree less mlp, 2,000 rows",
        ("levels",),
        trees_and_levels,
        SKILL,
        "skill",
    ),
    Claim(
        "Deep learning suffers more from wrong labels",
        f"{FAMILIES}, 2,000 rows: skill lost to 40% wrong labels (several classes: of errors)",
        ("clean", "label noise"),
        suffers("label noise"),
        SKILL,
        "skill",
    ),
    Claim(
        "Deep learning suffers more from missing values",
        f"{FAMILIES}, 2,000 rows: skill lost to 40% blanked cells",
        ("clean", "gaps"),
        suffers("gaps"),
        SKILL,
        "skill",
    ),
    Claim(
        "Autoencoders profit from unlabelled data",
        "autoencoder with 250 labels: pre-trained on 1,750 rows more, less on those 250 alone",
        ("labels",),
        pretraining("pretrained_on_labelled"),
        SKILL,
        "skill",
    ),
    Claim(
        "Transfer learning needs less labelled data",
        "autoencoder with 250 labels: pre-trained on 2,000 rows, less the same net not pre-trained",
        ("labels",),
        pretraining("not_pretrained"),
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
        "skill of mlp after its smallest 50% of weights are 0, less before; no training after",
        ("pruning",),
        pruned("0.5"),
        SKILL,
        "skill",
        "not less",
    ),
    Claim(
        "Nine tenths of a net's weights can be pruned without loss",
        "skill of mlp after its smallest 90% of weights are 0, less before; no training after",
        ("pruning",),
        pruned("0.9"),
        SKILL,
        "skill",
        "not less",
    ),
    Claim(
        "GANs help where data are few",
        "a net whose classes a GAN fills up to half the largest, less the same net alone, 500 rows",
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
