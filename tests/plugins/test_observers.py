"""The observers that come along: silent unless asked, and then they log every step."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

import automl_mlflow
import automl_tensorboard
from automl import Rung

pytest.importorskip("mlflow")
pytest.importorskip("tensorboardX")


def rung(trial="tree-0", at=0, fold=0, score=0.5, **more) -> Rung:
    given = {"status": "ok", "reason": "", **more}
    learner = trial.rpartition("-")[0]
    rows = 200 * 2**at
    return Rung(learner, trial, {"depth": 3}, at, fold, 7, rows, score, 1.5, 0.1, **given)


STEPS = [
    rung(),
    rung(at=1, score=0.6),
    rung(at=3, score=0.7),
    rung(at=3, score=0.8, fold=1),
    rung("net-0", score=None, status="failed", reason="it diverged"),
]


def mlflow_log(folder):
    from automl_mlflow.log import Log

    log = Log(str(folder))
    for step in STEPS:
        log.put(step)
    return log


def mlflow_client(folder):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=str(folder))


def mlflow_runs(folder):
    client = mlflow_client(folder)
    experiment = client.get_experiment_by_name("automl")
    return client.search_runs([experiment.experiment_id])


@pytest.mark.parametrize("plugin", [automl_mlflow, automl_tensorboard])
def test_nothing_is_logged_unasked(plugin, monkeypatch, tmp_path):
    monkeypatch.delenv(plugin.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    plugin.automl_rung_finished(rung())
    assert list(tmp_path.iterdir()) == []


def test_mlflow_has_a_run_a_configuration(tmp_path):
    mlflow_log(tmp_path).close()
    runs = {run.info.run_name: run for run in mlflow_runs(tmp_path)}
    assert set(runs) == {"tree-0", "net-0"}
    tree, net = runs["tree-0"], runs["net-0"]
    assert tree.data.params == {"depth": "3", "seed": "7"}
    history = mlflow_client(tmp_path).get_metric_history(tree.info.run_id, "score")
    assert [(m.step, m.value) for m in history] == [(200, 0.5), (400, 0.6), (1600, 0.7)]
    assert tree.data.metrics["score_fold_1"] == 0.8
    assert tree.data.metrics["fit_seconds"] == 1.5
    assert (tree.info.status, net.info.status) == ("FINISHED", "FAILED")
    assert net.data.tags["reason"] == "it diverged"
    assert tree.data.tags["fit"] == net.data.tags["fit"]


def test_mlflow_tells_fits_of_one_process_apart(tmp_path):
    log = mlflow_log(tmp_path)
    log.put(STEPS[0])
    log.close()
    names = [run.info.run_name for run in mlflow_runs(tmp_path)]
    assert sorted(names) == ["net-0", "tree-0", "tree-0"]


def put_for_a_minute(log):
    for _ in range(600):
        log.put(rung())
        time.sleep(0.1)


def test_mlflow_that_cannot_log_says_so_and_does_not_hang(tmp_path, caplog):
    from automl_mlflow.log import Log

    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    log = Log(str(blocked / "deeper"))
    with pytest.raises(Exception, match=r"file|directory"):
        put_for_a_minute(log)  # its thread finds out after it has imported mlflow
    log.close()
    assert "not all is logged" in caplog.text


def scalars(folder):
    """Tag -> [(step, value)] of all event files under a folder."""
    from tensorboardX.proto import event_pb2

    found = {}
    for file in sorted(folder.rglob("events.*")):
        content, at = file.read_bytes(), 0
        while at < len(content):  # records: length (8), its checksum (4), data, checksum (4)
            size = int.from_bytes(content[at : at + 8], "little")
            event = event_pb2.Event.FromString(content[at + 12 : at + 12 + size])
            at += size + 16
            for value in event.summary.value:
                point = (event.step, round(value.simple_value, 4))
                found.setdefault(f"{file.parent.name}/{value.tag}", []).append(point)
    return found


def test_tensorboard_has_a_curve_a_learner(tmp_path):
    from automl_tensorboard.log import Log

    log = Log(str(tmp_path))
    for step in (*STEPS, rung("tree-1", at=3, score=0.9)):
        log.write(step)
    log.close()
    (fit,) = tmp_path.iterdir()
    found = scalars(fit)
    assert found["tree/learning_curve/score"] == [(200, 0.5), (400, 0.6), (1600, 0.7)]
    assert found["tree/search/score"] == [(0, 0.7), (1, 0.9)]
    assert found["tree/seconds/fit"][:3] == [(200, 1.5), (400, 1.5), (1600, 1.5)]
    assert not any(tag.startswith("net/learning_curve") for tag in found)
    assert any(tag.startswith("net/configuration") for tag in found)


def test_tensorboard_tells_fits_of_one_process_apart(tmp_path):
    from automl_tensorboard.log import Log

    log = Log(str(tmp_path))
    log.write(rung())
    log.write(rung(at=1))
    log.write(rung())
    assert len(list(tmp_path.iterdir())) == 2


def test_both_observe_where_the_variables_are_set(tmp_path):
    """In a process of its own, whose end waits for what is still to be logged."""
    code = """
from automl import Rung
from automl.hooks.manager import get_host
host = get_host()
host.rung_finished(Rung("tree", "tree-0", {}, 0, 0, 0, 200, 0.5, 0.1, 0.1, "ok"))
assert [p.reason for p in host.plugins if p.name in {"mlflow", "tensorboard"}] == ["", ""]
"""
    chosen = {
        "AUTOML_MLFLOW": str(tmp_path / "mlflow"),
        "AUTOML_TENSORBOARD": str(tmp_path / "tensorboard"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    subprocess.run([sys.executable, "-c", code], env=os.environ | chosen, check=True, timeout=120)
    assert [run.info.run_name for run in mlflow_runs(tmp_path / "mlflow")] == ["tree-0"]
    assert "tree/learning_curve/score" in scalars(tmp_path / "tensorboard")
