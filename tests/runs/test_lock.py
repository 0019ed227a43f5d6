"""One driver in a run directory, from its first file to its last."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time

import pytest

from automl import UsageError
from automl.runs import directory, lock, reserve

HOLDER = """
import sys, time
from pathlib import Path
from automl.runs import directory
with directory.claimed(Path(sys.argv[1]), resume=False) as run:
    (run / "begun").touch()
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path):
    """A directory that another process holds."""
    run = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(run)])
    while not (run / "begun").exists():
        time.sleep(0.02)
    yield run, process
    process.kill()
    process.wait()


def claim(run, *, resume):
    with directory.claimed(run, resume=resume):
        return True


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_driver_is_told_who_is_at_work(held, resume):
    run, process = held
    told = f"in use by process {process.pid} on {socket.gethostname()}"
    with pytest.raises(UsageError, match=told):
        claim(run, resume=resume)


def test_what_a_dead_process_left_is_taken_over(held):
    run, process = held
    process.kill()
    process.wait()
    assert (run / lock.NAME).exists()
    assert claim(run, resume=True)


def test_two_drivers_of_one_process_are_kept_apart(tmp_path):
    told = pytest.raises(UsageError, match=f"process {os.getpid()}")
    with directory.claimed(tmp_path / "run", resume=False), told:
        claim(tmp_path / "run", resume=False)
    assert not (tmp_path / "run").exists()


def test_a_run_is_for_its_owner_alone(tmp_path):
    with directory.claimed(tmp_path / "a" / "run", resume=False) as run:
        assert stat.S_IMODE(run.stat().st_mode) == stat.S_IRWXU


def test_the_lock_goes_with_the_driver(tmp_path):
    with directory.claimed(tmp_path / "run", resume=False) as run:
        (run / directory.NAME).write_text('{"format": 2}')
    assert [file.name for file in run.iterdir()] == [directory.NAME]
    with pytest.raises(UsageError, match="add --resume"):
        claim(run, resume=False)
    assert claim(run, resume=True)


def test_a_run_that_was_killed_before_its_description_begins_anew(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / lock.NAME).write_text("1 elsewhere\n")
    (run / "predictions").mkdir()
    with directory.claimed(run, resume=True):
        assert not directory.goes_on(run, resume=True)


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_a_folder_of_something_else_is_not_gone_on_with(tmp_path, content):
    if content:
        (tmp_path / content).touch()
    with pytest.raises(UsageError, match="no run to resume"):
        claim(tmp_path, resume=True)
    assert {file.name for file in tmp_path.iterdir()} == ({content} if content else set())


def test_a_file_or_no_name_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        claim(tmp_path / "file", resume=False)
    with pytest.raises(UsageError, match="cannot make"):
        claim(tmp_path / "file" / "run", resume=False)
    with pytest.raises(UsageError, match="--output DIR"):
        claim(None, resume=False)


def test_space_is_kept_for_the_end(tmp_path):
    reserve.keep(tmp_path, 1000)
    assert (tmp_path / reserve.NAME).stat().st_size == reserve.DOCUMENTS + 1000
    reserve.release(tmp_path)
    assert not any(tmp_path.iterdir())
    with pytest.raises(UsageError, match="has no room for"):
        reserve.keep(tmp_path, 2**62)
    assert not any(tmp_path.iterdir())


def test_a_driver_that_is_refused_takes_nothing_away(held):
    run, _ = held
    reserve.keep(run, 10)
    before = {file.name for file in run.iterdir()}
    with pytest.raises(UsageError):
        claim(run, resume=True)
    assert {file.name for file in run.iterdir()} == before
