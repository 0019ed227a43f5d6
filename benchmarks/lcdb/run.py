"""Extrapolated learning curves against the published ones of LCDB 1.1, and their bands.

python benchmarks/lcdb/run.py DATAFILE

DATAFILE is a table of mean test error rates: openml_id, learner, n, error, se (gzip or not).
A curve is fitted to the anchors in [N/8f, N/f], at least five, and predicts the error at its last
anchor N >= 1000, f = 2, 4, 8. Bands are calibrated on half of the data sets and checked on the
others, both ways; `factor_all`, from all data sets, at horizon 2 is `automl.scaling.FACTOR`.
At horizon 1 stands how two nets compare with CatBoost on the typical set: the change of the
difference a doubling over the top three octaves, what a doubling multiplies the ratio by, and on
how many sets they are ahead at 4,096 rows.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl import scaling

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.claims.judging import Effect, Judged, pool
from benchmarks.lcdb.families import FAMILIES

HERE = Path(__file__).parent
DEEP = ("MLP", "RealMLP", "TabPFNv2")
CLASSICAL = (
    "LogisticRegression",
    "SVM_RBF",
    "ens.RandomForest",
    "ens.GradientBoosting",
    "CatBoost",
)
HORIZONS = (2, 4, 8)
FEWEST = 5
SMALLEST = 1000
LEVEL_AT = 4096
HALF_A_POINT = 0.005
NOMINAL = 0.9
REPEATS = 25
"""Splits that a published error is the mean of."""


def main() -> None:
    """Fit, compare and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    began = time.monotonic()
    curves = read(arguments.data)
    rows = against_catboost(curves)
    rows += [row for horizon in HORIZONS for row in at(curves, horizon)]
    seconds = time.monotonic() - began
    with arguments.output.open("w", newline="") as file:
        file.write(f"# python benchmarks/lcdb/run.py {arguments.data.name}\n")
        file.write("# LCDB 1.1 (learning-curve-research/LCDB-1.1, CC BY 4.0)\n")
        writer = csv.DictWriter(file, ["horizon", "what", "value"])
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(*row.values(), sep="\t")
    print(f"{seconds:.1f} s")


def read(path: Path) -> dict[tuple[int, str], pd.DataFrame]:
    """(data set, learner) -> its curve, for the learners compared, to 1,000 rows at least."""
    table = pd.read_csv(path)
    table = table[table["learner"].isin(DEEP + CLASSICAL)].sort_values("n")
    return {
        (int(key[0]), str(key[1])): curve
        for key, curve in table.groupby(["openml_id", "learner"])
        if curve["n"].max() >= SMALLEST
    }


def against_catboost(curves: dict[tuple[int, str], pd.DataFrame]) -> list[dict[str, Any]]:
    """Error rates of nets less those of CatBoost: rate and level are two questions.

    The typical data set's change a doubling, on two scales: Hodges and Lehmann's estimate with the
    interval of the signed-rank test. At 4,096 rows the share of sets on which the net is ahead, and
    on which the two are within half a point.
    """
    found: dict[str, float] = {}
    for net in ("MLP", "RealMLP"):
        slopes, ratios, gaps = [], [], []
        for one in sorted({key[0] for key in curves}):
            if (one, net) not in curves or (one, "CatBoost") not in curves:
                continue
            both = curves[one, net].merge(curves[one, "CatBoost"], on="n", suffixes=("", "_trees"))
            n, net_error, trees = (both[c].to_numpy() for c in ("n", "error", "error_trees"))
            gap = net_error - trees
            inside = scaling.window(n)
            if inside.sum() >= FEWEST:
                slopes.append(_slope(n[inside], gap[inside]))
                if min(net_error[inside].min(), trees[inside].min()) > 0:
                    ratio = np.log2(net_error[inside] / trees[inside])
                    ratios.append(_slope(n[inside], ratio))
            gaps += list(gap[n == LEVEL_AT])
        change, share = _typical(slopes), _typical(ratios)
        found |= {f"{net}_sets": len(slopes), f"{net}_per_doubling": change.typical}
        found |= {f"{net}_low": change.low, f"{net}_high": change.high}
        found |= {f"{net}_sets_above_0": len(ratios), f"{net}_ratio": 2**share.typical}
        found |= {f"{net}_ratio_low": 2**share.low, f"{net}_ratio_high": 2**share.high}
        found |= {f"{net}_sets_of_4096": len(gaps), f"{net}_ahead": np.mean(np.array(gaps) < 0)}
        found[f"{net}_within_half_a_point"] = np.mean(np.abs(gaps) <= HALF_A_POINT)
    return [
        {"horizon": 1, "what": what, "value": round(float(value), 4)}
        for what, value in found.items()
    ]


def _slope(n: np.ndarray, values: np.ndarray) -> float:
    """Change a doubling."""
    return float(np.polyfit(np.log2(n), values, 1)[0])


def _typical(values: list[float]) -> Judged:
    return pool({str(i): Effect(value, math.nan) for i, value in enumerate(values)}, "more", 0.0)


def at(curves: dict[tuple[int, str], pd.DataFrame], horizon: int) -> list[dict[str, Any]]:
    """All figures at one horizon."""
    windows = {key: window(curve, horizon) for key, curve in curves.items()}
    kept = [key for key, values in windows.items() if np.isfinite(values[1]).sum() >= FEWEST]
    n, error, se = (np.array([windows[key][i] for key in kept]) for i in range(3))
    top = np.array([curves[key]["n"].iloc[-1] for key in kept], dtype=float)
    truth = np.array([curves[key]["error"].iloc[-1] for key in kept])
    final = np.array([curves[key]["se"].iloc[-1] for key in kept])
    found: dict[str, Any] = {"curves": len(kept)}
    for family in FAMILIES:
        predicted = scaling.fit_curves(n, error, family)(top)
        found[f"mae_{family.name}"] = np.abs(predicted - truth).mean()
    found["mae_last1"] = np.abs(last_of(error) - truth).mean()
    fitted = scaling.fit_curves(n, error)
    found |= winners(kept, top, (fitted(top), last_of(error), truth, final))
    found |= coverage(kept, (n, error, se), truth, horizon)
    return [
        {"horizon": horizon, "what": what, "value": round(float(value), 4)}
        for what, value in found.items()
    ]


def window(curve: pd.DataFrame, horizon: int) -> np.ndarray:
    """(3, 16) n, error and standard error of the anchors a fit may see, NaN where there is none."""
    top = curve["n"].iloc[-1]
    seen = curve[curve["n"].between(0.99 * top / 8 / horizon, 1.01 * top / horizon)]
    padded = np.full((3, 16), np.nan)
    padded[:, : len(seen)] = seen[["n", "error", "se"]].to_numpy().T
    return padded


def last_of(values: np.ndarray) -> np.ndarray:
    """(m,) the last anchor of each row."""
    places = np.isfinite(values).sum(axis=1) - 1
    return values[np.arange(len(values)), places]


def winners(
    kept: list[tuple[int, str]], top: np.ndarray, errors: tuple[np.ndarray, ...]
) -> dict[str, float]:
    """Frequency at which curves, and "today's leader stays", name the winner of a pair at one N.

    Args:
        kept: (data set, learner) of each curve.
        top: (m,) its N; pairs have the same.
        errors: (m,) error rates at N: predicted, at the last anchor seen, true; then the
            standard error of the true one.
    """
    fitted, last, truth, se = errors
    place = {key: i for i, key in enumerate(kept)}
    called, stays = [], []
    for data in sorted({key[0] for key in kept}):
        for deep, classical in ((d, c) for d in DEEP for c in CLASSICAL):
            a, b = place.get((data, deep)), place.get((data, classical))
            if a is None or b is None or top[a] != top[b]:
                continue
            apart = truth[a] - truth[b]
            if abs(apart) <= 2 * np.hypot(se[a], se[b]):
                continue
            called.append((fitted[a] - fitted[b]) * apart > 0)
            stays.append((last[a] - last[b]) * apart > 0)
    return {
        "pairs": len(called),
        "winner_called_by_curves": float(np.mean(called)),
        "leader_stays": float(np.mean(stays)),
    }


def coverage(
    kept: list[tuple[int, str]], seen: tuple[np.ndarray, ...], truth: np.ndarray, horizon: int
) -> dict[str, float]:
    """Factors, and coverage on data sets that did not calibrate them, also with fewer repeats."""
    data = np.array([key[0] for key in kept])
    rank = np.unique(data, return_inverse=True)[1]
    found = {}
    for repeats in (REPEATS, 5, 3):
        ratio, width = ratios(seen, truth, horizon, repeats)
        if repeats == REPEATS:
            halves = [rank % 2 == 0, rank % 2 == 1]
            factors = [quantile(ratio[half]) for half in halves]
            found |= {
                "factor_all": quantile(ratio),
                "factor_even": factors[0],
                "factor_odd": factors[1],
            }
        inside = [ratio[halves[1 - i]] <= factors[i] for i in (0, 1)]
        found[f"coverage_odd_by_even_{repeats}_repeats"] = float(inside[0].mean())
        found[f"coverage_even_by_odd_{repeats}_repeats"] = float(inside[1].mean())
        found[f"mean_half_width_{repeats}_repeats"] = float(found["factor_all"] * width.mean())
    return found


def ratios(
    seen: tuple[np.ndarray, ...], truth: np.ndarray, horizon: int, repeats: int
) -> tuple[np.ndarray, np.ndarray]:
    """(m,) errors of the prediction over the scale of its band, and that scale.

    Fewer repeats than published are imitated by noise that widens the standard errors to what
    so few would have; the seed is fixed, so the table repeats.
    """
    n, error, se = seen
    noise = np.random.default_rng(0).normal(size=error.shape)
    error = np.maximum(error + noise * se * np.sqrt(REPEATS / repeats - 1), 0.0)
    curves = scaling.fit_curves(n, error)
    scale = scaling.scale(curves, se * np.sqrt(REPEATS / repeats), last_of(error), horizon)
    return np.abs(curves(curves.n0 * horizon) - truth) / scale, scale


def quantile(ratio: np.ndarray) -> float:
    """The conformal quantile: of (1 - alpha) (1 + 1 / m)."""
    return float(np.quantile(ratio, min(1.0, NOMINAL * (1 + 1 / len(ratio))), method="higher"))


if __name__ == "__main__":
    main()
