"""Declarations of the anomaly detectors."""

from __future__ import annotations

from collections.abc import Iterator

import automl


def detectors() -> Iterator[automl.Learner]:
    """Declare the detectors of this package, cheapest first."""
    yield _isolation_forest()
    yield _local_outlier_factor()
    yield _one_class_svm()


def _isolation_forest() -> automl.Learner:
    return automl.sklearn_learner(
        "isolation_forest",
        "automl_sklearn.anomaly:Isolation",
        family="classical",
        tasks=("anomaly",),
        view="frame",
        space={
            "max_samples": automl.Int(32, 2048, log=True),
            "max_features": automl.Float(0.3, 1.0),
        },
        defaults=(
            {"max_samples": 256, "max_features": 1.0},
            {"max_samples": 64, "max_features": 1.0},
            {"max_samples": 1024, "max_features": 0.5},
        ),
        fidelity="n_estimators",
        cost=2.0,
        trusted=("automl_sklearn.anomaly.Isolation", "sklearn.tree._tree.Tree"),
        libraries=("sklearn",),
        summary="Rows that few random cuts set apart from all others are strange.",
        source="Liu et al. 2008, Isolation Forest; the first default is the paper's and PyOD's",
        good_when=(
            "A sound first choice: quick, indifferent to scales, at home with gaps and many "
            "columns. Misses rows that are strange only among their neighbours."
        ),
    )


def _local_outlier_factor() -> automl.Learner:
    return automl.sklearn_learner(
        "local_outlier_factor",
        "automl_sklearn.anomaly:Outlyingness",
        family="classical",
        tasks=("anomaly",),
        view="matrix",
        space={"n_neighbors": automl.Int(3, 200, log=True)},
        defaults=({"n_neighbors": 20}, {"n_neighbors": 50}, {"n_neighbors": 8}),
        cost=4.0,
        limits=automl.Limits(rows=100_000, columns=1_000),
        trusted=("automl_sklearn.anomaly.Outlyingness",),
        libraries=("sklearn",),
        summary="Rows that lie thinner than their nearest neighbours are strange.",
        source="Breunig et al. 2000, LOF; 20 neighbours are scikit-learn's and PyOD's default",
        good_when=(
            "Anomalies that are strange only where they are, and clusters of unequal density. "
            "Blind to anomalies that come in groups; slow on many rows."
        ),
    )


def _one_class_svm() -> automl.Learner:
    return automl.sklearn_learner(
        "one_class_svm",
        "automl_sklearn.anomaly:OneClass",
        family="classical",
        tasks=("anomaly",),
        view="matrix",
        space={
            "nu": automl.Float(0.01, 0.8, log=True),
            "gamma_scale": automl.Float(0.03, 10.0, log=True),
        },
        defaults=(
            {"nu": 0.5, "gamma_scale": 1.0},
            {"nu": 0.1, "gamma_scale": 0.3},
            {"nu": 0.5, "gamma_scale": 3.0},
        ),
        cost=5.0,
        trusted=("automl_sklearn.anomaly.OneClass",),
        libraries=("sklearn",),
        summary="The tightest smooth border around most rows; a kernel approximation above 5,000.",
        source=(
            "Schoelkopf et al. 2001; Nystroem features of Williams and Seeger 2001; the first "
            "default is scikit-learn's and PyOD's"
        ),
        good_when=(
            "Common rows that fill one compact region, above all when training rows hold no "
            "anomaly. Sensitive to scaling and to columns that do not matter."
        ),
    )
