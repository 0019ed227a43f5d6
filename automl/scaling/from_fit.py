"""The rungs of a fit, read from its run directory as the points of a study."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from automl.errors import ArtifactError
from automl.metrics import influence, score
from automl.runs.record import OVERDUE, LearnerStatus, RunReader
from automl.scaling.points import NAME, Point, Study, read_study
from automl.types import TOP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from automl.types import Array, Metric, Rung


def study_of_run(run: Path, metric: Metric) -> Study:
    """Read the study in a run directory: the points of a study, or those of a fit's journal.

    The points of a fit are the rungs of fold 0: every learner on the same nested rows, scored on
    the same validation rows (locked test rows where there are any). If a model was trained again
    with more time, the last one counts.

    Args:
        run: The run directory.
        metric: The metric of the run.

    Raises:
        ArtifactError: the directory is not a run, or a file in it is missing or damaged.
    """
    if (run / NAME).exists():
        return read_study(run)
    record = RunReader(run)
    if record.info.study is not None:
        msg = f"{run} holds no result yet; go on with 'automl scale ... -o {run} --resume'"
        raise ArtifactError(msg)
    rows = _TestRows.of(record)
    families = {entry.name: entry.family for entry in record.standings}
    sizes = record.info.split.rungs
    finished = {
        (_settings(r), r.rung): r
        for r in record.rungs
        if r.fold == 0 and r.rung <= TOP and r.status == "ok" and r.score is not None
        if r.n == sizes.get(str(r.rung), r.n)  # not where a learner took part of the rows
    }
    firsts: dict[str, tuple[int, str]] = {}
    for (settings, _), rung in finished.items():
        firsts.setdefault(settings, (len(firsts), rung.trial))
    return Study(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        bounded=metric.bounded,
        points=tuple(
            point
            for (settings, _), rung in finished.items()
            for point in [
                replace(
                    rows.point(record, metric, rung, families.get(rung.learner, "")),
                    order=firsts[settings][0],
                    trial=firsts[settings][1],
                )
            ]
            if all(map(math.isfinite, point.score))
        ),
        scored_on="crossfit" if record.y_test is None else "test",
        single=True,
        not_reached=tuple(entry.name for entry in record.standings if _out_of_time(entry)),
    )


def _out_of_time(entry: LearnerStatus) -> bool:
    """True if a learner had no time for a model of all rows."""
    return entry.status == "not_reached" or (entry.status == "failed" and OVERDUE in entry.reason)


def _settings(rung: Rung) -> str:
    """Key of a learner with its configuration."""
    return json.dumps([rung.learner, dict(rung.config)], sort_keys=True)


@dataclass(frozen=True, slots=True)
class _TestRows:
    """The rows that score the points of a fit."""

    y: Array
    """(m,) truth."""
    chosen: tuple[Array, ...]
    """Positions in `y` of the validation rows of each part; empty with locked rows."""
    scored: tuple[Array, ...]
    """Positions in `y` of the test rows of each part."""
    suffix: str
    """Ending of the names of prediction files."""
    weights: Array | None
    """(m,) how much each row counts; None where all count alike."""

    @classmethod
    def of(cls, record: RunReader) -> _TestRows:
        if record.y_test is not None:
            every = (np.arange(len(record.y_test)),)
            return cls(record.y_test, (), every, "-test", record.weights_test)
        y, half = record.fold0
        halves = [rows for h in (0, 1) if len(rows := np.flatnonzero(half == h))]
        return cls(y, tuple(halves), tuple(reversed(halves)), "", record.weights_fold0)

    def _parts(self, prediction: Array) -> Iterator[tuple[Array, Array, Array | None]]:
        """Truth, prediction and weights of each part."""
        for rows in self.scored:
            weights = None if self.weights is None else self.weights[rows]
            yield self.y[rows], prediction[rows], weights

    def point(self, record: RunReader, metric: Metric, rung: Rung, family: str) -> Point:
        prediction = record.rung_prediction(rung, self.suffix)
        scores = tuple(score(metric, *part) for part in self._parts(prediction))
        seen = tuple(reversed(scores)) if self.chosen else (float(rung.score or 0.0),)
        if record.answers.labels is not None:
            seen = (float(rung.score or 0.0),) * len(scores)
        return Point(
            learner=rung.learner,
            family=family,
            n=rung.n,
            score=scores,
            score_val=seen,
            rows=tuple(len(rows) for rows in self.scored),
            error=self._error(prediction),
            regime="halving",
            fit_seconds=rung.fit_seconds,
            predict_seconds=rung.predict_seconds,
            censored=rung.censored,
            needed_seconds=rung.needed_seconds or math.nan,
            terms=lambda: self._terms(record, metric, rung),
        )

    def _error(self, prediction: Array) -> tuple[float, ...] | None:
        if prediction.ndim == 1:
            return None
        wrong = prediction.argmax(axis=1) != self.y
        return tuple(float(wrong[rows].mean()) for rows in self.scored)

    def _terms(self, record: RunReader, metric: Metric, rung: Rung) -> tuple[Array, ...]:
        prediction = record.rung_prediction(rung, self.suffix)
        return tuple(influence(metric, *part) for part in self._parts(prediction))
