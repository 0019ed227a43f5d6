"""A fit on a Ray cluster that runs already, as another user of it would start one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import pandas as pd
import pytest

OPEN = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def address():
    """A head node with three CPUs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    head = subprocess.Popen(
        [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *(f"--port={port}", "--num-cpus=3", "--include-dashboard=false"),
            "--node-ip-address=127.0.0.1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | OPEN,
    )
    _wait_for(port)
    yield f"127.0.0.1:{port}"
    head.terminate()
    head.wait(60)


def _wait_for(port):
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    pytest.fail("the head node did not start")


def fit(table, address, folder, *more):
    command = [sys.executable, "-c", "from automl.cli import main; main()"]
    return subprocess.run(
        [*command, "fit", str(table), "-t", "churned", "--address", address, "-o", "run", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=os.environ | OPEN,
    )


def test_a_fit_takes_the_workers_of_the_cluster(address, customers_csv, tmp_path):
    few = ("--learner", "linear", "--learner", "decision_tree", "--trials", "3")
    done = fit(customers_csv, address, tmp_path, *few)
    assert done.returncode == 0, done.stderr
    info = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert info["machine"]["cpus"] == 3
    board = pd.read_csv(tmp_path / "run" / "leaderboard.csv").set_index("learner")
    assert (board.loc[["linear", "decision_tree"], "status"] == "ok").all()


def test_no_cluster_is_said_in_one_sentence(customers_csv, tmp_path):
    done = fit(customers_csv, "127.0.0.1:1", tmp_path)
    assert done.returncode == 2, done.stderr
    assert "no Ray cluster answers at --address 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
