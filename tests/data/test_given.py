"""Tables and targets of any common kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

from automl.data.given import as_column, as_table, join_target
from automl.errors import UsageError

ROWS = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    "table",
    [
        ROWS,
        ROWS.tolist(),
        ROWS.astype(object),
        sp.csr_matrix(ROWS),
        sp.coo_array(ROWS),
        pd.DataFrame(ROWS, columns=["x0", "x1"]),
        pd.DataFrame(ROWS, columns=["x0", "x1"]).astype(pd.SparseDtype("float", 0.0)),
        pa.table({"x0": ROWS[:, 0], "x1": ROWS[:, 1]}),
        {"x0": ROWS[:, 0], "x1": ROWS[:, 1]},
        [{"x0": a, "x1": b} for a, b in ROWS.tolist()],
        np.array(list(map(tuple, ROWS)), dtype=[("x0", float), ("x1", float)]),
    ],
    ids=lambda table: type(table).__name__,
)
def test_a_table_may_be_of_many_kinds(table):
    found = as_table(table)
    assert list(found.columns) == ["x0", "x1"]
    assert not any(isinstance(dtype, pd.SparseDtype) for dtype in found.dtypes)
    np.testing.assert_array_equal(found.to_numpy(float), ROWS)


@pytest.mark.parametrize(
    "y",
    [
        [1, 0, 1],
        (1, 0, 1),
        np.array([1, 0, 1]),
        np.array([[1], [0], [1]]),
        pd.Series([1, 0, 1], index=[7, 8, 9]),
        pd.DataFrame({"y": [1, 0, 1]}),
        pd.Index([1, 0, 1]),
        pd.array([1, 0, 1], dtype="Int64"),
        pd.Categorical([1, 0, 1]),
        pa.chunked_array([[1, 0], [1]]),
        sp.csr_matrix([[1], [0], [1]]),
    ],
    ids=lambda y: type(y).__name__,
)
def test_a_target_may_be_of_many_kinds(y):
    given = join_target(ROWS, y)
    assert given.source[given.target].tolist() == [1, 0, 1]
    assert len(given.source) == 3


def test_a_list_keeps_what_it_holds():
    assert as_column([1, "a", None]).tolist() == [1, "a", None]


@pytest.mark.parametrize(
    "names",
    [[0, 1], ["target", "y"], ["0", "sample_weight"], [("a", "x"), ("a", "y")], [" y", "b"]],
)
def test_no_name_of_a_feature_is_taken(names):
    table = pd.DataFrame(ROWS)
    table.columns = pd.MultiIndex.from_tuples(names) if isinstance(names[0], tuple) else names
    for y in (pd.Series([1, 0, 1], name=0), pd.Series([1, 0, 1], name="y"), [1, 0, 1]):
        given = join_target(table, y, [1, 2, 3])
        named = [str(name).strip() for name in given.source.columns]
        assert len(set(named)) == 4
        assert given.source[given.target].tolist() == [1, 0, 1]
        assert given.source[given.weight].tolist() == [1, 2, 3]
        assert list(table.columns) == list(given.source.columns[:2])


def test_a_name_of_a_column_may_be_of_any_type():
    table = pd.DataFrame({0: [1.0, 2.0], ("a", "b"): [1, 0], "c": [1, 0]})
    assert join_target(table, 0).target == "0"
    assert join_target(table, ("a", "b")).target == "('a', 'b')"
    assert join_target(table, "c").target == "c"


@pytest.mark.parametrize("X", [None, 5, [1, 2], ["a"], np.zeros(3), np.zeros((2, 2, 2)), {1, 2}])
def test_what_is_no_table_is_refused(X):
    with pytest.raises(UsageError, match="X must be a table"):
        as_table(X)


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (np.zeros((3, 2)), "fit one AutoML for each target"),
        (pd.DataFrame(ROWS), "3 by 2"),
        ([[1, 2]] * 3, "3 by 2"),
        (3.5, "one value a row"),
        ([1, 0], "3 rows and y has 2"),
    ],
)
def test_what_is_no_target_is_refused(y, told):
    with pytest.raises(UsageError, match=told):
        join_target(ROWS, y)
