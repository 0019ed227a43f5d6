from __future__ import annotations

import numpy as np

from automl.search.journal import NAME, Journal, member_folder, read_journal, stem
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
