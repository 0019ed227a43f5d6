"""The parts of a rate's variance: from the rows that score it, and from its lowest anchors.

python benchmarks/scaling/shares.py

Of every deep learner in the studies whose cells are kept: `test` is the variance of its slope from
the test rows of a repeat, over the variance between repeats (above 1 by chance, of few repeats);
`narrower` is by how much an interval would narrow with every held-out row scored; `lowest` is the
part of the slope's variance that its lowest two anchors carry.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import scaling

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import cells
from machine import write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
HELD = {"adult": 9768, "covertype_20k": 4000}
"""Study -> held-out rows of a repeat."""


def main() -> None:
    """Write the table, and the medians below it."""
    rows = [row for name in HELD for row in shares(name)]
    for name in HELD:
        own = [row for row in rows if row["set"] == name]
        middle = {
            key: round(float(np.median([r[key] for r in own])), 2) for key in list(own[0])[3:]
        }
        rows.append({"set": name, "deep": "median", "rows": own[0]["rows"]} | middle)
    for row in rows:
        print(*row.values(), sep="\t")
    write_table(HERE / "shares.csv", "benchmarks/scaling/shares.py", rows)


def shares(name: str) -> Iterator[dict[str, Any]]:
    """One row a deep learner of a study."""
    study = cells.kept(HERE / "cells", name)
    scored = study.points[0].rows[0]
    errors = {repeat: covariance(name, repeat, scored) for repeat in range(5)}
    places: dict[Any, int] = {}
    for repeat in errors:
        own = [point for point in study.points if point.repeat == repeat]
        places |= {(repeat, point): place for place, point in enumerate(own)}
    for one in scaling.contrasts(study.of("default")):
        weights = slope_weights(one.gap.n)
        each = one.gap.values * weights
        known = []
        for repeat in sorted({cell.repeat for cell in one.pairs}):
            mine = {cell.n: pair for cell, pair in one.pairs.items() if cell.repeat == repeat}
            sides = [(mine[n][side], sign) for n in one.gap.n for side, sign in ((0, 1), (1, -1))]
            at = [places[repeat, pick.points[0]] for pick, _ in sides]
            w = np.repeat(weights, 2) * [sign for _, sign in sides]
            known.append(w @ errors[repeat][np.ix_(at, at)] @ w)
        part = float(np.mean(known) / each.sum(axis=1).var(ddof=1))
        lowest = each.var(axis=0, ddof=1)[one.gap.inside]
        if one.kind == "learner":
            yield {
                "set": name,
                "deep": one.deep,
                "rows": scored,
                "test": round(part, 2),
                "narrower": round(1 - (1 - min(part, 1) * (1 - scored / HELD[name])) ** 0.5, 2),
                "lowest": round(float(lowest[:2].sum() / lowest.sum()), 2),
            }


def covariance(name: str, repeat: int, scored: int) -> np.ndarray:
    """(p, p) covariance of the scores of a repeat's points, from sampling its test rows."""
    kept = np.load(HERE / "cells" / f"{name}.moments.npz")
    deviation = kept[f"deviation_{repeat}"].astype(float)
    found = np.zeros((len(deviation), len(deviation)))
    found[np.tril_indices(len(deviation), -1)] = kept[f"correlation_{repeat}"]
    return (found + found.T + np.eye(len(deviation))) * np.outer(deviation, deviation) / scored


def slope_weights(n: np.ndarray) -> np.ndarray:
    """(k,) weights of the anchors in a slope on log2 n over those that enter the rate."""
    inside = scaling.window(n)
    x = np.where(inside, np.log2(n), 0.0)
    centred = np.where(inside, x - x[inside].mean(), 0.0)
    return np.asarray(centred / (centred**2).sum())


if __name__ == "__main__":
    main()
