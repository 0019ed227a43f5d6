"""What a run says about scaling, for people: sentences, advice and a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.errors import UsageError
from automl.scaling.advice import FEW_ROWS, Advice, advise
from automl.scaling.document import document_of, findings
from automl.scaling.ladder import study_of_run
from automl.scaling.wording import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from automl.scaling.points import Regime, Study
    from automl.types import Metric


@dataclass(frozen=True, slots=True, repr=False)
class Scaling:
    """Verdicts on scaling, with their advice; `print` it to read them, `plot` it to see them."""

    document: Mapping[str, Any]
    """The content of `scaling.json`."""
    advice: tuple[Advice, ...]

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """The contrasts: the family first, then each deep learner."""
        return list(self.document["contrasts"])

    @property
    def sentences(self) -> list[str]:
        """What there is to say, most important first: verdicts, advice, how it was judged."""
        verdicts = [contrast["sentence"] for contrast in self.verdicts]
        if not verdicts:
            verdicts = [self._nothing()]
        tips = [f"{entry.subject.capitalize()}: {entry.text}" for entry in self.advice]
        basis = [self._basis()] if self.document["learners"] else []
        return [*self._speedups(), *verdicts, *tips, *basis]

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw every learner's curve with its interval, rows on a log scale.

        Args:
            ax: Where to draw; a new figure unless given.

        Returns:
            The axes.

        Raises:
            UsageError: matplotlib is not installed.
        """
        try:
            from matplotlib import pyplot as plt
        except ImportError as error:
            msg = "plotting needs matplotlib; install it with: pip install matplotlib"
            raise UsageError(msg) from error
        axes: Axes = plt.subplots()[1] if ax is None else ax
        styles = {"deep": "-", "classical": "--", "baseline": ":"}
        for name, learner in self.document["learners"].items():
            points = learner["points"]
            n, score = ([p[key] for p in points] for key in ("n", "score"))
            (line,) = axes.plot(
                n, score, styles.get(learner["family"], "-"), marker="o", label=name
            )
            low, high = (
                [math.nan if p[key] is None else p[key] for p in points] for key in ("low", "high")
            )
            axes.fill_between(n, low, high, color=line.get_color(), alpha=0.12, linewidth=0)
        axes.set_xscale("log", base=2)
        axes.set_xlabel(
            "training rows" if self.document["axis"] == "rows" else self.document["axis"]
        )
        better = "higher" if self.document["greater_is_better"] else "lower"
        axes.set_ylabel(f"{self.document['metric']} ({better} is better)")
        axes.legend(fontsize="small")
        return axes

    def _nothing(self) -> str:
        families = {entry["family"] for entry in self.document["learners"].values()}
        missing = [name for name in ("deep", "classical") if name not in families]
        if missing:
            return f"No {' and no '.join(missing)} learner has a curve, so nothing is compared."
        return "No deep and classical learner share a number of rows, so nothing is compared."

    def _speedups(self) -> list[str]:
        """How much faster each learner trains on all CPUs than on one, the greatest gain first."""
        last = {
            name: learner["speedup"][-1]
            for name, learner in self.document["learners"].items()
            if learner["family"] != "baseline" and learner.get("speedup")
        }
        if not last:
            return []
        told = [
            f"{name} {one['times']:.2f}"
            + ("" if one["low"] is None else f" ({one['low']:.2f} to {one['high']:.2f})")
            for name, one in sorted(last.items(), key=lambda pair: -pair[1]["times"])
        ]
        cpus = max(one["at"] for one in last.values())
        return [f"Times as fast to train on {cpus:g} CPUs as on one: {', '.join(told)}."]

    def _basis(self) -> str:
        """One sentence on what the verdicts stand on."""
        content = self.document
        one = content["interval"] == "one permutation"
        how = "one shuffle of the rows" if one else f"up to {content['repeats']} repeats"
        rows = "held-out" if content["scored_on"] == "test" else "cross-fitted validation"
        on = f"on {content['n_test']:,} {rows} rows {'from' if one else 'in each of'} {how}"
        on = on if content["n_test"] > 1 else f"by {how}"
        settings = SETTINGS[content["regime"]]
        if content["regime"] == "transferred":
            settings += " on few rows" if content["axis"] in FEW_ROWS else " at the lowest value"
        fits = content.get("fits", {"count": 0, "censored": 0})
        share = f"{fits['censored']:,} of {fits['count']:,} fits" if fits["censored"] else "no fit"
        return (
            f"This is about these learners with {settings}, in the time they were given (which cut "
            f"{share} short), on tables drawn like this one. Judged {on}; 95% intervals in "
            f"brackets, widened where several learners are tested together.{self._unit()}"
        )

    def _unit(self) -> str:
        told = any(" point" in contrast["sentence"] for contrast in self.verdicts)
        return f" A point is a hundredth of {self.document['metric']}." if told else ""


def read_scaling(run: Path, metric: Metric, *, equal_seconds: bool = False) -> Scaling:
    """Judge a run from what is on disk: a fit's journal, or the points of a study.

    Args:
        run: The run directory.
        metric: The metric of the run.
        equal_seconds: Whether to ask who is ahead in equal seconds.

    Raises:
        ArtifactError: the directory is not a run, or a file in it is missing or damaged.
        UsageError: equal seconds are asked of learners that had different ones.
    """
    study = study_of_run(run, metric)
    return scaling_of(study.in_equal_seconds() if equal_seconds else study)


def scaling_of(study: Study, regime: Regime | None = None) -> Scaling:
    """Verdicts and advice of a study.

    Args:
        study: Points of any number of regimes.
        regime: The one to speak about; `findings` says which unless given.
    """
    found = findings(study, regime)
    default = study.of("default") if found.regime == "transferred" else None
    advice = advise(found.study, default, found.losses, found.judged, found.tested)
    return Scaling(document_of(found), tuple(advice))
