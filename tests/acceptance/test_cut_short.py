"""Whoever the time limit cut short is not beaten: planted learners that need 100 s to be good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

COMMAND = (sys.executable, "-c", "from automl.cli import main; main()")
SLOW = {
    "planted_slow_classical": "planted_deep",
    "planted_silent_classical": "planted_deep",
    "planted_slow_deep": "planted_classical",
}
"""A learner that is cut short, and one of the other family that is far ahead of it by then."""


def automl(home, *words):
    path = os.pathsep.join([str(home), *filter(None, sys.path)])
    return subprocess.run(
        [*COMMAND, *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name == "planted_slow_deep" else ())
        for name in SLOW
    ],
)
def run(request, home):
    slow, quick = request.param, SLOW[request.param]
    words = ("fit", "planted.csv", "-t", "label", "--metric", "accuracy", "--cpus", "2")
    learners = ("--learner", slow, "--learner", quick, "--time-limit", "15s", "-o", slow)
    done = automl(home, *words, *learners)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(slow=slow, quick=quick, folder=home / slow, out=done.stdout)


def test_no_verdict_goes_to_the_other_side(run):
    found = json.loads((run.folder / "scaling.json").read_text())
    side = "deep" if run.slow == "planted_slow_deep" else "classical"
    for contrast in found["contrasts"]:
        assert contrast["level"]["verdict"] == "undecided"
        assert contrast["rate"]["verdict"] in {"undecided", "no evidence"}
        assert contrast["crossover"]["status"] in {"undecided", "unknown"}
        assert contrast["cut_short"][side]["censored"] > 0
        assert "was cut short by the time limit in " in contrast["sentence"]
    assert found["fits"]["censored"] > 0


def test_the_sentence_says_what_it_would_take(run):
    found = json.loads((run.folder / "scaling.json").read_text())
    sentence = found["contrasts"][0]["sentence"]
    told = "to let them end takes up to about" in sentence
    assert told == ("silent" not in run.slow)


def test_the_leaderboard_marks_it(run):
    board = pd.read_csv(run.folder / "leaderboard.csv").set_index("learner")
    assert board["time_limited"].to_dict()[run.slow]
    assert not board["time_limited"].to_dict()[run.quick]
    assert "* stopped by the time limit: with more time it may be better" in run.out
    assert "stopped by the time limit" in (run.folder / "report.html").read_text("utf-8")


def test_a_fit_has_no_equal_seconds_to_compare_in(run, home):
    said = automl(home, "scaling", run.slow, "--equal-seconds")
    assert said.returncode == 2
    assert "were not offered the same seconds a row" in said.stderr
    assert "Traceback" not in said.stderr
