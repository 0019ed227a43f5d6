"""Verdicts on scaling for people: sentences, advice and a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.scaling.advice import FEW_ROWS, Advice, advise
from automl.scaling.document import content_of, findings
from automl.scaling.from_fit import study_of_run
from automl.scaling.picture import draw_curves, panels, pyplot
from automl.scaling.wording import SETTINGS
from automl.text import listed

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from automl.scaling.content import ScalingContent
    from automl.scaling.points import Study
    from automl.types import Metric, Regime


@dataclass(frozen=True, slots=True, repr=False)
class Scaling:
    """Verdicts on scaling with advice; `print` shows the sentences, `plot` the curves."""

    content: ScalingContent
    advice: tuple[Advice, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The content of `scaling.json`."""
        return self.content.to_json()

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """The contrasts: the families first, then each deep learner."""
        return list(self.document["contrasts"])

    @property
    def sentences(self) -> list[str]:
        """Sentences, most important first: verdicts, advice, and the basis of both."""
        verdicts = [contrast.sentence for contrast in self.content.contrasts]
        if not verdicts:
            verdicts = [self._nothing()]
        tips = [f"{entry.subject.capitalize()}: {entry.text}" for entry in self.advice]
        basis = [self._basis()] if self.content.learners else []
        return [*self._speedups(), *verdicts, *tips, *basis]

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot every learner's curve, and below them the difference behind each verdict.

        Sizes are on a log scale. The panels below show deep loss less classical loss at every size
        with its interval, the line that the rate is the slope of, and where the sides cross.

        Args:
            ax: Axes to draw the curves on, and nothing else; default a new figure of all panels.

        Returns:
            The axes of the curves; those of the others are in its `figure.axes`.

        Raises:
            UsageError: matplotlib is not installed.
        """
        if ax is None:
            return panels(self.content)[0]
        pyplot()
        draw_curves(self.content, ax)
        return ax

    def _nothing(self) -> str:
        families = {entry.family for entry in self.content.learners.values()}
        missing = [name for name in ("deep", "classical") if name not in families]
        if missing:
            return f"No {' and no '.join(missing)} learner has a curve, so nothing is compared."
        return "No deep and classical learner share a number of rows, so nothing is compared."

    def _speedups(self) -> list[str]:
        """Sentences on training on more CPUs, the greatest speed-up first; or none."""
        last = {
            name: (learner.speedup[-1], learner.serial)
            for name, learner in self.content.learners.items()
            if learner.family != "baseline" and learner.speedup
        }
        if not last:
            return []
        ranked = sorted(last.items(), key=lambda pair: -pair[1][0].times)
        told = [f"{name} {one.times:.2f}{_range(one.low, one.high)}" for name, (one, _) in ranked]
        cpus = max(one.at for one, _ in last.values())
        shares = [
            f"{name} {100 * one.value:.0f}%{_range(one.low, one.high, percent=True)}"
            for name, (_, one) in ranked
            if one.value is not None
        ]
        law = "Share of the training that more CPUs do not speed up, by Amdahl's law"
        return [
            f"Times as fast to train on {cpus:g} CPUs as on one: {', '.join(told)}.",
            *([f"{law}: {', '.join(shares)}."] if shares else []),
        ]

    def _basis(self) -> str:
        """A sentence on the data and settings behind the verdicts."""
        content, fits = self.content, self.content.fits
        one = content.interval == "one permutation"
        how = "one shuffle of the rows" if one else f"up to {content.repeats} repeats"
        rows = "held-out" if content.scored_on == "test" else "cross-fitted validation"
        on = f"on {content.n_test:,} {rows} rows {'from' if one else 'in each of'} {how}"
        on = on if content.n_test > 1 else f"by {how}"
        settings = SETTINGS[content.regime]
        if content.regime == "transferred":
            settings += " on few rows" if content.axis in FEW_ROWS else " at the lowest value"
        share = f"{fits.censored:,} of {fits.count:,} fits" if fits.censored else "no fit"
        return (
            f"This is about these learners with {settings}, in the time they were given (which cut "
            f"{share} short), on tables drawn like this one. Judged {on}; 95% intervals in "
            f"brackets, widened where several learners are tested together: those that validation "
            f"puts first.{self._eliminated()}{self._unit()}"
        )

    def _eliminated(self) -> str:
        """A sentence on the learners that had one repeat only, but those that time left behind."""
        content = self.content
        names = [name for name in content.eliminated if name not in content.not_reached]
        if not names:
            return ""
        return f" Only the first repeat had {listed(names)}: validation put others first there."

    def _unit(self) -> str:
        content, told = self.content, " ".join(one.sentence for one in self.content.contrasts)
        point = f" A point is a hundredth of {content.metric}." if " point" in told else ""
        loss = content.bounded and content.greater_is_better and " loss" in told
        return f"{point} A loss is 1 less {content.metric}." if loss else point


def _range(low: float | None, high: float | None, *, percent: bool = False) -> str:
    """An interval in brackets; empty if it is not known."""
    if low is None or high is None:
        return ""
    return f" ({100 * low:.0f} to {100 * high:.0f})" if percent else f" ({low:.2f} to {high:.2f})"


def read_scaling(run: Path, metric: Metric, *, equal_seconds: bool = False) -> Scaling:
    """Judge a run by its files: the journal of a fit, or the points of a study.

    Args:
        run: The run directory.
        metric: The metric of the run.
        equal_seconds: Whether to compare learners in equal seconds.

    Raises:
        ArtifactError: the directory is not a run, or a file in it is missing or damaged.
        UsageError: `equal_seconds`, but learners had different time limits.
    """
    study = study_of_run(run, metric)
    return scaling_of(study.in_equal_seconds() if equal_seconds else study)


def scaling_of(study: Study, regime: Regime | None = None) -> Scaling:
    """Judge a study.

    Args:
        study: Points of any number of regimes.
        regime: The regime of the verdicts; the default is that of `findings`.
    """
    found = findings(study, regime)
    default = study.of("default") if found.regime == "transferred" else None
    advice = advise(found.study, default, found.losses, found.judged, found.tested)
    return Scaling(content_of(found), tuple(advice))
