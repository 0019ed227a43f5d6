"""The words to a user who gives the command something it cannot use."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from automl.cli import main

GOOD = "age,job,bought\n" + "".join(f"{20 + i},{'ab'[i % 2]},{i % 3 // 2}\n" for i in range(60))


class _NoCluster:
    """Stands in for Ray, which none of these commands comes to need."""

    def __init__(self, *_, **__):
        pass

    def stop(self):
        """Nothing to stop."""


@pytest.fixture
def automl(tmp_path, monkeypatch, capsys):
    """The command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("automl.workflow.begin.Cluster", _NoCluster)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["automl", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        return subprocess.CompletedProcess(words, left.value.code, *capsys.readouterr())

    return call


def _own_process(folder, *words):
    """The command as installed, in a process of its own, with all that it starts."""
    return subprocess.run(
        [sys.executable, "-c", "from automl.cli import main; main()", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        timeout=120,
        check=False,
    )


def assert_one_sentence(done, *told):
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "Value error" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.stderr.splitlines()[-1] == line
    for word in told:
        assert re.search(word, line), line


def _binary(path):
    path.write_bytes(bytes(range(256)) * 40)


def _directory(path):
    path.mkdir()


def _text(content):
    return lambda path: path.write_text(content)


@pytest.mark.parametrize(
    ("make", "words", "told"),
    [
        pytest.param(lambda _: None, [], ["table.csv"], id="missing file"),
        pytest.param(_text(""), [], ["empty"], id="empty file"),
        pytest.param(_text("a,b\n"), [], ["rows"], id="header only"),
        pytest.param(_directory, [], ["directory|folder"], id="directory"),
        pytest.param(_binary, [], ["table.csv"], id="binary junk"),
        pytest.param(_text("a,b,a\n1,2,3\n4,5,6\n"), [], ["'?a'?"], id="two columns of one name"),
        pytest.param(_text(GOOD), ["-t", "bougth"], ["bougth", "bought"], id="no such column"),
        pytest.param(
            _text(GOOD.replace(",1\n", ",0\n")), ["-t", "bought"], ["bought"], id="one class"
        ),
        pytest.param(
            _text(re.sub(r",[01]\n", ",\n", GOOD)), ["-t", "bought"], ["bought"], id="no target"
        ),
        pytest.param(_text(GOOD), ["--learner", "liner"], ["linear"], id="no such learner"),
        pytest.param(_text(GOOD), ["--metric", "roc_acu"], ["roc_auc"], id="no such metric"),
        pytest.param(_text(GOOD), ["--metric", "rmse"], ["binary"], id="metric of another task"),
        pytest.param(_text(GOOD), ["--preset", "fast"], ["'quick'"], id="no such preset"),
        pytest.param(_text(GOOD), ["--drop", "jbo"], ["jbo"], id="no such column to drop"),
        pytest.param(_text(GOOD), ["--group", "who"], ["who"], id="no such group"),
        pytest.param(_text(GOOD), ["--positive", "maybe"], ["maybe"], id="no such label"),
        pytest.param(_text(GOOD), ["--test", "locked.csv"], ["locked.csv"], id="no locked rows"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_exit_code_2(automl, tmp_path, make, words, told):
    make(tmp_path / "table.csv")
    done = automl("fit", "table.csv", "--time-limit", "30s", *words)
    assert_one_sentence(done, *told)


@pytest.mark.parametrize("command", ["fit", "scale"])
def test_a_misspelt_learner_is_refused_before_the_data_are_told(automl, tmp_path, command):
    (tmp_path / "table.csv").write_text(GOOD)
    done = automl(command, "table.csv", "--time-limit", "30s", "--learner", "liner")
    assert_one_sentence(done, "did you mean linear")
    assert done.stderr.count("\n") == 1


def test_a_run_is_never_overwritten(automl, tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "precious.txt").write_text("keep")
    done = automl("fit", "table.csv", "-o", taken)
    assert_one_sentence(done, "taken", "--resume", "--output|-o")
    assert [file.name for file in taken.iterdir()] == ["precious.txt"]


def test_there_is_nothing_to_resume(automl, tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    assert_one_sentence(automl("fit", "table.csv", "-o", "new", "--resume"), "new")


@pytest.mark.parametrize(
    "words",
    [["predict", "nowhere", "table.csv"], ["evaluate", "nowhere", "table.csv"]],
    ids=["predict", "evaluate"],
)
def test_a_run_that_is_not_there(automl, tmp_path, words):
    (tmp_path / "table.csv").write_text(GOOD)
    assert_one_sentence(automl(*words), "nowhere")


def test_in_a_process_of_its_own_it_is_the_same(tmp_path):
    (tmp_path / "table.csv").write_text(GOOD)
    assert_one_sentence(_own_process(tmp_path, "fit", "table.csv", "-t", "bougth"), "bought")
