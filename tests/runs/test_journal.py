from __future__ import annotations

import errno
import os
from dataclasses import replace

import numpy as np
import pytest

from automl.files import append_line
from automl.runs.journal import (
    NAME,
    Journal,
    damaged_lines,
    member_folder,
    mend_journal,
    read_journal,
    stem,
)
from automl.types import Rung


def rung(number: int = 0, level: int = 0) -> Rung:
    return Rung(
        learner="linear",
        trial=f"linear-{number}",
        config={"C": 1.5, "penalty": None, "fit": True},
        rung=level,
        fold=0,
        seed=0,
        n=100,
        score=0.75,
        fit_seconds=0.1,
        predict_seconds=0.01,
        status="ok",
    )


def test_a_line_comes_back_as_it_was_written(tmp_path):
    journal = Journal(tmp_path)
    journal.write(rung(), {"": np.ones((4, 2), np.float32), "-test": np.zeros((2, 2), np.float32)})
    journal.write(rung(1, 3), {"": np.ones(4)}, {"model.bin": b"\x00\x01"})
    assert read_journal(tmp_path) == [rung(), rung(1, 3)]
    assert np.load(tmp_path / "predictions" / f"{stem(rung())}.npy").shape == (4, 2)
    assert np.load(tmp_path / "predictions" / f"{stem(rung())}-test.npy").shape == (2, 2)
    assert (member_folder(tmp_path, "linear-1", 0) / "model.bin").read_bytes() == b"\x00\x01"


def test_a_line_torn_by_a_kill_is_left_out_and_mended(tmp_path):
    Journal(tmp_path).write(rung(), {})
    with (tmp_path / NAME).open("a") as file:
        file.write('{"learner": "lin')
    assert read_journal(tmp_path) == [rung()]
    Journal(tmp_path).write(rung(1), {})
    assert read_journal(tmp_path) == [rung(), rung(1)]


def test_a_run_without_a_journal_has_no_rungs(tmp_path):
    assert read_journal(tmp_path) == []


def test_a_model_may_have_folders(tmp_path):
    Journal(tmp_path).write(rung(0, 3), {}, {"weights/a.bin": b"\x02"})
    assert (member_folder(tmp_path, "linear-0", 0) / "weights" / "a.bin").read_bytes() == b"\x02"


def test_a_line_with_a_wrong_letter_is_left_out_and_counted(tmp_path):
    journal = Journal(tmp_path)
    for number in range(3):
        journal.write(rung(number), {})
    lines = (tmp_path / NAME).read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace("0.75", "0.95")
    (tmp_path / NAME).write_text("".join(lines))
    assert read_journal(tmp_path) == [rung(0), rung(2)]
    assert damaged_lines(tmp_path) == 1


def test_lines_of_earlier_versions_have_no_checksum_and_count(tmp_path):
    Journal(tmp_path).write(rung(), {})
    (line,) = (tmp_path / NAME).read_text().splitlines()
    (tmp_path / NAME).write_text(line.partition(', "crc32"')[0] + "}\n")
    assert read_journal(tmp_path) == [rung()]
    assert damaged_lines(tmp_path) == 0


def test_files_of_a_study_are_told_apart_from_those_of_a_fit(tmp_path):
    study = replace(rung(), level=2, repeat=1, axis="rows")
    assert stem(study) != stem(rung())
    assert stem(study) != stem(replace(study, repeat=2))


@pytest.mark.parametrize("written", [0, 7])
def test_nothing_is_appended_onto_a_line_that_could_not_be_written(tmp_path, monkeypatch, written):
    journal = Journal(tmp_path)
    journal.write(rung(), {})

    def full(number):
        if written:
            os.write(number, b"x" * written)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("automl.files.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            append_line(tmp_path / NAME, {"learner": "linear"})
    journal.write(rung(1), {})
    assert read_journal(tmp_path) == [rung(), rung(1)]
    assert damaged_lines(tmp_path) == 0


def test_a_torn_line_is_told(tmp_path):
    Journal(tmp_path).write(rung(), {})
    assert not mend_journal(tmp_path)
    with (tmp_path / NAME).open("a") as file:
        file.write('{"learner": "lin')
    assert mend_journal(tmp_path)
    assert not mend_journal(tmp_path)
