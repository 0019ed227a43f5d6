"""Sum up what frameworks did side by side: ranks, wins, failures, by size and by task.

python benchmarks/peers/judge.py [RESULTS.csv ...] [--output summary.csv] [--figure FILE.svg]

- `mean_rank`: 1 is best, ties share, a failure ranks last;
- `normalised`: 0 for the worst and 1 for the best score on a table, on average;
- `wins`: share of tables on which ours is ahead, ties count half, with the 95% interval of a
  bootstrap over tables;
- `behind_2`, `behind_3_5`: tables on which it is that many standard errors behind untuned boosting;
- `peak_gb`, `rows_per_second`: medians.

The figure is the critical-difference diagram (Demsar 2006, Nemenyi's test) and needs
`pip install scikit-posthocs`.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
OURS = "automl"
DRAWS = 10_000
"""Bootstrap draws of tables."""
SIZES = {"under 2,000 rows": (0, 2_000), "to 20,000": (2_000, 20_000), "above": (20_000, np.inf)}


def main() -> None:
    """Print and write the table, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="*", type=Path, default=[HERE / "results.csv"])
    parser.add_argument("--output", type=Path, default=HERE / "summary.csv")
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    found = pd.concat(pd.read_csv(path, comment="#") for path in asked.results)
    rows = [row for name, part in groups(found).items() for row in summed(name, part)]
    with asked.output.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(pd.DataFrame(rows).to_string(index=False))
    if asked.figure is not None:
        draw(ranks(found), asked.figure)


def groups(found: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All rows, those of each size, and those of each task."""
    made = {"all": found}
    made |= {
        name: found[(found["rows"] >= least) & (found["rows"] < most)]
        for name, (least, most) in SIZES.items()
    }
    made |= {str(name): part for name, part in found.groupby("task")}
    return {name: part for name, part in made.items() if len(part)}


def losses(found: pd.DataFrame) -> pd.DataFrame:
    """Table x framework, lower is better, infinite for a failure."""
    signs = found["task"].map({"binary": -1.0}).fillna(1.0)
    wide = found.assign(loss=found["score"] * signs).pivot_table(
        index="set", columns="framework", values="loss", dropna=False
    )
    return wide.fillna(np.inf)


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """Table x framework, 1 is best."""
    return losses(found).rank(axis=1)


def summed(name: str, found: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a framework, the best mean rank first."""
    wide, rows = losses(found), []
    places = wide.rank(axis=1)
    worst = wide.replace(np.inf, np.nan).max(axis=1)
    best = wide.min(axis=1)
    spread = (worst - best).replace(0.0, 1.0)
    scaled = 1 - wide.sub(best, axis=0).div(spread, axis=0).clip(upper=1.0)
    for framework in places.mean().sort_values().index:
        part = found[found["framework"] == framework]
        behind = -part["ahead_in_se"].astype(float)
        rows.append(
            {
                "tables of": name,
                "tables": len(wide),
                "framework": framework,
                "mean_rank": round(float(places[framework].mean()), 2),
                "normalised": round(float(scaled[framework].mean()), 3),
                **won(wide, str(framework)),
                "behind_2": int((behind > 2).sum()),
                "behind_3_5": int((behind > 3.5).sum()),
                "failed": int(part["failed"].notna().sum()),
                "over_budget": int((part["over"] > 0).sum()),
                "peak_gb": round(float(part["peak_gb"].median()), 2),
                "rows_per_second": round(float(part["rows_per_second"].median())),
            }
        )
    return rows


def won(wide: pd.DataFrame, other: str) -> dict[str, str]:
    """Share of tables on which ours is ahead of another framework, with its interval."""
    if other == OURS or OURS not in wide:
        return {"wins": ""}
    ours, theirs = wide[OURS].to_numpy(), wide[other].to_numpy()
    wins = np.where(ours < theirs, 1.0, np.where(ours == theirs, 0.5, 0.0))
    draws = np.random.default_rng(0).choice(wins, (DRAWS, len(wins))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    return {"wins": f"{wins.mean():.0%} ({low:.0%} to {high:.0%})"}


def draw(places: pd.DataFrame, path: Path) -> None:
    """Write the critical-difference diagram."""
    import matplotlib.pyplot as plt
    import scikit_posthocs

    figure, axes = plt.subplots(figsize=(8, 2.5))
    wide = places.reset_index(drop=True)
    scikit_posthocs.critical_difference_diagram(
        wide.mean(), scikit_posthocs.posthoc_nemenyi_friedman(wide), ax=axes
    )
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
