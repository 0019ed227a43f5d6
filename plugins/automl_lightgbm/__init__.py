"""LightGBM as a learner; declared here, imported where it is fitted."""

from __future__ import annotations

from collections.abc import Iterator

import automl


@automl.hookimpl
def automl_learners() -> Iterator[automl.Learner]:
    """Declare `lightgbm`.

    The first configuration is near the library's own; the others complement it as in AutoGluon's
    portfolio. The space is TabArena's, rates below .03 left out.
    """
    yield automl.Learner(
        name="lightgbm",
        family="classical",
        tasks=frozenset({"binary", "multiclass", "regression"}),
        view="frame",
        factory="automl_lightgbm.model:build",
        space={
            "learning_rate": automl.Float(0.03, 0.2, log=True),
            "num_leaves": automl.Int(4, 256, log=True),
            "min_data_in_leaf": automl.Int(1, 64, log=True),
            "feature_fraction": automl.Float(0.4, 1.0),
            "bagging_fraction": automl.Float(0.5, 1.0),
            "extra_trees": automl.Choice(False, True),
            "lambda_l1": automl.Float(1e-4, 1.0, log=True),
            "lambda_l2": automl.Float(1e-4, 5.0, log=True),
            "cat_l2": automl.Float(0.005, 10.0, log=True),
            "cat_smooth": automl.Float(0.001, 100.0, log=True),
            "max_cat_to_onehot": automl.Int(4, 100, log=True),
        },
        defaults=(
            {},
            {"extra_trees": True, "num_leaves": 31, "feature_fraction": 1.0},
            {
                "learning_rate": 0.03,
                "num_leaves": 128,
                "min_data_in_leaf": 3,
                "feature_fraction": 0.6,
            },
            {
                "learning_rate": 0.06,
                "num_leaves": 8,
                "min_data_in_leaf": 40,
                "feature_fraction": 0.6,
                "lambda_l2": 1.0,
            },
        ),
        fidelity="n_estimators",
        size=automl.Size("num_leaves", 40),
        patience=50,
        resources=_resources,
        extra="lightgbm",
        libraries=("lightgbm", "sklearn"),
        weights=True,
        refits=True,
        prior=automl.Prior.counted(6, 10, "benchmarks/prior"),
        summary="Gradient boosted trees grown leaf by leaf, native categories and gaps (LightGBM).",
        source="Ke et al. 2017, LightGBM: A Highly Efficient Gradient Boosting Decision Tree",
        good_when=(
            "Most tables from a few hundred rows on, large ones above all: it is the quickest of "
            "the boosters on a CPU. Weaker where there are very many classes, since every round "
            "grows a tree for each."
        ),
    )


def _resources(_: automl.Schema) -> automl.Resources:
    return automl.Resources(cost=5.0)
