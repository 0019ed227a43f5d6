"""A schema as JSON and back; light, for those that read runs and no tables."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from automl.files import known_fields
from automl.types import Column, Schema, TextLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

PLAIN = (str, bool, int, float)
"""Types of labels that JSON has."""
NOTED = ("Decimal", "bytes", "date", "datetime", "Timestamp", "Timedelta", "Period", "Interval")
"""Types of labels that stand in JSON as an object of their name."""


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """A schema as plain JSON types; columns leave out what is at its default."""
    data = {f.name: _plain(getattr(schema, f.name)) for f in fields(schema)}
    data["columns"] = [_column_to_json(c) for c in schema.columns]
    data["layout"] = {name: _plain(value) for name, value in asdict(schema.layout).items()}
    data["classes"] = [_label_to_json(label) for label in schema.classes]
    return data


def _column_to_json(column: Column) -> dict[str, Any]:
    defaults = {f.name: f.default for f in fields(Column)}
    values = {name: getattr(column, name) for name in defaults}
    return {name: _plain(v) for name, v in values.items() if v != defaults[name]}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def keeps(label: Any) -> bool:
    """Return whether a label survives JSON as what it is."""
    return isinstance(label, PLAIN) or type(label).__name__ in NOTED


def _label_to_json(label: Any) -> Any:
    """A label as JSON: itself, or `{type: content}`."""
    if isinstance(label, PLAIN):
        return label
    kind = type(label).__name__
    if kind == "Interval":
        ends = [_label_to_json(label.left), _label_to_json(label.right)]
        return {kind: [*ends, label.closed]}
    if kind == "Period":
        return {kind: [str(label), label.freqstr]}
    if isinstance(label, bytes):
        return {kind: label.decode("latin-1")}
    return {kind: label.isoformat() if isinstance(label, date) else str(label)}


def _label_from_json(content: Any) -> Any:
    """The label that `_label_to_json` wrote."""
    if not isinstance(content, dict):
        return content
    (kind, told), *_ = content.items()
    if kind not in NOTED:
        msg = f"{kind!r} is no type of label"
        raise ValueError(msg)
    plain: dict[str, Callable[[str], Any]] = {
        "Decimal": Decimal,
        "bytes": lambda text: text.encode("latin-1"),
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
    }
    if kind in plain:
        return plain[kind](told)
    import pandas as pd

    if kind == "Interval":
        left, right, closed = told
        return pd.Interval(_label_from_json(left), _label_from_json(right), closed)
    return getattr(pd, kind)(*told) if kind == "Period" else getattr(pd, kind)(told)


def schema_from_json(data: Mapping[str, Any]) -> Schema:
    """The schema that `schema_to_json` wrote; keys that it does not know are ignored."""
    columns = tuple(Column(**known_fields(Column, c)) for c in data["columns"])
    reasons = {"target_reason": "", "task_reason": ""}  # the first runs gave none
    known = {**reasons, **known_fields(Schema, data), "columns": columns}
    classes = tuple(map(_label_from_json, data.get("classes", ())))
    layout = layout_from_json(data.get("layout", {}))
    return Schema(**known | {"classes": classes, "layout": layout})


def layout_from_json(data: Mapping[str, Any]) -> TextLayout:
    """The layout that stands in a schema."""
    return TextLayout(**known_fields(TextLayout, data))


def note_layout(table: pd.DataFrame, layout: TextLayout) -> None:
    """Keep the layout of the file that a table was read from, under its `attrs`.

    As one string, for pandas copies all of `attrs` with every column that it takes out.
    """
    table.attrs["layout"] = json.dumps(asdict(layout))


def layout_of(table: pd.DataFrame | pd.Series[Any]) -> TextLayout:
    """The layout of the file that a table or a column of it was read from."""
    return layout_from_json(json.loads(table.attrs.get("layout", "{}")))
