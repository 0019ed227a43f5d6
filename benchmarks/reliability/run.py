"""Is anything lost: runs that are killed, terminated, or meet a trouble of their own.

python benchmarks/reliability/run.py [--kills 50] [--terms 20] [--only NAME ...] [--limit 15]

A kill (-9) ends the driver of a short run at a random moment, and `--resume` goes on: every line of
the journal at the kill must be there afterwards, no key twice, no saved model or view changed, and
the ROC AUC on 20,000 new rows not behind that of a run without a kill: at most 1 in 25 by more than
two standard errors of the paired difference, none by more than three and a half.
SIGTERM goes to the driver alone (Kubernetes) or to all its processes (Slurm), in turns; leaderboard
and model must be there within the 30 seconds that both leave. The staged troubles are in
`faults.py`; the full disk needs the right to mount. Exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from faults import STAGED, stage
from heldout import ahead
from world import LIMITS, Run, end_all, write_table

HERE = Path(__file__).parent
GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL, of Slurm (KillWait) and Kubernetes."""
NOISE, FAR = 2.0, 3.5
"""Standard errors that few kills, and that none, may leave a model behind."""
SHARE = 1 / 25


def whole() -> np.ndarray:
    """Predictions of a run that nothing disturbs."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        run = Run(write_table(Path(folder)), Path(folder) / "run")
        run.fit()
        return run.on_new_rows()[1]


def kill(moment: float, folder: Path, reference: np.ndarray) -> tuple[str, float]:
    """Kill a run, go on with it; give what is wrong, empty if nothing is, and how far behind."""
    run = Run(write_table(folder), folder / "run")
    process = run.start()
    time.sleep(moment)
    process.kill()
    process.communicate()
    lines, models = run.lines(), run.models()
    begun = run.folder.exists() and any(run.folder.iterdir())
    done = run.fit("--resume") if begun else run.fit()
    wrong = [] if done.code == 0 else [f"exit {done.code}: {done.err[-300:]}"]
    if run.lines()[: len(lines)] != lines:
        wrong.append("a line is lost")
    if len(set(run.keys())) != len(run.keys()):
        wrong.append("a key twice")
    used = {f"members/{line['trial']}-f{line['fold']}" for line in lines}
    kept = {
        n: c for n, c in models.items() if n.startswith("views/") or n.rpartition("/")[0] in used
    }
    after = run.models()
    if any(after.get(name) != content for name, content in kept.items()):
        wrong.append("a model or view has changed")
    labels, found = run.on_new_rows()
    classes = ("no", "yes")
    far = ahead("binary", labels, reference, found, classes) if len(found) else math.inf
    if far > FAR:
        wrong.append(f"{far:.1f} standard errors behind")
    return "; ".join(wrong + ([f"lacks {run.lacks()}"] if run.lacks() else [])), far


def terminate(moment: float, folder: Path, *, everyone: bool) -> str:
    """Send SIGTERM some seconds after the first model; give what is wrong."""
    run = Run(write_table(folder), folder / "run")
    process = run.start()
    run.wait_for_model()
    time.sleep(moment)
    began = time.monotonic()
    if everyone:
        end_all(process, signal.SIGTERM)
    else:
        process.terminate()
    try:
        _, err = process.communicate(timeout=GRACE)
    except Exception:  # noqa: BLE001 - whatever it is, the process has had its time
        end_all(process)
        return f"still at work after {GRACE:.0f} s"
    wrong = [f"lacks {run.lacks()}"] if run.lacks() else []
    early = run.status() == "interrupted" and process.returncode == 130 and "--resume" in err
    over = run.status() == "done" and process.returncode in {0, -signal.SIGTERM}
    if not early and not over:
        wrong.append(f"exit {process.returncode}, status {run.status()}: {err[-300:]}")
    print(f"   ended {time.monotonic() - began:.1f} s after SIGTERM")
    return "; ".join(wrong)


def main() -> None:
    """Run what is asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--terms", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=STAGED, help="staged troubles; all if bare")
    parser.add_argument("--limit", type=float, default=15.0, help="seconds of a run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=HERE / "results.csv")
    asked = parser.parse_args()
    LIMITS.append(asked.limit)
    chance, rows = random.Random(asked.seed), []  # noqa: S311 - moments, no secrets
    reference = whole() if asked.kills else np.empty(0)
    distances: list[float] = []
    for number in range(asked.kills + asked.terms):
        last = asked.limit + 2 if number < asked.kills else asked.limit / 2
        moment = round(chance.uniform(0.2, last), 2)
        with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
            if number < asked.kills:
                wrong, far = kill(moment, Path(folder), reference)
                distances.append(far)
                name = f"kill after {moment} s, {far:+.1f} standard errors behind"
            else:
                everyone = bool(number % 2)
                name = f"SIGTERM {'to all' if everyone else 'to the driver'} after {moment} s"
                wrong = terminate(moment, Path(folder), everyone=everyone)
        rows.append({"event": name, "wrong": wrong})
        print(f"{name}: {wrong or 'nothing lost'}", flush=True)
    for name in () if asked.only is None else asked.only or STAGED:
        began = time.monotonic()
        rows.append({"event": name, "wrong": stage(name)})
        took = time.monotonic() - began
        print(f"{name}: {rows[-1]['wrong'] or 'as it should'} ({took:.0f} s)", flush=True)
    if (late := sum(far > NOISE for far in distances)) > SHARE * len(distances):
        rows.append({"event": "all kills", "wrong": f"{late} models are behind by the noise"})
    with asked.output.open("w", newline="") as file:
        table = csv.DictWriter(file, ["event", "wrong"])
        table.writeheader()
        table.writerows(rows)
    sys.exit(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    main()
