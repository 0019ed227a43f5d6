"""XGBoost as a learner; declared here, imported where it is fitted."""

from __future__ import annotations

from collections.abc import Iterator

import automl


@automl.hookimpl
def automl_learners() -> Iterator[automl.Learner]:
    """Declare `xgboost`.

    The space is TabArena's, rates below .03 left out.
    """
    yield automl.Learner(
        name="xgboost",
        family="classical",
        tasks=frozenset({"binary", "multiclass", "regression"}),
        view="frame",
        factory="automl_xgboost.model:build",
        space={
            "learning_rate": automl.Float(0.03, 0.2, log=True),
            "max_depth": automl.Int(3, 10),
            "min_child_weight": automl.Float(1e-3, 10.0, log=True),
            "subsample": automl.Float(0.5, 1.0),
            "colsample_bylevel": automl.Float(0.3, 1.0),
            "colsample_bytree": automl.Float(0.5, 1.0),
            "reg_lambda": automl.Float(1e-4, 5.0, log=True),
            "reg_alpha": automl.Float(1e-4, 5.0, log=True),
        },
        defaults=(
            {},
            {"max_depth": 5, "colsample_bylevel": 0.4},
            {"learning_rate": 0.06, "max_depth": 10, "colsample_bylevel": 0.4},
            {"learning_rate": 0.1, "max_depth": 3, "colsample_bylevel": 1.0},
        ),
        fidelity="n_estimators",
        size=automl.Size("max_depth", 7, "log2"),
        patience=50,
        resources=_resources,
        extra="xgboost",
        libraries=("xgboost", "sklearn"),
        weights=True,
        refits=True,
        prior=automl.Prior.counted(4, 10, "benchmarks/prior"),
        summary="Gradient boosted trees with native categories and gaps (XGBoost).",
        source="Chen and Guestrin 2016, XGBoost: A Scalable Tree Boosting System",
        good_when=(
            "Most tables from a few hundred rows on; trains on a GPU where there is one. Weaker "
            "where there are very many classes, since every round grows a tree for each."
        ),
    )


def _resources(_: automl.Schema) -> automl.Resources:
    return automl.Resources(gpus=1.0, cost=6.0)
