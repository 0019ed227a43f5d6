"""Rows and a host made by hand, for the tests of the torch nets."""

from __future__ import annotations

import math
import time

import numpy as np

from automl import TensorBlock, View


class FakeRun:
    """A host: mean loss on the early-stopping rows, patience, an optional deadline."""

    def __init__(self, stop=None, *, seconds=math.inf, patience=1000, seed=0, last_step=None):
        self.seed, self.threads, self.device = seed, 1, "cpu"
        self.best_step, self.best, self.censored = -1, math.inf, []
        self.steps, self.predictions = [], []
        self._stop, self._patience, self._last = stop, patience, last_step
        self._end = time.monotonic() + seconds

    def seconds_left(self):
        return self._end - time.monotonic()

    def cut_short(self, done=0.0):
        self.censored.append(done)

    def report(self, step, prediction):
        self.steps.append(step)
        self.predictions.append(prediction)
        y = self._stop.y
        if prediction.ndim == 1:
            score = float(np.mean((y - prediction) ** 2))
        else:
            score = float(-np.mean(np.log(prediction[np.arange(len(y)), y] + 1e-9)))
        if score < self.best:
            self.best, self.best_step = score, step
        return step == self._last or step - self.best_step >= self._patience


def frozen(array):
    array.setflags(write=False)
    return array


def view(numbers, y, task, n_classes=0, *, missing=None, codes=None, cardinalities=()):
    n = len(numbers)
    block = TensorBlock(
        frozen(np.asarray(numbers, dtype=np.float32)),
        frozen(np.zeros(numbers.shape, dtype=bool) if missing is None else missing),
        frozen(np.zeros((n, 0), np.int32) if codes is None else codes.astype(np.int32)),
        cardinalities,
    )
    return View(block, None if y is None else frozen(np.asarray(y)), task, n_classes)


def toy(task, n=1200, seed=0):
    """No linear model can learn these: a product, rings, and a sign of a product."""
    X = np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)
    if task == "regression":
        return view(X, 3.0 + 10.0 * X[:, 0] * X[:, 1], task)
    if task == "binary":
        return view(X, (X[:, 0] * X[:, 1] > 0).astype(np.int64), task, 2)
    radius = X[:, 0] ** 2 + X[:, 1] ** 2
    return view(X, np.digitize(radius, [0.8, 2.0]), task, 3)


def error(task, y, prediction):
    if task == "regression":
        return float(np.mean((y - prediction) ** 2))
    return float(np.mean(prediction.argmax(1) != y))


def mixed(task="multiclass", n=400):
    rng = np.random.default_rng(0)
    missing = rng.random((n, 3)) < [0.2, 0.0, 0.0]
    codes = np.stack([rng.integers(0, 4, n), rng.integers(1, 30, n)], axis=1)
    y = rng.normal(size=n) if task == "regression" else rng.integers(0, 3, n)
    k = 0 if task == "regression" else 3
    numbers = rng.normal(size=(n, 3))
    return view(numbers, y, task, k, missing=missing, codes=codes, cardinalities=(4, 30))
