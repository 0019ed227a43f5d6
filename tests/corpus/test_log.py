"""The log of cases and the cases themselves say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
LOG = HERE.parents[1] / "benchmarks" / "inputs" / "cases" / "log.md"
SOURCE = re.compile(r"own|[\w.-]+/[\w.-]+#\d+")


def coded():
    """(id, sources, file) of every case in the order of their ids."""
    found = []
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            for call in getattr(node, "decorator_list", []):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "case":
                    name, *sources = [argument.value for argument in call.args]
                    found.append((name, sources, path.name))
    return sorted(found)


def logged():
    """(id, sources, file) of every row of the log."""
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in LOG.read_text("utf-8").splitlines()
        if re.match(r"\| \d", line)
    ]
    assert all(len(row) == 5 and all(row) for row in cells)
    return [(row[0], row[1].split(", "), row[4]) for row in cells]


def test_the_log_has_every_case_and_no_other():
    assert logged() == coded()


def test_every_case_has_a_name_of_its_own_and_a_source():
    names = [name for name, _, _ in coded()]
    assert len({name[:3] for name in names}) == len(names)
    assert all(re.fullmatch(r"\d{3}(-[a-z0-9]+)+", name) for name in names)
    assert all(SOURCE.fullmatch(source) for _, sources, _ in coded() for source in sources)
    public = [name for name, sources, _ in coded() if sources != ["own"]]
    assert len(public) >= 60
