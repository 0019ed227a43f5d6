"""The leaderboard of a run: scores, intervals, ties, and the learners without a score.

A function of the run directory alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import ArtifactError
from automl.files import replacing
from automl.metrics import influence, interval, loss, loss_sign, score, standard_error
from automl.metrics.scoring import Z95
from automl.runs.record import RunReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from automl.types import Array, Metric

COLUMNS = (
    "rank",
    "learner",
    "family",
    "plugin",
    "score",
    "score_low",
    "score_high",
    "score_val",
    "n",
    "ties_best",
    "fit_seconds",
    "predict_rows_per_second",
    "spent_seconds",
    "trials",
    "size_bytes",
    "status",
    "reason",
    "time_limited",
)


@dataclass(frozen=True, slots=True)
class _RankedRow:
    """A row of the leaderboard with the per-row terms of its score."""

    row: dict[str, Any]
    terms: Array
    """(m,) float64 with the score as mean; all NaN where the score is not defined."""


def leaderboard(run: Path, metric: Metric) -> pd.DataFrame:
    """Rank the learners and ensembles, best first; those without a rank come last.

    `score` is honest. With locked test rows it is the test score of the configuration with the best
    validation score. Otherwise it is cross-fitted: a configuration is chosen on one half of the
    scored rows and scored on the other, both ways, averaged over the rows. `score_val` is the
    validation score that decided the choice. `n` counts the rows that a model was fitted on; of
    learners that were eliminated, which have neither rank nor score, those of `score_val`.
    `ties_best` marks rows whose paired difference to the
    best is within 1.96 standard errors. Seconds, speed and size are those of the model of the row:
    all fold models of the best configuration, or all members of an ensemble. `time_limited` marks
    rows with a model that the time limit ended or hastened.

    Args:
        run: The run directory.
        metric: The metric of the run; scores are never sign-flipped.

    Raises:
        ArtifactError: the directory is not a run, or is damaged.
    """
    import pandas as pd

    record = RunReader(run)
    entries = [_learner(record, name, metric) for name in record.ranked]
    left_out = [asdict(s) for s in record.standings if s.status != "ok"]
    for ensemble in _read_ensembles(run):
        if not ensemble["members"]:
            left_out.append(ensemble)
            continue
        try:
            entries.append(_ensemble(record, ensemble, metric))
        except ArtifactError as error:
            left_out.append(ensemble | {"status": "failed", "reason": str(error)})
    rows = _ranked(entries, metric) + [_unranked(record, entry) for entry in left_out]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = dict.fromkeys(("rank", "n", "trials", "size_bytes"), "Int64")
    real = [c for c in COLUMNS if c.startswith(("score", "fit", "predict", "spent"))]
    flags = dict.fromkeys(("ties_best", "time_limited"), "bool")
    return table.astype(whole | dict.fromkeys(real, "float64") | flags)


def write_leaderboard(run: Path, metric: Metric) -> pd.DataFrame:
    """Compute the leaderboard and write it to `leaderboard.csv` of the run directory."""
    table = leaderboard(run, metric)
    with replacing(run / "leaderboard.csv") as draft:
        table.to_csv(draft, index=False)
    return table


def of_choice(
    board: pd.DataFrame,
    choice: Metric,
    whole: Iterable[str],
    *,
    locked: bool,
    row_seconds: float | None = None,
) -> str:
    """Choose the default model among the rows whose models are saved.

    The highest ensemble over all learners, if it ties with the best row: it depends less on the
    luck of a single choice. Else the highest ensemble of one family that ties, else the best row.

    Args:
        board: A leaderboard with at least one ranked row.
        choice: The metric of `score_val`.
        whole: The ensembles over all learners.
        locked: Whether scores come from rows or labels that no choice may use; then the ensemble
            with the best validation score is chosen.
        row_seconds: Seconds that it may take for a row; the fastest is chosen if all take longer.
    """
    saved = board[board["size_bytes"].notna()]
    if row_seconds is not None and not saved.empty:
        speed = saved["predict_rows_per_second"].fillna(math.inf)  # too short to be measured
        saved = saved[speed >= min(1 / row_seconds, speed.max())]
    blends = saved[saved["family"].eq("ensemble") & saved["status"].eq("ok")]
    if locked:
        blends = blends.sort_values(
            "score_val", ascending=not choice.greater_is_better, kind="stable"
        )
    over_all = blends[blends["learner"].isin([*whole])].head(1)
    if not locked:
        over_all, blends = (
            rows[rows["ties_best"] | rows["rank"].eq(1)] for rows in (over_all, blends)
        )
    chosen = next(rows for rows in (over_all, blends, saved, board) if not rows.empty)
    return str(chosen["learner"].iloc[0])


def scored_on(run: Path) -> str:
    """Origin of the honest scores: "test" for locked rows, else "crossfit"."""
    return "test" if (run / "predictions" / "truth_test.npy").exists() else "crossfit"


def best_trials(run: Path, metric: Metric) -> dict[str, str]:
    """Map each ranked learner to its best trial on all scored rows, which represents it."""
    record = RunReader(run)
    choice = record.supervision.choice_of(metric)
    return {name: _best(record, name, choice) for name in record.ranked}


# ------------------------------------------------------------------------------- choosing


def _values(record: RunReader, learner: str, metric: Metric) -> Array:
    """(trials, 1 + halves) losses of a learner's candidates on all scored rows and each half."""
    parts: tuple[Array, ...] = (np.arange(len(record.y)), *record.halves)
    return np.array(
        [
            [_loss(record, metric, prediction, rows) for rows in parts]
            for prediction in map(record.prediction, record.candidates[learner])
        ]
    )


def _loss(
    record: RunReader, metric: Metric, prediction: Array, rows: Array | slice = slice(None)
) -> float:
    return loss(metric, score(metric, record.y[rows], prediction[rows], record.weights_of(rows)))


def _best(record: RunReader, learner: str, metric: Metric) -> str:
    trials = record.candidates[learner]
    values = [_loss(record, metric, record.prediction(t)) for t in trials]
    return trials[int(np.argmin(values))]


# ---------------------------------------------------------------------------------- rows


def _learner(record: RunReader, learner: str, metric: Metric) -> _RankedRow:
    """The row of a learner: its best configuration, of equal ones the first started."""
    choice = record.supervision.choice_of(metric)
    trials, values = record.candidates[learner], _values(record, learner, choice)
    chosen = [trials[i] for i in values.argmin(axis=0)]
    best = chosen[0]
    if record.y_test is not None:
        tested = record.test_prediction(best)
        terms = influence(metric, record.y_test, tested, record.weights_test)
    elif len(record.halves) == 2:
        # the choice of half 0 is scored on half 1, and the reverse
        read = {trial: record.prediction(trial) for trial in set(chosen[1:])}
        terms = _by_half(record, metric, [read[trial] for trial in reversed(chosen[1:])])
    else:
        terms = _terms(record, metric, record.prediction(best), np.arange(len(record.y)))
    low = float(values[:, 0].min())
    row = {
        "learner": learner,
        "score_val": _score_of(choice, low),
        "spent_seconds": record.spent[learner],
        "n": record.final[best][0].n,
        "trials": record.trials[learner],
        **_costs(record, [best]),
    }
    standing = next(s for s in record.standings if s.name == learner)
    told = {"family": standing.family, "plugin": standing.plugin, "reason": standing.reason}
    return _RankedRow(row | told, terms)


def _by_half(record: RunReader, metric: Metric, predictions: Sequence[Array]) -> Array:
    """(m,) terms, of each half from its own prediction; NaN for rows in neither half."""
    terms = np.full(len(record.y), math.nan)
    for rows, prediction in zip(record.halves, predictions, strict=True):
        terms[rows] = _terms(record, metric, prediction, rows)
    return terms


def _terms(record: RunReader, metric: Metric, prediction: Array, rows: Array) -> Array:
    """(len(rows),) terms of the labelled rows among those given; NaN for the others."""
    terms = np.full(len(rows), math.nan)
    there = record.answers.known[rows]
    rows = rows[there]
    scored = record.answers.scored[rows]
    terms[there] = influence(metric, scored, prediction[rows], record.weights_of(rows))
    return terms


def _ensemble(record: RunReader, entry: dict[str, Any], metric: Metric) -> _RankedRow:
    """The row of an ensemble, from the predictions that `automl.ensemble` wrote."""
    if record.y_test is not None:
        blend = _blend(record, f"{entry['name']}-test")
        terms = influence(metric, record.y_test, blend, record.weights_test)
    else:
        prediction = _blend(record, f"{entry['name']}-crossfit")
        terms = _by_half(record, metric, [prediction] * len(record.halves))
    costs = _costs(record, [member["trial"] for member in entry["members"]])
    row = {
        "learner": entry["name"],
        "family": entry["family"],
        "plugin": entry["plugin"],
        "score_val": entry["score_val"],
        "n": max(record.final[member["trial"]][0].n for member in entry["members"]),
        "spent_seconds": entry["seconds"],
        "trials": len(entry["members"]),
        **costs,
        "fit_seconds": costs["fit_seconds"] + entry["seconds"],
    }
    return _RankedRow(row, terms)


def _blend(record: RunReader, name: str) -> Array:
    path = record.run / "predictions" / f"{name}.npy"
    wanted = len(record.y if record.y_test is None else record.y_test)
    try:
        prediction: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        msg = f"{path} is missing or damaged ({error}); run fit again with --resume"
        raise ArtifactError(msg) from error
    if len(prediction) != wanted:
        msg = "learners have finished since it was made; run fit again with --resume"
        raise ArtifactError(msg)
    return prediction


def _costs(record: RunReader, trials: Iterable[str]) -> dict[str, Any]:
    """Seconds, speed and bytes of all models of the trials together."""
    trials = list(trials)
    fits = [rung for trial in trials for rung in record.models(trial)]
    seconds_per_row = sum(map(record.seconds_per_row, trials))
    sizes = [rung.size_bytes for rung in fits if rung.size_bytes is not None]
    return {
        "fit_seconds": sum(rung.fit_seconds for rung in fits),
        "predict_rows_per_second": 1 / seconds_per_row if seconds_per_row else math.nan,
        "size_bytes": sum(sizes) if sizes else None,
        "time_limited": any(rung.censored for rung in fits),
    }


def _ranked(entries: Iterable[_RankedRow], metric: Metric) -> list[dict[str, Any]]:
    """Sort the rows, best first, and add score, interval and ties."""

    def place(entry: _RankedRow) -> tuple[float, bool, str]:
        single = entry.row["family"] != "ensemble"
        return (loss(metric, _value(entry.terms)), not single, entry.row["learner"])

    ordered = sorted(entries, key=place)
    return [
        entry.row
        | dict(zip(("score", "score_low", "score_high"), _honest(metric, entry.terms), strict=True))
        | {
            "rank": rank,
            "ties_best": _ties(entry.terms, ordered[0].terms),
            "status": "ok",
            "reason": entry.row.get("reason", ""),
        }
        for rank, entry in enumerate(ordered, start=1)
    ]


def _value(terms: Array) -> float:
    """Mean over the rows whose term is defined: a half with one class has no AUC."""
    defined = terms[np.isfinite(terms)]
    return float(defined.mean()) if len(defined) else math.nan


def _honest(metric: Metric, terms: Array) -> tuple[float, float, float]:
    defined = terms[np.isfinite(terms)]
    if not len(defined):
        return math.nan, math.nan, math.nan
    return float(defined.mean()), *interval(metric, defined)


def _ties(terms: Array, best: Array) -> bool:
    """True if the paired difference to the best is within 1.96 standard errors."""
    if terms is best:
        return True
    difference = terms - best
    difference = difference[np.isfinite(difference)]
    if len(difference) < 2:
        return False
    return bool(abs(difference.mean()) <= Z95 * standard_error(difference))


def _unranked(record: RunReader, entry: dict[str, Any]) -> dict[str, Any]:
    name = entry["name"]
    spent: dict[str, Any] = {
        "spent_seconds": record.spent.get(name, 0.0),
        "trials": record.trials.get(name, 0),
    }
    told = {key: entry[key] for key in ("family", "plugin", "status", "reason")}
    if entry["status"] == "eliminated" and (last := record.highest(name)) is not None:
        spent |= {"score_val": last.score, "n": last.n}
    return {"learner": name, "ties_best": False, "time_limited": False, **spent, **told}


def _score_of(metric: Metric, value: float) -> float:
    """The score whose loss is `value`."""
    if math.isinf(value):
        return math.nan
    return loss_sign(greater_is_better=metric.greater_is_better) * value


def _read_ensembles(run: Path) -> list[dict[str, Any]]:
    path = run / "model" / "ensembles.json"
    if not path.exists():
        return []
    try:
        ensembles: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        msg = f"{path} is damaged ({error}); run fit again with --resume"
        raise ArtifactError(msg) from error
    return ensembles
