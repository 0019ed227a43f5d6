"""What is measured for the ledger: studies on samples of tables, detectors, pruned nets.

An experiment runs on one table and returns its evidence as plain values; nothing here knows a
claim. Losses are 1 - score where greater scores are better, so that less is always better.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from sklearn import datasets
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from automl import AutoML, scaling

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING = ["?", "NA", ""]
STUDIED = (
    "adult",
    "give_me_some_credit",
    "amazon_employee_access",
    "otto",
    "covertype_20k",
    "kddcup99_10pct",
    "airline_tweets",
    "mnist_10k",
    "california_housing",
    "walmart_sales",
    "metro_traffic",
    "google_play_apps",
    "mammography",
)
"""Tables with at least 5,000 rows to sample from."""
WITH_CATEGORIES = (
    "adult",
    "amazon_employee_access",
    "titanic",
    "kddcup99_10pct",
    "airline_tweets",
    "walmart_sales",
    "metro_traffic",
    "google_play_apps",
)
WITH_CLASSES = (*STUDIED[:8], "mammography", "titanic", "breast_cancer", "digits", "wine")
SHIPPED = {
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
}
DEEP = ("mlp", "resnet", "realmlp")
CLASSICAL = ("lightgbm", "random_forest", "linear")
DETECTORS = ("autoencoder", "vae", "gan", "deep_svdd", "isolation_forest", "local_outlier_factor")
ODD_SHARE = 0.02
"""Rows of other classes among those of the largest, where a table has no anomalies of its own."""
PRUNED = (0.5, 0.8, 0.9, 0.95)
REPEATS = 3


@dataclass(frozen=True)
class Table:
    """A table with its target."""

    name: str
    frame: pd.DataFrame
    target: str
    task: str

    def sample(self, rows: int) -> pd.DataFrame:
        """That many rows at random, at least one of each class; all where there are fewer."""
        frame = self.frame
        if len(frame) <= rows:
            return frame.reset_index(drop=True)
        if self.task == "regression":
            return frame.sample(rows, random_state=0).reset_index(drop=True)
        counts = frame[self.target].value_counts()
        frame = frame[frame[self.target].isin(counts.index[counts >= 10 * len(frame) / rows])]
        some, _ = train_test_split(
            frame, train_size=rows, random_state=0, stratify=frame[self.target]
        )
        return some.reset_index(drop=True)


@dataclass(frozen=True)
class Experiment:
    """What to run, and on which tables."""

    tables: tuple[str, ...]
    run: Callable[[Table], dict[str, Any]]


def read(name: str, data: Path) -> Table:
    """A table of the data folder, or one that ships with scikit-learn."""
    if name in SHIPPED:
        X, y = SHIPPED[name](return_X_y=True, as_frame=True)
        return Table(name, X.assign(target=y), "target", "multiclass" if y.max() > 1 else "binary")
    entry = next(e for e in json.loads((data / "datasets.json").read_text()) if e["name"] == name)
    target = entry["target"]
    frame = pd.read_csv(data / entry["file"], na_values=MISSING).drop(columns=entry["drop"])
    task = "binary" if entry["task"] == "anomaly" else entry["task"]
    return Table(name, frame[frame[target].notna()], target, task)


# --------------------------------------------------------------------------- studies


def study(
    axis: str, rows: int, learners: tuple[str, ...], limit: str, anchors: int
) -> Callable[[Table], dict[str, Any]]:
    """Default settings of some learners along an axis, three repeats, within a time limit.

    Anchors are two a doubling.
    """

    def run(table: Table) -> dict[str, Any]:
        auto = AutoML(task=table.task, learner=(*learners, "baseline"), time_limit=limit)
        auto.scale(
            table.sample(rows),
            table.target,
            axis=axis,
            regime=("default",),
            repeats=REPEATS,
            anchors=anchors,
        )
        found = scaling.read_study(auto.study_dir_)
        shutil.rmtree(auto.study_dir_)
        return {
            "metric": found.metric,
            "rows": min(rows, len(table.frame)),
            "learners": {name: _points(found, name) for name in (*learners, "baseline")},
        }

    return run


def _points(found: scaling.Study, learner: str) -> list[dict[str, Any]]:
    """Where on the axis; losses, validation losses and seconds of a fit, one a repeat or None."""
    places = {(p.n, p.repeat): p for p in found.points if p.learner == learner}
    return [
        {
            "at": at,
            "loss": [p and found.loss(p.score[0]) for p in here],
            "val": [p and found.loss(p.score_val[0]) for p in here],
            "seconds": [p and p.fit_seconds for p in here],
        }
        for at in sorted({at for at, _ in places})
        for here in [[places.get((at, repeat)) for repeat in range(REPEATS)]]
    ]


# --------------------------------------------------------------------------- anomalies


def detectors(table: Table) -> dict[str, Any]:
    """ROC AUC of detectors with default settings on held-out rows; no label reaches them."""
    found: dict[str, list[float]] = {name: [] for name in DETECTORS}
    for seed in range(REPEATS):
        X, odd = _with_anomalies(table, seed)
        train, test, _, truth = train_test_split(
            X, odd, test_size=0.3, random_state=seed, stratify=odd
        )
        auto = AutoML(
            task="anomaly",
            learner=DETECTORS,
            trials=len(DETECTORS) + 1,  # and the baseline
            time_limit=None,
            seed=seed,
        ).fit(train.reset_index(drop=True))
        for name in DETECTORS:
            found[name].append(float(roc_auc_score(truth, auto.anomaly_scores(test, name))))
    return {"auc": found}


def _with_anomalies(table: Table, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """At most 3,000 rows of the largest class, with some of the others among them."""
    labels = table.frame[table.target]
    usual = table.frame[labels == labels.mode()[0]]
    usual = usual.sample(min(3000, len(usual)), random_state=seed)
    count = max(10, round(ODD_SHARE * len(usual)))
    others = table.frame[labels != labels.mode()[0]].sample(count, random_state=seed)
    both = pd.concat([usual, others]).sample(frac=1, random_state=seed)
    odd = both.index.isin(others.index)
    return both.drop(columns=table.target).reset_index(drop=True), odd


# --------------------------------------------------------------------------- pruning


def pruning(table: Table) -> dict[str, Any]:
    """Losses per row of a net, of the same net without its smallest weights, and its bytes.

    The smallest weights of every matrix become 0 in a copy of the saved model; no training
    follows. Bytes are of the gzipped weights.
    """
    frame = table.sample(5000)
    strata = None if table.task == "regression" else frame[table.target]
    train, test = train_test_split(frame, test_size=0.4, random_state=0, stratify=strata)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        auto = AutoML(
            task=table.task, learner=["mlp"], trials=2, time_limit=None, output=str(whole)
        ).fit(train.reset_index(drop=True), table.target)
        found = {"0": _judged(auto, test, table)}
        sizes = {"0": _squeezed(whole)}
        for share in PRUNED:
            thin = Path(folder) / f"{share}"
            shutil.copytree(whole, thin)
            for file in (thin / "model").rglob("*.safetensors"):
                _prune(file, share)
            found[str(share)] = _judged(AutoML.load(str(thin)), test, table)
            sizes[str(share)] = _squeezed(thin)
    differences = {}
    for share, losses in found.items():
        gap = losses - found["0"]
        differences[share] = {
            "loss": float(losses.mean()),
            "more": float(gap.mean()),
            "error": float(gap.std(ddof=1) / np.sqrt(len(gap))),
            "bytes": sizes[share],
        }
    return {"pruned": differences}


def _prune(file: Path, share: float) -> None:
    """Set the smallest share of each weight matrix to 0."""
    tensors = load_file(file)
    for name, values in tensors.items():
        if values.ndim == 2 and name.endswith("weight"):
            edge = np.quantile(np.abs(values), share)
            tensors[name] = np.where(np.abs(values) <= edge, 0, values).astype(values.dtype)
    save_file(tensors, file)


def _squeezed(run: Path) -> int:
    import gzip

    files = (run / "model").rglob("*.safetensors")
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)


def _judged(auto: AutoML, test: pd.DataFrame, table: Table) -> np.ndarray:
    """(n,) 0/1 errors, or squared errors relative to the variance."""
    truth = test[table.target].to_numpy()
    predicted = auto.predict(test.drop(columns=table.target), "mlp")
    if table.task == "regression":
        return np.asarray((predicted - truth) ** 2 / truth.var())
    return np.asarray(predicted.astype(str) != truth.astype(str), dtype=float)


EXPERIMENTS = {
    "rows": Experiment(STUDIED, study("rows", 5000, (*DEEP, *CLASSICAL, "autoencoder"), "6m", 9)),
    "few rows": Experiment(STUDIED, study("rows", 640, (*DEEP, *CLASSICAL, "svm"), "100s", 3)),
    "labels": Experiment(
        STUDIED, study("labels", 5000, ("autoencoder", "mlp", "lightgbm"), "4m", 9)
    ),
    "label noise": Experiment(STUDIED, study("label-noise", 2500, (*DEEP, *CLASSICAL), "2m", 5)),
    "gaps": Experiment(STUDIED, study("missingness", 2500, (*DEEP, *CLASSICAL), "2m", 5)),
    "levels": Experiment(
        WITH_CATEGORIES, study("cardinality", 5000, ("mlp", "decision_tree", "linear"), "90s", 9)
    ),
    "scarce classes": Experiment(
        WITH_CLASSES, study("rows", 2500, ("gan", "mlp", "lightgbm"), "100s", 5)
    ),
    "anomalies": Experiment(WITH_CLASSES, detectors),
    "pruning": Experiment(STUDIED, pruning),
}
"""Name -> what is run. The whole is meant to take under four hours on 2 CPUs."""
