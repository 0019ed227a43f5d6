"""What articles say about deep learning on tables, put to the test.

python benchmarks/claims/run.py DATA [--only EXPERIMENT ...] [--table NAME ...] [--judge]

Runs every experiment of experiments.py on its tables and appends a line each to evidence.jsonl;
what is there already is not run again, so it may be interrupted at any time. Then claims.py
reads an effect off every table, and ledger.csv gets a verdict for each claim. `--judge` only
judges.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.claims.claims import LEDGER, Claim
from benchmarks.claims.experiments import EXPERIMENTS, read
from benchmarks.claims.judging import Effect, pool, verdicts
from benchmarks.machine import describe

HERE = Path(__file__).parent


def main() -> None:
    """Run what is missing, then judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=list(EXPERIMENTS), choices=list(EXPERIMENTS))
    parser.add_argument("--table", nargs="*", default=[])
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE)
    arguments = parser.parse_args()
    file = arguments.output / "evidence.jsonl"
    lines = _lines(file)
    if not arguments.judge:
        done = {(line["experiment"], line["table"]) for line in lines}
        for experiment in arguments.only:
            tables = EXPERIMENTS[experiment].tables
            for name in [t for t in tables if t in arguments.table or not arguments.table]:
                if (experiment, name) not in done:
                    lines.append(_run(experiment, name, arguments.data))
                    with file.open("a", encoding="utf-8") as evidence:
                        evidence.write(json.dumps(lines[-1]) + "\n")
    write_ledger(arguments.output / "ledger.csv", lines)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _run(experiment: str, name: str, data: Path) -> dict[str, Any]:
    began = time.monotonic()
    found = EXPERIMENTS[experiment].run(read(name, data))
    seconds = round(time.monotonic() - began)
    print(f"{experiment} on {name}: {seconds} s", flush=True)
    return {"experiment": experiment, "table": name, "seconds": seconds, "found": found}


def effects_of(claim: Claim, lines: list[dict[str, Any]]) -> dict[str, Effect]:
    """Table -> effect, for the tables that have all the evidence the claim needs."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        found.setdefault(line["table"], {})[line["experiment"]] = line["found"]
    complete = {t: e for t, e in found.items() if all(need in e for need in claim.needs)}
    effects = {table: claim.effect(evidence) for table, evidence in complete.items()}
    return {table: effect for table, effect in effects.items() if effect is not None}


def write_ledger(path: Path, lines: list[dict[str, Any]]) -> None:
    """One row a claim, in the order of the ledger."""
    tested = [c for c in LEDGER if isinstance(c, Claim)]
    effects = {c.text: effects_of(c, lines) for c in tested}
    tested = [c for c in tested if len(effects[c.text]) > 1]
    judged = [pool(effects[c.text], c.kind, c.margin) for c in tested]
    words = verdicts(judged, [c.kind for c in tested], [c.margin for c in tested])
    rows = {}
    for claim, one, (word, p) in zip(tested, judged, words, strict=True):
        rows[claim.text] = {
            "claim": claim.text,
            "verdict": word,
            "contrast": claim.contrast,
            "tables": one.tables,
            "effect": _short(one.mean),
            "low": _short(one.low),
            "high": _short(one.high),
            "unit": claim.unit,
            "p_adjusted": _short(p),
            "detectable": _short(one.detectable),
            "tables_for": one.ahead,
            "tables_against": one.behind,
        }
    for claim in LEDGER:
        if isinstance(claim, Claim):
            rows.setdefault(
                claim.text, {"claim": claim.text, "verdict": "", "contrast": claim.contrast}
            )
        else:
            rows[claim.text] = {
                "claim": claim.text,
                "verdict": "untestable",
                "contrast": claim.reason,
            }
    hours = sum(line["seconds"] for line in lines) / 3600
    with path.open("w", newline="") as file:
        file.write(f"# python benchmarks/claims/run.py DATA ({hours:.1f} h)\n# {describe()}\n")
        writer = csv.DictWriter(file, max((list(row) for row in rows.values()), key=len))
        writer.writeheader()
        writer.writerows(rows[claim.text] for claim in LEDGER)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


if __name__ == "__main__":
    main()
