"""Markdown pages about learners, made from their declarations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl.hooks.declarations import memory_fault, unsound
from automl.space import Choice
from automl.types import Schema
from automl.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from automl.hooks.entries import LearnerEntry
    from automl.space import Dimension, Value
    from automl.types import Config, Learner

_NOTE = "<!-- Made by `automl learners --pages docs/learners` from the declaration. -->"
_ROWS, _COLUMNS = (1_000, 1_000_000), 20
"""Tables for which a declared memory is shown."""
_VIEWS = {
    "frame": "typed table: numbers with gaps, categories as they are",
    "matrix": "dense numbers: imputed, scaled, encoded",
    "tensors": "scaled numbers, codes of categories, a mask of gaps",
    "plain_tensors": "as `tensors`, but numbers only standardised, however skewed",
    "image": "pixels of images, all of one size",
}


def learner_page(entry: LearnerEntry) -> str:
    """Describe a learner: summary, strengths, search space, defaults and limits, as Markdown."""
    learner = entry.learner
    parts = [f"# `{learner.name}`", _NOTE, learner.summary, _table(_facts(entry))]
    if learner.good_when:
        parts += ["## When it is good", learner.good_when]
    if learner.source:
        parts += ["## Source", learner.source]
    parts += ["## Settings that are searched", _space(learner)]
    parts += ["## Configurations tried first", _defaults(learner.defaults)]
    parts += ["## Limits", _limits(learner)]
    return "\n\n".join(parts) + "\n"


def index_page(entries: Iterable[LearnerEntry]) -> str:
    """A table of the learners with links to their pages, as Markdown."""
    rows = [("learner", "family", "tasks", "what it is")]
    for entry in sorted(entries, key=lambda entry: (entry.learner.family, entry.learner.name)):
        learner = entry.learner
        name = f"[`{learner.name}`]({learner.name}.md)"
        rows.append((name, learner.family, ", ".join(sorted(learner.tasks)), learner.summary))
    text = "A page for each learner; `automl learners NAME` prints the same."
    return "\n\n".join(["# Learners", _NOTE, text, _table(rows)]) + "\n"


def _facts(entry: LearnerEntry) -> list[tuple[str, ...]]:
    learner = entry.learner
    cost = learner.resources(Schema((), "", "binary", "", "")).cost
    rows: list[tuple[str, ...]] = [
        ("", ""),
        ("family", learner.family),
        ("tasks", ", ".join(sorted(learner.tasks))),
        ("package", f"`{entry.package}`"),
        ("needs", f"the extra `{learner.extra}`" if learner.extra else "nothing further"),
        ("sees", f"`{learner.view}`: {_VIEWS[learner.view]}"),
        ("time of a fit", f"about {cost:g} times that of `linear`, as declared"),
    ]
    rows += _needs(learner)
    if learner.fidelity:
        rows.append(("ends in time by", f"taking fewer `{learner.fidelity}`"))
    if learner.patience:
        rows.append(("stops early after", f"{learner.patience} steps without a better score"))
    if learner.size:
        rows.append(("grows with", f"`{learner.size.setting}`"))
    if learner.uses_unlabelled:
        rows.append(("unlabelled rows", "are used"))
    return rows


def _needs(learner: Learner) -> Iterator[tuple[str, ...]]:
    """Rows on what plugin API 2 added; none of an unsound declaration."""
    if unsound(learner):
        return
    if learner.libraries:
        yield "imports", ", ".join(f"`{name}`" for name in learner.libraries)
    if samples := memory_samples(learner):
        yield "memory", f"{memory_text(samples)}, as declared"
    if learner.prior:
        yield "carries weight", f"on {learner.prior.share:.0%} of tables: {learner.prior.source}"
    if learner.weights:
        yield "sample weights", "are honoured"
    if learner.warm_start:
        yield "a saved model", "can be trained on"
    if learner.refits:
        yield "every row", "is learned from in the end, with the steps that proved best"
    if learner.scale_out:
        yield "several nodes", f"by `{learner.scale_out}`"


def memory_samples(learner: Learner) -> list[dict[str, int]] | None:
    """Bytes that a fit takes on a small and a large table; None where it is not declared."""
    if learner.memory is None or memory_fault(learner, _ROWS, _COLUMNS):
        return None
    return [
        {"rows": rows, "columns": _COLUMNS, "bytes": math.ceil(learner.memory(rows, _COLUMNS))}
        for rows in _ROWS
    ]


def memory_text(samples: Iterable[dict[str, int]]) -> str:
    """Words for declared bytes, such as `8 MB on 1,000 rows and 1.2 GB on 1,000,000 rows ...`."""
    sizes = [f"{format_size(sample['bytes'])} on {sample['rows']:,} rows" for sample in samples]
    return f"{' and '.join(sizes)} of {_COLUMNS} columns"


def _space(learner: Learner) -> str:
    if not learner.space:
        return "None."
    rows = [("setting", "range")]
    rows += [(f"`{name}`", _range(dimension)) for name, dimension in learner.space.items()]
    return _table(rows)


def _range(dimension: Dimension) -> str:
    if isinstance(dimension, Choice):
        return ", ".join(f"`{option}`" for option in dimension.options)
    scale = ", log scale" if dimension.log else ""
    return f"{dimension.low:g} to {dimension.high:g}{scale}"


def _defaults(defaults: Iterable[Config]) -> str:
    return "\n".join(f"{i}. {_config(config)}" for i, config in enumerate(defaults, start=1))


def _config(config: Config) -> str:
    settings: Iterable[tuple[str, Value]] = config.items()
    text = ", ".join(f"`{name}={value}`" for name, value in settings)
    return text or "the defaults of the package"


def _limits(learner: Learner) -> str:
    most = (
        (learner.limits.rows, "rows"),
        (learner.limits.columns, "columns"),
        (learner.limits.classes, "classes"),
    )
    found = [f"{limit:,} {what}" for limit, what in most if limit is not None]
    if not found:
        return "None."
    rows, told = learner.limits.rows, f"At most {', '.join(found)}"
    if rows is None:
        return f"{told}; beyond, it is skipped with the reason."
    if len(found) == 1:
        return f"{told}; of more it takes {rows:,}, and its row says so."
    return (
        f"{told}; of more rows it takes {rows:,}, beyond the others it is skipped; its row says so."
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head, *body = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])
