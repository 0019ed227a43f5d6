"""Every hook is in the documentation, as it is declared."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from automl.hooks import spec

ROOT = Path(__file__).parents[2]
HOOKS = sorted(name for name in vars(spec) if name.startswith("automl_"))


def test_there_are_hooks() -> None:
    assert "automl_learners" in HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_with_its_arguments(name: str) -> None:
    arguments = ", ".join(inspect.signature(getattr(spec, name)).parameters)
    assert f"`{name}({arguments})`" in (ROOT / "docs" / "plugins.md").read_text("utf-8")
