"""Checks on small, narrow and incomplete tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from automl.testing.checks.predictions import in_order, normalised
from automl.testing.contract import CLASSES, check
from automl.testing.fixture import FitSettings
from automl.testing.tables import NEW_CITY, TARGET

if TYPE_CHECKING:
    import pandas as pd

    from automl.testing.fixture import Fixture
    from automl.testing.tables import EncodedRows
    from automl.types import Array

SHORT = FitSettings(seconds=1.5)
SMALL = 60


def _answer(
    fixture: Fixture, name: str, make: Callable[[], EncodedRows], settings: FitSettings = SHORT
) -> Array:
    """Fit, then predict the new rows; an invalid prediction raises FaultError."""
    rows = fixture.rows(name, make)
    return fixture.predict(fixture.fit(rows, settings), rows.test)


@check(
    "Treat a level that training did not have as missing or unknown: code 0 in `tensors`, a "
    "missing category in `frame`."
)
def unseen_categories(fixture: Fixture) -> None:
    """New rows contain categories that no training row had."""

    def renamed(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(city=NEW_CITY)

    _answer(fixture, "unseen", lambda: fixture.encode(fixture.table(100), test=renamed))


@check(
    "Let the model handle missing numbers and categories (`frame`: NaN; `tensors`: the mask and "
    "code 0), also in columns that had none in training, and in all columns of a row."
)
def missing_values(fixture: Fixture) -> None:
    """Values are missing in most tables, and not always in the same columns."""
    table = fixture.table(100)
    rng = np.random.default_rng(1)

    def holed(rows: pd.DataFrame) -> pd.DataFrame:
        for name in rows.columns.drop([TARGET, "x0"]):
            rows[name] = rows[name].where(rng.random(len(rows)) > 0.3)
        return rows

    def emptied(rows: pd.DataFrame) -> pd.DataFrame:
        rows = holed(rows)
        rows["x0"] = rows["x0"].where(rng.random(len(rows)) > 0.3)
        names = rows.columns.drop(TARGET)
        for name in names:
            rows[name] = rows[name].where(np.arange(len(rows)) > 0)
        return rows

    _answer(fixture, "missing", lambda: fixture.encode(table, train=holed, test=emptied))


@check(
    "Give a class that training lacks a column all the same, with little or no probability; "
    "`n_classes` says how many columns there are.",
    tasks=("multiclass",),
)
def absent_class(fixture: Fixture) -> None:
    """A low rung or a fold may hold no row of a rare class."""

    def without(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows[TARGET] != "c001"]

    rows = fixture.rows("absent", lambda: fixture.encode(fixture.table(150), train=without))
    prediction = _answer(fixture, "absent", lambda: rows, FitSettings(seconds=1.5, reports=20))
    normalised(prediction)
    seen = rows.test_y != 1
    in_order(rows.test_y[seen], prediction[seen])


@check(
    "Where training has one class only, predict it: probability 1 in its column, 0 in the others.",
    tasks=CLASSES,
)
def single_class(fixture: Fixture) -> None:
    """With groups or time, the rows of a rung may all be of one class."""

    def alike(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{TARGET: "c001"})

    make = partial(fixture.encode, fixture.table(SMALL), train=alike)
    normalised(_answer(fixture, "one class", make))


@check(
    "Let the model work with one input, be it a number or a category (`tensors` then has no "
    "numbers at all)."
)
def one_column(fixture: Fixture) -> None:
    """Many tables are a single column and a target."""
    for name in ("x0", "city"):
        _answer(fixture, name, partial(_narrow, fixture, name))


def _narrow(fixture: Fixture, name: str) -> EncodedRows:
    return fixture.encode(fixture.table(SMALL)[[name, TARGET]])


@check("Cap what must not exceed the rows by their number: neighbours, components, folds, batches.")
def five_rows(fixture: Fixture) -> None:
    """Tiny tables occur too; they have no early-stopping rows either."""
    _answer(fixture, "five", lambda: fixture.encode(fixture.table(5)))


@check("Guard divisions by a standard deviation, a range or a norm that may be 0.")
def constant_columns(fixture: Fixture) -> None:
    """A column may vary over the table and not at all over the rows of a step."""

    def frozen(rows: pd.DataFrame) -> pd.DataFrame:
        for name in rows.columns.drop(TARGET):
            rows[name] = rows[name].iloc[0]
        return rows

    _answer(fixture, "constant", lambda: fixture.encode(fixture.table(SMALL), train=frozen))


CHECKS = (
    unseen_categories,
    missing_values,
    absent_class,
    single_class,
    one_column,
    five_rows,
    constant_columns,
)
