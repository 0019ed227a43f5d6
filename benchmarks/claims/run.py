"""Claims of articles about deep learning on tables, put to the test.

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
from benchmarks.claims.claims import LEDGER, Claim, Evidence, Untestable
from benchmarks.claims.experiments import CLASSICAL, DEEP, EXPERIMENTS, read
from benchmarks.claims.judging import Effect, Judged, on_both_scales, pool, verdicts
from benchmarks.machine import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Container

HERE = Path(__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "claims.md"
OFFERED, USED_UP = 0.005, 0.8
"""Seconds a row that nets and boosters were given, and the part of it above which a fit may have
been cut short: the evidence was measured before fits told so themselves."""
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
    ledger = arguments.output / "ledger.csv"
    machine = measured_on(ledger) if arguments.judge else describe()
    write_ledger(ledger, rows, sum(line["seconds"] for line in lines), machine)
    if arguments.output == HERE:
        head, rest = PAGE.read_text("utf-8").split(BEGIN)
        table = table_of(rows) + limited(lines)
        PAGE.write_text(head + BEGIN + table + END + rest.split(END)[1], "utf-8")


def evidence_of(file: Path) -> list[dict[str, Any]]:
    """A line for each experiment on a table so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _run(experiment: str, name: str, data: Path) -> dict[str, Any]:
    began = time.monotonic()
    found = EXPERIMENTS[experiment].run(read(name, data))
    seconds = round(time.monotonic() - began)
    print(f"{experiment} on {name}: {seconds} s", flush=True)
    return {"experiment": experiment, "table": name, "seconds": seconds, "found": found}


def effects_of(
    claim: Claim, lines: list[dict[str, Any]], effect: Callable[[Evidence], Effect | None]
) -> dict[str, Effect]:
    """Table -> effect, for the tables that have all the evidence the claim needs."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        found.setdefault(line["table"], {})[line["experiment"]] = line["found"]
    complete = {t: e for t, e in found.items() if all(need in e for need in claim.needs)}
    effects = {table: effect(evidence) for table, evidence in complete.items()}
    return {table: found for table, found in effects.items() if found is not None}


def measured(claim: Claim, lines: list[dict[str, Any]]) -> bool:
    """Return whether its experiments have run on all their tables."""
    done = {(line["experiment"], line["table"]) for line in lines}
    return all((need, table) in done for need in claim.needs for table in EXPERIMENTS[need].tables)


def ledger_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a claim, in the order of the ledger; without a verdict until all is measured."""
    effects = {
        c: effects_of(c, lines, c.effect)
        for c in LEDGER
        if isinstance(c, Claim) and measured(c, lines)
    }
    tested = [claim for claim, found in effects.items() if len(found) > 1]
    others = {
        c: pool(effects_of(c, lines, c.in_proportion), "more", 0.0)
        for c in tested
        if c.in_proportion
    }
    judged = [pool(effects[c], c.kind, c.margin) for c in tested]
    judged = [
        on_both_scales(one, others[c]) if c in others else one
        for c, one in zip(tested, judged, strict=True)
    ]
    kinds, margins = [c.kind for c in tested], [c.margin for c in tested]
    claims = sum(isinstance(claim, Claim) for claim in LEDGER)
    words = verdicts(judged, kinds, margins, claims) if judged else []
    found = dict(zip((c.text for c in tested), zip(judged, words, strict=True), strict=True))
    return [
        _tested(claim, *found[claim.text], others.get(claim))
        if claim.text in found
        else _untested(claim, effects)
        for claim in LEDGER
    ]


def _untested(claim: Claim | Untestable, effects: Container[Claim]) -> dict[str, Any]:
    if isinstance(claim, Untestable):
        return {"claim": claim.text, "verdict": "untestable", "contrast": claim.reason}
    word = "underpowered" if claim in effects else "not run"  # measured, and nobody learned
    return {"claim": claim.text, "verdict": word, "contrast": claim.contrast}


def _tested(
    claim: Claim, one: Judged, told: tuple[str, float], other: Judged | None
) -> dict[str, Any]:
    word, p = told
    ends = () if other is None else (other.typical, other.low, other.high)
    value, low, high = (f"{2.0**end:.3g}" for end in ends) if ends else ("", "", "")
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
        "in_proportion": f"times {value} [{low}, {high}]" if ends else "",
    }


def measured_on(ledger: Path) -> str:
    """The machine that the evidence of a ledger was measured on."""
    return ledger.read_text("utf-8").splitlines()[1].removeprefix("# ")


def write_ledger(path: Path, rows: list[dict[str, Any]], seconds: float, machine: str) -> None:
    """ledger.csv, with the command, its hours and the machine above it."""
    with path.open("w", newline="") as file:
        file.write("# pip install benchmarks/claims/controls; python benchmarks/claims/run.py DATA")
        file.write(f" ({seconds / 3600:.1f} h)\n")
        file.write(f"# {machine}\n")
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
            if row["in_proportion"]:
                effect += f"; classical over deep loss {row['in_proportion']} a doubling"
            tables = f"{row['tables']}: {row['tables_for']} for, {row['tables_against']} against"
        lines.append(
            f"| {row['claim']} | **{row['verdict']}** | {effect} | {tables} | {row['contrast']} |"
        )
    return "\n".join(lines) + "\n"


def limited(lines: list[dict[str, Any]]) -> str:
    """Count the fits of the claims about rows that used up the time that they were given."""
    told = []
    for name in (*DEEP, *CLASSICAL):
        found = [
            (seconds, point["at"])
            for line in lines
            if line["experiment"] == "rows"
            for point in line["found"]["learners"][name]
            for seconds in point["seconds"]
            if seconds is not None
        ]
        used = [seconds > USED_UP * OFFERED * at for seconds, at in found]
        told.append(f"{name} {sum(used)} of {len(used)}")
    return (
        f"\nOf the fits behind the claims about rows, so many took over four fifths of the "
        f"{1000 * OFFERED:g} ms a row that nets and boosters were given, and may have been cut "
        f"short: {', '.join(told)}.\n"
    )


if __name__ == "__main__":
    main()
