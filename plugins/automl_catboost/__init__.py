"""CatBoost as a learner; declared here, imported where it is fitted."""

from __future__ import annotations

from collections.abc import Iterator

import automl


@automl.hookimpl
def automl_learners() -> Iterator[automl.Learner]:
    """Declare `catboost`.

    The first configuration is near the library's own, the second the tuned default for classes
    of Holzmueller et al. 2024 (arXiv 2407.04491); the space is TabArena's, rates below .03 left
    out.
    """
    yield automl.Learner(
        name="catboost",
        family="classical",
        tasks=frozenset({"binary", "multiclass", "regression"}),
        view="frame",
        factory="automl_catboost.model:build",
        space={
            "learning_rate": automl.Float(0.03, 0.2, log=True),
            "depth": automl.Int(4, 8),
            "grow_policy": automl.Choice("SymmetricTree", "Depthwise"),
            "subsample": automl.Float(0.7, 1.0),
            "colsample_bylevel": automl.Float(0.5, 1.0),
            "l2_leaf_reg": automl.Float(1e-4, 5.0, log=True),
            "random_strength": automl.Float(0.0, 2.0),
            "leaf_estimation_iterations": automl.Int(1, 10, log=True),
            "one_hot_max_size": automl.Int(2, 100, log=True),
            "max_ctr_complexity": automl.Int(1, 4),
        },
        defaults=(
            {},
            {
                "depth": 7,
                "l2_leaf_reg": 1e-4,
                "random_strength": 0.8,
                "leaf_estimation_iterations": 1,
                "subsample": 0.9,
            },
            {"learning_rate": 0.05, "depth": 4, "l2_leaf_reg": 3.0},
            {
                "learning_rate": 0.04,
                "depth": 8,
                "grow_policy": "Depthwise",
                "l2_leaf_reg": 3.0,
                "colsample_bylevel": 0.7,
            },
        ),
        fidelity="iterations",
        size=automl.Size("depth", 6, "log2"),
        patience=50,
        resources=_resources,
        extra="catboost",
        libraries=("catboost",),
        weights=True,
        refits=True,
        prior=automl.Prior.counted(6, 9, "benchmarks/prior"),
        summary="Gradient boosted symmetric trees, ordered statistics of categories (CatBoost).",
        source="Prokhorenkova et al. 2018, CatBoost: unbiased boosting with categorical features",
        good_when=(
            "Tables whose categories have many levels, and small and middling ones in general: "
            "its defaults are hard to beat. The slowest of the boosters to train, the quickest "
            "to predict with."
        ),
    )


def _resources(schema: automl.Schema) -> automl.Resources:
    return automl.Resources(cost=12.0 + 0.5 * max(0, len(schema.classes) - 2))
