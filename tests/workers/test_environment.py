"""Variables of Ray and Tune are the user's again once they are not needed."""

from __future__ import annotations

import os

from automl.workers import environment


def test_variables_are_as_they_were(monkeypatch):
    monkeypatch.setenv("RAY_DEDUP_LOGS", "1")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.delenv("RAY_AIR_NEW_OUTPUT", raising=False)
    before = dict(os.environ)
    with environment.quiet({"TUNE_MAX_PENDING_TRIALS_PG": "2"}):
        assert os.environ["RAY_AIR_NEW_OUTPUT"] == "0"
        assert os.environ["RAY_DEDUP_LOGS"] == "1"  # the user's own choice
        with environment.quiet({"RAY_AUTH_MODE": "token"}):
            assert os.environ["RAY_AUTH_MODE"] == "token"
    assert dict(os.environ) == before


def test_loans_that_overlap_leave_nothing(monkeypatch):
    monkeypatch.delenv("RAY_AIR_NEW_OUTPUT", raising=False)
    before = dict(os.environ)
    first, second = environment.quiet(), environment.quiet({"RAY_AUTH_MODE": "token"})
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert os.environ["RAY_AIR_NEW_OUTPUT"] == "0"
    second.__exit__(None, None, None)
    assert dict(os.environ) == before
