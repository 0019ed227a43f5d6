"""Every check of a learner, in the order in which they are run."""

from __future__ import annotations

from automl.testing.checks import declared, edges, files, manners, predictions

LEARNER_CHECKS = (
    declared.declaration,
    declared.light,
    declared.builds,
    *predictions.CHECKS,
    *manners.CHECKS,
    *edges.CHECKS,
    *files.CHECKS,
    declared.portfolio,
    declared.space,
    declared.limits,
)
