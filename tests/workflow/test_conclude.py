"""The sentence on a fit without a model is short, however many learners there were."""

from __future__ import annotations

from automl.workflow.conclude import why_none

LATE = "the budget ended before it began"


def test_the_reason_of_most_is_told_with_some_of_their_names():
    outcomes = dict.fromkeys("abcde", ("not_reached", LATE)) | {"z": ("skipped", "a limit")}
    assert why_none(outcomes) == f"a, b and 3 others: {LATE}"


def test_a_failure_goes_before_want_of_time():
    outcomes = dict.fromkeys("abc", ("not_reached", LATE)) | {"z": ("failed", "ValueError: x")}
    assert why_none(outcomes) == "z: ValueError: x"


def test_without_any_reason_the_budget_is_named():
    assert why_none({"a": ("ok", "")}) == "the budget ended before any was fitted"
