"""`automl scale`: the dedicated study, on the engine of a fit.

Every learner is trained on the same nested rows in several repeats, each with a fifth of the
rows held out; `automl.scaling` judges what comes out.
"""

from automl.workflow.study.catalogue import AXES
from automl.workflow.study.options import StudyOptions, study_options
from automl.workflow.study.run import scale_run

__all__ = ["AXES", "StudyOptions", "scale_run", "study_options"]
