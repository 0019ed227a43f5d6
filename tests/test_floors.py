"""Imports between rooms go down the floors; the rooms and their floors are in docs/index.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import automl

ROOT = Path(automl.__file__).parents[1]
FLOORS = {
    "types": 0,
    "errors": 0,
    "space": 0,
    "text": 0,
    "units": 1,
    "files": 1,
    "policy": 1,
    "metrics": 1,
    "options": 2,
    "data": 2,
    "rows": 2,
    "hooks": 3,
    "adapters": 3,
    "anomaly": 3,
    "progress": 3,
    "runs": 4,
    "schedule": 5,
    "ensemble": 5,
    "leaderboard": 5,
    "scaling": 5,
    "artifact": 5,
    "workers": 6,
    "report": 6,
    "workflow": 7,
    "api": 8,
    "cli": 9,
    "__main__": 10,
}
ONE_ROOM = {"api": "workflow", "types": "space", "errors": "text"}
"""Modules that share a floor and a room: the first may import the second."""
TESTING_FLOOR = 6
PLUGINS = sorted(p.name for p in (ROOT / "plugins").iterdir() if (p / "__init__.py").is_file())


def imports(source: str) -> list[tuple[str, str | None]]:
    """(module, name) of every import wherever it stands, type-checking blocks included."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide which room is meant"
            found += [(node.module or "", alias.name) for alias in node.names]
    return found


def room_of(module: str, name: str | None) -> str | None:
    """The room of `automl` that an import reaches; None for imports from elsewhere."""
    parts = module.split(".")
    if parts[0] != "automl":
        return None
    if len(parts) > 1:
        return parts[1]
    return name if name in FLOORS or name == "testing" else "__init__"


def climbs(room: str, source: str) -> list[str]:
    """The imports of a module in `room` that its floor forbids."""
    floor = TESTING_FLOOR + 1 if room == "testing" else FLOORS[room]
    wrong = []
    for module, name in imports(source):
        other = room_of(module, name)
        if other in (None, room, ONE_ROOM.get(room)):
            continue
        if other == "__init__" and name == "__version__":
            continue
        standing = TESTING_FLOOR + 1 if other == "testing" else FLOORS.get(other, 99)
        if standing >= floor:
            wrong.append(f"{module} ({name})")
    return wrong


def outside(source: str, own: str) -> list[str]:
    """Imports of a plugin or benchmark beyond the public names of `automl` and its own package."""
    wrong = []
    for module, name in imports(source):
        top = module.split(".")[0]
        if top == "automl" and (module != "automl" or (name and name not in automl.__all__)):
            wrong.append(f"{module} ({name})")
        if top in PLUGINS and top != own:
            wrong.append(module)
    return wrong


def modules(folder: str) -> list[Path]:
    return sorted(p.relative_to(ROOT) for p in (ROOT / folder).rglob("*.py"))


CORE = [p for p in modules("automl") if p != Path("automl/__init__.py")]


@pytest.mark.parametrize("path", CORE, ids=str)
def test_a_module_imports_only_from_lower_floors(path: Path) -> None:
    room = path.parts[1].removesuffix(".py")
    assert room == "testing" or room in FLOORS, f"{path} is in no room with a floor"
    assert climbs(room, (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", modules("automl"), ids=str)
def test_the_core_never_names_a_plugin_package(path: Path) -> None:
    text = (ROOT / path).read_text("utf-8")
    code = ast.parse(text)
    docstrings = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(code)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    }
    strings = {
        n.value for n in ast.walk(code) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    named = [p for p in PLUGINS for s in strings - docstrings if re.search(rf"\b{p}\b", s)]
    named += [m for m, _ in imports(text) if m.split(".")[0] in PLUGINS]
    assert named == []


@pytest.mark.parametrize("path", modules("plugins"), ids=str)
def test_a_plugin_imports_only_the_public_names(path: Path) -> None:
    assert outside((ROOT / path).read_text("utf-8"), own=path.parts[1]) == []


SINGLE_STEPS = {
    "benchmarks/inputs/run.py",
    "benchmarks/references/run.py",
    "benchmarks/speed/run.py",
}
"""They measure reading or one learner without the search around it, for which the public API has
no word."""


def test_benchmarks_use_only_the_public_api() -> None:
    wrong = {str(p): outside((ROOT / p).read_text("utf-8"), own="") for p in modules("benchmarks")}
    assert {path for path, names in wrong.items() if names} <= SINGLE_STEPS


def test_there_are_modules_to_look_at() -> None:
    assert Path("automl/hooks/manager.py") in CORE
    assert "automl_sklearn" in PLUGINS


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("types", "import automl.data.read"),
        ("metrics", "from automl import data"),
        ("data", "from automl.rows import folds"),
        ("schedule", "def f():\n    from automl.ensemble import run"),
        ("hooks", "from automl import AutoML"),
        ("leaderboard", "import automl.scaling"),
        ("schedule", "from automl.testing import WorkerPool"),
        ("testing", "import automl.api"),
    ],
)
def test_a_violation_is_seen(room: str, source: str) -> None:
    assert climbs(room, source) != []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("cli", "from automl.api import AutoML"),
        ("schedule", "from automl.rows.ladder import f"),
        ("report", "import automl.errors, pandas"),
        ("testing", "from automl.rows import ladder"),
    ],
)
def test_a_lawful_import_passes(room: str, source: str) -> None:
    assert climbs(room, source) == []


@pytest.mark.parametrize(
    "source",
    ["from automl.types import Learner", "from automl import schedule", "import automl_torch"],
)
def test_a_plugin_that_reaches_in_is_seen(source: str) -> None:
    assert outside(source, own="automl_sklearn") != []
