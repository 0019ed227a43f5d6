"""Do the verdicts keep their promises? Simulations of pairs whose truth is known.

python benchmarks/controls/run.py [--simulations 2000] [--entropy N]

Every control is simulated 2,000 times as a study (5 repeats, 9 anchors) and as a fit (one
permutation, 4 anchors) of 20,000 rows. Seeds come from the system's entropy, which is written
into the results so that they can be repeated.
"""

from __future__ import annotations

import argparse
import csv
import secrets
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from automl import scaling

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import planted
from machine import describe

HERE = Path(__file__).parent
OFFSET = 0.03


def crossing(at: float) -> planted.Truth:
    """An error rate that falls with the root of n and meets .20 at the given n."""
    return lambda n: 0.2 * (n / at) ** -0.5


def above(n: np.ndarray) -> np.ndarray:
    """The falling curve, three points worse: parallel to it."""
    return planted.falling(n) + OFFSET


CONTROLS: dict[str, tuple[planted.Truth, planted.Truth, float | None]] = {
    "crossing at 1531": (planted.falling, planted.flat, 1531.25),
    "crossing at 4000": (crossing(4000), planted.flat, 4000.0),
    "itself": (planted.falling, planted.falling, None),
    "parallel, deep behind": (above, planted.falling, None),
    "parallel, deep ahead": (planted.falling, above, None),
}
DESIGNS: dict[str, Callable[..., scaling.Study]] = {"study": planted.study, "fit": planted.fit}


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--entropy", type=int, default=secrets.randbits(64))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    began = time.monotonic()
    jobs = [(d, c, arguments.simulations, arguments.entropy) for d in DESIGNS for c in CONTROLS]
    with ProcessPoolExecutor(arguments.workers) as pool:
        rows = [row for rows in pool.map(simulate, jobs) for row in rows]
    command = f"python benchmarks/controls/run.py --simulations {arguments.simulations}"
    with arguments.output.open("w", newline="") as file:
        file.write(f"# {command} --entropy {arguments.entropy}\n")
        file.write(f"# {describe()}, {time.monotonic() - began:.0f} s\n")
        writer = csv.DictWriter(file, ["design", "control", "what", "share"])
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(*row.values(), sep="\t")


def simulate(job: tuple[str, str, int, int]) -> list[dict[str, Any]]:
    """One control in one design: how often each thing was said."""
    design, control, simulations, entropy = job
    deep, classical, crosses = CONTROLS[control]
    seeds = np.random.SeedSequence([entropy, *design.encode(), *control.encode()])
    said = [
        outcome(DESIGNS[design](deep, classical, seed), deep, classical, crosses)
        for seed in seeds.generate_state(simulations)
    ]
    names = list(dict.fromkeys(name for one in said for name in one))
    return [
        {
            "design": design,
            "control": control,
            "what": name,
            "share": round(float(np.mean([one[name] for one in said if name in one])), 4),
        }
        for name in names
    ]


def outcome(
    study: scaling.Study, deep: planted.Truth, classical: planted.Truth, crosses: float | None
) -> dict[str, bool]:
    """What was said of one simulation, and whether its intervals hold the truth."""
    family = scaling.scaling_document(study)["contrasts"][0]
    rate, level, crossed = family["rate"], family["level"], family["crossover"]
    n = np.array(sorted({point.n for point in study.points}))
    n = n[scaling.window(n)]
    truth = deep(n) - classical(n)
    slope = float(np.polyfit(np.log2(n), truth, 1)[0])
    found = {
        "says deep scales better": rate["verdict"] == "deep scales better",
        "says deep scales worse": rate["verdict"] == "deep scales worse",
        "says equivalent": rate["verdict"] == "equivalent",
        "says deep ahead": level["verdict"] == "deep ahead",
        "says classical ahead": level["verdict"] == "classical ahead",
        "says crossover observed": crossed["status"] == "observed",
        "says none up to N": crossed["status"] == "none up to N",
        "rate interval holds the truth": rate["low"] <= slope <= rate["high"],
        "level interval holds the truth": level["low"] <= truth[-1] <= level["high"],
    }
    if crosses is not None and crossed["status"] == "observed":
        found["crossover interval holds n*"] = crossed["low"] <= crosses <= crossed["high"]
    return found


if __name__ == "__main__":
    main()
