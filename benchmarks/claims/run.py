"""What articles say about deep learning on tables, put to the test.

pip install benchmarks/claims/controls
python benchmarks/claims/run.py DATA [--only EXPERIMENT ...] [--table NAME ...] [--judge]

Runs every experiment of experiments.py on its tables and appends a line each to evidence.jsonl;
what is there already is not run again, so it may be interrupted at any time. Then claims.py
reads an effect off every table, and ledger.csv and docs/claims.md get a verdict for each claim
whose experiments have run on all their tables.
`--judge` only judges.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.claims.claims import LEDGER, Claim, Untestable
from benchmarks.claims.experiments import EXPERIMENTS, read
from benchmarks.claims.judging import Effect, Judged, pool, verdicts
from benchmarks.machine import describe

if TYPE_CHECKING:
    from collections.abc import Container

HERE = Path(__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "claims.md"
BEGIN, END = "<!-- ledger:begin (written by benchmarks/claims/run.py) -->\n", "<!-- ledger:end -->"


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
    lines = evidence_of(file)
    if not arguments.judge:
        done = {(line["experiment"], line["table"]) for line in lines}
        for experiment in arguments.only:
            tables = EXPERIMENTS[experiment].tables
            for name in [t for t in tables if t in arguments.table or not arguments.table]:
                if (experiment, name) not in done:
                    lines.append(_run(experiment, name, arguments.data))
                    with file.open("a", encoding="utf-8") as evidence:
                        evidence.write(json.dumps(lines[-1]) + "\n")
    rows = ledger_of(lines)
    write_ledger(arguments.output / "ledger.csv", rows, sum(line["seconds"] for line in lines))
    if arguments.output == HERE:
        head, rest = PAGE.read_text("utf-8").split(BEGIN)
        PAGE.write_text(head + BEGIN + table_of(rows) + END + rest.split(END)[1], "utf-8")


def evidence_of(file: Path) -> list[dict[str, Any]]:
    """A line for each experiment on a table so far."""
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


def measured(claim: Claim, lines: list[dict[str, Any]]) -> bool:
    """Whether its experiments have run on all their tables."""
    done = {(line["experiment"], line["table"]) for line in lines}
    return all((need, table) in done for need in claim.needs for table in EXPERIMENTS[need].tables)


def ledger_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a claim, in the order of the ledger; without a verdict until all is measured."""
    effects = {
        c: effects_of(c, lines) for c in LEDGER if isinstance(c, Claim) and measured(c, lines)
    }
    tested = [claim for claim, found in effects.items() if len(found) > 1]
    judged = [pool(effects[c], c.kind, c.margin) for c in tested]
    kinds, margins = [c.kind for c in tested], [c.margin for c in tested]
    claims = sum(isinstance(claim, Claim) for claim in LEDGER)
    words = verdicts(judged, kinds, margins, claims) if judged else []
    found = dict(zip((c.text for c in tested), zip(judged, words, strict=True), strict=True))
    return [
        _tested(claim, *found[claim.text]) if claim.text in found else _untested(claim, effects)
        for claim in LEDGER
    ]


def _untested(claim: Claim | Untestable, effects: Container[Claim]) -> dict[str, Any]:
    if isinstance(claim, Untestable):
        return {"claim": claim.text, "verdict": "untestable", "contrast": claim.reason}
    word = "underpowered" if claim in effects else "not run"  # measured, and nobody learned
    return {"claim": claim.text, "verdict": word, "contrast": claim.contrast}


def _tested(claim: Claim, one: Judged, told: tuple[str, float]) -> dict[str, Any]:
    word, p = told
    figures = {
        "effect": one.typical,
        "low": one.low,
        "high": one.high,
        "p_adjusted": p,
        "detectable": one.detectable,
    }
    return {
        "claim": claim.text,
        "verdict": word,
        "contrast": claim.contrast,
        "tables": one.tables,
        "unit": claim.unit,
        **{name: float(f"{value:.3g}") for name, value in figures.items()},
        "tables_for": one.ahead,
        "tables_against": one.behind,
    }


def write_ledger(path: Path, rows: list[dict[str, Any]], seconds: float) -> None:
    """ledger.csv, with the command, its hours and the machine above it."""
    with path.open("w", newline="") as file:
        file.write("# pip install benchmarks/claims/controls; python benchmarks/claims/run.py DATA")
        file.write(f" ({seconds / 3600:.1f} h)\n")
        file.write(f"# {describe()}\n")
        writer = csv.DictWriter(file, max(map(list, rows), key=len))
        writer.writeheader()
        writer.writerows(rows)


def table_of(rows: list[dict[str, Any]]) -> str:
    """The ledger for people, in Markdown."""
    lines = [
        "| claim | verdict | effect, 95% interval | tables | measured how |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        effect = tables = ""
        if "tables" in row:
            effect = f"{row['effect']} [{row['low']}, {row['high']}] {row['unit']}"
            tables = f"{row['tables']}: {row['tables_for']} for, {row['tables_against']} against"
        lines.append(
            f"| {row['claim']} | **{row['verdict']}** | {effect} | {tables} | {row['contrast']} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
