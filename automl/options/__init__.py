"""Every choice of a fit and of a study, stated once.

The flags of `automl fit` and `automl scale`, the parameters of `AutoML`, `--resume`, the command in
a report that repeats a run and the reference page follow the fields of `Options`.
"""

from automl.options.choices import (
    CONTAMINATION,
    OPTIONS,
    TESTED,
    Options,
    choices_of,
    options_of,
)
from automl.options.option import Command, Option

__all__ = [
    "CONTAMINATION",
    "OPTIONS",
    "TESTED",
    "Command",
    "Option",
    "Options",
    "choices_of",
    "options_of",
]
