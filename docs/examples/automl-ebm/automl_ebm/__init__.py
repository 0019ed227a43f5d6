"""Explainable boosting machines as a learner."""

import automl

api_version = 2
EBM = "interpret.glassbox:ExplainableBoosting"


@automl.hookimpl
def automl_learners():
    yield automl.sklearn_learner(
        "ebm",
        {"classification": f"{EBM}Classifier", "regression": f"{EBM}Regressor"},
        family="classical",
        tasks={"binary", "multiclass", "regression"},
        view="matrix",
        space={
            "max_bins": automl.Int(32, 1024, log=True),
            "outer_bags": automl.Int(2, 4),
            "max_rounds": automl.Int(500, 5000, log=True),  # tiny tables never stop by themselves
            "interactions": automl.Choice(0),  # searching for pairs takes minutes
        },
        defaults=[{"max_bins": 256, "outer_bags": 2, "max_rounds": 3000, "interactions": 0}],
        cost=20.0,
        limits=automl.Limits(rows=200_000, columns=500),
        summary="Boosted shallow trees on one column at a time (Nori et al. 2019).",
    )
