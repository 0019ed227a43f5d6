"""Fits on clusters of several machines: of different sizes, that lack something, join and leave."""

from __future__ import annotations

import json
import time

import pandas as pd
import pytest

from benchmarks.clusters.raylets import (
    LUCID,
    SLEEPERS,
    Raylets,
    at_work,
    finish,
    wait_for_fits,
    write_table,
)

pytestmark = pytest.mark.slow
OTHER_PLUGINS = {"AUTOML_DISABLE_PLUGINS": "sleepers"}


@pytest.fixture
def raylets(tmp_path):
    with Raylets(tmp_path) as some:
        yield some


def told(run):
    """The journal's failures and the leaderboard of a run."""
    lines = (run / "journal.jsonl").read_text().splitlines()
    failed = [r for r in map(json.loads, lines) if r["status"] == "failed"]
    return failed, pd.read_csv(run / "leaderboard.csv").set_index("learner")


def test_every_cpu_of_unlike_machines_is_used(raylets, tmp_path):
    for name, cpus in (("one", 1), ("two", 2), ("four", 4)):
        raylets.add(name, cpus)
    raylets.add("bare", 2, **OTHER_PLUGINS)
    run = tmp_path / "run"
    code, said = finish(raylets.start(write_table(tmp_path / "t.csv"), run, 60), 120)
    assert code == 0, said
    assert "is set aside: it lacks the plugin sleepers" in said
    diary = raylets.diary()
    assert raylets.id("bare") not in set(diary.node)
    assert at_work(diary) >= 0.9 * 7
    for name, cpus in (("one", 1), ("two", 2), ("four", 4)):
        assert at_work(diary, raylets.id(name)) >= 0.85 * cpus, name
    failed, board = told(run)
    assert not failed
    assert set(SLEEPERS) <= set(board.index)


def test_a_gpu_is_shared_by_learners_that_use_one(raylets, tmp_path):
    raylets.add("plain", 2)
    raylets.add("with gpu", 2, gpus=1)
    run = tmp_path / "run"
    names = ("--learner", LUCID, "--learner", SLEEPERS[0])
    process = raylets.start(write_table(tmp_path / "t.csv"), run, 30, *names)
    code, said = finish(process, 90)
    assert code == 0, said
    diary = raylets.diary()
    on_gpu = diary[diary.device == "cuda"]
    assert len(on_gpu)
    assert set(on_gpu.node) == {raylets.id("with gpu")}
    assert len(set(on_gpu.pid)) == 1  # of two learners one can use it, so that one slot has it
    plain = diary[diary.node == raylets.id("plain")]
    assert len(plain)
    assert set(plain.device) == {"cpu"}


def test_machines_that_leave_and_join_are_no_trouble(raylets, tmp_path):
    raylets.add("head", 0)
    raylets.add("first", 2)
    raylets.add("second", 1)
    first = raylets.id("first")
    run = tmp_path / "run"
    began = time.monotonic()
    process = raylets.start(write_table(tmp_path / "t.csv"), run, 60)
    assert wait_for_fits(raylets, 1, first) < 60
    raylets.lose("first")
    raylets.add("third", 2)
    joined, third = time.time(), raylets.id("third")
    wait_for_fits(raylets, 1, third)
    diary = raylets.diary()
    assert diary[diary.node == third].began.min() - joined <= 10
    code, said = finish(process, 120)
    assert code == 0, said
    assert time.monotonic() - began < 1.03 * 60 + 2
    assert "is gone: its fits start anew" in said
    failed, board = told(run)
    assert not failed
    assert set(board.loc[list(SLEEPERS), "status"]) <= {"ok", "eliminated"}


def test_doctor_tells_what_would_be_used(raylets):
    raylets.add("head", 0)
    raylets.add("good", 3, gpus=1)
    raylets.add("bare", 2, **OTHER_PLUGINS)
    done = raylets.doctor("--json")
    assert done.returncode == 0, done.stderr
    found = {f["name"]: f for f in json.loads(done.stdout) if f["name"].startswith("node")}
    assert len(found) == 2
    used, aside = sorted(found.values(), key=lambda f: f["status"], reverse=True)
    assert used["status"] == "ok"
    assert "3 CPUs, 1 GPU" in used["value"]
    assert aside["status"] == "note"
    assert "it lacks the plugin sleepers" in aside["advice"]
    assert "set aside" in raylets.doctor().stdout
