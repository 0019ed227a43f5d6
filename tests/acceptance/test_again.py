"""Fits one after another in a process of their own, which starts its own Ray each time."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, threading
from sklearn.datasets import load_iris
from automl import AutoML, AutoMLError

table = load_iris(as_frame=True).frame
few = {"time_limit": None, "trials": 2, "learner": ["linear", "decision_tree"], "verbose": False}
try:
    AutoML(**few).fit(table, "no such column")
except AutoMLError:
    print("refused")
print(AutoML(**few).fit(table, "target").score(table) > 0.8)
found = []
thread = threading.Thread(target=lambda: found.append(AutoML(**few).fit(table, "target")))
thread.start()
thread.join()
print(len(found))
"""


def test_a_fit_right_after_a_refused_one_and_one_in_a_thread():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=180, check=False
    )
    assert done.stdout.split() == ["refused", "True", "1"], done.stderr
