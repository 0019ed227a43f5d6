"""Infer from a table everything needed to read new rows the same way, each with its reason.

The rules of parsing are listed in `automl.data.parse`.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from automl.data.apply import to_dataset, to_features
from automl.data.columns import judge_columns, named_by_strings
from automl.data.describe import describe
from automl.data.guess import guess_target, labels_of, sounds_like_labels
from automl.data.images.detect import find_images
from automl.data.labels import as_in_file, decode_labels
from automl.data.saved import layout_of, schema_from_json, schema_to_json
from automl.data.strings import ID
from automl.data.target import Target, encode_target, judge_target
from automl.errors import DataError, UsageError
from automl.types import Column, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from automl.data.images.detect import Images

__all__ = [
    "IN_FILE",
    "decode_labels",
    "describe",
    "encode_target",
    "guess_target",
    "infer_schema",
    "labelled",
    "schema_from_json",
    "schema_to_json",
    "to_dataset",
    "to_features",
]


IN_FILE = "in file"
"""Key of `DataFrame.attrs` that is set for tables from files: their words stand as written."""
ROLES = {
    "group": "names the group that a row belongs to",
    "weight": "says how much a row counts",
}


def infer_schema(  # noqa: PLR0913 - the part of a column each, by keyword
    table: pd.DataFrame,
    *,
    target: str | None,
    task: str = "auto",
    drop: Sequence[str] = (),
    ids: Sequence[str] = (),
    positive: str | None = None,
    group: str | None = None,
    time: str | None = None,
    weight: str | None = None,
    image: str = "",
) -> Schema:
    """Decide how each column is read, which column is the target and what the task is.

    Args:
        table: (n, d) raw table, of any dtypes.
        target: The column to predict; None to guess. For anomalies the column of labels, None
            where there is none: only what the source of the data itself names is taken then.
        task: "auto", "binary", "multiclass", "regression" or "anomaly".
        drop: Columns to leave out.
        ids: Columns that only name the rows.
        positive: The label whose probability comes last.
        group: The column whose equal values must stay together in a split.
        time: The column that orders the rows in time.
        weight: The column that says how much a row counts.
        image: The size of images, "no" for none, empty to infer.

    Raises:
        DataError: If the table has no rows, no usable feature or no usable target.
        UsageError: If an option names a column or label that does not exist.
    """
    frame = named_by_strings(table)
    if not len(frame):
        msg = "The table has no rows; give a file with data."
        raise DataError(msg)
    target, group, time, weight = map(_stripped, (target, group, time, weight))
    drop = [name.strip() for name in drop]
    reason = "as asked"
    if target is None and task == "anomaly":
        target, reason = labels_of(frame, drop)
    elif target is None:
        others = {*drop, *ids, group, time, weight}
        target, reason = guess_target(frame.drop(columns=[c for c in frame if c in others]))
    asked: dict[str, Sequence[str | None]] = {
        "--target": [target],
        "--drop": drop,
        "--id": ids,
        "--group": [group],
        "--time": [time],
        "--weight": [weight],
    }
    _check_asked({k: [c for c in v if c is not None] for k, v in asked.items()}, frame)
    goal = _goal(frame, target, task, positive)
    layout = layout_of(frame)
    features = frame if target is None else frame.drop(columns=[target])
    left_out = dict.fromkeys(drop, "left out as asked") | dict.fromkeys(ids, "an id, as asked")
    roles = {"group": group, "time": time, "weight": weight}
    taken = {*left_out, *roles.values()}
    images = find_images(features[[c for c in features if c not in taken]], image)
    columns = _columns(features, left_out, roles, images)
    if not any(c.kind != "set_aside" for c in columns):
        columns = [_learned_anyway(c) for c in columns]
    if not any(c.kind != "set_aside" for c in columns):
        raise DataError(_nothing_left(columns))
    return Schema(
        columns=tuple(columns),
        target=target,
        task=goal.task,
        target_reason=reason,
        task_reason=goal.reason,
        classes=goal.classes,
        target_dtype=goal.dtype,
        target_parse=goal.parse,
        group=group,
        time=time,
        weight=weight,
        rows=len(frame) if goal.task == "anomaly" else int(goal.known.sum()),
        rows_dropped=0 if goal.task == "anomaly" else int((~goal.known).sum()),
        notes=(*layout.notes, *images.notes, *_notes(frame, goal, target, drop)),
        layout=layout,
    )


def _nothing_left(columns: Sequence[Column]) -> str:
    if not columns:
        return "No column is left to learn from: there is only the target; give features beside it."
    why = "; ".join(f"{c.name}: {c.reason}" for c in columns[:3]) + "; ..." * (len(columns) > 3)
    return f"No column is left to learn from: all are constant, ids, dropped or the target ({why})."


def _learned_anyway(column: Column) -> Column:
    """A column of ids as text: where nothing else is left, their characters may say something."""
    if column.reason != ID:
        return column
    reason = "another word in nearly every row; read by its characters, as no other column is left"
    return replace(column, kind="text", parse="text:characters", reason=reason)


def _stripped(name: str | None) -> str | None:
    """The name as columns are called: blanks around it do not count."""
    return None if name is None else name.strip()


def _goal(frame: pd.DataFrame, target: str | None, task: str, positive: str | None) -> Target:
    if target is not None:
        column = as_in_file(frame[target]) if frame.attrs.get(IN_FILE) else frame[target]
        return judge_target(column, target, task, positive)
    if positive is not None:
        msg = "--positive needs labels; name their column with --target."
        raise UsageError(msg)
    return Target("anomaly", "as asked", (), "int64", np.zeros(len(frame), dtype=bool))


def labelled(schema: Schema, table: pd.DataFrame, target: str) -> Schema:
    """A schema for anomalies with the labels of another column, to score by.

    Raises:
        DataError: There is no such column, or it has not two labels.
    """
    frame = named_by_strings(table)
    if target not in frame.columns:
        raise DataError(_unknown("--target", target, list(frame.columns)))
    goal = judge_target(frame[target], target, "anomaly", None)
    return replace(
        schema,
        target=target,
        classes=goal.classes,
        target_dtype=goal.dtype,
        target_parse=goal.parse,
    )


def _check_asked(asked: Mapping[str, Sequence[str]], frame: pd.DataFrame) -> None:
    names = list(frame.columns)
    known = set(names)
    for option, wanted in asked.items():
        for name in wanted:
            if name not in known:
                raise DataError(_unknown(option, name, names))
    target = next(iter(asked["--target"]), None)
    for option in ("--drop", "--id", "--group", "--time", "--weight"):
        if target is not None and target in asked[option]:
            msg = f"{option} names the target {target!r}; name another column."
            raise UsageError(msg)
    for one, other in combinations(("--group", "--time", "--weight"), 2):
        if both := set(asked[one]) & set(asked[other]):
            msg = (
                f"{one} and {other} both name {both.pop()!r}; name another column for one of them."
            )
            raise UsageError(msg)


def _unknown(option: str, name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"There is no column {name!r} for {option}; did you mean {close[0]!r}?"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"There is no column {name!r} for {option}; the columns are {shown}."


def _columns(
    frame: pd.DataFrame,
    left_out: Mapping[str, str],
    roles: Mapping[str, str | None],
    images: Images,
) -> list[Column]:
    left_out, time = dict(left_out), roles["time"]
    for role, reason in ROLES.items():
        if (name := roles[role]) is not None:
            left_out[name] = reason
    pictured = images.sources
    kept = [c for c in frame.columns if c not in pictured and (c not in left_out or c == time)]
    judged = {c.name: c for c in judge_columns(frame[kept])}
    if time is not None:
        judged[time] = _time_column(judged[time])
        if time in left_out:
            judged[time] = replace(judged[time], kind="set_aside", reason=left_out[time])
    judged |= pictured
    columns = [
        judged[c] if c in judged else Column(c, "set_aside", left_out[c]) for c in frame.columns
    ]
    return list(dict.fromkeys(columns))


def _time_column(column: Column) -> Column:
    if column.kind in ("datetime", "number"):
        return column
    if column.kind == "set_aside" and column.parse == "as_is" and column.levels > 1:
        return replace(column, kind="number", reason="the order in time, as asked")
    msg = (
        f"The column {column.name!r} for --time holds neither dates nor numbers; name another "
        "column or leave out --time."
    )
    raise DataError(msg)


def _notes(
    frame: pd.DataFrame, goal: Target, target: str | None, drop: Sequence[str]
) -> tuple[str, ...]:
    blank = int((~goal.known).sum())
    if target is None:
        likely = sounds_like_labels(c for c in frame.columns if c not in drop)
        how = "name it with --target if it says which rows are anomalies, or --drop it"
        return (f"{likely} is taken for a feature: {how}.",) if likely else ()
    alike = _alike(goal.classes)
    if not blank:
        return alike
    what = "label: they are trained on, not scored" if goal.task == "anomaly" else "target"
    return (f"{blank:,} of {len(frame):,} rows have no {what}.", *alike)


def _alike(labels: Sequence[object]) -> tuple[str, ...]:
    """A sentence on labels that differ by their case alone."""
    ways: dict[str, list[str]] = {}
    for label in labels:
        ways.setdefault(str(label).casefold(), []).append(str(label))
    twice = [spelled for spelled in ways.values() if len(spelled) > 1]
    if not twice:
        return ()
    shown = " and ".join(repr(label) for label in twice[0])
    return (f"The labels {shown} differ by case alone: spell them alike if they are the same.",)
