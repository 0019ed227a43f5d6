"""Do the verdicts keep their promises? Simulations of pairs whose truth is known.

python benchmarks/controls/run.py [--simulations 2000] [--entropy N]

Every control is simulated 2,000 times as a study (5 repeats, 9 anchors, of which the lowest two
that enter the rate have 4 and 2 fits a repeat) and, where it makes sense, as a fit (one
permutation, 4 anchors) of 20,000 rows. Seeds come from the system's entropy, which is written into
the results so that they can be repeated. Errors of proportional, parallel and equal
curves fall with the root of n; effects are changes of a flat .20 by so many points a doubling.
"""

from __future__ import annotations

import argparse
import csv
import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from automl import scaling

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
import planted
from machine import describe
from planted import Truth, World

HERE = Path(__file__).parent
OFFSET = 0.03
FAMILIES = "best deep"
MANY = 11
"""Learners a family where the choice among them is noisy."""


def crossing(at: float) -> Truth:
    """An error rate that falls with the root of n and meets .20 at the given n."""
    return lambda n: 0.2 * (n / at) ** -0.5


def times(factor: float) -> Truth:
    """The falling curve, multiplied: it never crosses it, and comes nearer in points alone."""
    return lambda n: factor * planted.falling(n)


def plus(offset: float) -> Truth:
    """The falling curve, so much worse at any n: it comes nearer in proportion never."""
    return lambda n: planted.falling(n) + offset


def gaining(points: float) -> Truth:
    """.20 at 16,000 rows, falling by so many points a doubling."""
    return lambda n: 0.2 - points / 100 * np.log2(n / 16_000)


def classical_below(n: np.ndarray) -> np.ndarray:
    """Was crossed at 150 rows: in the window deep's lead shrinks in points, grows in proportion."""
    return np.asarray(0.3 * (n / 500) ** -0.35)


def deep_below(n: np.ndarray) -> np.ndarray:
    """The curve that crossed it."""
    return classical_below(n) * (n / 150) ** -0.15


def family(name: str) -> dict[str, Truth]:
    """Eleven learners with proportional curves, a twentieth of the best one's error apart.

    What a choice among them on few rows loses falls with the rows, in points and in proportion: a
    best that is chosen anew at every anchor looks like one that gains.
    """
    return {f"{name}{i:02}": times(1 + i / 20) for i in range(MANY)}


def led_by(points: float) -> dict[str, Truth]:
    """Four nets with flat curves behind one that gains so many points a doubling."""
    flat = {f"net{i}": above(i / 100) for i in range(1, 5)}
    return {"leader": gaining(points)} | flat


def eleven(name: str, best: Truth) -> dict[str, Truth]:
    """The best learner of a family, and ten with flat curves, a point apart from each other."""
    return {name: best} | {f"{name}{i:02}": above(i / 100) for i in range(1, MANY)}


def above(offset: float) -> Truth:
    """A flat .20, so much worse."""
    return lambda n: planted.flat(n) + offset


@dataclass(frozen=True)
class Control:
    """Curves whose truth is known."""

    deep: Truth | Mapping[str, Truth]
    classical: Truth | Mapping[str, Truth]
    crosses: float | None = None
    """Where they cross, if anywhere within the anchors."""
    world: World = field(default_factory=World)
    single: bool = True
    """True if it is simulated as a fit too."""
    of: str = FAMILIES
    """The deep side whose verdict counts."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `planted.study` for another plan than the usual one."""


EQUAL = planted.falling
RHO = 0.05
SHARING = World(rho=RHO)
UNEQUAL = World(rho=RHO, unequal=0.7)
PLANS: dict[str, dict[str, Any]] = {
    "all three times": {"racing": None, "repeats": 3},
    "all five times": {"racing": None},
    "race": {},
    "race and narrowing": {"subsets": planted.NARROWED},
}
"""Ways to spend the seconds on 22 learners. In seconds of one learner and repeat they take 66, 110,
56 and 75, where a fit takes as long as its rows are many."""
CONTROLS: dict[str, Control] = {
    "crossing at 1531": Control(EQUAL, planted.flat, 1531.25),
    "crossing at 4000": Control(crossing(4000), planted.flat, 4000.0),
    "itself": Control(EQUAL, EQUAL),
    "proportional, deep 1.1 times": Control(times(1.1), EQUAL),
    "proportional, deep 1.2 times": Control(times(1.2), EQUAL),
    "proportional, deep 1.3 times": Control(times(1.3), EQUAL),
    "proportional, classical 1.1 times": Control(EQUAL, times(1.1)),
    "proportional, classical 1.2 times": Control(EQUAL, times(1.2)),
    "proportional, classical 1.3 times": Control(EQUAL, times(1.3)),
    "parallel, deep behind": Control(plus(OFFSET), EQUAL),
    "parallel, deep ahead": Control(EQUAL, plus(OFFSET)),
    "crossed below, lead shrinks in points alone": Control(deep_below, classical_below),
    "itself, correlated repeats": Control(EQUAL, EQUAL, world=World(correlation=0.2), single=False),
    "proportional 1.2, correlated repeats": Control(
        times(1.2), EQUAL, world=World(correlation=0.2), single=False
    ),
    "itself, shared test rows": Control(EQUAL, EQUAL, world=World(shared=True), single=False),
    "parallel, shared test rows": Control(
        plus(OFFSET), EQUAL, world=World(shared=True), single=False
    ),
    "itself, heavy tails": Control(EQUAL, EQUAL, world=World(tails=3)),
    "proportional 1.2, heavy tails": Control(times(1.2), EQUAL, world=World(tails=3)),
    "eleven against eleven": Control(family("net"), family("tree"), single=False),
    "eleven deep against one": Control(family("net"), EQUAL, single=False),
    "one against eleven classical": Control(EQUAL, family("tree"), single=False),
    "deep gains .2 points a doubling": Control(gaining(0.2), planted.flat),
    "deep gains .5 points a doubling": Control(gaining(0.5), planted.flat),
    "deep gains 1 point a doubling": Control(gaining(1.0), planted.flat),
    **{
        f"{what}, folds that share {RHO}": Control(deep, classical, world=SHARING, single=False)
        for what, deep, classical in (
            ("itself", EQUAL, EQUAL),
            ("proportional 1.2", times(1.2), EQUAL),
            ("parallel", plus(OFFSET), EQUAL),
            ("flat", planted.flat, planted.flat),
        )
    },
    **{
        f"{what}, folds that share {RHO}, unequal noise": Control(
            deep, classical, world=UNEQUAL, single=False, of=of
        )
        for what, deep, classical, of in (
            ("eleven against eleven", family("net"), family("tree"), FAMILIES),
            ("eleven deep against one", family("net"), EQUAL, FAMILIES),
            ("first of eleven deep against one", family("net"), EQUAL, "net00"),
            ("last of eleven deep against one", family("net"), EQUAL, "net10"),
        )
    },
    **{
        f"{who} gains {points} points a doubling, folds that share {RHO}": Control(
            deep(points), planted.flat, world=SHARING, single=False, of=of
        )
        for points in (0.2, 0.5, 1.0)
        for who, deep, of in (
            ("deep", gaining, FAMILIES),
            ("best of five deep", led_by, FAMILIES),
            ("leader of five deep", led_by, "leader"),
        )
    },
    **{
        f"{who} of eleven gains .5 points a doubling, {how}": Control(
            eleven("net", gaining(0.5)),
            eleven("tree", planted.flat),
            world=SHARING,
            single=False,
            of=of,
            plan=plan,
        )
        for who, of in (("best", FAMILIES), ("leader", "net"))
        for how, plan in PLANS.items()
    },
    **{
        f"{what}, folds that share {RHO}, narrowed": Control(
            deep, classical, world=SHARING, single=False, plan={"subsets": planted.NARROWED}
        )
        for what, deep, classical in (
            ("eleven against eleven", family("net"), family("tree")),
            ("itself", EQUAL, EQUAL),
        )
    },
    "deep 1.3 times, cut short": Control(times(1.3), EQUAL, world=World(censored=("net",))),
    "classical 1.3 times, cut short": Control(EQUAL, times(1.3), world=World(censored=("tree",))),
}
DESIGNS = ("study", "fit")


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--entropy", type=int, default=secrets.randbits(64))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(CONTROLS))
    parser.add_argument("--designs", nargs="*", default=list(DESIGNS))
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    arguments = parser.parse_args()
    began = time.monotonic()
    jobs = [
        (design, control, arguments.simulations, arguments.entropy)
        for design in arguments.designs
        for control in arguments.only
        if design == "study" or CONTROLS[control].single
    ]
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
    seeds = np.random.SeedSequence([entropy, *design.encode(), *control.encode()])
    said = [outcome(CONTROLS[control], design, seed) for seed in seeds.generate_state(simulations)]
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


def outcome(control: Control, design: str, seed: int) -> dict[str, float]:
    """Verdicts on one simulation, whether its intervals hold the truth, and the detectable change.

    A share is a mean of yes and no; the detectable change is in points.
    """
    make = planted.study if design == "study" else planted.fit
    study = make(control.deep, control.classical, int(seed), world=control.world, **control.plan)
    found = next(c for c in scaling.scaling_document(study)["contrasts"] if c["deep"] == control.of)
    rate, level, crossed = found["rate"], found["level"], found["crossover"]
    n, losses = truth_of(control, study)
    said: dict[str, float] = {"is tested": found["tested"]} if control.of != FAMILIES else {}
    inside = scaling.window(n)
    gap, ratio = losses[0] - losses[1], np.log2(losses[0] / losses[1])
    slope, share = (float(np.polyfit(np.log2(n[inside]), t[inside], 1)[0]) for t in (gap, ratio))
    both = rate["ratio_per_doubling"]
    words = ("deep scales better", "deep scales worse", "equivalent", "depends on the scale")
    said |= {f"says {word}": rate["verdict"] == word for word in (*words, "undecided")}
    said |= {f"says {w}": level["verdict"] == w for w in ("deep ahead", "classical ahead")}
    said |= {
        f"says crossover {status}": crossed["status"] == status
        for status in ("observed", "none up to N", "not within 2x")
    }
    said |= {
        "rate interval holds the truth": rate["low"] <= slope <= rate["high"],
        "ratio interval holds the truth": both["low"] <= 2**share <= both["high"],
        "level interval holds the truth": level["low"] <= gap[-1] <= level["high"],
    }
    said["learners that go on"] = len({p.learner for p in study.points if p.repeat == 1})
    if found["detectable"] is not None:
        said["detectable"] = 100 * found["detectable"]
    if control.crosses is not None and crossed["status"] == "observed":
        said["crossover interval holds n*"] = crossed["low"] <= control.crosses <= crossed["high"]
    return said


def truth_of(control: Control, study: scaling.Study) -> tuple[np.ndarray, np.ndarray]:
    """Anchors and (2, k) mean true losses of the learners that were chosen in each repeat."""
    pairs = next(one for one in scaling.contrasts(study) if one.deep == control.of).pairs
    n = np.array(sorted({cell.n for cell in pairs}))
    truths = {"net": control.deep} if callable(control.deep) else dict(control.deep)
    truths |= {"tree": control.classical} if callable(control.classical) else control.classical
    chosen = [[pick.points[0].learner for pick in pair] for pair in pairs.values()]
    losses = [[truths[name](n) for name in names] for names in chosen]  # type: ignore[operator]
    return n, np.mean(losses, axis=0)


if __name__ == "__main__":
    main()
