"""The conformance kit: checks that learners, metrics, ensemblers and readers have to pass.

Three ways to use it: `automl plugins check NAME`; `check_learner(NAME)`, which gives a list of
`Outcome`; and `learner_checks(NAME)`, a list of cases for `pytest.mark.parametrize`. Learners are
checked in processes of their own, so one that hangs or crashes is a failed check.
"""

from __future__ import annotations

from automl.testing.cases import (
    Case,
    check_learner,
    ensembler_checks,
    learner_checks,
    metric_checks,
    reader_checks,
)
from automl.testing.checks import LEARNER_CHECKS
from automl.testing.contract import Check, Outcome
from automl.testing.inspector import WorkerPool
from automl.testing.parts import ENSEMBLER_CHECKS, METRIC_CHECKS, READER_CHECKS
from automl.testing.plugin import check_plugin

__all__ = [
    "ENSEMBLER_CHECKS",
    "LEARNER_CHECKS",
    "METRIC_CHECKS",
    "READER_CHECKS",
    "Case",
    "Check",
    "Outcome",
    "WorkerPool",
    "check_learner",
    "check_plugin",
    "ensembler_checks",
    "learner_checks",
    "metric_checks",
    "reader_checks",
]
