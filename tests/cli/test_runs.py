from __future__ import annotations

import io
import json
import os

import pandas as pd
import pytest

from automl.cli.scaling import curves
from tests.cli.conftest import JOURNAL

BOARD_COLUMNS = 16


def test_leaderboard_shows_ranked_rows_first_and_reasons_of_the_rest(automl, run_dir):
    code, out, err = automl("leaderboard", run_dir)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(
        "predicting bought (binary); roc_auc, higher is better, cross-fitted"
    )
    assert "1,200" in lines[0]
    learners = [line.split()[1] for line in lines[2:5]]
    assert learners == ["ensemble", "mlp", "linear"]
    assert "= 0.9000" in lines[3], "tied with the best"
    assert "=" not in lines[4]
    assert "[0.8900, 0.9100]" in lines[3]
    assert lines[-1].split() == ["svm", "classical", "skipped:", "limit:", "9", "rows"]


EVIL = "\x1b]0;owned\u202egnp.exe"


def test_names_cannot_command_a_terminal(automl, run_dir):
    info = json.loads((run_dir / "run.json").read_text())
    (run_dir / "run.json").write_text(json.dumps(info | {"target": EVIL}))
    board = pd.read_csv(run_dir / "leaderboard.csv").astype({"reason": "object"})
    board.loc[3, "reason"] = EVIL
    board.to_csv(run_dir / "leaderboard.csv", index=False)
    for words in (["leaderboard", run_dir], ["leaderboard", run_dir, "--json"]):
        _, out, _ = automl(*words)
        assert not {"\x1b", "\u202e"} & {*out}
        assert "\\u001b]0;owned\\u202egnp.exe" in out
    assert json.loads(out)[3]["reason"] == EVIL
    assert EVIL in automl("leaderboard", run_dir, "--csv")[1], "a file keeps the spelling"
    monkey = automl("predict", f"no{EVIL}", "x.csv")[2]
    assert "\x1b" not in monkey
    assert "\\u202egnp.exe" in monkey


def test_leaderboard_json_is_a_list_with_nulls(automl, run_dir):
    code, out, _ = automl("leaderboard", run_dir, "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["learner"] for row in rows] == ["ensemble", "mlp", "linear", "svm"]
    assert rows[3]["score"] is rows[3]["rank"] is None
    assert json.dumps(rows[0]["rank"]) == "1", "whole numbers stay whole"
    assert rows[0]["ties_best"] is True
    assert rows[3]["reason"] == "limit: 9 rows"


def test_leaderboard_csv_is_the_file(automl, run_dir):
    code, out, _ = automl("leaderboard", run_dir, "--csv")
    frame = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert frame.shape == (4, BOARD_COLUMNS)


def test_leaderboard_takes_one_format(automl, run_dir):
    code, out, err = automl("leaderboard", run_dir, "--csv", "--json")
    assert (code, out) == (2, "")
    assert "choose one" in err


def test_a_journal_that_grew_is_read_again(automl, run_dir, monkeypatch):
    table = run_dir / "leaderboard.csv"
    stamp = table.stat().st_mtime + 60
    os.utime(run_dir / "journal.jsonl", (stamp, stamp))
    seen = []

    def fresh(run, metric):
        seen.append((run, metric.name))
        return pd.read_csv(table).head(1)

    monkeypatch.setattr("automl.leaderboard.leaderboard", fresh)
    code, out, _ = automl("leaderboard", run_dir, "--json")
    assert code == 0
    assert seen == [(run_dir, "roc_auc")]
    assert len(json.loads(out)) == 1


def test_scaling_takes_the_best_configuration_of_fold_0_at_each_size():
    assert curves(JOURNAL, greater_is_better=True) == [
        {"learner": "linear", "n": 150, "score": 0.78, "seconds": 0.15, "configurations": 1},
        {"learner": "mlp", "n": 150, "score": 0.75, "seconds": 0.9, "configurations": 2},
        {"learner": "mlp", "n": 300, "score": 0.8, "seconds": 0.3, "configurations": 1},
    ]


def test_scaling_takes_the_lowest_where_lower_is_better():
    rows = curves(JOURNAL, greater_is_better=False)
    assert {(row["learner"], row["n"]): row["score"] for row in rows}["mlp", 150] == 0.7


def test_scaling_of_a_run_without_its_predictions_is_one_sentence(automl, run_dir):
    code, out, err = automl("scaling", run_dir)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "predictions" in err


@pytest.mark.parametrize("command", ["fit", "scale"])
@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "was written by another version of automl, "),
        ({"format": 1, "versions": {"automl-crossover": "0.0.9"}}, "was written by automl 0.0.9, "),
        ({"format": 3, "versions": {"automl-crossover": "9.0"}}, "was written by automl 9.0, "),
    ],
    ids=["old", "old and named", "new"],
)
def test_a_run_of_another_format_is_read_and_not_gone_on_with(automl, run_dir, command, more, told):
    content = json.loads((run_dir / "run.json").read_text())
    (run_dir / "run.json").write_text(json.dumps(content | more))
    before = {file: file.read_bytes() for file in run_dir.rglob("*") if file.is_file()}
    code, out, err = automl(command, "t.csv", "-t", "bought", "-o", run_dir, "--resume")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {run_dir} {told}")
    assert err.endswith("start a new one with another --output\n")
    assert err.count("\n") == 1
    assert {file: file.read_bytes() for file in run_dir.rglob("*") if file.is_file()} == before
    assert automl("leaderboard", run_dir)[0] == 0
    assert automl("report", run_dir)[0] == 0


@pytest.mark.parametrize("command", ["leaderboard", "scaling"])
@pytest.mark.parametrize("damage", ["absent", "no run", "damaged", "no result"])
def test_what_is_no_run_is_one_sentence(automl, run_dir, command, damage):
    place = run_dir
    if damage == "absent":
        place = run_dir / "nowhere"
    elif damage == "no run":
        place = run_dir.parent
    elif damage == "damaged":
        (run_dir / "run.json").write_text('{"metric": ')
    else:
        (run_dir / "journal.jsonl").unlink()
        (run_dir / "leaderboard.csv").unlink()
    code, out, err = automl(command, place)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert str(place) in err
