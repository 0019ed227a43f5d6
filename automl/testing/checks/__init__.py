"""Every check of a learner, in the order in which they run."""

from __future__ import annotations

from automl.testing.checks import declared, edges, persistence, predictions, side_effects

LEARNER_CHECKS = (
    declared.declaration,
    declared.light,
    declared.builds,
    declared.libraries,
    *predictions.CHECKS,
    *side_effects.CHECKS,
    *edges.CHECKS,
    *persistence.CHECKS,
    declared.portfolio,
    declared.space,
    declared.limits,
)
BY_NAME = {check.name: check for check in LEARNER_CHECKS}
