"""Classical learners from scikit-learn; declared here, imported where they are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import automl
from automl_sklearn.detectors import detectors

_ALL: Final = ("binary", "multiclass", "regression")
_TREE = "sklearn.tree._tree.Tree"
_BOOSTING = (
    "automl_sklearn.boosting.Boosting",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # The encoder of categories in front holds partial(check_array, ...); the function inside a
    # partial is audited like any other type.
    "functools.partial",
    "sklearn.utils.validation.check_array",
)


@automl.hookimpl
def automl_learners() -> Iterator[automl.Learner]:
    """Declare the learners of this package, cheapest first."""
    yield _baseline()
    yield _linear()
    yield _naive_bayes()
    yield _decision_tree()
    yield _knn()
    yield _extra_trees()
    yield _random_forest()
    yield _hist_gradient_boosting()
    yield _svm()
    yield _gaussian_process()
    yield _self_training()
    yield from detectors()


def _paths(module: str, stem: str) -> dict[str, str]:
    return {
        "classification": f"automl_sklearn.{module}:{stem}_classifier",
        "regression": f"automl_sklearn.{module}:{stem}_regressor",
    }


def _baseline() -> automl.Learner:
    return automl.sklearn_learner(
        "baseline",
        {
            "classification": "sklearn.dummy:DummyClassifier",
            "regression": "sklearn.dummy:DummyRegressor",
            "anomaly": "automl_sklearn.anomaly:Constant",
        },
        family="baseline",
        tasks=(*_ALL, "anomaly"),
        view="matrix",
        cost=0.1,
        trusted=("automl_sklearn.anomaly.Constant",),
        weights=True,
        libraries=("sklearn",),
        summary="Class frequencies, the mean or one score for all: what others must beat.",
        source="scikit-learn's dummy estimators",
        good_when=(
            "Never: it looks at no column. A learner that does not beat it has learned nothing."
        ),
    )


def _linear() -> automl.Learner:
    return automl.sklearn_learner(
        "linear",
        _paths("linear", "linear"),
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={"C": automl.Float(1e-5, 1e3, log=True)},
        defaults=({"C": 1.0}, {"C": 0.01}, {"C": 30.0}, {"C": 0.0003}),
        fidelity="max_iter",
        trusted=("automl_sklearn.linear.Linear", "automl_sklearn.linear.Logistic"),
        weights=True,
        libraries=("sklearn",),
        prior=automl.Prior.counted(3, 10, "benchmarks/prior"),
        summary="Logistic or ridge regression on scaled, encoded columns.",
        source=(
            "Logistic regression by L-BFGS, ridge regression in closed form; settings by trial here"
        ),
        good_when=(
            "Few rows, many columns, or effects that add up. Blind to interactions and "
            "thresholds unless a column holds them."
        ),
    )


def _naive_bayes() -> automl.Learner:
    return automl.sklearn_learner(
        "naive_bayes",
        "automl_sklearn.bayes:NaiveBayes",
        family="classical",
        tasks=("binary", "multiclass"),
        view="frame",
        space={
            "numbers": automl.Choice("bins", "normal"),
            "smoothing": automl.Float(0.1, 30.0, log=True),
        },
        defaults=(
            {"numbers": "bins", "smoothing": 1.0},
            {"numbers": "normal", "smoothing": 1.0},
            {"numbers": "bins", "smoothing": 10.0},
        ),
        cost=0.5,
        trusted=("automl_sklearn.bayes.NaiveBayes",),
        libraries=("sklearn",),
        prior=automl.Prior.counted(2, 7, "benchmarks/prior"),
        summary="Naive Bayes over numbers and categories, its evidence weighed down to fit.",
        source=(
            "Dougherty et al. 1995 on bins; Hand and Yu 2001 on why it works though columns depend "
            "on each other; the exponent of the evidence is fitted here"
        ),
        good_when=(
            "Very few rows, many classes, or many weak columns; the quickest learner there is. "
            "Blind to interactions, and counts columns that say the same thing twice."
        ),
    )


def _decision_tree() -> automl.Learner:
    return automl.sklearn_learner(
        "decision_tree",
        _paths("trees", "tree"),
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={
            "max_leaf_nodes": automl.Int(8, 2048, log=True),
            "min_samples_leaf": automl.Int(1, 100, log=True),
        },
        defaults=(
            {"max_leaf_nodes": 128, "min_samples_leaf": 15},
            {"max_leaf_nodes": 1024, "min_samples_leaf": 5},
            {"max_leaf_nodes": 16, "min_samples_leaf": 10},
        ),
        prior_weight=0.01,
        size=automl.Size("max_leaf_nodes", 128),
        cost=2.0,
        trusted=(_TREE,),
        weights=True,
        libraries=("sklearn",),
        prior=automl.Prior.counted(2, 10, "benchmarks/prior"),
        summary="One tree, small enough to read.",
        source="Breiman et al. 1984, Classification and Regression Trees; scikit-learn",
        good_when=(
            "When the model is to be read. Its scores are those of a rough sketch: forests "
            "and boosting build on it."
        ),
    )


def _knn() -> automl.Learner:
    return automl.sklearn_learner(
        "knn",
        _paths("neighbours", "neighbours"),
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={
            "n_neighbors": automl.Int(1, 100, log=True),
            "weights": automl.Choice("distance", "uniform"),
        },
        defaults=(
            {"n_neighbors": 20, "weights": "distance"},
            {"n_neighbors": 7, "weights": "distance"},
            {"n_neighbors": 60, "weights": "distance"},
        ),
        prior_weight=0.05,
        cost=2.0,
        limits=automl.Limits(rows=100_000, columns=100),
        trusted=("automl_sklearn.neighbours.Neighbours",),
        libraries=("sklearn",),
        prior=automl.Prior.counted(0, 10, "benchmarks/prior"),
        summary="Nearest neighbours on scaled columns, near ones counting more.",
        source="Fix and Hodges 1951; the default is TabArena's",
        good_when=(
            "Few columns that all matter alike, and irregular borders. Poor with many "
            "irrelevant columns; slow to predict on many rows."
        ),
    )


def _extra_trees() -> automl.Learner:
    return automl.sklearn_learner(
        "extra_trees",
        _paths("trees", "extra_trees"),
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={
            "max_features": automl.Choice(None, 0.25, 0.5, 0.75, 1.0),
            "min_samples_leaf": automl.Int(1, 20, log=True),
            "entropy": automl.Choice(False, True),
        },
        defaults=(
            {"max_features": None, "min_samples_leaf": 2},
            {"max_features": 0.75, "min_samples_leaf": 1, "entropy": True},
            {"max_features": 1.0, "min_samples_leaf": 4},
        ),
        fidelity="n_estimators",
        prior_weight=0.01,
        size=automl.Size("trees", 100),
        cost=6.0,
        trusted=(_TREE,),
        weights=True,
        libraries=("sklearn",),
        prior=automl.Prior.counted(2, 10, "benchmarks/prior"),
        summary="Forest of trees with random cut points (Geurts 2006).",
        source="Geurts et al. 2006, Extremely randomized trees; settings after AutoGluon's",
        good_when=(
            "A sound choice without tuning, often better than a random forest on noisy "
            "numbers, and quicker to train."
        ),
    )


def _random_forest() -> automl.Learner:
    return automl.sklearn_learner(
        "random_forest",
        _paths("trees", "random_forest"),
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={
            "max_features": automl.Choice(None, 0.25, 0.5, 0.75, 1.0),
            "min_samples_leaf": automl.Int(1, 20, log=True),
            "max_samples": automl.Float(0.4, 1.0),
            "entropy": automl.Choice(False, True),
        },
        defaults=(
            {"max_features": None, "min_samples_leaf": 2},
            {"max_features": 0.5, "min_samples_leaf": 1, "max_samples": 0.7, "entropy": True},
            {"max_features": 0.75, "min_samples_leaf": 4, "max_samples": 0.7},
        ),
        fidelity="n_estimators",
        prior_weight=0.01,
        size=automl.Size("trees", 100),
        cost=10.0,
        trusted=(_TREE,),
        weights=True,
        libraries=("sklearn",),
        prior=automl.Prior.counted(3, 10, "benchmarks/prior"),
        summary="Forest of bootstrapped trees (Breiman 2001).",
        source="Breiman 2001, Random Forests; settings after AutoGluon's",
        good_when=(
            "A sound choice without tuning on small and middling tables. Saved models are "
            "large; boosting usually wins with time."
        ),
    )


def _hist_gradient_boosting() -> automl.Learner:
    return automl.sklearn_learner(
        "hist_gradient_boosting",
        _paths("boosting", "boosting"),
        family="classical",
        tasks=_ALL,
        view="frame",
        space={
            "learning_rate": automl.Float(0.02, 0.3, log=True),
            "max_leaf_nodes": automl.Int(4, 256, log=True),
            "min_samples_leaf": automl.Int(1, 100, log=True),
            "l2_regularization": automl.Float(1e-8, 10.0, log=True),
            "max_features": automl.Float(0.3, 1.0),
        },
        defaults=(
            {"learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 20},
            {
                "learning_rate": 0.05,
                "max_leaf_nodes": 50,
                "min_samples_leaf": 10,
                "max_features": 0.5,
            },
            {
                "learning_rate": 0.1,
                "max_leaf_nodes": 8,
                "min_samples_leaf": 30,
                "l2_regularization": 1.0,
            },
            {
                "learning_rate": 0.03,
                "max_leaf_nodes": 128,
                "min_samples_leaf": 5,
                "max_features": 0.5,
            },
        ),
        fidelity="max_iter",
        patience=50,
        size=automl.Size("max_leaf_nodes", 31),
        cost=8.0,
        trusted=_BOOSTING,
        weights=True,
        refits=True,
        libraries=("sklearn",),
        prior=automl.Prior.counted(3, 10, "benchmarks/prior"),
        summary="scikit-learn's histogram gradient boosting, native categories and gaps.",
        source=(
            "Friedman 2001; the histograms of Ke et al. 2017; space after auto-sklearn's, narrowed"
        ),
        good_when=(
            "Most tables from a few hundred rows on, where no booster's library is installed."
        ),
    )


def _svm() -> automl.Learner:
    return automl.sklearn_learner(
        "svm",
        _paths("kernel", "kernel"),
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={
            "C": automl.Float(0.03, 1000.0, log=True),
            "gamma_scale": automl.Float(0.03, 10.0, log=True),
        },
        defaults=(
            {"C": 1.0, "gamma_scale": 1.0},
            {"C": 10.0, "gamma_scale": 0.3},
            {"C": 3.0, "gamma_scale": 3.0},
        ),
        cost=10.0,
        trusted=(
            "automl_sklearn.kernel.KernelClassifier",
            "automl_sklearn.kernel.KernelRegressor",
            "automl_sklearn.linear.Logistic",
        ),
        libraries=("sklearn",),
        prior=automl.Prior.counted(3, 10, "benchmarks/prior"),
        summary="RBF support vectors up to 5,000 rows; a kernel approximation above.",
        source=(
            "Cortes and Vapnik 1995; probabilities after Platt 1999; Nystroem features of "
            "Williams and Seeger 2001"
        ),
        good_when=(
            "Smooth borders in a moderate number of scaled columns, and small tables. Above "
            "5,000 rows the approximation loses some of its edge."
        ),
    )


def _gaussian_process() -> automl.Learner:
    return automl.sklearn_learner(
        "gaussian_process",
        {
            "classification": "automl_sklearn.process:GaussianProcessClasses",
            "regression": "automl_sklearn.process:GaussianProcessValues",
        },
        family="classical",
        tasks=_ALL,
        view="matrix",
        space={
            "nu": automl.Choice(0.5, 1.5, 2.5, 0.0),
            "amplitude": automl.Float(0.5, 10.0, log=True),
        },
        defaults=(
            {"nu": 1.5, "amplitude": 3.0},
            {"nu": 0.5, "amplitude": 3.0},
            {"nu": 0.0, "amplitude": 3.0},
        ),
        cost=12.0,
        limits=automl.Limits(rows=200_000, columns=500, classes=50),
        trusted=(
            "automl_sklearn.process.GaussianProcessClasses",
            "automl_sklearn.process.GaussianProcessValues",
            "automl_sklearn.process._Covariance",
        ),
        libraries=("sklearn",),
        prior=automl.Prior.counted(2, 10, "benchmarks/prior"),
        summary="Gaussian process: exact up to 2,000 rows, on inducing points above.",
        source=(
            "Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, algorithm 2.1 "
            "and sections 3.4 and 8.3.1"
        ),
        good_when=(
            "Small tables of numbers with smooth effects, above all regression with little noise. "
            "Above 2,000 rows it keeps the broad shape only. A `nu` of 0 is the RBF kernel, others "
            "are Matern's; `amplitude`, in log odds, is for classes only."
        ),
    )


def _self_training() -> automl.Learner:
    return automl.sklearn_learner(
        "self_training",
        "automl_sklearn.semi:SelfTraining",
        family="classical",
        tasks=("binary", "multiclass"),
        view="matrix",
        space={
            "C": automl.Float(1e-4, 1e2, log=True),
            "threshold": automl.Float(0.6, 0.999),
        },
        defaults=(
            {"C": 1.0, "threshold": 0.99},
            {"C": 0.05, "threshold": 0.99},
            {"C": 1.0, "threshold": 0.9},
        ),
        cost=10.0,
        limits=automl.Limits(unlabelled=1),
        uses_unlabelled=True,
        trusted=("automl_sklearn.linear.Logistic", "automl_sklearn.semi.SelfTraining"),
        libraries=("sklearn",),
        summary="Logistic regression that labels rows without a target and learns from them.",
        source=(
            "Yarowsky 1995, Unsupervised word sense disambiguation; scikit-learn; probabilities "
            "tempered after Guo et al. 2017"
        ),
        good_when=(
            "Few rows have a target, many lack it, and classes lie apart: then its own labels are "
            "right. Where they overlap it learns its own mistakes."
        ),
    )
