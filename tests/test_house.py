"""The house style, counted: docstrings name their subject, numbers have a place, modules a noun."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import automl

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(automl.__file__).parent
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
OTHERS = sorted(
    path for name in ("plugins", "benchmarks") for path in (ROOT.parent / name).rglob("*.py")
)
"""Modules whose docstrings are counted, but not their numbers and names."""

OPENING = re.compile(r"(What|Whether|Who|How|The same|Of)\b")
"""Openings of a docstring that do not name its subject."""
PLAIN = {0, 1, 2, 10, 100}
"""Numbers that need no source."""
NUMBERS = 228
"""Most other numbers in the core; lower it when they become fewer, and do not raise it."""
OUTSIDE = {"data", "testing"}
"""Rooms whose numbers are words for a missing value, formats and sizes of test tables."""

COMMANDS = {"evaluate", "fit", "leaderboard", "predict", "scale"}
"""Names of commands, for the module of `cli` and the module or room that does the work."""
SHARED = COMMANDS | {
    *("base", "dates", "describe", "document", "points", "store", "target", "text"),
}
"""Names that several modules have; take one out when it has become unique."""
SHARED_CLASSES = {"Fit", "Workers"}
"""Names that several classes have."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every docstring: of modules, classes, functions and attributes."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        documented |= isinstance(node, ast.AsyncFunctionDef)
        for place, statement in enumerate(body):
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                before = body[place - 1] if place else None
                if documented if before is None else isinstance(before, ast.Assign | ast.AnnAssign):
                    yield statement.lineno, value.value


def nameless(source: str) -> list[int]:
    """Lines of the docstrings that do not name their subject."""
    return [line for line, text in docstrings(source) if OPENING.match(text.lstrip())]


def numbers(source: str) -> list[tuple[int, float]]:
    """(line, value) of the numeric literals that need a source."""
    return [
        (node.lineno, node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and type(node.value) in {int, float}
        and node.value not in PLAIN
    ]


def shared_names(paths: list[Path]) -> set[str]:
    """Names that several modules bear."""
    named = Counter(path.stem for path in paths if not path.stem.startswith("__"))
    return {name for name, count in named.items() if count > 1}


def classes(source: str) -> list[str]:
    """Names of the classes at the level of the module."""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def read(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("path", [*MODULES, *OTHERS], ids=str)
def test_a_docstring_names_its_subject(path):
    assert nameless(read(path)) == []


def test_numbers_do_not_become_more():
    counted = [p for p in MODULES if p.parts[0] not in OUTSIDE]
    assert sum(len(numbers(read(path))) for path in counted) <= NUMBERS


def test_a_module_has_a_noun_of_its_own():
    assert shared_names(MODULES) <= SHARED


def test_a_class_has_a_noun_of_its_own():
    named = Counter(name for path in MODULES for name in classes(read(path)))
    assert {name for name, count in named.items() if count > 1} <= SHARED_CLASSES


# ---------------------------------------------------------------- violations are seen


@pytest.mark.parametrize(
    "source",
    [
        '"""What a module is."""',
        '"""\nWhether the text begins on the next line."""',
        'def f():\n    """Who calls."""',
        'async def f():\n    """How it waits."""',
        'class C:\n    """The same again."""',
        'class C:\n    x: int = 1\n    """Whether x."""',
        'class C:\n    def __init__(self):\n        self.x = 1\n        """How often."""',
        'X = 3\n"""What X is."""',
        'if True:\n    X = 3\n    """What X is."""',
    ],
)
def test_a_docstring_without_its_subject_is_seen(source):
    assert nameless(source) != []


@pytest.mark.parametrize(
    "source",
    [
        '"""Whatever begins with such letters."""',
        'def f():\n    """Return the same."""',
        'print("What is printed")',
        'def f():\n    x = """Who is no docstring."""',
        'f()\n"""How a string that stands alone is no docstring."""',
    ],
)
def test_a_docstring_with_its_subject_passes(source):
    assert nameless(source) == []


def test_a_number_without_a_place_is_seen():
    source = "X = 0.5\ndef f(a=3, b=-1):\n    return a * 1e-9 + 10 + True + len('7')\n"
    assert numbers(source) == [(1, 0.5), (2, 3), (3, 1e-9)]


def test_the_classes_of_a_module_are_seen():
    source = "class A: pass\ndef f():\n    class B: pass\nclass C(A): pass\n"
    assert classes(source) == ["A", "C"]


def test_two_modules_of_one_name_are_seen():
    paths = [Path("a/words.py"), Path("b/words.py"), Path("a/__init__.py"), Path("b/__init__.py")]
    assert shared_names(paths) == {"words"}
