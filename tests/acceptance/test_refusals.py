"""Bad inputs and command lines: refused at once, in one sentence that names the mend."""

from __future__ import annotations

import shlex
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from automl import AutoML, AutoMLError
from automl.cli import main
from automl.workers.shares import plan_workers

LONG_ENOUGH = 25
"""Characters below which a sentence cannot say what to do."""


class _NoCluster:
    """Stands in for Ray: whoever gets as far as to ask for workers was not refused."""

    def __init__(self, cpus=None, gpus=None, memory=None, *_, **__):
        plan_workers(cpus, gpus, memory)

    def stop(self):
        """Nothing to stop."""

    @property
    def workers(self):
        msg = "training was reached"
        raise AssertionError(msg)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with files that are tables and files that are none."""
    home = tmp_path_factory.mktemp("refusals")
    n = 60
    rng = np.random.default_rng(0)
    columns = {
        "age": range(20, 80),
        "job": ["a", "b"] * 30,
        "w": [1.0] * 59 + [-1],
        "bought": [0, 0, 1] * 20,
        "const": 1,
        "amount": rng.normal(size=n),
        "day": pd.date_range("2024-01-01", periods=n).astype(str),
        "uid": [f"u{i}x" for i in range(n)],
        "zero": 0.0,
    }
    pd.DataFrame(columns).to_csv(home / "t.csv", index=False)
    texts = {
        "empty.csv": "",
        "head.csv": "a,b,y\n",
        "one.csv": "a\n1\n2\n3\n",
        "row.csv": "a,y\n1,2\n",
        "dup.csv": "a,a,y\n1,2,3\n2,3,4\n",
        "ragged.csv": "a,y\n1,2\n1,2,3\n",
        "holes.csv": "a,y\n1,\n2,\n",
        "notes.txt": "hello\n",
        "page.html": "<!doctype html><html></html>",
        "half.json": "{",
        "data.csv": "1.5,2.5\n3,4\n",
    }
    for name, text in texts.items():
        (home / name).write_text(text)
    (home / "junk.dat").write_bytes(bytes(range(256)) * 40)
    (home / "book.xlsx").write_bytes(b"PK\x03\x04junk")
    (home / "bad.parquet").write_bytes(b"PAR1junk")
    (home / "full").mkdir()
    (home / "full" / "precious.txt").write_text("keep")
    (home / "d").mkdir()
    return home


@pytest.fixture
def here(folder, monkeypatch):
    """That folder as the current one, and no Ray."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("automl.workflow.begin.Cluster", _NoCluster)
    before = set(folder.iterdir())
    yield folder
    assert {path.name for path in folder.iterdir() if path not in before} <= {"automl-runs"}
    assert (folder / "full" / "precious.txt").read_text() == "keep"


SOURCES = """
nowhere.csv | d | empty.csv | head.csv | junk.dat | one.csv | row.csv -t y | dup.csv | ragged.csv
holes.csv -t y | book.xlsx | notes.txt | page.html | bad.parquet | half.json | data.csv
s3://bucket/x.csv | sklearn:nope | sklearn:
t.csv -t nope | t.csv -t Bought | t.csv -t "" | t.csv -t const | t.csv -t uid | t.csv -t day
t.csv -t job --task regression | t.csv -t amount --task multiclass | t.csv -t amount --task binary
t.csv -t amount --metric roc_auc | t.csv --task anomaly -t job --metric log_loss
t.csv --task anomaly --contamination 0.9 | t.csv --task anomaly --contamination -1
t.csv --task anomaly --weight age
"""
OPTIONS = """
--task cluster | --task regression --positive 1 | --metric nope | --metric rmse | --metric ""
--time-limit -5 | --time-limit abc | --time-limit 0 | --time-limit 5 | --time-limit nan
--trials 0 | --trials -1 | --trials x | --trials 1.5 | --preset fast | --allocate all
--learner nope | --learner xgbost | --learner "" | --exclude nope
--learner linear --exclude linear | --folds 1 | --folds x | --folds -3 | --folds 0
--group nope | --group bought | --group const | --time nope | --time bought | --time job
--time uid | --group age --time age | --drop nope | --drop bought
--drop age --drop uid --drop job --drop w --drop amount --drop day
--positive maybe | --positive "" | --weight nope | --weight bought | --weight job | --weight w
--weight zero | --weight uid | --weight day | --weight age --group age | --weight age --time age
--contamination 0.1 | --contamination x | --cpus 0 | --cpus -2 | --cpus x | --gpus -1
--memory 0 | --memory 1KB | --memory -1GB | --memory 8XB | --memory abc | --seed -1 | --seed x
--seed 1.5 | --seed 99999999999 | --folds 1000000 | --cpus 1.5 | --time-limit 10y | --gpus x
-o full | -o notes.txt | -o notes.txt/run | -o /proc/x | -o "" | --resume | --resume -o nowhere
--resume -o full | --on-error stop | --test nope.csv | --test empty.csv | --test one.csv
--test t.csv --test-size 0.2 | --test-size 0 | --test-size 1 | --test-size 2 | --test-size -0.1
--test-size x | --test-size 0.999 | --test-size nan | --bogus | extra | --policy x
"""
OTHERS = """
fit | predict | predict nowhere t.csv | predict full t.csv | predict notes.txt t.csv
predict full t.csv -o nofolder/x.csv | predict full | evaluate | evaluate full t.csv
evaluate nowhere t.csv | leaderboard | leaderboard full | leaderboard nowhere
leaderboard notes.txt | scaling full | scaling nowhere | report nowhere | report full
scale t.csv -t bought --axis nope | scale t.csv -t bought --regime nope
scale t.csv -t bought --repeats 0 | scale t.csv -t bought --anchors 1
scale t.csv -t bought --repeats 1000000000 | scale t.csv -t bought --anchors 1000000000
scale t.csv -t bought --price-per-hour inf | scale t.csv -t bought --price-per-hour -1
scale t.csv -t bought --axis budget --regime default
scale t.csv -t nope | scale nowhere.csv | scale t.csv -t bought --weight w
scale t.csv -t bought --trials 3 | scale t.csv -t bought --time-limit x | learners nope
learners linaer | plugins nope | plugins check nope | plugins new 1bad-name
plugins new my_plugin --kind nope | plugins new class | nope | --nope | fitt t.csv
"""


def lines(text):
    """The command lines of a table."""
    return [line.strip() for row in text.strip().splitlines() for line in row.split("|")]


COMMANDS = [
    *(f"fit {line} --time-limit 10s" for line in lines(SOURCES)),
    *(f"fit t.csv -t bought --time-limit 10s {line}" for line in lines(OPTIONS)),
    *lines(OTHERS),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_line_is_refused(here, monkeypatch, capsys, command):
    monkeypatch.setattr(sys, "argv", ["automl", *shlex.split(command)])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err
    assert left.value.code == 2, told
    (sentence,) = [line for line in told.splitlines() if line.startswith("error: ")]
    assert len(sentence) > LONG_ENOUGH
    assert "Traceback" not in told
    assert "internal failure" not in told


RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(60, 3)), columns=list("abc"))
Y = np.arange(60) % 2

TARGETS = {
    "two columns": np.c_[Y, Y],
    "too few": Y[:5],
    "a number": 3.5,
    "no value": [None] * 60,
    "one label": [1] * 60,
    "only nan": np.full(60, np.nan),
    "only infinity": np.full(60, np.inf),
    "a dict": {"a": 1},
    "nested": [[1, 2]] * 60,
    "no such column": "zz",
    "a truth value": True,
    "nothing": [],
    "a frame of two columns": X[["a", "b"]],
    "complex numbers": Y + 1j * RNG.normal(size=60),
}
TABLES = {
    "one dimension": X["a"].to_numpy(),
    "three dimensions": np.zeros((60, 2, 2)),
    "nothing": None,
    "a number": 5,
    "no columns": X[[]],
    "constant": X * 0,
    "two names alike": pd.DataFrame(np.zeros((60, 2)), columns=["a", "a"]),
    "two names spelled alike": pd.DataFrame(RNG.normal(size=(60, 2)), columns=[1, "1"]),
    "a list of numbers": list(range(60)),
    "a list of words": ["a"] * 60,
    "a set": {1, 2},
    "a file that is not there": "zz.csv",
}
WEIGHTS = {
    "too few": [1],
    "below 0": -np.ones(60),
    "nan": np.full(60, np.nan),
    "all 0": np.zeros(60),
    "infinite": np.full(60, np.inf),
    "words": ["x"] * 60,
    "two columns": np.ones((60, 2)),
    "a name": "a",
}
PARAMETERS = {
    "task": "x",
    "metric": "x",
    "time_limit": "x",
    "trials": "x",
    "learner": 3,
    "exclude": ["zz"],
    "seed": "x",
    "memory": "8 apples",
    "cpus": "many",
    "gpus": -1,
    "folds": 1,
    "drop": 3,
    "group": "q",
    "time": "q",
    "weight": "q",
    "output": "/proc/zz",
    "test": 3,
    "test_size": 5,
    "resume": True,
    "positive": "q",
    "preset": "q",
    "allocate": "q",
    "policy": "q",
    "on_error": "q",
    "contamination": 0.1,
}
QUICK = {"verbose": False, "time_limit": 10}
ODD_NUMBERS = {"memory": [-1, float("nan"), 10**6], "cpus": [float("inf")], "seed": [10**12]}
CALLS = {
    **{f"y is {n}": lambda y=y: AutoML(**QUICK).fit(X, y) for n, y in TARGETS.items()},
    **{f"X is {n}": lambda t=t: AutoML(**QUICK).fit(t, Y) for n, t in TABLES.items()},
    **{
        f"weights are {n}": lambda w=w: AutoML(**QUICK).fit(X, Y, sample_weight=w)
        for n, w in WEIGHTS.items()
    },
    **{
        f"{n}={v!r}": lambda n=n, v=v: AutoML(**QUICK | {n: v}).fit(X, Y)
        for n, v in PARAMETERS.items()
    },
    **{
        f"{n}={v!r}": lambda n=n, v=v: AutoML(**QUICK | {n: v}).fit(X, Y)
        for n, values in ODD_NUMBERS.items()
        for v in values
    },
    "a path with values": lambda: AutoML(**QUICK).fit("t.csv", Y),
    "a path with weights": lambda: AutoML(**QUICK).fit("t.csv", "bought", np.ones(60)),
    "no rows": lambda: AutoML(**QUICK).fit(X.iloc[:0], Y[:0]),
    "one row": lambda: AutoML(**QUICK).fit(X.iloc[:1], Y[:1]),
    "test rows without a target": lambda: AutoML(**QUICK, test=X).fit(X, Y),
    "no model to load": lambda: AutoML.load("full"),
    "a study along nothing": lambda: AutoML(**QUICK).scale(X, Y, axis="q"),
    "a study without repeats": lambda: AutoML(**QUICK).scale(X, Y, repeats=0),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_refused(here, call):
    with pytest.raises(AutoMLError) as refused:
        CALLS[call]()
    assert refused.value.exit_code == 2
    assert len(str(refused.value)) > LONG_ENOUGH
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_what_needs_a_model_says_so(method):
    with pytest.raises(NotFittedError, match="call fit first"):
        getattr(AutoML(), method)(X)
