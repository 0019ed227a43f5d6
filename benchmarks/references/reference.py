"""One reference model in a process of its own; knows nothing of automl.

python reference.py NAME FOLDER SEED THREADS

Reads `rows.npz` in the folder (numbers with NaN, category codes with -1, targets, for the parts
train, stop and test), fits as the library's own documentation shows, with early stopping on the
stop rows, and writes `prediction.npy`; prints the seconds of fit and predict as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PARTS = ("train", "stop", "test")
PATIENCE, EPOCHS, BATCH = 16, 200, 256
ROUNDS, ROUNDS_PATIENCE = 1000, 50


@dataclass
class Rows:
    """Train, stop and test rows of one table."""

    numbers: dict[str, Any]
    codes: dict[str, Any]
    y: dict[str, Any]
    classes: int
    seed: int
    threads: int

    @classmethod
    def load(cls, path: Path, seed: int, threads: int) -> Rows:
        """Read what the benchmark wrote."""
        held = np.load(path)
        parts: list[dict[str, Any]] = [
            {part: held[f"{kind}_{part}"] for part in PARTS} for kind in ("numbers", "codes", "y")
        ]
        return cls(parts[0], parts[1], parts[2], int(held["classes"]), seed, threads)

    def frame(self, part: str, *, filled: bool = False) -> pd.DataFrame:
        """Numbers, then categories; gaps in numbers filled with training means if asked."""
        numbers = self.numbers[part]
        if filled:
            means = np.nan_to_num(np.nanmean(self.numbers["train"], axis=0))
            numbers = np.where(np.isnan(numbers), means, numbers)
        frame = pd.DataFrame(numbers, columns=[f"n{i}" for i in range(numbers.shape[1])])
        for i in range(self.codes[part].shape[1]):
            levels = range(-1, int(self.codes["train"][:, i].max(initial=-1)) + 1)
            values = pd.Series(self.codes[part][:, i])
            values = values.where(values <= levels[-1], -1).astype(str)
            frame[f"c{i}"] = pd.Categorical(values, categories=[str(v) for v in levels])
        return frame


def pytabkit(name: str, rows: Rows) -> Any:
    """The estimators of pytabkit with their tuned defaults, stopped on the log loss for classes."""
    import pytabkit as library

    kind = "Classifier" if rows.classes else "Regressor"
    settings: dict[str, Any] = {"random_state": rows.seed, "device": "cpu", "n_cv": 1}
    settings |= {"n_threads": rows.threads}
    if rows.classes:
        settings["val_metric_name"] = "cross_entropy"
        settings |= {"use_ls": False} if name == "realmlp" else {}
    title = {"realmlp": "RealMLP_TD", "tabm": "TabM_D"}[name]
    model = getattr(library, f"{title}_{kind}")(**settings)
    both = pd.concat([rows.frame("train", filled=True), rows.frame("stop", filled=True)])
    y = np.concatenate([rows.y["train"], rows.y["stop"]])
    stop = np.arange(len(rows.y["train"]), len(y))
    model.fit(both.reset_index(drop=True), y, val_idxs=stop)
    test = rows.frame("test", filled=True)
    return model.predict_proba(test) if rows.classes else model.predict(test)


def booster(name: str, rows: Rows) -> Any:
    """The library's own estimator with its defaults, stopped early."""
    train, stop, test = (rows.frame(part) for part in PARTS)
    y, y_stop = rows.y["train"], rows.y["stop"]
    kind = "Classifier" if rows.classes else "Regressor"
    if name == "xgboost":
        import xgboost

        model = getattr(xgboost, f"XGB{kind}")(
            n_estimators=ROUNDS,
            early_stopping_rounds=ROUNDS_PATIENCE,
            enable_categorical=True,
            random_state=rows.seed,
            n_jobs=rows.threads,
        )
        model.fit(train, y, eval_set=[(stop, y_stop)], verbose=False)
    elif name == "lightgbm":
        import lightgbm

        model = getattr(lightgbm, f"LGBM{kind}")(
            n_estimators=ROUNDS, random_state=rows.seed, n_jobs=rows.threads, verbosity=-1
        )
        model.fit(
            train,
            y,
            eval_set=[(stop, y_stop)],
            callbacks=[lightgbm.early_stopping(ROUNDS_PATIENCE, verbose=False)],
        )
    else:
        import catboost

        model = getattr(catboost, f"CatBoost{kind}")(
            iterations=ROUNDS,
            early_stopping_rounds=ROUNDS_PATIENCE,
            cat_features=[c for c in train if str(c).startswith("c")],
            random_seed=rows.seed,
            thread_count=rows.threads,
            verbose=False,
            allow_writing_files=False,
        )
        model.fit(train, y, eval_set=(stop, y_stop))
    return model.predict_proba(test) if rows.classes else model.predict(test)


def rtdl(name: str, rows: Rows) -> Any:
    """The nets of rtdl_revisiting_models by their readme: AdamW, batches of 256, patience 16."""
    import torch

    torch.set_num_threads(rows.threads)
    torch.manual_seed(rows.seed)
    net = Net(name, rows)
    best, waited, kept = np.inf, 0, net.net.state_dict()
    for _ in range(EPOCHS):
        net.epoch()
        now = float(losses(rows.y["stop"], net.predict("stop")).mean())
        waited += 1
        if now < best:
            best, waited, kept = now, 0, deepcopy(net.net.state_dict())
        if waited >= PATIENCE:
            break
    net.net.load_state_dict(kept)
    return net.predict("test")


class Net:
    """A net, its inputs and its optimiser."""

    def __init__(self, name: str, rows: Rows) -> None:
        import torch

        self.classes = rows.classes
        self.sizes, self.numbers, self.codes = inputs(rows)
        y = rows.y["train"]
        self.shift, self.scale = (0.0, 1.0) if rows.classes else (y.mean(), y.std() or 1.0)
        kind = torch.int64 if rows.classes > 2 else torch.float32
        self.target = torch.as_tensor((y - self.shift) / self.scale).to(kind)
        self.tokens = name == "ft_transformer"
        self.net, self.optimizer = self._built(name)

    def _built(self, name: str) -> tuple[Any, Any]:
        import rtdl_revisiting_models as library
        import torch

        count = self.numbers["train"].shape[1]
        out = self.classes if self.classes > 2 else 1
        if self.tokens:
            settings = library.FTTransformer.get_default_kwargs()
            net = library.FTTransformer(
                n_cont_features=count, cat_cardinalities=self.sizes, d_out=out, **settings
            )
            return net, net.make_default_optimizer()
        wide = count + sum(self.sizes)
        if name == "mlp":
            net = library.MLP(d_in=wide, d_out=out, n_blocks=2, d_block=384, dropout=0.1)
        else:
            net = library.ResNet(
                d_in=wide,
                d_out=out,
                n_blocks=2,
                d_block=192,
                d_hidden=None,
                d_hidden_multiplier=2.0,
                dropout1=0.15,
                dropout2=0.0,
            )
        return net, torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-5)

    def margins(self, part: str, at: Any) -> Any:
        """(m, out) outputs for rows of a part."""
        from torch import cat
        from torch.nn.functional import one_hot

        numbers, codes = self.numbers[part][at], self.codes[part][at]
        if self.tokens:
            some = numbers if numbers.shape[1] else None
            return self.net(some, codes if self.sizes else None)
        hot = [one_hot(codes[:, i], size) for i, size in enumerate(self.sizes)]
        return self.net(cat([numbers, *hot], dim=1))

    def epoch(self) -> None:
        """One pass over the training rows."""
        import torch
        from torch.nn import functional

        criterion = functional.mse_loss
        if self.classes:
            criterion = functional.binary_cross_entropy_with_logits
        self.net.train()
        for at in torch.randperm(len(self.target)).split(BATCH):
            self.optimizer.zero_grad()
            margins = self.margins("train", at)
            if self.classes > 2:
                loss = functional.cross_entropy(margins, self.target[at])
            else:
                loss = criterion(margins[:, 0], self.target[at])
            loss.backward()
            self.optimizer.step()

    def predict(self, part: str) -> Any:
        """(n, k) probabilities or (n,) values."""
        import torch

        self.net.eval()
        with torch.no_grad():
            at = torch.arange(len(self.numbers[part]))
            margins = torch.cat([self.margins(part, some) for some in at.split(1024)])
        if self.classes > 2:
            return torch.softmax(margins, dim=1).numpy()
        values = margins[:, 0].double().numpy()
        if not self.classes:
            return values * self.scale + self.shift
        shares = 1 / (1 + np.exp(-values))
        return np.column_stack([1 - shares, shares])


def inputs(rows: Rows) -> tuple[list[int], dict[str, Any], dict[str, Any]]:
    """Levels of the categories; by part, numbers as normal quantiles and category codes."""
    import torch
    from sklearn.preprocessing import QuantileTransformer

    frames = {part: rows.frame(part, filled=True) for part in PARTS}
    train = frames["train"]
    names = [c for c in train if str(c).startswith("n")]
    others = [c for c in train if c not in names]
    scaler = QuantileTransformer(
        output_distribution="normal",
        n_quantiles=max(min(len(train) // 30, 1000), 10),
        random_state=rows.seed,
    ).fit(train[names].to_numpy())
    numbers, codes = {}, {}
    for part, frame in frames.items():
        scaled = scaler.transform(frame[names].to_numpy())
        numbers[part] = torch.as_tensor(scaled, dtype=torch.float32)
        held = [frame[c].cat.codes.to_numpy() for c in others]
        codes[part] = torch.as_tensor(
            np.column_stack(held) if held else np.zeros((len(scaled), 0)), dtype=torch.int64
        )
    return [len(train[c].cat.categories) for c in others], numbers, codes


def losses(y: Any, prediction: Any) -> Any:
    """(n,) log losses, or squared errors."""
    if prediction.ndim == 1:
        return (y - prediction) ** 2
    shares = prediction[np.arange(len(y)), y] / prediction.sum(axis=1)
    return -np.log(np.clip(shares, 1e-7, 1.0))


LIBRARIES = {
    "realmlp": pytabkit,
    "tabm": pytabkit,
    "mlp": rtdl,
    "resnet": rtdl,
    "ft_transformer": rtdl,
    "xgboost": booster,
    "lightgbm": booster,
    "catboost": booster,
}


def main() -> None:
    """Fit, predict, tell the time."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    seed, threads = int(sys.argv[3]), int(sys.argv[4])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    rows = Rows.load(folder / "rows.npz", seed, threads)
    __import__({pytabkit: "pytabkit", rtdl: "torch", booster: name}[LIBRARIES[name]])
    began = time.perf_counter()
    prediction = LIBRARIES[name](name, rows)
    seconds = time.perf_counter() - began
    np.save(folder / "prediction.npy", np.asarray(prediction, dtype=np.float64))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
