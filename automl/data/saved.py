"""A schema as JSON and back; light, for those that read runs and no tables."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from automl.files import known_fields
from automl.types import Column, Schema, TextLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """A schema as plain JSON types; columns leave out what is at its default."""
    data = {f.name: _plain(getattr(schema, f.name)) for f in fields(schema)}
    data["columns"] = [_column_to_json(c) for c in schema.columns]
    data["layout"] = {name: _plain(value) for name, value in asdict(schema.layout).items()}
    return data


def _column_to_json(column: Column) -> dict[str, Any]:
    defaults = {f.name: f.default for f in fields(Column)}
    values = {name: getattr(column, name) for name in defaults}
    return {name: _plain(v) for name, v in values.items() if v != defaults[name]}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def schema_from_json(data: Mapping[str, Any]) -> Schema:
    """The schema that `schema_to_json` wrote; keys that it does not know are ignored."""
    columns = tuple(Column(**known_fields(Column, c)) for c in data["columns"])
    reasons = {"target_reason": "", "task_reason": ""}  # the first runs gave none
    known = {**reasons, **known_fields(Schema, data), "columns": columns}
    return Schema(**{**known, "layout": layout_from_json(data.get("layout", {}))})


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
