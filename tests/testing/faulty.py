"""A sound learner in NumPy, and the same with one fault each.

Every class that names `caught_by` is a fault; `declared` changes the declaration of its learner.
"""

# ruff: noqa: EM101, TRY003 - the messages are those of the faults

from __future__ import annotations

import ctypes
import hashlib
import os
import pickle
import random
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np

from automl import (
    Float,
    Learner,
    PluginError,
    Prior,
    Resources,
    Size,
    TooLittleTimeError,
)

STEPS = 25
LARGE = 1000
TASKS = frozenset({"binary", "multiclass", "regression"})


class Sound:
    """Softmax or linear regression by gradient steps on the `matrix` view."""

    declared: dict = {}  # noqa: RUF012 - read only

    def __init__(self, config, task, n_classes):
        self.rate, self.task, self.k = float(config["rate"]), task, n_classes
        self.shift, self.scale = 0.0, 1.0

    def fit(self, train, stop, run):
        X, y = inputs(train), self.targets(train)
        self.weights = best = np.zeros((X.shape[1], y.shape[1]))
        for step in range(STEPS):
            slope = X.T @ (self.link(X @ self.weights) - y) / len(X)
            self.weights = self.weights - self.rate * slope
            if stop is None:
                over = run.seconds_left() <= 0
            else:
                over = run.report(step, self.predict(stop))
                best = self.weights if run.best_step == step else best
            if over:
                break
        self.weights = self.weights if stop is None else best

    def targets(self, train):
        if self.task != "regression":
            return np.eye(self.k)[train.y]
        self.shift, self.scale = float(train.y.mean()), float(train.y.std()) or 1.0
        return (train.y[:, None] - self.shift) / self.scale

    def link(self, margins):
        if self.task == "regression":
            return margins
        e = np.exp(margins - margins.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, view):
        answer = self.link(inputs(view) @ self.weights)
        return answer[:, 0] * self.scale + self.shift if self.task == "regression" else answer

    def save(self, folder):
        np.savez(folder / "model.npz", weights=self.weights, scale=(self.shift, self.scale))

    def load(self, folder):
        saved = np.load(folder / "model.npz", allow_pickle=False)
        self.weights, (self.shift, self.scale) = saved["weights"], saved["scale"].tolist()


def inputs(view):
    """Any view as (n, d) float64 with a column of ones."""
    X = view.X
    if hasattr(X, "iloc"):
        parts = [X[c].cat.codes if hasattr(X[c], "cat") else X[c] for c in X.columns]
        X = np.nan_to_num(np.column_stack(parts).astype(np.float64))
    return np.hstack([np.asarray(X, np.float64), np.ones((len(view), 1))])


def learner(model: type) -> Learner:
    fields = {
        "name": f"kit_{model.__name__.lower()}",
        "family": "classical",
        "tasks": TASKS,
        "view": "matrix",
        "factory": f"{__name__}:{model.__name__}",
        "space": {"rate": Float(0.05, 0.5, log=True)},
        "defaults": ({"rate": 0.3}, {"rate": 0.1}),
        "fidelity": "steps",
        "patience": 5,
        "summary": "Softmax or linear regression by gradient steps.",
    }
    return Learner(**(fields | model.declared))


def faults() -> list[type]:
    """Every faulty class of this module."""
    return [c for c in globals().values() if isinstance(c, type) and "caught_by" in vars(c)]


# ---------------------------------------------------------------------- what it declares


class NoSummary(Sound):
    caught_by, declared = "declaration", {"summary": " "}


class LogFromZero(Sound):
    caught_by, declared = "declaration", {"space": {"rate": Float(0.0, 0.5, log=True)}}


class TextForNumber(Sound):
    caught_by, declared = "declaration", {"defaults": ({"rate": 0.3}, {"rate": "0.1"})}


class UsualSizeZero(Sound):
    caught_by, declared = "declaration", {"size": Size("rate", 0)}


class NegativeMemory(Sound):
    caught_by, declared = "declaration", {"resources": lambda _: Resources(memory=-1)}


class MemoryFallsWithRows(Sound):
    caught_by, declared = "declaration", {"memory": lambda rows, columns: 2**30 - rows}


class PriorWithoutSource(Sound):
    caught_by, declared = "declaration", {"prior": Prior(0.5, "")}


class NoScaleOut(Sound):
    caught_by, declared = "builds", {"scale_out": f"{__name__}:does_not_exist"}


def with_torch(config, task, n_classes):
    import torch  # noqa: F401 - the fault

    return Sound(config, task, n_classes)


class UndeclaredLibrary(Sound):
    caught_by, declared = "libraries", {"factory": f"{__name__}:with_torch"}


class UnusedLibrary(Sound):
    caught_by, declared = "libraries", {"libraries": ("sklearn",)}


def no_model(config, task, n_classes):
    return object()


class NoModel(Sound):
    caught_by, declared = "builds", {"factory": f"{__name__}:no_model"}


class NoFactory(Sound):
    caught_by, declared = "builds", {"factory": f"{__name__}:does_not_exist"}


class UnknownDefault(Sound):
    caught_by, declared = "portfolio", {"defaults": ({"rate": 0.3}, {"speed": 0.1})}


class NarrowerThanSpace(Sound):
    caught_by = "space"

    def __init__(self, config, task, n_classes):
        if config["rate"] > 0.4:
            raise ValueError("rate must not exceed 0.4")
        super().__init__(config, task, n_classes)


class NoLargerThanUsual(Sound):
    caught_by, declared = "space", {"size": Size("width", 8)}

    def __init__(self, config, task, n_classes):
        if config.get("width", 8) > 8:
            raise ValueError("width must not exceed 8")
        super().__init__(config, task, n_classes)


class UndeclaredLimit(Sound):
    caught_by = "limits"

    def fit(self, train, stop, run):
        if train.X.shape[1] > 100:
            raise ValueError("too many columns")
        super().fit(train, stop, run)


# ------------------------------------------------------------------------ what it predicts


class NeverFits(Sound):
    caught_by = "fits"

    def fit(self, train, stop, run):
        raise RuntimeError("not today")


class Hangs(Sound):
    caught_by = "fits"

    def fit(self, train, stop, run):
        time.sleep(3600)


class OneColumnForTwo(Sound):
    caught_by = "shapes"

    def fit(self, train, stop, run):
        super().fit(train, None, run)

    def predict(self, view):
        return super().predict(view)[:, 1]


class NotANumber(Sound):
    caught_by = "shapes"

    def fit(self, train, stop, run):
        super().fit(train, None, run)
        self.weights[:] = np.nan


class Margins(Sound):
    caught_by = "probabilities"

    def predict(self, view):
        return super().predict(view) * 1.05


class ColumnsReversed(Sound):
    caught_by = "class_order"

    def predict(self, view):
        return super().predict(view)[:, ::-1]


class StandardisedValues(Sound):
    caught_by, task = "units", "regression"

    def predict(self, view):
        return (super().predict(view) - self.shift) / self.scale


class Distance(Sound):
    """The distance of a row from the middle of the training rows."""

    declared = {"tasks": frozenset({"anomaly"}), "patience": None}  # noqa: RUF012 - read only

    def fit(self, train, stop, run):
        self.weights = inputs(train).mean(axis=0)

    def predict(self, view):
        return ((inputs(view) - self.weights) ** 2).sum(axis=1)


class Nearness(Distance):
    caught_by, task = "score_order", "anomaly"

    def predict(self, view):
        return -super().predict(view)


class PositionMatters(Sound):
    caught_by = "row_order"

    def predict(self, view):
        answer = super().predict(view)
        drift = np.linspace(0, 0.02, len(view))[:, None]
        return answer * (1 - drift) + drift / self.k


class BatchStatistics(Sound):
    caught_by = "single_row"

    def predict(self, view):
        X = inputs(view)
        X[:, :-1] -= X[:, :-1].mean(axis=0)
        return self.link(X @ self.weights)


# -------------------------------------------------------------------------- how it behaves


class ChangesRows(Sound):
    caught_by = "inputs_kept"

    def fit(self, train, stop, run):
        X = train.X
        X -= X.mean(axis=0)
        super().fit(train, stop, run)


class SeedsNumPy(Sound):
    caught_by = "global_state"

    def fit(self, train, stop, run):
        np.random.seed(run.seed)  # noqa: NPY002 - the fault
        random.seed(run.seed)
        super().fit(train, stop, run)


class SetsVariables(Sound):
    caught_by = "global_state"

    def fit(self, train, stop, run):
        os.environ["KIT_THREADS"] = "1"
        super().fit(train, stop, run)


class SilencesWarnings(Sound):
    caught_by = "global_state"

    def predict(self, view):
        warnings.simplefilter("ignore")
        return super().predict(view)


class ChangesFolder(Sound):
    caught_by = "global_state"

    def fit(self, train, stop, run):
        os.chdir("/")
        super().fit(train, stop, run)


class IgnoresSeed(Sound):
    caught_by = "seed"

    def fit(self, train, stop, run):
        super().fit(train, stop, run)
        self.weights = self.weights + 0.05 * np.random.default_rng().normal(size=self.weights.shape)

    declared = {"patience": None}  # noqa: RUF012 - read only


class IgnoresDeadline(Sound):
    caught_by = "deadline"

    def fit(self, train, stop, run):
        super().fit(train, stop, run)
        time.sleep(3.3 if len(train) > LARGE else 0)


class IgnoresStop(Sound):
    caught_by = "stop"

    def fit(self, train, stop, run):
        super().fit(train, stop, run)
        for step in range(STEPS, 2 * STEPS):
            if stop is not None:
                run.report(step, self.predict(stop))


class ReportsNothing(Sound):
    caught_by = "stop"

    def fit(self, train, stop, run):
        super().fit(train, None, run)


class KeepsLast(Sound):
    caught_by = "best_step"

    def fit(self, train, stop, run):
        super().fit(train, stop, Forgetful(run))


class Forgetful:
    """A run whose best step is always the last one."""

    def __init__(self, run):
        self.run, self.best_step = run, -1

    def __getattr__(self, name):
        return getattr(self.run, name)

    def report(self, step, prediction):
        self.best_step = step
        return self.run.report(step, prediction)


class TakesThreads(Sound):
    caught_by = "threads"

    def fit(self, train, stop, run):
        super().fit(train, stop, run)
        if len(train) > LARGE:
            work = [threading.Thread(target=toil) for _ in range(4)]
            for thread in work:
                thread.start()
            for thread in work:
                thread.join()


def toil():
    hashlib.pbkdf2_hmac("sha256", b"kit", b"kit", 400_000)  # without the interpreter's lock


class TakesMemory(Sound):
    caught_by, declared = "memory", {"memory": lambda rows, columns: 2**20}

    def fit(self, train, stop, run):
        super().fit(train, stop, run)
        self.ballast = np.ones(2**24).sum()


# ------------------------------------------------------------------------- on which tables


class KnowsAllCities(Sound):
    caught_by, declared = "unseen_categories", {"view": "frame"}

    def predict(self, view):
        if "city" in view.X and (view.X["city"].cat.codes < 0).all():
            raise KeyError("a city that was not in training")
        return super().predict(view)


class NeedsNumbers(Sound):
    caught_by, declared = "missing_values", {"view": "frame"}

    def predict(self, view):
        if view.X.isna().all(axis=1).any():
            raise ValueError("input contains NaN")
        return super().predict(view)


class ForgetsAbsentClasses(Sound):
    caught_by, task, declared = "absent_class", "multiclass", {"patience": None}

    def fit(self, train, stop, run):
        self.k = len(np.unique(train.y))
        codes = np.searchsorted(np.unique(train.y), train.y)
        super().fit(type(train)(train.X, codes, train.task, self.k), None, run)

    def predict(self, view):
        answer = super().predict(view)
        return np.hstack([answer, np.zeros((len(answer), view.n_classes - self.k))])


class NeedsTwoClasses(Sound):
    caught_by = "single_class"

    def fit(self, train, stop, run):
        if len(np.unique(train.y)) < 2:
            raise ValueError("needs samples of at least 2 classes")
        super().fit(train, stop, run)


class NeedsTwoColumns(Sound):
    caught_by = "one_column"

    def fit(self, train, stop, run):
        if train.X.shape[1] < 2:
            raise IndexError("index 1 is out of bounds")
        super().fit(train, stop, run)


class NeedsTenRows(Sound):
    caught_by = "five_rows"

    def fit(self, train, stop, run):
        if len(train) < 10:
            raise ValueError("n_neighbors > n_samples")
        super().fit(train, stop, run)


class Segfaults(Sound):
    caught_by = "five_rows"

    def fit(self, train, stop, run):
        if len(train) < 10:
            ctypes.string_at(0)
        super().fit(train, stop, run)


class DividesBySpread(Sound):
    caught_by = "constant_columns"

    def fit(self, train, stop, run):
        with np.errstate(all="ignore"):
            X = train.X / train.X.std()
        super().fit(type(train)(X, train.y, train.task, train.n_classes), None, run)

    declared = {"patience": None}  # noqa: RUF012 - read only


# ----------------------------------------------------------------------------- what it saves


class SavesNothing(Sound):
    caught_by = "fresh_process"

    def save(self, folder):
        pass


class RemembersInMemory(Sound):
    caught_by = "fresh_process"
    kept: dict = {}  # noqa: RUF012 - the fault

    def save(self, folder):
        (folder / "name.txt").write_text("the model")
        self.kept["the model"] = self.weights

    def load(self, folder):
        self.weights = self.kept[Path(folder / "name.txt").read_text()]


class Pickles(Sound):
    caught_by = "fresh_process"

    def save(self, folder):
        (folder / "model.pkl").write_bytes(pickle.dumps(self.weights))

    def load(self, folder):
        self.weights = pickle.loads((folder / "model.pkl").read_bytes())


class PicklesInDisguise(Pickles):
    """Reads through a name that it took before anyone could replace it."""

    caught_by = "fresh_process"
    read = staticmethod(pickle.loads)

    def load(self, folder):
        self.weights = self.read((folder / "model.pkl").read_bytes())


class NotTrusted(Sound):
    caught_by = "fresh_process"

    def save(self, folder):
        raise PluginError("not saved: the learner does not declare as trusted: a.b.C")


class LosesPrecision(Sound):
    caught_by = "fresh_process"

    def load(self, folder):
        super().load(folder)
        self.weights = self.weights.round(1)


class ExitsOnSave(Sound):
    caught_by = "fresh_process"

    def save(self, folder):
        os._exit(3)


class ShunsRay(Sound):
    caught_by = "ray_worker"

    def fit(self, train, stop, run):
        if "ray" in sys.modules:
            raise RuntimeError("must be run in the main process")
        super().fit(train, stop, run)


class Declines(Sound):
    """Takes a second at least, as it may."""

    def fit(self, train, stop, run):
        if run.seconds_left() < 1.0:
            raise TooLittleTimeError(1.0)
        super().fit(train, stop, run)
