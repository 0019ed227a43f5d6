"""`automl plugins new`: write a complete package with one plugin."""

from __future__ import annotations

import keyword
import re
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from automl import __version__
from automl.cli.output import emit
from automl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

Kind: TypeAlias = Literal["sklearn", "torch", "keras", "metric", "reader", "ensembler"]
LONGEST = 30
"""Characters of a name; with longer names lines of the templates exceed 100 characters."""
SUFFIX = ".tmpl"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class _Template:
    """Description and templates of one kind of plugin."""

    summary: str
    example: str
    advice: str
    parts: tuple[str, ...]
    """Folders of templates, which are merged."""
    extra: str = ""
    """The extra of the host that installs its requirements."""


_FIT = "automl fit sklearn:breast_cancer --learner $package --time-limit 1m"
_SKLEARN = """\
`src/$package/__init__.py` names an estimator shaped like scikit-learn's; put your own in its place,
`"my_package.module:Class"`, or one for each task: `{"classification": "...", "regression": "..."}`.
`trusted` lists types of the saved model beyond scikit-learn's plain ones."""
_NET = """\
`src/$package/__init__.py` declares the learner and is imported often: keep it light. `libraries`
names there what takes long to import, and `memory(rows, columns)` the bytes that a fit takes.
`src/$package/model.py` is imported where a model is fitted; put your own net there. The tests are
the host's conformance kit: each states its requirement and the reason."""

_KINDS: dict[Kind, _Template] = {
    "sklearn": _Template("A learner", _FIT, _SKLEARN, ("learner", "sklearn")),
    "torch": _Template("A learner on PyTorch", _FIT, _NET, ("learner", "torch"), "torch"),
    "keras": _Template("A learner on Keras", _FIT, _NET, ("learner", "keras"), "keras"),
    "metric": _Template(
        "A metric",
        "automl fit sklearn:diabetes --metric $package --time-limit 1m",
        "`influence` returns per-row terms whose mean is the score. Without it the score gets its\n"
        "interval from a jackknife.",
        ("metric",),
    ),
    "reader": _Template(
        "A reader",
        "automl fit shop.db::orders --time-limit 1m",
        "A reader returns None for sources of another format, and raises `automl.DataError` with\n"
        "one sentence for the user if it cannot read a source of its own.",
        ("reader",),
    ),
    "ensembler": _Template(
        "A way to combine models",
        "automl fit sklearn:breast_cancer --time-limit 1m",
        "Every leaderboard then has a row of that name. Weights found on one half of the rows are\n"
        "scored on the other, so an ensembler that fits noise gains nothing.",
        ("ensembler",),
    ),
}


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the package, such as my-forest.")
    ],
    kind: Annotated[Kind, typer.Option(help="Kind of plugin.")] = "sklearn",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to write. Default: ./NAME."),
    ] = None,
) -> None:
    """Write a package with one working plugin and its tests."""
    package = _package(name)
    folder = Path(name) if output is None else output
    if folder.exists():
        msg = f"{folder} exists; choose another name, or another folder with -o"
        raise UsageError(msg)
    written = _write(folder, kind, name, package)
    emit(f"wrote {folder} ({written} files, MIT licence)\n\nnext:\n  cd {shlex.quote(str(folder))}")
    emit(f"  pip install -e '.[test]'\n  pytest\n  automl plugins check {package}")


def _package(name: str) -> str:
    """The import name of a package.

    Raises:
        UsageError: The name is invalid or taken.
    """
    package = name.replace("-", "_")
    if not _NAME.fullmatch(name) or keyword.iskeyword(package):
        problem = "use small letters, digits and hyphens, beginning with a letter"
    elif len(name) > LONGEST:
        problem = f"use at most {LONGEST} characters"
    elif package in sys.stdlib_module_names or find_spec(package) is not None:
        problem = f"a package {package} is installed already, so choose another name"
    elif taken := _taken(package):
        problem = f"{taken}, so choose another name"
    else:
        return package
    msg = f"{name!r} cannot be the name of a plugin: {problem}"
    raise UsageError(msg)


def _taken(package: str) -> str:
    """Describe the plugin or built-in part that has this name; empty if there is none."""
    from automl.hooks.manager import get_host
    from automl.metrics import BUILTIN

    host = get_host()
    if package in host.learners:
        return f"{host.learners[package].plugin} brings a learner of that name"
    if package in host.metrics() or package in {metric.name for metric in BUILTIN}:
        return "there is a metric of that name"
    if package in host.ensemblers():
        return "there is an ensembler of that name"
    if package in {plugin.name for plugin in host.plugins}:
        return "a plugin of that name is installed"
    return ""


def _write(folder: Path, kind: Kind, name: str, package: str) -> int:
    """Fill in the templates; return the number of files."""
    from importlib.resources import files

    made = _KINDS[kind]
    extra = f"[{made.extra}]" if made.extra else ""
    values = {
        "name": name,
        "package": package,
        "summary": made.summary,
        "year": str(datetime.now(UTC).year),
        "dependencies": f'"automl-crossover{extra}>={__version__}"',
    }
    values |= {
        "example": Template(made.example).substitute(values),
        "advice": Template(made.advice).substitute(values),
    }
    templates = files("automl.cli") / "templates"
    sources = [file for part in ("common", *made.parts) for file in _files(templates / part)]
    for path, source in sources:
        target = folder / path.replace("PACKAGE", package).removesuffix(SUFFIX)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(Template(text).substitute(values), encoding="utf-8")
    return len(sources)


def _files(folder: Traversable, path: str = "") -> Iterator[tuple[str, Traversable]]:
    """Templates in a folder, each with its relative path."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield f"{path}{entry.name}", entry
