"""Nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import automl

HEAVY = ["numpy", "pandas", "sklearn", "scipy", "ray", "torch", "keras", "xgboost", "optuna"]

HELP = """
import sys
from automl.cli import main
sys.argv = ["automl", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
"""


def loaded(code: str) -> list[str]:
    """The heavy packages that a fresh process has loaded after running `code`."""
    ask = f"{code}\nimport sys, json\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code",
    [
        "import automl",
        "import automl; automl.hookimpl; automl.Learner; automl.Int; automl.PluginError",
        "from automl.hooks.manager import get_host; get_host().learners; get_host().plugins",
        HELP,
    ],
    ids=["import", "names", "learners", "help"],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert loaded(code) == []


def test_the_probe_sees_what_is_loaded() -> None:
    assert "numpy" in loaded("import numpy")


def test_help_loads_no_plugin() -> None:
    code = f"{HELP}\nprint([m for m in sys.modules if m.startswith('automl_')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_saved_model_needs_no_search(command: str) -> None:
    code = f"""
import sys
from automl.cli.app import run
assert run(["{command}", "no-run", "no.csv"]) == 2
print([m for m in sys.modules if m.startswith(("automl.workflow", "automl.schedule", "ray"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["[]"]


@pytest.mark.parametrize("name", automl.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(automl, name) is not None
    assert name in dir(automl)


def test_the_names_listed_are_the_names_that_have_a_home() -> None:
    assert set(automl.__all__) == {*automl._HOMES, "__version__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        automl.nonsense  # noqa: B018
