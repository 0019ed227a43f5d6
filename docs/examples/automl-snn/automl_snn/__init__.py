"""Self-normalizing networks as a learner; torch is imported where one is trained."""

import automl

api_version = 2


@automl.hookimpl
def automl_learners():
    yield automl.Learner(
        name="snn",
        family="deep",
        tasks=frozenset({"binary", "multiclass", "regression"}),
        view="matrix",
        factory="automl_snn.net:Snn",
        space={
            "width": automl.Int(32, 256, log=True),
            "layers": automl.Int(2, 8),
            "dropout": automl.Float(0.0, 0.2),
            "rate": automl.Float(1e-4, 1e-2, log=True),
        },
        defaults=({"width": 128, "layers": 4, "dropout": 0.05, "rate": 1e-3},),
        fidelity="epochs",
        patience=12,
        resources=lambda schema: automl.Resources(cost=10.0),
        libraries=("torch",),
        summary="Self-normalizing network (Klambauer et al. 2017).",
    )
