"""The code blocks of the README run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def block(words: str) -> str:
    (found,) = [text for text in BLOCKS if words in text]
    return found


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_block_is_run_by_a_test_here() -> None:
    assert len(BLOCKS) == 2


def test_the_estimator_trains_and_scores(tmp_path: Path) -> None:
    *table, last = run(block("AutoML("), tmp_path).splitlines()
    for family in ("deep", "classical", "ensemble"):
        assert any(family in line.split() for line in table), table
    assert float(last.removeprefix("Accuracy on new rows:")) > 0.9


def test_the_plugin_declares_a_learner(tmp_path: Path) -> None:
    plugin = block("@automl.hookimpl")
    (tmp_path / "my_package.py").write_text(plugin, "utf-8")
    ask = """
import my_package
from automl.hooks.manager import Host
host = Host()
host.register(my_package)
print(host.learner("my_forest").family)
"""
    assert run(ask, tmp_path) == "classical\n"


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_make_targets_are_there(target: str) -> None:
    assert f"$ make {target} " in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
