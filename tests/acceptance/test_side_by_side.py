"""Fits that are started at once on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

LIMIT = 30


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [(), ("--cpus", "1")], ids=["all CPUs", "one CPU each"])
def test_four_commands_at_once_keep_their_clocks(customers_csv, tmp_path, cpus):
    command = [sys.executable, "-m", "automl", "fit", str(customers_csv), "-t", "churned"]
    few = ("--learner", "linear", "--learner", "decision_tree", "--learner", "knn")
    fits = [
        subprocess.Popen(
            [*command, "--time-limit", f"{LIMIT}s", "-o", f"run{number}", *few, *cpus],
            cwd=tmp_path,
            env=os.environ | {"AUTOML_LEASES": str(tmp_path / "leases")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    said = [fit.communicate(timeout=300)[1] for fit in fits]
    for number, fit in enumerate(fits):
        assert fit.returncode == 0, said[number]
        info = json.loads((tmp_path / f"run{number}" / "run.json").read_text("utf-8"))
        assert max(info["phases"].values()) <= 1.1 * LIMIT
    assert sum("begins, and its clock," in one for one in said) >= 2
