"""Rho: what the repeats of a study share, though their test rows are disjoint.

python benchmarks/rho/run.py DATA [--samples 60] [--rows 5000] [--losses FILE]

Disjoint samples of rows are drawn from give_me_some_credit (loss 1 - ROC AUC) and walmart_sales
(RMSE), as many as there are rows for; `benchmarks/openml.md` says where both can be had. Every
sample is a study of its own: five
folds, each held out once while four learners train on all other rows and on a quarter of them, by
a permutation of the fold's own. The variance of the mean over the five folds, taken over samples,
is s2 (1 / 5 + rho), with s2 the variance between the folds of a sample; intervals resample
samples. `--losses` keeps what is measured, so that a run can be interrupted.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import entries, read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SETS = ("give_me_some_credit", "walmart_sales")
FOLDS = 5
QUARTER = 4
LEARNERS = ("linear", "forest", "lightgbm", "mlp")
DRAWS = 2000
NET = {"hidden_layer_sizes": (64,), "early_stopping": True, "max_iter": 60, "random_state": 0}
TREES = {"n_estimators": 50, "min_samples_leaf": 3, "random_state": 0}
BOOSTS = {"n_estimators": 60, "num_leaves": 15, "n_jobs": 1, "verbose": -1, "random_state": 0}


def main() -> None:
    """Measure what is missing, estimate rho and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--samples", type=int, default=60, help="of each set and size, at most")
    parser.add_argument("--rows", type=int, nargs="+", default=[5000])
    parser.add_argument("--losses", type=Path, default=Path(tempfile.gettempdir()) / "rho.csv")
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    sets = entries(arguments.data)
    for size in arguments.rows:
        for name in SETS:
            measure(sets[name], size, arguments)
    measured = pd.read_csv(arguments.losses)
    rows = [row for size in arguments.rows for row in estimates(measured[measured["rows"] == size])]
    for row in rows:
        print(*row.values(), sep="\t")
    write_table(arguments.output, "benchmarks/rho/run.py DATA", rows)


def measure(entry: dict[str, Any], size: int, arguments: argparse.Namespace) -> None:
    """Append the losses of samples that are not measured yet."""
    path = arguments.losses
    done = pd.read_csv(path) if path.exists() else pd.DataFrame({"set": [], "rows": []})
    done = done[(done["set"] == entry["name"]) & (done["rows"] == size)]
    known = set() if done.empty else set(done["sample"])
    frame = read_table(entry, arguments.data)
    order = np.random.default_rng(0).permutation(len(frame))
    parts = [
        (entry, number, frame.iloc[order[number * size :][:size]])
        for number in range(min(arguments.samples, len(frame) // size))
        if number not in known
    ]
    if not parts:
        return
    with ProcessPoolExecutor(2) as pool:
        for rows in pool.map(sample, parts):
            fresh = not path.exists()
            with path.open("a", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                if fresh:
                    writer.writeheader()
                writer.writerows(rows)


def sample(part: tuple[dict[str, Any], int, pd.DataFrame]) -> list[dict[str, Any]]:
    """The losses of every learner in every fold of one sample, on all and on a quarter."""
    entry, number, frame = part
    warnings.simplefilter("ignore", ConvergenceWarning)
    classes = entry["task"] == "binary"
    y = frame[entry["target"]].to_numpy()
    X = frame.drop(columns=entry["target"])
    if time := entry.get("time_column"):
        X = X.assign(**{time: pd.to_datetime(X[time]).astype("int64") / 1e17})
    splitter = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=number)
    rows = []
    for fold, (inside, test) in enumerate(splitter.split(X, y)):
        order = np.random.default_rng([number, fold]).permutation(inside)
        for n in (len(order) // QUARTER, len(order)):
            for name in LEARNERS:
                model = learner(name, X, classes=classes).fit(X.iloc[order[:n]], y[order[:n]])
                found = loss(model, X.iloc[test], y[test], classes=classes)
                rows.append(
                    {"set": entry["name"], "rows": len(frame), "sample": number, "fold": fold}
                    | {"learner": name, "part": n, "loss": round(found, 6)}
                )
    return rows


def learner(name: str, X: pd.DataFrame, *, classes: bool) -> Any:
    """A learner with cheap settings, behind what makes numbers of the columns."""
    words = list(X.select_dtypes(exclude="number"))
    numbers = [column for column in X if column not in words]
    normal = QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=0)
    matrix = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), normal),
            numbers,
        ),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    )
    models = {
        "linear": LogisticRegression(max_iter=200) if classes else Ridge(),
        "forest": (RandomForestClassifier if classes else RandomForestRegressor)(**TREES),
        "lightgbm": (LGBMClassifier if classes else LGBMRegressor)(**BOOSTS),
        "mlp": MLPClassifier(**NET)
        if classes
        else TransformedTargetRegressor(MLPRegressor(**NET), transformer=StandardScaler()),
    }
    return make_pipeline(matrix, models[name])


def loss(model: Any, X: pd.DataFrame, y: np.ndarray, *, classes: bool) -> float:
    """1 - ROC AUC, or the root mean squared error."""
    if classes:
        return 1.0 - float(roc_auc_score(y, model.predict_proba(X)[:, 1]))
    return float(root_mean_squared_error(y, model.predict(X)))


def estimates(measured: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rho of every loss, difference of losses and change of a difference a doubling, and pooled."""
    pooled: dict[str, list[np.ndarray]] = {}
    for name, own in measured.groupby("set"):
        keys = ["sample", "fold", "part", "learner"]
        values = own.pivot_table("loss", keys[:2], keys[2:])
        small, large = sorted({part for part, _ in values})
        for what, column in quantities(values, small, large):
            folds = column.to_numpy().reshape(-1, FOLDS)
            pooled.setdefault(what.split(" of ")[0], []).append(folds / folds.std())
            yield {"set": name, "rows": own["rows"].iloc[0], "what": what} | rho([folds])
    for what, several in pooled.items():
        yield {"set": "both", "rows": measured["rows"].iloc[0], "what": what} | rho(several)


def quantities(values: pd.DataFrame, small: int, large: int) -> Iterator[tuple[str, pd.Series]]:
    """(what, values by sample and fold)."""
    for one in LEARNERS:
        yield f"loss of {one}", values[large, one]
    for one, other in combinations(LEARNERS, 2):
        difference = {n: values[n, one] - values[n, other] for n in (small, large)}
        yield f"difference of {one} and {other}", difference[large]
        change = (difference[large] - difference[small]) / np.log2(QUARTER)
        yield f"change of {one} and {other}", change


def rho(several: list[np.ndarray]) -> dict[str, Any]:
    """Rho of one or more quantities together, with a 95% interval.

    Quantities of one set have the same samples, which are resampled together.
    """
    rng = np.random.default_rng(0)
    draws = {n: rng.integers(0, n, (DRAWS, n)) for n in sorted({len(one) for one in several})}
    found = _rho(several)
    drawn = [_rho([one[draws[len(one)][i]] for one in several]) for i in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "quantities": len(several),
        "samples": min(len(one) for one in several),
        "rho": round(found, 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
    }


def _rho(several: list[np.ndarray]) -> float:
    between = np.mean([one.mean(axis=1).var(ddof=1) for one in several])
    within = np.mean([one.var(axis=1, ddof=1).mean() for one in several])
    return float(between / within - 1 / FOLDS)


if __name__ == "__main__":
    main()
