"""A run directory made by hand, as a search would leave it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from automl.types import Rung

if TYPE_CHECKING:
    from pathlib import Path


class FakeRun:
    """Rows, folds and halves; trials are added with their predictions."""

    def __init__(self, path: Path, y, folds: int = 5, y_test=None, seed: int = 0) -> None:
        self.path, self.y, self.folds, self.y_test = path, np.asarray(y), folds, y_test
        rng = np.random.default_rng(seed)
        self.fold = (rng.permutation(len(y)) % folds).astype(np.int16)
        self.half = (rng.permutation(len(y)) % 2).astype(np.int8)
        self.small = False
        """True if the table is small, so that learners are compared on all folds."""
        self.learners: list[dict[str, str]] = []
        self.predictions = path / "predictions"
        self.predictions.mkdir(parents=True)
        self.save()

    def save(self) -> None:
        arrays = {"truth": self.y, "fold": self.fold, "half": self.half}
        if self.y_test is not None:
            arrays["truth_test"] = np.asarray(self.y_test)
        for name, values in arrays.items():
            np.save(self.predictions / f"{name}.npy", values)
        split = {"all_folds_at_top": self.small}
        info = {"learners": self.learners, "split": split}
        (self.path / "run.json").write_text(json.dumps(info), encoding="utf-8")

    def learner(self, name, family="classical", status="ok", reason="") -> None:
        entry = {"name": name, "family": family, "plugin": "automl_fake"}
        self.learners.append(entry | {"status": status, "reason": reason})
        self.save()

    def trial(self, learner, number, prediction, folds=None, test=None) -> str:
        """A trial that finished rung 3 on fold 0 and rung 4 on the other given folds."""
        trial = f"{learner}-{number}"
        prediction = np.asarray(prediction, dtype=np.float32)
        for fold in range(self.folds) if folds is None else folds:
            rung = 3 if fold == 0 else 4
            stem = f"{trial}-r{rung}-f{fold}"
            np.save(self.predictions / f"{stem}.npy", prediction[self.fold == fold])
            if test is not None:
                np.save(self.predictions / f"{stem}-test.npy", np.asarray(test, np.float32))
            self.rung(learner, trial, rung, fold)
        return trial

    def rung(self, learner, trial, rung, fold=0, status="ok", reason="") -> None:
        line = Rung(
            learner=learner,
            trial=trial,
            config={},
            rung=rung,
            fold=fold,
            seed=0,
            n=len(self.y),
            score=0.5 if status == "ok" else None,
            fit_seconds=2.0,
            predict_seconds=0.5,
            status=status,
            reason=reason,
            size_bytes=1000,
            overhead_seconds=0.25,
        )
        with (self.path / "journal.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")


def noisy_probabilities(y, k, skill, rng):
    """(n, k) float32 probabilities that know the truth with noise."""
    logits = rng.normal(size=(len(y), k)) + skill * np.eye(k)[y]
    values = np.exp(logits)
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
