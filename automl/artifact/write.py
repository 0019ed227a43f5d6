"""Saving a model: the trials that it needs, and how they combine."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from automl.artifact.document import NAME, Artifact, Combined, Member, versions, write
from automl.artifact.manifest import write_manifest
from automl.runs.record import RunReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from automl.types import Rung, Schema


def write_artifact(
    run: Path,
    schema: Schema,
    rungs: Iterable[Rung],
    best: Mapping[str, str],
    metric: str,
    *,
    default: str,
    refit: bool = False,
    contamination: float | None = None,
) -> None:
    """Write `model/artifact.json`, the members and how they combine, and the manifest.

    Args:
        run: The run directory; models and views of its members are saved already.
        schema: The schema by which rows are read.
        rungs: The journal.
        best: Learner -> its best trial, for predictions by one learner.
        metric: Name of the metric that was optimised.
        default: The learner or ensemble that predicts by default.
        refit: Whether only a trial's fit on every row predicts, which is its fold 1.
        contamination: Share of the training rows beyond the threshold of an anomaly detector;
            None for other tasks.
    """
    model = run / "model"
    ensembles = json.loads((model / "ensembles.json").read_text(encoding="utf-8"))
    wanted = set(best.values()) | {m["trial"] for e in ensembles for m in e["members"]}
    members = _members(model, [r for r in rungs if r.trial in wanted], refit=refit)
    artifact = Artifact(
        schema=schema,
        members=members,
        best={learner: trial for learner, trial in best.items() if trial in members},
        ensembles={
            e["name"]: {m["trial"]: m["weight"] for m in e["members"]}
            for e in ensembles
            if e["members"] and not e.get("combiner")
        },
        metric=metric,
        default=default,
        versions=versions(),
        combiners={
            e["name"]: Combined(tuple(e["combiner"]["trials"]), e["combiner"]["state"])
            for e in ensembles
            if e.get("combiner")
        },
        contamination=contamination,
    )
    if contamination is not None:
        artifact = replace(artifact, thresholds=_thresholds(run, artifact, contamination))
    write(model, artifact)
    write_manifest(model, _files(model, artifact))


def _files(model: Path, artifact: Artifact) -> Iterator[str]:
    """Paths of the files that predictions need, inside the folder of the model."""
    yield NAME
    fits = {(trial, fold) for trial, one in artifact.members.items() for fold in one.folds}
    folders = {model / "members" / f"{trial}-f{fold}" for trial, fold in fits}
    folders.update(view for _, fold in fits for view in (model / "views").glob(f"*-f{fold}"))
    for file in (file for folder in folders for file in folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(model).as_posix()


def _thresholds(run: Path, artifact: Artifact, share: float) -> dict[str, float]:
    """Map ensembles and learners to the out-of-fold score that this share of the rows exceeds."""
    record = RunReader(run)
    alone = {learner: {trial: 1.0} for learner, trial in artifact.best.items()}
    found = {}
    for name, weights in {**alone, **artifact.ensembles}.items():
        scores = sum(w * record.prediction(t).astype(np.float64) for t, w in weights.items())
        found[name] = float(np.quantile(scores, 1 - share))
    return found


def _members(model: Path, rungs: Iterable[Rung], *, refit: bool) -> dict[str, Member]:
    """Map trials to learner, configuration and the folds that have a saved model."""
    members: dict[str, Member] = {}
    for rung in rungs:
        if rung.status == "ok" and (model / "members" / f"{rung.trial}-f{rung.fold}").is_dir():
            one = members.get(rung.trial, Member(rung.learner, dict(rung.config), ()))
            if refit and rung.fold:
                one = replace(one, folds=(rung.fold,))
            elif rung.fold not in one.folds:
                one = replace(one, folds=(*one.folds, rung.fold))
            members[rung.trial] = one
    return members
