"""Accuracy on rows held out from everything: a 60 s fit beside untuned gradient boosting.

python benchmarks/peers/run.py DATA [--time-limit 60s] [--only NAME ...]

The split is train_test_split(test_size=0.25, random_state=0), stratified for classes; a fit
sees the 75% alone. The peers' figures were measured elsewhere with the same split and time.
`ahead_in_se`: how far what predicts is ahead of untuned gradient boosting, in standard errors of
the difference over 200 draws of the held-out rows.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from automl import AutoML

sys.path.insert(0, str(Path(__file__).parents[1]))
from heldout import ahead, score, split, untuned
from machine import entries, measure_sets, parser_of, read_table, task_of

HERE = Path(__file__).parent
PEERS = {
    "adult": {"autogluon_medium": 0.9317, "flaml": 0.9311},
    "otto": {"autogluon_medium": 0.4485, "flaml": 0.5355},
    "covertype_20k": {"autogluon_medium": 0.3087, "flaml": 0.3172},
    "california_housing": {"autogluon_medium": 43567, "flaml": 47052},
}


def main() -> None:
    """Run the sets and write the table."""
    arguments = parser_of(HERE, __doc__).parse_args()
    if arguments.only == ["all"]:
        arguments.only = list(entries(arguments.data))
    measure = partial(one, data=arguments.data, limit=arguments.time_limit)
    measure_sets(HERE, arguments, measure, usual=PEERS)


def one(entry: dict[str, Any], data: Path, limit: str) -> dict[str, Any]:
    """Fit on 75% of the rows, score on the rest."""
    target, table = entry["target"], read_table(entry, data)
    task = task_of(entry)
    numeric = task == "regression"
    train, test = split(table, target, numeric=numeric)
    auto = AutoML(time_limit=limit, task=task)
    began = time.monotonic()
    auto.fit(train, target)
    seconds = time.monotonic() - began
    classes = [] if numeric else sorted(train[target].unique())
    row: dict[str, Any] = {"set": entry["name"], "seconds": round(seconds, 1)}
    for learner in ("ensemble", "stacking", "ensemble_deep", "ensemble_classical"):
        try:
            raw = auto.predict(test, learner) if numeric else auto.predict_proba(test, learner)
        except Exception as error:  # noqa: BLE001 - a missing row is a result
            row[learner] = f"{type(error).__name__}"
            continue
        row[learner] = round(score(task, test[target], raw, classes), 5)
    plain = untuned(train, test, target, numeric=numeric)
    row["untuned_hgb"] = round(score(task, test[target], plain, classes), 5)
    board = auto.leaderboard_
    row["model"] = json.loads((auto.run_dir_ / "run.json").read_text())["best"]  # that predicts
    raw = auto.predict(test) if numeric else auto.predict_proba(test)
    row["score"] = round(score(task, test[target], raw, classes), 5)
    row["ahead_in_se"] = round(ahead(task, test[target], raw, plain, classes), 1)
    row["own_estimate"] = float(board.loc[board["learner"] == "ensemble", "score"].iloc[0])
    return row | PEERS.get(entry["name"], {})


if __name__ == "__main__":
    main()
