"""The page: its sections in order; an error in one section leaves the others intact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.files import write_text
from automl.report.diagnostics import (
    calibration,
    confusion,
    examples,
    importance,
    residuals,
)
from automl.report.facts import DAMAGE, read_facts
from automl.report.fronts import fronts
from automl.report.layout import FOLDER
from automl.report.learning_curves import curves
from automl.report.origin import data, repeat
from automl.report.standings import board, left_out
from automl.report.summary import verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment

    from automl.report.facts import Facts

NAME = "report.html"


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page; its template is named after its id."""

    id: str
    title: str
    make: Callable[[Facts], dict[str, Any] | str]
    """Returns the values of the template, or a sentence on why there is nothing to show."""
    tasks: tuple[str, ...] = ()
    """Tasks with this section; empty for all."""
    of_model: bool = False
    """True for sections on saved models, which a study does not have."""
    part: str = ""
    """Part of the diagnostics without which there is no such section; empty for none."""


CLASSES = ("binary", "multiclass")
SECTIONS = (
    _Section("verdict", "In short", verdict),
    _Section("curves", "How scores grow with the data", curves),
    _Section("board", "Leaderboard", board, of_model=True),
    _Section("fronts", "Score against cost", fronts),
    _Section("importance", "Which columns matter", importance, of_model=True),
    _Section("calibration", "Can the probabilities be trusted?", calibration, CLASSES, True),
    _Section("confusion", "Which classes are confused", confusion, CLASSES, True),
    _Section("residuals", "How far off the predictions are", residuals, ("regression",), True),
    _Section("examples", "Images it is most wrong about", examples, part="examples"),
    _Section("data", "What the data were taken for", data),
    _Section("left_out", "What did not run, and why", left_out),
    _Section("repeat", "How to repeat it", repeat),
)


def report_html(run: Path) -> str:
    """The report of a run as one self-contained HTML document.

    Equal files give equal documents. Sections without their files say so.

    Args:
        run: The run directory of a fit or a study, finished or not.

    Raises:
        ArtifactError: The folder is no run directory, or its `run.json` is damaged.
    """
    facts = read_facts(run)
    info = facts.info
    wanted = [
        one
        for one in SECTIONS
        if (not one.tasks or info.task in one.tasks)
        and not (one.of_model and facts.study)
        and (not one.part or one.part in (facts.diagnostics or {}))
    ]
    sections = [(one.id, one.title, _body(one, facts)) for one in wanted]
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            name=Path(info.source or facts.name).name,
            run=facts.name,
            target=info.target,
            task=info.task,
            created=info.created,
            version=info.version,
            sections=sections,
            style=_text("style.css"),
            script=_text("script.js"),
        )
    )


def write_report(run: Path, file: Path | None = None) -> Path:
    """Write the report, by default to `report.html` in the run directory.

    Raises:
        ArtifactError: As `report_html`.
        OSError: The file cannot be written.
    """
    target = file or run / NAME
    write_text(target, report_html(run))
    return target


def _body(section: _Section, facts: Facts) -> str:
    """HTML of a section; an error on unexpected files affects that section alone."""
    templates = _templates()
    try:
        found = section.make(facts)
        if isinstance(found, dict):
            return templates.get_template(f"{section.id}.html.j2").render(found)
        why = found
    except DAMAGE as error:
        why = f"The files do not have what this needs ({type(error).__name__}: {error})."
    return templates.get_template("absent.html.j2").render(why=why)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
