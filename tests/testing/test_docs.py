"""docs/testing.md lists the checks as the code has them; AUTOML_WRITE_DOCS=1 writes them anew."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from automl.testing import ENSEMBLER_CHECKS, LEARNER_CHECKS, METRIC_CHECKS, READER_CHECKS, cases

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
TABLES = {
    "learners": LEARNER_CHECKS,
    "metrics": METRIC_CHECKS,
    "ensemblers": ENSEMBLER_CHECKS,
    "readers": READER_CHECKS,
}


def table(checks):
    lines = ["| check | why | when it fails |", "|---|---|---|"]
    lines += [f"| `{c.name}` | {c.why} | {c.hint} |" for c in checks]
    return "\n".join(lines)


@pytest.mark.parametrize("kind", TABLES)
def test_the_checks_are_documented_as_they_are(kind):
    text = PAGE.read_text("utf-8")
    place = re.compile(rf"(<!-- checks of {kind} -->\n).*?(\n<!-- end -->)", flags=re.DOTALL)
    wanted = place.sub(lambda found: found[1] + table(TABLES[kind]) + found[2], text, count=1)
    assert place.search(text)
    if os.environ.get("AUTOML_WRITE_DOCS"):
        PAGE.write_text(wanted, "utf-8")
    assert PAGE.read_text("utf-8") == wanted


def test_the_code_blocks_run(monkeypatch):
    shared = cases.shared_pool()  # Ray starts once
    monkeypatch.setattr(cases, "WorkerPool", lambda: nullcontext(shared))
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["bad"] == []
    assert callable(names["test_conformance"])
