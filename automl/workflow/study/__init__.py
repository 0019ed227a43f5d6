"""`automl scale`: the dedicated study, on the engine of a fit.

Every learner is trained on the same nested rows in several repeats, each with a fifth of the
rows held out; `automl.scaling` judges what comes out.
"""

from automl.rows.axes.catalogue import AXES
from automl.workflow.study.run import scale_run

__all__ = ["AXES", "scale_run"]
