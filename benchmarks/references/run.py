"""Our learners beside the libraries that know their methods best: same rows, same seconds.

python benchmarks/references/run.py DATA [--pytabkit PYTHON] [--rows 3000] [--seeds 3] [--only ..]

A quarter of each set is held out (stratified where there are classes); of the rest up to `--rows`
train, a fifth of them as stop rows. Both sides get the same typed columns, the same stop rows and
two threads. The reference goes first and takes the time that it takes, ours gets those seconds;
one that takes over five minutes is not repeated with other seeds.
`realmlp` and `tabm` meet pytabkit's estimators (their Python is named by `--pytabkit`), `mlp`,
`resnet` and `ft_transformer` the nets of rtdl_revisiting_models used as in its readme, boosters
the library's estimator with early stopping. Ours run their first default, as the host would.
Log loss or RMSE on the held-out rows; a difference is noise within two standard errors, taken
over the rows of all seeds. It takes long; pairs that results.csv holds are not run again.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split

from automl.data.apply import to_dataset
from automl.data.read import read_table
from automl.data.schema import infer_schema
from automl.data.views import Views
from automl.hooks.manager import get_host
from automl.workers.evaluate import FitRequest, RungData, run_rung

sys.path.insert(0, str(Path(__file__).parents[1]))
from machine import entries, write_table
from reference import LIBRARIES, losses, pytabkit

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SETS = ("adult", "otto", "california_housing", "covertype_20k", "horse_colic")
COMMAND = "benchmarks/references/run.py DATA"
LIMIT = 900.0
THREADS = 2
LONG = 300.0


def main() -> None:
    """Run every pair and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pytabkit", default=sys.executable, help="a Python that has pytabkit")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(LIBRARIES), choices=list(LIBRARIES))
    parser.add_argument("--sets", nargs="*", default=SETS, choices=SETS)
    arguments = parser.parse_args()
    sys.argv = ["PYTHON" if word == arguments.pytabkit else word for word in sys.argv]
    rows = known(HERE / "results.csv")
    for seed, name, learner in product(range(arguments.seeds), arguments.sets, arguments.only):
        pairs = [row for row in rows if (row["set"], row["learner"]) == (name, learner)]
        if any(row["seed"] == seed or row["seconds_reference"] > LONG for row in pairs):
            continue
        rows.append(pair(name, learner, seed, arguments))
        print(json.dumps(rows[-1]), flush=True)
        write_table(HERE / "results.csv", COMMAND, rows)
        write_table(HERE / "summary.csv", COMMAND, list(summaries(rows)))


def known(path: Path) -> list[dict[str, Any]]:
    """The rows of a table written before."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    words = ("set", "learner", "metric")
    return [
        {key: value if key in words else json.loads(value) for key, value in row.items()}
        for row in csv.DictReader(lines)
    ]


def pair(name: str, learner: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One reference and our learner; `difference` is the mean loss of ours less the reference's."""
    data, views, parts, y = rows_of(name, seed, arguments)
    schema = data.schema
    python = arguments.pytabkit if LIBRARIES[learner] is pytabkit else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "rows.npz", classes=schema.n_classes, **exchange(views, parts, y))
        told = subprocess.run(
            [python, str(HERE / "reference.py"), learner, folder, str(seed), str(THREADS)],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode:
            sys.exit(f"the reference of {learner} on {name} failed:\n{told.stderr}")
        seconds = json.loads(told.stdout.splitlines()[-1])["seconds"]
        reference = np.load(Path(folder) / "prediction.npy")
    order = FitRequest(
        learner=learner,
        config=dict(get_host().learner(learner).defaults[0]),
        seed=seed,
        task=schema.task,
        n_classes=schema.n_classes,
        metric="log_loss" if schema.n_classes else "rmse",
        threads=THREADS,
        soft_limit=seconds,
        time_left=10 * LIMIT,
    )
    kind = get_host().learner(learner).view
    rung = RungData(
        train_X=views.train(kind),
        train_y=np.concatenate([y["train"], y["stop"]]),
        n_stop=len(y["stop"]),
        validation_X=views.transform(kind, parts["test"]),
    )
    outcome = run_rung(order, rung, lambda _: None)
    if outcome.status != "ok":
        sys.exit(f"{learner} on {name} failed: {outcome.reason}")
    ours, theirs = (losses(y["test"], p) for p in (outcome.predictions[""], reference))
    return {
        "set": name,
        "learner": learner,
        "seed": seed,
        "metric": order.metric,
        "ours": score(ours, order.metric),
        "reference": score(theirs, order.metric),
        "seconds_ours": round(outcome.fit_seconds + outcome.predict_seconds, 2),
        "seconds_reference": round(seconds, 2),
        "difference": float((ours - theirs).mean()),
        "standard_error": float((ours - theirs).std(ddof=1) / np.sqrt(len(ours))),
    }


def rows_of(name: str, seed: int, arguments: argparse.Namespace) -> tuple[Any, ...]:
    """Dataset, its views fitted on train and stop rows, typed columns and targets by part."""
    entry = entries(arguments.data)[name]
    table = read_table(arguments.data / entry["file"])
    task = entry["task"]
    schema = infer_schema(table, target=entry["target"], task=task, drop=entry["drop"])
    data = to_dataset(schema, table)
    strata = data.y if schema.n_classes else None
    train, test = train_test_split(
        np.arange(len(data.y)), test_size=0.25, random_state=seed, stratify=strata
    )
    if len(train) > arguments.rows:
        some = None if strata is None else strata[train]
        train, _ = train_test_split(
            train, train_size=arguments.rows, random_state=seed, stratify=some
        )
    some = None if strata is None else strata[train]
    train, stop = train_test_split(train, test_size=0.2, random_state=seed, stratify=some)
    rows = {"train": train, "stop": stop, "test": test}
    fitted = np.concatenate([train, stop])
    views = Views(data.X.iloc[fitted], data.y[fitted], schema, seed)
    parts = {part: data.X.iloc[at] for part, at in rows.items()}
    return data, views, parts, {part: data.y[at] for part, at in rows.items()}


def exchange(views: Any, parts: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    """Input of the reference: numbers, codes and targets of every part, from the frame view."""
    found = {}
    for part, X in parts.items():
        frame = views.transform("frame", X)
        coded = [c for c in frame.columns if hasattr(frame[c], "cat")]
        numbers = frame.drop(columns=coded).to_numpy(dtype=np.float32)
        codes = [frame[c].cat.codes.to_numpy() for c in coded]
        found[f"numbers_{part}"] = numbers
        found[f"codes_{part}"] = (
            np.column_stack(codes).astype(np.int64) if codes else np.zeros((len(X), 0), np.int64)
        )
        found[f"y_{part}"] = y[part]
    return found


def score(values: Any, metric: str) -> float:
    """The figure of one side."""
    mean = float(np.mean(values))
    return round(mean if metric == "log_loss" else float(np.sqrt(mean)), 5)


def summaries(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Mean difference of the losses (below 0: ours is better) over its standard error, by pair."""
    for learner, name in dict.fromkeys((row["learner"], row["set"]) for row in rows):
        own = [row for row in rows if (row["learner"], row["set"]) == (learner, name)]
        mean = sum(row["difference"] for row in own) / len(own)
        error = math.sqrt(sum(row["standard_error"] ** 2 for row in own)) / len(own)
        yield {
            "learner": learner,
            "set": name,
            "seeds": len(own),
            "ours": round(sum(row["ours"] for row in own) / len(own), 5),
            "reference": round(sum(row["reference"] for row in own) / len(own), 5),
            "difference_in_standard_errors": round(mean / error, 2),
            "verdict": "noise" if abs(mean) <= 2 * error else ("better" if mean < 0 else "worse"),
        }


if __name__ == "__main__":
    main()
