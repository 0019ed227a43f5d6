"""`automl plugins new`: a whole package to start a plugin from."""

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
"""Characters of a name; longer ones would not fit the lines of the templates."""
SUFFIX = ".tmpl"
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class _Made:
    """What a kind of plugin is, for its README and metadata."""

    summary: str
    example: str
    advice: str
    parts: tuple[str, ...]
    """Folders of templates, all written into one."""
    extra: str = ""
    """The extra of the host that brings what it needs."""


_FIT = "automl fit sklearn:breast_cancer --learner $package --time-limit 1m"
_SKLEARN = """\
`src/$package/__init__.py` names an estimator shaped like scikit-learn's; put your own in its place,
`"my_package.module:Class"`, or one for each task: `{"classification": "...", "regression": "..."}`.
What the saved model may contain beyond scikit-learn's plain types stands in `trusted`."""
_NET = """\
`src/$package/__init__.py` declares the learner and is imported often: keep it light.
`src/$package/model.py` is imported where a model is fitted; put your own net there. The tests are
the host's conformance kit: each says what it wants and why."""

_KINDS: dict[Kind, _Made] = {
    "sklearn": _Made("A learner", _FIT, _SKLEARN, ("learner", "sklearn")),
    "torch": _Made("A learner on PyTorch", _FIT, _NET, ("learner", "torch"), "torch"),
    "keras": _Made("A learner on Keras", _FIT, _NET, ("learner", "keras"), "keras"),
    "metric": _Made(
        "A metric",
        "automl fit sklearn:diabetes --metric $package --time-limit 1m",
        "`influence` gives what each row adds, whose mean is the score; a score that is no mean\n"
        "does without, and gets its interval from a jackknife.",
        ("metric",),
    ),
    "reader": _Made(
        "A reader",
        "automl fit shop.db::orders --time-limit 1m",
        "A reader answers None to what is not its own, and raises `automl.DataError` with one\n"
        "sentence for the user where it cannot read what is.",
        ("reader",),
    ),
    "ensembler": _Made(
        "A way to combine models",
        "automl fit sklearn:breast_cancer --time-limit 1m",
        "Every fit then shows a row of that name. The weights found on one half of the rows are\n"
        "scored on the other, so an ensembler that fits noise gains nothing.",
        ("ensembler",),
    ),
}


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the package, such as my-forest.")
    ],
    kind: Annotated[Kind, typer.Option(help="What it brings.")] = "sklearn",
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
    """The import name of the package.

    Raises:
        UsageError: The name cannot be one, or is taken.
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
    """Who has the name that the plugin's learner, metric or ensembler would get."""
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
    """Fill the templates in; the number of files."""
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
    """Templates below a folder, each with its path there."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield f"{path}{entry.name}", entry
