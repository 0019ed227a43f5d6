"""Rows and a host made by hand, for the tests of the boosters."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from automl import View

TASKS = ("binary", "multiclass", "regression")


class FakeRun:
    """Lends seed and clock; the score is the mean loss on the stop rows."""

    def __init__(self, stop=None, *, seconds=math.inf, patience=50, seed=0):
        self.seed, self.threads, self.device = seed, 1, "cpu"
        self.best_step, self.best = -1, math.inf
        self.steps, self.predictions = [], []
        self._stop, self._patience = stop, patience
        self._end = time.process_time() + seconds

    def seconds_left(self):
        return self._end - time.process_time()

    def report(self, step, prediction):
        self.steps.append(step)
        self.predictions.append(prediction)
        loss = loss_of(self._stop, prediction)
        if loss < self.best:
            self.best, self.best_step = loss, step
        return step - self.best_step >= self._patience


def loss_of(view, prediction):
    if view.task == "regression":
        return float(np.mean((view.y - prediction) ** 2))
    chosen = prediction[np.arange(len(view)), view.y]
    return float(-np.log(np.clip(chosen, 1e-6, 1)).mean())


def data(task, n=900, seed=0, categories=True):
    """A ring around the origin, one category that matters, some gaps; read-only."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).astype(np.float32)
    level = rng.integers(0, 3, n)
    value = (X[:, 0] ** 2 + X[:, 1] ** 2) + 1.5 * (level == 2) + 0.1 * rng.normal(size=n)
    k = {"binary": 2, "multiclass": 4, "regression": 0}[task]
    y = value * 1e5 + 1e6 if k == 0 else np.digitize(value, np.quantile(value, np.arange(1, k) / k))
    X[rng.random(X.shape) < 0.05] = np.nan
    X.flags.writeable = y.flags.writeable = False
    frame = pd.DataFrame(X, columns=list("abcde"), copy=False)
    if categories:
        frame.insert(2, "f", pd.Categorical.from_codes(level, categories=["u", "v", "w"]))
    return View(frame, y, task, k)


def fit(build, view, config=None, stop_rows=100, **more):
    stop = view.take(slice(0, stop_rows)) if stop_rows else None
    run = FakeRun(stop, **more)
    model = build(dict(config or {}), view.task, view.n_classes)
    model.fit(view.take(slice(stop_rows, None)), stop, run)
    return model, run


def imported_by_declaring(plugin, *modules):
    """Those of the modules that a fresh process has loaded once the learners are declared."""
    code = (
        f"import sys, {plugin}; list({plugin}.automl_learners());"
        f"print(*sorted({set(modules)!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def predict_afresh(plugin, root):
    """Load every task's model under a root in a fresh process; task -> what it predicts."""
    command = [sys.executable, "-c", AFRESH, __file__, plugin, str(root)]
    subprocess.run(command, check=True)
    return {task: np.load(root / f"{task}.npy") for task in TASKS}


AFRESH = """
import importlib, importlib.util, pathlib, sys, numpy as np
world_file, plugin, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
spec = importlib.util.spec_from_file_location("booster_world", world_file)
world = importlib.util.module_from_spec(spec)
spec.loader.exec_module(world)
build = importlib.import_module(plugin + ".model").build
for task in world.TASKS:
    view = world.data(task)
    model = build({}, task, view.n_classes)
    model.load(root / task)
    np.save(root / f"{task}.npy", model.predict(view))
"""
