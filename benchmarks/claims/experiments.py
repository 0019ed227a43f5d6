"""The experiments of the ledger: studies on samples of tables, detectors, pruned nets.

An experiment runs on one table and returns its evidence as plain values; nothing here knows a
claim. Losses are 1 - score where greater scores are better, so that less is always better.
Learners that differ from others in one thing are in `controls/`, a plugin to be installed first.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file
from sklearn import datasets
from sklearn.metrics import log_loss, roc_auc_score
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
WITH_SCARCE = (*STUDIED[:11], "mammography", "digits")
"""Tables with a scarce class, or of which one can be made (see `with_scarce`)."""
SHIPPED = {
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
}
DEEP = ("mlp", "resnet", "realmlp")
CLASSICAL = ("lightgbm", "random_forest", "linear")
DETECTORS = ("autoencoder", "vae", "gan", "deep_svdd", "isolation_forest", "local_outlier_factor")
ODD_SHARE = 0.02
"""Anomalies beside the usual rows that a detector learns from, ten at least."""
MOST_ODD = 500
"""Anomalies to be found among the held-out rows."""
PRUNED = (0.5, 0.8, 0.9, 0.95)
REPEATS = 3
HELD = {"studies": 0.2, "anomalies": 0.3, "pruning": 0.4}
"""Share of the rows that is held out in a repeat."""


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


def with_scarce(table: Table) -> Table:
    """The table where a class has less than half of the rows of the largest, else one made of it.

    As usual for benchmarks of scarce classes: one class against all others, or the highest tenth
    of a number.
    """
    values = table.frame[table.target]
    if table.task == "regression":
        scarce = values >= values.quantile(0.9)
    elif values.value_counts().min() >= values.value_counts().max() / 2:
        scarce = values == values.max()
    else:
        return table
    frame = table.frame.assign(**{table.target: np.where(scarce, "scarce", "other")})
    return replace(table, frame=frame, task="binary")


@dataclass(frozen=True)
class Experiment:
    """The experiments and their tables."""

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
    axis: str,
    rows: int,
    learners: tuple[str, ...],
    limit: str | None,
    anchors: int,
    change: Callable[[Table], Table] | None = None,
) -> Callable[[Table], dict[str, Any]]:
    """Default settings of some learners along an axis, three repeats.

    Args:
        axis: What grows.
        rows: Of the sample, a fifth of which is held out.
        learners: Beside the baseline.
        limit: Of the time; None lets every fit take what it wants.
        anchors: Two a doubling.
        change: What is made of the table first.
    """

    def run(table: Table) -> dict[str, Any]:
        if change is not None:
            table = change(table)
        every = (*learners, "baseline")
        # what a fit may take follows from limit, learners and CPUs
        auto = AutoML(task=table.task, learner=every, time_limit=limit, cpus=2, verbose=False)
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
            "learners": {name: _points(found, name) for name in every},
        }

    return run


def _points(found: scaling.Study, learner: str) -> list[dict[str, Any]]:
    """Where on the axis; losses, error rates and seconds of a fit, one a repeat or None.

    `val` is the loss that the choice sees.
    """
    places = {(p.n, p.repeat): p for p in found.points if p.learner == learner}
    return [
        {
            "at": at,
            "loss": [p and found.loss(p.score[0]) for p in here],
            "val": [p and found.loss(p.score_val[0]) for p in here],
            "error": [p and p.error and p.error[0] for p in here],
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
        train, test, truth = _with_anomalies(table, seed)
        auto = AutoML(
            task="anomaly",
            learner=DETECTORS,
            trials=len(DETECTORS) + 1,  # and the baseline
            time_limit=None,
            seed=seed,
            verbose=False,
        ).fit(train)
        for name in DETECTORS:
            found[name].append(float(roc_auc_score(truth, auto.anomaly_scores(test, name))))
    return {"auc": found}


def _with_anomalies(table: Table, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Rows to learn from, held-out rows, and which of these are odd.

    Usual are at most 3,000 rows of the largest class, odd are rows of the others. ROC AUC does not
    depend on how many of the held-out rows are odd, but its error does.
    """
    shuffled = table.frame.sample(frac=1, random_state=seed)
    largest = shuffled[table.target] == shuffled[table.target].mode()[0]
    usual, others = shuffled[largest].head(3000), shuffled[~largest]
    cut = round(HELD["anomalies"] * len(usual))
    held, known = usual[:cut], usual[cut:]
    few = max(10, round(ODD_SHARE * len(known)))
    odd = others[few : few + MOST_ODD]
    train = pd.concat([known, others[:few]]).sample(frac=1, random_state=seed)
    test = pd.concat([held, odd])
    train, test = (part.drop(columns=table.target).reset_index(drop=True) for part in (train, test))
    return train, test, np.arange(len(test)) >= len(held)


# --------------------------------------------------------------------------- pruning


def pruning(table: Table) -> dict[str, Any]:
    """Skill of a net, of the same net without its smallest weights, and its bytes; one a repeat.

    The smallest weights of every matrix become 0 in a copy of the saved model; no training
    follows. Bytes are of the gzipped weights.
    """
    found: dict[str, dict[str, list[float]]] = {
        str(share): {"skill": [], "bytes": []} for share in (0, *PRUNED)
    }
    frame = table.sample(3000)
    strata = None if table.task == "regression" else frame[table.target]
    for seed in range(REPEATS):
        train, test = train_test_split(
            frame, test_size=HELD["pruning"], random_state=seed, stratify=strata
        )
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "0"
            AutoML(
                task=table.task,
                learner=["mlp"],
                trials=2,
                time_limit=None,
                folds=3,
                seed=seed,
                output=str(whole),
                verbose=False,
            ).fit(train.reset_index(drop=True), table.target)
            for share in PRUNED:
                thin = Path(folder) / str(share)
                shutil.copytree(whole, thin)
                for file in (thin / "model").rglob("*.safetensors"):
                    _prune(file, share)
            for share, values in found.items():
                run = Path(folder) / share
                values["skill"].append(_skill(AutoML.load(str(run)), test, table))
                values["bytes"].append(_squeezed(run))
    return {"pruned": found}


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


def _skill(auto: AutoML, test: pd.DataFrame, table: Table) -> float:
    """1 - loss / that of guessing: of 1 - ROC AUC, log loss, or the root mean squared error."""
    truth, X = test[table.target].to_numpy(), test.drop(columns=table.target)
    if table.task == "regression":
        return 1 - float(np.sqrt(np.mean((auto.predict(X, "mlp") - truth) ** 2)) / truth.std())
    proba = auto.predict_proba(X, "mlp")
    if table.task == "binary":
        return 2 * float(roc_auc_score(truth == auto.classes_[1], proba[:, 1])) - 1
    shares = pd.Series(truth).value_counts(normalize=True)
    return 1 - float(log_loss(truth, proba, labels=auto.classes_) / -(shares @ np.log(shares)))


ENCODERS = ("pretrained", "pretrained_on_labelled", "not_pretrained")
FILLED = ("filled_up", "not_filled_up")
BOTH = (*DEEP, *CLASSICAL)
EXPERIMENTS = {
    "rows": Experiment(STUDIED, study("rows", 5000, BOTH, "6m", 9)),
    "few rows": Experiment(STUDIED, study("rows", 640, (*BOTH, "svm"), "100s", 3)),
    "labels": Experiment(STUDIED, study("labels", 2500, (*ENCODERS, "lightgbm"), None, 7)),
    "clean": Experiment(STUDIED, study("rows", 2500, BOTH, "100s", 2)),
    "label noise": Experiment(STUDIED, study("label-noise", 2500, BOTH, "100s", 2)),
    "gaps": Experiment(STUDIED, study("missingness", 2500, BOTH, "100s", 2)),
    "levels": Experiment(
        WITH_CATEGORIES,
        study("cardinality", 2500, ("mlp", "decision_tree", "linear"), "3m", 9),
    ),
    "scarce classes": Experiment(
        WITH_SCARCE, study("rows", 640, (*FILLED, "lightgbm"), None, 2, with_scarce)
    ),
    "anomalies": Experiment(WITH_CLASSES, detectors),
    "pruning": Experiment(STUDIED, pruning),
}
"""Name -> what is run. The last level of "clean" is the first, 0%, of the two after it: the same
rows in the same repeats. The whole is meant to take under four hours on 2 CPUs."""
