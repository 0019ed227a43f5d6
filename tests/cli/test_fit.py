from __future__ import annotations

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest

from automl.cli.request import default_output
from automl.errors import DataError, UsageError
from automl.options import Options
from automl.types import Progress

TABLE = "bought,age\nyes,3\nno,4\n"


def test_a_bare_fit_takes_the_defaults(automl, workflow):
    code, _, _ = automl("fit", "table.csv")
    assert code == 0
    options, source, target = workflow.calls[0]
    assert (source, target) == ("table.csv", None)
    began, output = options.began, options.output
    assert options == Options(began=began, output=output)
    assert output == Path("automl-runs/table-1")


def test_every_flag_arrives(automl, workflow):
    code, _, _ = automl(
        *("fit", "d.csv", "-t", "y", "--task", "regression", "--metric", "mae"),
        *("--test-size", "0.2", "--time-limit", "1h30m", "--trials", "7", "--preset", "best"),
        *("--allocate", "equal", "--infer-limit", "1.5ms"),
        *("--learner", "a", "--learner", "b", "--exclude", "c"),
        *("--folds", "4", "--group", "g", "--time", "t", "--drop", "u", "--drop", "v"),
        *("--positive", "yes", "--cpus", "3", "--gpus", "0", "--memory", "8GB"),
        *("--address", "ray://x", "--seed", "9", "-o", "out", "--on-error", "raise"),
    )
    assert code == 0
    assert workflow.calls[0][1:] == ("d.csv", "y")
    assert workflow.options == Options(
        task="regression",
        metric="mae",
        test_size=0.2,
        seconds=5400.0,
        trials=7,
        preset="best",
        allocate="equal",
        infer_limit=0.0015,
        learner=("a", "b"),
        exclude=("c",),
        folds=4,
        group="g",
        time="t",
        drop=("u", "v"),
        positive="yes",
        cpus=3,
        gpus=0,
        memory=8 * 10**9,
        address="ray://x",
        seed=9,
        output=Path("out"),
        on_error="raise",
        began=workflow.options.began,
    )


def test_trials_alone_mean_no_time_limit(automl, workflow):
    automl("fit", "table.csv", "--trials", "30")
    assert (workflow.options.seconds, workflow.options.trials) == (None, 30)
    automl("fit", "table.csv", "--trials", "30", "--time-limit", "1m")
    assert (workflow.options.seconds, workflow.options.trials) == (60, 30)


def test_the_budget_counts_from_the_start_of_the_command(automl, workflow):
    import time

    before = time.monotonic()
    automl("fit", "table.csv")
    assert before <= workflow.options.began <= time.monotonic()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--time-limit", "soon"], "'soon' is not a time"),
        (["--memory", "8"], "'8' is not a size"),
        (["--test-size", "1.5"], "0.2"),
        (["--test-size", "0.2", "--test", "t.csv"], "give one"),
        (["--resume"], "-o"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_starts(
    automl, workflow, words, told
):
    code, out, err = automl("fit", "table.csv", *words)
    assert (code, out, workflow.calls) == (2, "", [])
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert told in err


def test_it_ends_with_the_leaderboard_and_how_to_predict(automl, workflow):
    code, out, _ = automl("fit", "table.csv", "-o", "my run")
    assert code == 0
    assert out.startswith("predicting bought (binary)")
    assert "ensemble" in out
    assert "model:   my run/model" in out
    command = out.splitlines()[-1].removeprefix("predict: ")
    words = shlex.split(command)
    assert words[:3] == ["automl", "predict", "my run"]
    assert words[-2] == "-o"


def test_json_is_one_object_on_stdout(automl, workflow):
    workflow.act = lambda _, observer: observer.say("Target: bought")
    code, out, err = automl("fit", "table.csv", "--json", "-o", "run")
    found = json.loads(out)
    assert code == 0
    assert "Target: bought" in err
    assert found["run"] == "run"
    assert (found["target"], found["task"], found["metric"]) == ("bought", "binary", "roc_auc")
    assert (found["scored_on"], found["scored_rows"]) == ("crossfit", "all")
    assert [row["learner"] for row in found["leaderboard"]][:2] == ["ensemble", "mlp"]
    assert found["seconds"] >= 0


def test_quiet_keeps_the_result_alone(automl, workflow):
    def act(_, observer):
        observer.say("a word")
        observer.show(Progress("search", 11.0, 60.0, ("mlp-0 rung 1",)))

    workflow.act = act
    code, out, err = automl("fit", "table.csv", "-q")
    assert (code, err) == (0, "")
    assert "ensemble" in out
    _, _, err = automl("fit", "table.csv")
    assert "a word" in err


def test_an_interrupted_fit_shows_what_there_is_and_how_to_go_on(automl, workflow):
    def act(*_):
        raise KeyboardInterrupt

    workflow.act = act
    code, out, err = automl("fit", "table.csv", "--time-limit", "1m")
    assert code == 130
    assert "mlp" in out
    command = err.strip().splitlines()[-1].split("go on with: ")[1]
    assert shlex.split(command) == [
        *("automl", "fit", "table.csv", "--time-limit", "1m"),
        *("-o", "automl-runs/table-1", "--resume"),
    ]
    code, _, err = automl(*shlex.split(command)[1:])
    assert workflow.options.resume
    assert err.strip().endswith(command), "once is enough"


def test_interrupted_before_any_result(automl, workflow):
    def act(options, _):
        for name in ("journal.jsonl", "leaderboard.csv"):
            (options.output / name).unlink()
        raise KeyboardInterrupt

    workflow.act = act
    code, out, err = automl("fit", "table.csv")
    assert (code, out) == (130, "")
    assert "before the first result" in err


def test_errors_of_the_workflow_pass(automl, workflow):
    msg = "the table has no rows; give one that has"

    def act(*_):
        raise DataError(msg)

    workflow.act = act
    assert automl("fit", "table.csv") == (2, "", f"error: {msg}\n")


class TestDefaultOutput:
    @pytest.fixture(autouse=True)
    def _empty(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("adult.csv.gz", "adult"),
            ("/data/my table.csv", "my_table"),
            ("sklearn:iris", "iris"),
            ("https://host/a/b.parquet", "b"),
            ("folder/", "folder"),
            (".csv", "csv"),
        ],
    )
    def test_is_named_after_the_data(self, source, name):
        assert default_output(source) == Path("automl-runs") / f"{name}-1"

    def test_is_the_next_number(self):
        for number in (1, 2, 9):
            Path(f"automl-runs/t-{number}").mkdir(parents=True)
            Path(f"automl-runs/t-{number}/run.json").write_text("{}")
        Path("automl-runs/t-old").mkdir()
        assert default_output("t.csv") == Path("automl-runs/t-10")
        assert default_output("t.csv", resume=True) == Path("automl-runs/t-9")

    def test_has_nothing_to_resume_at_first(self):
        with pytest.raises(UsageError, match="-o"):
            default_output("t.csv", resume=True)


class TestAsking:
    @pytest.fixture
    def terminal(self, monkeypatch, workflow):
        Path("t.csv").write_text(TABLE)
        monkeypatch.setattr("automl.cli.request.can_ask", lambda: True)
        monkeypatch.setattr(
            "automl.data.schema.guess_target", lambda table: ("bought", f"{table.shape[1]} columns")
        )
        answers = []
        monkeypatch.setattr("typer.prompt", lambda *_, **more: answers.pop(0) or more["default"])
        return answers

    def test_the_guess_is_ready_to_accept(self, automl, workflow, terminal):
        terminal.append("")
        code, _, err = automl("fit", "t.csv")
        assert code == 0
        assert workflow.calls[0][2] == "bought"
        assert "bought (2 columns)" in err

    def test_a_column_that_is_not_there_is_asked_again(self, automl, workflow, terminal):
        terminal.extend(["agee", "age"])
        _, _, err = automl("fit", "t.csv")
        assert workflow.calls[0][2] == "age"
        assert "did you mean age?" in err

    @pytest.mark.parametrize("words", [["-t", "age"], ["--json"], ["-q"]])
    def test_nobody_is_asked_where_it_is_not_wanted(self, automl, workflow, terminal, words):
        code, _, _ = automl("fit", "t.csv", *words)
        assert code == 0
        assert workflow.calls[0][2] == ("age" if "-t" in words else None)

    def test_an_interrupt_while_asking_ends_the_command(
        self, automl, workflow, terminal, monkeypatch
    ):
        import typer

        def abort(*_, **__):
            raise typer.Abort

        monkeypatch.setattr("typer.prompt", abort)
        assert automl("fit", "t.csv")[0] == 130
        assert workflow.calls == []

    def test_the_resume_command_names_the_answer(self, automl, workflow, terminal):
        def act(*_):
            raise KeyboardInterrupt

        workflow.act = act
        terminal.append("")
        _, _, err = automl("fit", "t.csv")
        assert "-t bought" in err


def test_the_table_of_a_run_keeps_its_width_in_a_pipe(automl, workflow):
    long = "a reason that goes on and on " * 4

    def act(options, _):
        board = pd.read_csv(options.output / "leaderboard.csv")
        board.loc[3, "reason"] = long.strip()
        board.to_csv(options.output / "leaderboard.csv", index=False)

    workflow.act = act
    _, out, _ = automl("fit", "table.csv")
    assert long.strip() in out
