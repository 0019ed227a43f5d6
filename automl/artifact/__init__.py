"""The saved model: a folder that predicts in a fresh process without reading a pickle."""

from automl.artifact.document import NAME, versions
from automl.artifact.predict import Predictor
from automl.artifact.write import write_artifact

__all__ = ["NAME", "Predictor", "versions", "write_artifact"]
