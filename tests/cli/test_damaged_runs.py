"""Damaged run directories: what can be read is shown, and the rest is one sentence."""

from __future__ import annotations

import json
import shutil

import pytest

COMMANDS = ("leaderboard", "scaling", "report")


def _half(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _changed(run, **more):
    content = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(content | more))


def _stale(run):
    """The leaderboard is to be computed, from predictions that are gone."""
    (run / "leaderboard.csv").unlink()


def _journal(run, line):
    with (run / "journal.jsonl").open("a") as file:
        file.write(line)


def _folder(file):
    file.unlink()
    file.mkdir()


NO_RUN = {
    "no folder": shutil.rmtree,
    "a file": lambda run: (shutil.rmtree(run), run.write_text("x")),
    "an empty folder": lambda run: (shutil.rmtree(run), run.mkdir()),
    "a foreign folder": lambda run: (shutil.rmtree(run), run.mkdir(), (run / "a").write_text("b")),
    "run.json cut": lambda run: _half(run / "run.json"),
    "run.json empty": lambda run: (run / "run.json").write_text(""),
    "run.json of bytes": lambda run: (run / "run.json").write_bytes(bytes(range(256))),
    "run.json a list": lambda run: (run / "run.json").write_text("[1, 2]"),
    "run.json nothing": lambda run: (run / "run.json").write_text("null"),
    "run.json too deep": lambda run: (run / "run.json").write_text("[" * 100_000),
    "run.json a folder": lambda run: _folder(run / "run.json"),
    "metric a number": lambda run: _changed(run, metric=5),
    "split a text": lambda run: _changed(run, split="half"),
}
DAMAGED = {
    "unknown metric": lambda run: _changed(run, metric={"name": "no_metric"}),
    "learners a number": lambda run: _changed(run, learners=7),
    "unknown task": lambda run: _changed(run, task="clustering"),
    "journal missing": lambda run: (run / "journal.jsonl").unlink(),
    "journal empty": lambda run: (run / "journal.jsonl").write_text(""),
    "journal cut": lambda run: _half(run / "journal.jsonl"),
    "journal of bytes": lambda run: (run / "journal.jsonl").write_bytes(bytes(range(256)) * 9),
    "journal a folder": lambda run: _folder(run / "journal.jsonl"),
    "journal with a foreign line": lambda run: _journal(run, '{"a": 1}\n'),
    "journal with a number": lambda run: _journal(run, "17\n"),
    "leaderboard cut": lambda run: _half(run / "leaderboard.csv"),
    "leaderboard empty": lambda run: (run / "leaderboard.csv").write_text(""),
    "leaderboard foreign": lambda run: (run / "leaderboard.csv").write_text("a,b\n1,2\n"),
    "leaderboard of words": lambda run: (run / "leaderboard.csv").write_text("rank\nfirst\n"),
    "leaderboard of bytes": lambda run: (run / "leaderboard.csv").write_bytes(bytes(range(256))),
    "predictions missing": _stale,
}


def assert_told(run, command, code, err, *, refused):
    assert code == 2 if refused else code in {0, 2}, (command, err)
    assert "Traceback" not in err
    assert "internal failure" not in err
    if code == 2:
        *notes, line = err.splitlines()
        assert not [note for note in notes if "made anew" not in note]
        assert line.startswith("error: ")
        assert "run" in line or "metric" in line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [*NO_RUN, *DAMAGED])
def test_damage_is_told_or_does_not_matter(automl, run_dir, name, command):
    (NO_RUN | DAMAGED)[name](run_dir)
    code, out, err = automl(command, run_dir)
    assert_told(run_dir, command, code, err, refused=name in NO_RUN)
    assert code == 2 or out.strip()
