"""`automl scale` as a user types it: two learners whose error rates are known, and resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests.report.reading import Page

COMMAND = (sys.executable, "-c", "from automl.cli import main; main()", "scale")
BOTH = ("--learner", "planted_deep", "--learner", "planted_classical")


def scale(home, *words, learners=BOTH, **more):
    path = os.pathsep.join([str(home), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [*COMMAND, "planted.csv", "-t", "label", "--cpus", "2", *learners, *words]
    return subprocess.Popen(
        command,
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def done(process, timeout=200):
    out, err = process.communicate(timeout=timeout)
    return SimpleNamespace(code=process.returncode, out=out, err=err)


@pytest.fixture(scope="module")
def study(home):
    words = ("--metric", "accuracy", "--time-limit", "2m", "--price-per-hour", "3", "-o", "known")
    found = done(scale(home, *words))
    assert found.code == 0, found.err
    found.document = json.loads((home / "known" / "scaling.json").read_text())
    found.info = json.loads((home / "known" / "run.json").read_text())
    return found


def test_a_planted_crossover_is_found_end_to_end(study):
    family, named = study.document["contrasts"]
    assert family["kind"] == "family"
    assert (named["deep"], named["classical"]) == ("planted_deep", "planted_classical")
    for contrast in (family, named):
        assert contrast["rate"]["verdict"] == "deep scales better"
        assert contrast["level"]["verdict"] == "deep ahead"
        assert contrast["crossover"]["status"] == "observed"
        # the learner trains on nine tenths of n: 1531 rows of its own are 1701 of the study's
        assert contrast["crossover"]["low"] <= 1701 <= contrast["crossover"]["high"]
        assert contrast["crossover"]["high"] < 2 * contrast["crossover"]["low"]


def test_the_document_is_in_the_layout_of_the_method(study):
    document = study.document
    assert (document["axis"], document["regime"]) == ("rows", "transferred")
    assert (document["scored_on"], document["interval"]) == ("test", "repeats")
    assert (document["repeats"], document["n_test"]) == (5, 4000)
    points = document["learners"]["planted_classical"]["points"]
    assert [p["n"] for p in points] == [1000, 1415, 2000, 2829, 4000, 5657, 8000, 11314, 16000]
    assert all(p["score"] == pytest.approx(0.8, abs=0.01) for p in points)
    assert all(p["low"] < p["score"] < p["high"] for p in points)


def one_line(text):
    return " ".join(text.split())


def test_the_plan_is_told_before_it_starts_and_the_verdicts_after(study):
    plan = study.err.index("plan: 2 learners at 9 anchors, 1,000 rows to 16,000 rows, in 5 repeats")
    assert plan < study.err.index("expected from declared costs") < study.err.index("training")
    assert "costing about" in study.err
    assert (
        "the best deep learner (planted_deep) leads "
        "the best classical learner (planted_classical) by"
    ) in one_line(study.out)
    assert "deep scales better" in study.out
    assert "the study cost about" in study.out
    assert study.info["status"] == "done"
    assert study.info["spent"]["seconds"] < 120


def test_the_verdicts_can_be_read_again(study, home):
    again = subprocess.run(
        [*COMMAND[:-1], "scaling", "known", "--json"],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(again.stdout) == study.document


def test_equal_seconds_may_be_asked_for(study, home):
    asked = [*COMMAND[:-1], "scaling", "known", "--equal-seconds"]
    said = subprocess.run(asked, cwd=home, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.startswith("In equal seconds, on 16,000 training rows, the best deep")


@pytest.mark.slow
def test_proportional_curves_do_not_catch_up_end_to_end(home):
    """Deep errs 1.2 times as often at every number of rows."""
    names = ("--learner", "planted_proportional", "--learner", "planted_falling")
    words = ("--metric", "accuracy", "--regime", "default", "-o", "proportional", "--json")
    found = done(scale(home, *words, learners=names))
    assert found.code == 0, found.err
    for contrast in json.loads(found.out)["contrasts"]:
        assert contrast["level"]["verdict"] == "classical ahead"
        assert contrast["rate"]["verdict"] in {"depends on the scale", "no evidence"}
        assert contrast["rate"]["ratio_per_doubling"]["low"] < 1.0
        assert "catches up" not in contrast["sentence"]


def test_a_study_leaves_its_report(study, home):
    html = Page((home / "known" / "report.html").read_text("utf-8"))
    assert list(html.sections) == ["verdict", "curves", "fronts", "data", "left_out", "repeat"]
    for name, text in html.sections.items():
        assert "do not have what this needs" not in text, name
        assert "Not known" not in text, name
    said = one_line(html.sections["verdict"])
    assert "Rows: The last doubling, to 16,000 training rows," in said
    assert "planted_deep" in html.sections["fronts"]
    assert "money for one training" in html.sections["fronts"]
    again = one_line(html.sections["repeat"])
    assert (
        "automl scale planted.csv --target label --metric accuracy --axis rows --regime default"
        " --regime transferred --repeats 5 --anchors 9 --time-limit 2m --price-per-hour 3"
    ) in again


@pytest.mark.slow
def test_a_killed_study_goes_on_and_computes_nothing_twice(home):
    words = ("--metric", "accuracy", "--regime", "default", "--repeats", "3", "-o", "killed", "-q")
    words += ("--anchors", "4")
    process = scale(home, *words, start_new_session=True)
    journal = home / "killed" / "journal.jsonl"
    deadline = time.monotonic() + 90
    while not (journal.exists() and journal.read_text().count("\n") > 5):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = journal.read_text().splitlines()[:-1]
    assert len(before) < 36
    found = done(scale(home, *words, "--resume"))
    assert found.code == 0, found.err
    after = journal.read_text().splitlines()
    assert after[: len(before)] == before
    keys = [(r["trial"], r["level"], r["repeat"]) for r in map(json.loads, after)]
    assert len(keys) == len(set(keys)) == 36  # two learners and the baseline
    document = json.loads((home / "killed" / "scaling.json").read_text())
    assert document["repeats"] == 3
    other = done(scale(home, *words, "--resume", "--anchors", "9"))
    assert other.code == 2
    assert "was begun with --anchors 4; resume it with the same" in other.err


@pytest.mark.slow
def test_ctrl_c_leaves_verdicts_of_what_there_is(home):
    words = ("--metric", "accuracy", "--regime", "default", "--repeats", "20", "-o", "stopped")
    process = scale(home, *words)
    journal = home / "stopped" / "journal.jsonl"
    deadline = time.monotonic() + 90
    while not (journal.exists() and journal.read_text().count("\n") > 30):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    found = done(process)
    assert found.code == 130
    assert (home / "stopped" / "scaling.json").is_file()
    assert "interrupted; go on with: automl scale planted.csv" in found.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--axis", "weather"), "weather"),
        (("--axis", "workers", "--regime", "retuned"), "leave --regime out, or say default"),
        (("--regime", "halving"), "no regime 'halving'"),
        (("--axis", "budget", "--regime", "default"), "leave --regime out"),
        (("--price-per-hour", "-1"), "amount of money"),
        (("--learner", "nobody"), "no learner 'nobody'"),
        (("--axis", "cardinality"), "no category column"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(home, words, says):
    found = done(scale(home, *words, "-o", "refused"))
    assert found.code == 2
    assert says in found.err
    assert "Traceback" not in found.err
    assert not (home / "refused").exists()
