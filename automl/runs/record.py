"""A run directory read back: who finished what, and which rows every score stands on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from automl.anomaly.supervision import Answers, Supervision, supervision_of
from automl.errors import ArtifactError
from automl.runs import directory
from automl.runs.info import LearnerInfo
from automl.runs.journal import read_journal, stem
from automl.types import TOP

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from automl.types import Array, Rung, Status


OVERDUE = "over its time"
"""Said in the reason of a fit that was ended because it took too long."""
UNWEIGHTED = "fitted as if all rows counted alike: it takes no weights"
"""Said of a ranked learner of a run with weights."""


@dataclass(frozen=True, slots=True)
class LearnerStatus:
    """A learner of the run and how far it came."""

    name: str
    family: str
    plugin: str
    status: Status
    reason: str = ""


class RunReader:
    """Reads the files of a run when they are asked for; never writes.

    The *scored rows* are the same for every learner: all validated rows if each ranked learner
    has a trial that predicted them all, else those of fold 0. A learner is ranked if one of its
    trials finished rung 3 on fold 0; on a small table, where learners are compared on all folds, if
    it finished those, once any learner has.

    Raises:
        ArtifactError: `run` is no run directory, or a file in it is missing or damaged.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        try:
            self.info = directory.read(run)
            self.rungs: list[Rung] = read_journal(run)
        except (ArtifactError, OSError, ValueError, TypeError) as error:
            msg = f"{run} is not a readable run directory ({error})"
            raise ArtifactError(msg) from error

    def _optional(self, name: str) -> Array | None:
        """An array that not every run has."""
        there = (self.run / "predictions" / f"{name}.npy").exists()
        return np.asarray(self._load(name)) if there else None

    def _load(self, name: str) -> Array:
        """An array of predictions/, mapped rather than read."""
        path = self.run / "predictions" / f"{name}.npy"
        try:
            array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            msg = f"{path} is missing or damaged ({error}); fit again"
            raise ArtifactError(msg) from error
        return array

    @property
    def supervision(self) -> Supervision:
        """The part that the target played in the run."""
        return supervision_of(self.info.task, self.info.arguments.get("contamination"))

    # ------------------------------------------------------------------ rows

    @cached_property
    def fold(self) -> Array:
        """(n,) validation fold of each training row, -1 for rows that are never validated."""
        return np.asarray(self._load("fold"))

    @property
    def folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    @cached_property
    def scored_rows(self) -> Literal["all", "fold0"]:
        """Which rows every score stands on."""
        whole = {t for t, fits in self.final.items() if len(fits) == self.folds}
        covered = (any(t in whole for t in trials) for trials in self._finished.values())
        return "all" if self._finished and all(covered) else "fold0"

    @cached_property
    def positions(self) -> Array:
        """(m,) ascending positions of the scored rows among the training rows."""
        return np.flatnonzero(self.fold >= 0 if self.scored_rows == "all" else self.fold == 0)

    def _answers(self, rows: Array) -> Answers:
        """The answers of the given training rows."""
        labels = self._optional("labels")
        labels = None if labels is None else labels[rows]
        return Answers(np.asarray(self._load("truth")[rows]), labels)

    @cached_property
    def answers(self) -> Answers:
        """The answers of the scored rows."""
        return self._answers(self.positions)

    @cached_property
    def _all_weights(self) -> Array | None:
        """(n,) weights of the training rows; None where all count alike."""
        return self._optional("weights")

    @cached_property
    def weights(self) -> Array | None:
        """(m,) weights of the scored rows; None where all count alike."""
        return None if self._all_weights is None else self._all_weights[self.positions]

    def weights_of(self, rows: Array | slice) -> Array | None:
        """Weights of some of the scored rows; None where all count alike."""
        return None if self.weights is None else self.weights[rows]

    @cached_property
    def weights_test(self) -> Array | None:
        """(t,) weights of the locked test rows; None where all count alike."""
        return self._optional("weights_test")

    @property
    def weights_fold0(self) -> Array | None:
        """(m,) weights of the rows that validate fold 0, as `fold0` has them."""
        return None if self._all_weights is None else self._all_weights[self.fold == 0]

    @property
    def y(self) -> Array:
        """(m,) answers of the scored rows that configurations are chosen by."""
        return self.answers.truth

    @cached_property
    def halves(self) -> tuple[Array, ...]:
        """The two halves of the scored rows, as positions within them; empty ones left out."""
        half = np.asarray(self._load("half")[self.positions])
        return tuple(rows for h in (0, 1) if len(rows := np.flatnonzero(half == h)))

    @cached_property
    def fold0(self) -> tuple[Array, Array]:
        """Answers and half of the rows that validate fold 0, in ascending order of the rows.

        The half is -1 for rows that have no answer.
        """
        rows = np.flatnonzero(self.fold == 0)
        half = np.asarray(self._load("half")[rows])
        answers = self._answers(rows)
        return answers.scored, np.where(answers.known, half, -1)

    @cached_property
    def y_test(self) -> Array | None:
        """(t,) truth of the locked test rows, None without them."""
        return self._optional("truth_test")

    # ---------------------------------------------------------------- trials

    @cached_property
    def final(self) -> Mapping[str, Mapping[int, Rung]]:
        """Trial -> fold -> its finished fit on all rows (rung 3, or 4 for the other folds)."""
        fits: dict[str, dict[int, Rung]] = {}
        for rung in self.rungs:
            if rung.rung >= TOP and rung.status == "ok" and rung.fold < self.folds:
                fits.setdefault(rung.trial, {})[rung.fold] = rung
        return {trial: folds for trial, folds in fits.items() if 0 in folds}

    @cached_property
    def _refits(self) -> dict[str, Rung]:
        """Trial -> its fit on every row."""
        return {r.trial: r for r in self.rungs if r.status == "ok" and r.fold >= self.folds}

    def models(self, trial: str) -> tuple[Rung, ...]:
        """The fits whose models predict new rows: those of all folds and that on every row.

        The latter stands alone where rows are ordered in time: there is one fold then.
        """
        whole = (self._refits[trial],) if trial in self._refits else ()
        if whole and self.folds == 1:
            return whole
        return tuple(rung for _, rung in sorted(self.final[trial].items())) + whole

    @cached_property
    def _batches(self) -> Array:
        """(folds,) rows that the fits of each fold predict: of the fold, and the locked ones."""
        tests = 0 if self.y_test is None else len(self.y_test)
        return np.asarray(np.bincount(self.fold[self.fold >= 0]) + tests)

    def seconds_per_row(self, trial: str) -> float:
        """Seconds that all models of a trial take for a row, in batches as large as a fold."""
        fits = self.final[trial].values()
        rows = sum(int(self._batches[rung.fold]) for rung in fits)
        mean = sum(rung.predict_seconds for rung in fits) / rows
        return mean * len(self.models(trial))

    @cached_property
    def _finished(self) -> dict[str, list[str]]:
        """Ranked learner -> its trials at the top, in the order they came there."""
        trials: dict[str, list[str]] = {}
        for trial, fits in self.final.items():
            trials.setdefault(fits[0].learner, []).append(trial)
        if not self.info.split.all_folds_at_top:
            return trials
        references = {row.name for row in self.info.learners if row.family == "baseline"}
        whole = {
            name: own
            for name, own in trials.items()
            if any(len(self.final[trial]) == self.folds for trial in own)
        }
        return whole if whole.keys() - references else trials

    @property
    def ranked(self) -> tuple[str, ...]:
        """Learners that can be scored, by name."""
        return tuple(sorted(self._finished))

    @cached_property
    def candidates(self) -> Mapping[str, tuple[str, ...]]:
        """Ranked learner -> trials with a prediction for every scored row, by their number."""
        needed = self.folds if self.scored_rows == "all" else 1
        return {
            learner: tuple(
                sorted((t for t in trials if len(self.final[t]) >= needed), key=_by_number)
            )
            for learner, trials in sorted(self._finished.items())
        }

    def learner_of(self, trial: str) -> str:
        """The learner that a finished trial belongs to."""
        return self.final[trial][0].learner

    def prediction(self, trial: str, rows: Array | None = None) -> Array:
        """(m, k) float32 or (m,) float64 out-of-fold prediction of a candidate on scored rows.

        Args:
            trial: One of `candidates`.
            rows: Positions within the scored rows; all of them unless given.
        """
        fits = self.final[trial]
        if self.scored_rows == "fold0":
            values = self._load(stem(fits[0]))
            return np.asarray(values if rows is None else values[rows])
        fold, place = self._places
        if rows is not None:
            fold, place = fold[rows], place[rows]
        parts = [self._load(stem(fits[f])) for f in range(self.folds)]
        out = np.empty((len(fold), *parts[0].shape[1:]), dtype=parts[0].dtype)
        for f, part in enumerate(parts):
            here = np.flatnonzero(fold == f)
            out[here] = part[place[here]] if rows is not None else part
        return out

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        """Fold of each scored row and its place among the rows of that fold."""
        fold = self.fold[self.positions]
        place = np.empty(len(fold), dtype=np.int64)
        for f in range(self.folds):
            here = np.flatnonzero(fold == f)
            place[here] = np.arange(len(here))
        return fold, place

    def rung_prediction(self, rung: Rung, suffix: str = "") -> Array:
        """Predictions of one finished rung for its fold's validation rows, or the "-test" rows."""
        return np.asarray(self._load(f"{stem(rung)}{suffix}"))

    def test_prediction(self, trial: str) -> Array:
        """(t, k) or (t,) mean over the trial's models on the locked test rows."""
        names = [f"{stem(rung)}-test" for rung in self.models(trial)]
        first = self._load(names[0])
        total = np.zeros(first.shape, dtype=np.float64)
        for name in names:
            total += self._load(name)
        return (total / len(names)).astype(first.dtype)

    # -------------------------------------------------------------- learners

    @cached_property
    def spent(self) -> Mapping[str, float]:
        """Learner -> seconds that all its rungs took, failed ones too."""
        seconds: dict[str, float] = {}
        for rung in self.rungs:
            took = rung.fit_seconds + rung.predict_seconds + rung.overhead_seconds
            seconds[rung.learner] = seconds.get(rung.learner, 0.0) + took
        return seconds

    @cached_property
    def trials(self) -> Mapping[str, int]:
        """Learner -> configurations that finished or failed at least one rung."""
        seen: dict[str, set[str]] = {}
        for rung in self.rungs:
            seen.setdefault(rung.learner, set()).add(rung.trial)
        return {learner: len(trials) for learner, trials in seen.items()}

    def highest(self, learner: str) -> Rung | None:
        """The scored fit of a learner on the most rows of fold 0, the first of equals."""
        own = [r for r in self.rungs if r.learner == learner and r.rung <= TOP and not r.fold]
        scored = [rung for rung in own if rung.score is not None]
        return max(scored, key=lambda rung: rung.rung, default=None)

    @cached_property
    def standings(self) -> tuple[LearnerStatus, ...]:
        """Every learner that the run knew, by name, also those that did not run."""
        known = {row.name: row for row in self.info.learners}
        names = sorted(known.keys() | self.trials.keys())
        return tuple(self._standing(known.get(name, LearnerInfo(name))) for name in names)

    def _standing(self, row: LearnerInfo) -> LearnerStatus:
        name, family, plugin = row.name, row.family, row.plugin
        if name in self._finished:
            alike = UNWEIGHTED if name in self.info.unweighted else ""
            told = row.reason if row.status == "ok" else ""
            return LearnerStatus(name, family, plugin, "ok", "; ".join(filter(None, (alike, told))))
        status, reason = self._why_not(name)
        given = row.status or status
        final = given in {"failed", "skipped", "eliminated"}
        if final or (given == "not_reached" and status != "failed"):
            return LearnerStatus(name, family, plugin, given, row.reason or reason)
        return LearnerStatus(name, family, plugin, status, reason)

    def _why_not(self, name: str) -> tuple[Status, str]:
        """Status of a learner without a finished trial, and the reason, by the journal."""
        own = [rung for rung in self.rungs if rung.learner == name]
        done = [rung for rung in own if rung.status == "ok"]
        if done:
            top = max(done, key=lambda rung: rung.rung)
            return "eliminated", f"others promised more for the seconds after {top.n:,} rows"
        failed = [rung for rung in own if rung.status == "failed"]
        if failed:
            return "failed", failed[-1].reason or "every trial failed"
        return "not_reached", "the budget ended before its turn"


def _by_number(trial: str) -> tuple[int, str]:
    number = trial.rpartition("-")[2]
    return (int(number) if number.isdigit() else 0, trial)
