from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.views import Views, load_view
from automl.data.views.store import fingerprint_of, keep_view
from automl.errors import ArtifactError
from automl.types import Column, Schema, TensorBlock

KINDS = ("frame", "matrix", "tensors", "plain_tensors")
WORDS = np.array(
    [
        "good",
        "bad",
        "fine",
        "awful",
        "late",
        "early",
        "plane",
        "seat",
        "crew",
        "bag",
        "lost",
        "kind",
    ]
)


def mixed(n=600, seed=0, task="binary"):
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 400, n)
    X = pd.DataFrame(
        {
            "normal": rng.normal(5, 2, n),
            "skewed": rng.lognormal(0, 3, n),
            "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "constant": 7.0,
            "nothing": np.nan,
            "colour": pd.Categorical(rng.choice(["red", "green", "blue", None], n)),
            "city": pd.Categorical([f"c{i}" for i in level]),
            "shop": pd.Categorical([f"s{i % 30}" for i in level]),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 9999, n), "h"),
            "note": pd.Series([" ".join(w) for w in rng.choice(WORDS, (n, 6))], dtype="str"),
        }
    )
    X.loc[3, "when"] = pd.NaT
    X.loc[4, "note"] = None
    signal = X["normal"].to_numpy() - 5 + level % 5 - 2
    y = {
        "binary": lambda: (signal > 0).astype(np.int64),
        "multiclass": lambda: np.digitize(signal, [-2, 0, 2]).astype(np.int64),
        "regression": lambda: signal,
        "anomaly": lambda: np.zeros(n, dtype=np.int64),
    }[task]()
    return X, y, schema_of(X, task)


def schema_of(X, task="binary"):
    kinds = {"float64": "number", "category": "category", "str": "text"}
    columns = tuple(Column(str(c), kinds.get(str(t), "datetime"), "") for c, t in X.dtypes.items())
    classes = {"binary": (0, 1), "multiclass": (0, 1, 2, 3)}.get(task, ())
    return Schema(columns, "y", task, "", "", classes)


def numbers_of(x):
    if isinstance(x, TensorBlock):
        return np.hstack([x.numbers, x.missing, x.codes])
    if isinstance(x, pd.DataFrame):
        parts = [x[c].cat.codes if x[c].dtype == "category" else x[c] for c in x]
        return np.column_stack(parts)
    return x


def assert_same(a, b):
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert np.array_equal(numbers_of(a), numbers_of(b), equal_nan=True)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "anomaly"])
def test_views_have_the_promised_form(task):
    X, y, schema = mixed(task=task)
    views = Views(X, y, schema)
    frame, matrix, tensors, plain = (views.train(kind) for kind in KINDS)
    assert np.array_equal(plain.codes, tensors.codes)
    assert np.array_equal(plain.missing, tensors.missing)
    kinds = {str(t) for t in frame.dtypes}
    assert kinds == {"float32", "category"}
    assert list(frame.columns) == views.describe("frame")
    assert frame["gaps"].isna().sum() == X["gaps"].isna().sum()
    assert {"colour", "shop"} == set(frame.select_dtypes("category"))
    assert "constant" not in frame.columns
    assert "nothing" not in frame.columns
    assert matrix.dtype == np.float32
    assert matrix.flags.c_contiguous
    assert matrix.shape == (len(X), len(views.describe("matrix")))
    assert np.isfinite(matrix).all()
    assert np.isfinite(tensors.numbers).all()
    assert tensors.numbers.shape == tensors.missing.shape
    assert tensors.missing.dtype == bool
    assert tensors.codes.dtype == np.int32
    assert tensors.numbers.shape[1] == len(views.describe("tensors"))
    assert tensors.missing[:, 2].sum() == X["gaps"].isna().sum()
    assert np.all(tensors.codes < np.array(tensors.cardinalities))
    assert (tensors.codes[:, 0] == 0).sum() == X["colour"].isna().sum()


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_levels_wild_numbers_and_gaps_everywhere(kind):
    X, y, schema = mixed()
    views = Views(X, y, schema)
    odd = X.head(4).copy()
    odd["colour"] = pd.Categorical(["violet", None, "red", "red"])
    odd["city"] = pd.Categorical(["nowhere"] * 4)
    odd["skewed"] = [1e300, -1e300, np.inf, -np.inf]
    odd["normal"] = [1e300, -1e300, np.inf, -np.inf]
    odd["note"] = pd.Series(["xyzzy", "", None, "good"], dtype="str")
    odd["when"] = pd.to_datetime(pd.Series(["2190-01-01", "1930-01-01", None, None]))
    out = numbers_of(views.transform(kind, odd))
    assert len(out) == 4
    assert not np.isinf(out).any()
    bare = X.head(2).copy()
    for name in X.columns:
        bare[name] = pd.Series([None, None], dtype=X[name].dtype)
    empty = numbers_of(views.transform(kind, bare))
    if kind != "frame":
        assert np.isfinite(out).all()
        assert np.abs(views.transform("matrix", odd)).max() < 12
        assert np.isfinite(empty).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_single_row_equals_its_place_in_the_batch(kind, task):
    X, y, schema = mixed(task=task)
    views = Views(X, y, schema)
    new, _, _ = mixed(60, seed=9)
    batch = numbers_of(views.transform(kind, new))
    for row in (0, 3, 4, 59):
        alone = numbers_of(views.transform(kind, new.iloc[[row]]))
        assert np.array_equal(alone[0], batch[row], equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_columns_and_of_categories_does_not_matter(kind):
    X, y, schema = mixed()
    views = Views(X, y, schema)
    other = X[X.columns[::-1]].copy()
    other["city"] = X["city"].cat.set_categories(sorted(X["city"].cat.categories)[::-1])
    other["colour"] = (
        X["colour"]
        .cat.add_categories(["aaa"])
        .cat.reorder_categories(["aaa", "red", "green", "blue"])
    )
    assert_same(views.transform(kind, X), views.transform(kind, other))


@pytest.mark.parametrize("kind", KINDS)
def test_encoded_rows_serve_several_kinds(kind):
    X, y, schema = mixed()
    views = Views(X, y, schema)
    assert_same(views.transform(kind, views.encode(X)), views.transform(kind, X))


def test_saved_views_give_the_same_bits_in_a_fresh_process(tmp_path):
    X, y, schema = mixed(task="multiclass")
    views = Views(X, y, schema)
    new, _, _ = mixed(80, seed=5)
    new.to_pickle(tmp_path / "new.pkl")
    for kind in KINDS:
        views.save(kind, tmp_path / kind)
        assert_same(views.transform(kind, new), load_view(tmp_path / kind).transform(new))
        np.save(tmp_path / f"{kind}.npy", numbers_of(views.transform(kind, new)))
    code = """
import sys, pathlib, numpy as np, pandas as pd
from automl.data.views import load_view
home = pathlib.Path(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from test_views import numbers_of
new = pd.read_pickle(home / "new.pkl")
for kind in ("frame", "matrix", "tensors"):
    now = numbers_of(load_view(home / kind).transform(new))
    assert np.array_equal(now, np.load(home / f"{kind}.npy"), equal_nan=True), kind
"""
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)], check=True
    )


def test_saved_views_hold_no_pickle(tmp_path):
    X, y, schema = mixed()
    Views(X, y, schema).save("matrix", tmp_path)
    assert {f.name for f in tmp_path.iterdir()} == {"view.json", "view.npz"}
    with np.load(tmp_path / "view.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


def test_a_damaged_view_is_said_to_be_damaged(tmp_path):
    X, y, schema = mixed()
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_view(tmp_path / "none")
    Views(X, y, schema).save("frame", tmp_path)
    facts = json.loads((tmp_path / "view.json").read_text())
    facts["view"]["type"] = "Path"
    (tmp_path / "view.json").write_text(json.dumps(facts))
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_view(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_seed_decides_everything_and_nothing_is_mutated(kind):
    X, y, schema = mixed()
    kept, labels = X.copy(deep=True), y.copy()
    np.random.seed(1)  # noqa: NPY002 - the state under test
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = Views(X, y, schema, seed=3), Views(X, y, schema, seed=3)
    assert_same(first.train(kind), second.train(kind))
    assert_same(first.transform(kind, X), second.transform(kind, X))
    pd.testing.assert_frame_equal(X, kept)
    assert np.array_equal(y, labels)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("kind", KINDS)
def test_views_may_be_read_only_and_built_from_a_part_of_a_frame(kind):
    X, y, schema = mixed()
    rows = np.arange(0, 600, 2)
    part = X.iloc[rows]
    full = Views(part, y[rows], schema).train(kind)
    assert_same(full, Views(part.reset_index(drop=True), y[rows], schema).train(kind))


@pytest.mark.parametrize("kind", ["frame", "matrix"])
def test_target_means_are_cross_fitted(kind):
    """Random levels of two rows tell nothing about the target of other rows."""
    rng = np.random.default_rng(0)
    n = 2000
    X = pd.DataFrame({"id": pd.Categorical([f"v{i}" for i in rng.permutation(n) // 2])})
    y = rng.integers(0, 2, n)
    views = Views(X, y, schema_of(X))
    at = views.describe(kind).index("id: mean of class 1")
    crossed = numbers_of(views.train(kind))[:, at]
    seen = numbers_of(views.transform(kind, X))[:, at]
    assert abs(np.corrcoef(crossed, y)[0, 1]) < 0.1
    assert np.corrcoef(seen, y)[0, 1] > 0.6


def test_target_means_find_levels_that_matter():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 300, 6000)
    X = pd.DataFrame({"city": pd.Categorical([f"c{i}" for i in level])})
    y = np.sin(level) + rng.normal(0, 0.1, 6000)
    views = Views(X, y, schema_of(X, "regression"))
    at = views.describe("matrix").index("city: mean of target")
    assert np.corrcoef(views.train("matrix")[:, at], y)[0, 1] > 0.95


def test_words_that_matter_are_found_and_cross_fitted():
    rng = np.random.default_rng(0)
    n = 900
    words = rng.choice([f"w{i}" for i in range(400)], (n, 8))
    random = rng.integers(0, 2, n)
    telling = (words == "w7").any(axis=1) | (words == "w9").any(axis=1) | (random == 1)
    words[random == 1, 0] = "yes"
    X = pd.DataFrame({"note": pd.Series([" ".join(w) for w in words], dtype="str")})
    for y, low, high in ((rng.integers(0, 2, n), -0.12, 0.12), (telling.astype(int), 0.5, 1.0)):
        views = Views(X, y.astype(np.int64), schema_of(X))
        at = views.describe("frame").index("note: words for class 1")
        correlation = np.corrcoef(views.train("frame").iloc[:, at], y)[0, 1]
        assert low < correlation < high


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "anomaly"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_handful_of_rows(n, task):
    X, y, schema = mixed(20, task=task)
    views = Views(X.head(n), y[:n], schema)
    for kind in KINDS:
        assert len(views.train(kind)) == n
        out = numbers_of(views.transform(kind, X))
        assert len(out) == 20
        assert kind == "frame" or np.isfinite(out).all()


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.0] * 30),
        pd.Series([np.nan] * 30),
        pd.Series([np.nan] + [2.0] * 29),
        pd.Series([np.inf] * 15 + [0.0] * 15),
        pd.Series(pd.Categorical(["a"] * 30)),
        pd.Series(pd.Categorical([None] * 30, categories=["a"])),
        pd.Series(pd.Categorical(["a", None] * 15)),
        pd.Series(pd.Categorical([f"v{i}" for i in range(30)])),
        pd.Series([pd.NaT] * 30, dtype="datetime64[us]"),
        pd.Series([pd.Timestamp("2020-02-03")] * 30),
        pd.Series([None] * 30, dtype="str"),
        pd.Series(["same words"] * 30, dtype="str"),
        pd.Series(["?", "!"] * 15, dtype="str"),
    ],
)
def test_one_poor_column_still_gives_a_view(column):
    X = pd.DataFrame({"only": column})
    y = np.arange(30) % 2
    views = Views(X, y, schema_of(X))
    for kind in KINDS:
        train, new = views.train(kind), views.transform(kind, X.head(3))
        assert len(train) == 30
        assert len(new) == 3
        block = train.codes if kind == "tensors" and train.codes.size else numbers_of(train)
        assert block.shape[1] >= 1
        assert kind == "frame" or np.isfinite(numbers_of(train)).all()


def test_no_features_at_all_still_give_a_column():
    X = pd.DataFrame(index=range(6))
    views = Views(X, np.arange(6) % 2, schema_of(X))
    assert views.train("matrix").shape == (6, 1)
    assert views.train("frame").shape == (6, 1)
    assert views.transform("tensors", X.head(2)).numbers.shape == (2, 1)


def test_absurd_values_are_bounded_and_order_is_kept():
    rng = np.random.default_rng(0)
    value = np.r_[rng.lognormal(0, 1, 990), [1e9] * 10]
    X = pd.DataFrame({"ratio": value, "late": np.r_[rng.poisson(0.2, 990), [96, 98] * 5] * 1.0})
    out = Views(X, np.arange(1000) % 2, schema_of(X)).train("matrix")
    assert np.abs(out).max() < 6
    assert np.all(np.diff(out[np.argsort(value), 0]) >= 0)
    assert 0.5 < out[:, 0].std() < 1.5


@pytest.mark.parametrize("kind", ["frame", "matrix", "tensors"])
@pytest.mark.parametrize("unknown", [0, 20], ids=["all known", "some 0"])
def test_moments_in_milliseconds_stay_apart(kind, unknown, tmp_path):
    """float32 tells numbers near 1.7e12 apart only at every 131,072nd."""
    rng = np.random.default_rng(0)
    moments = 1.7e12 + rng.permutation(400) * 1000.0
    moments[:unknown] = 0
    X = pd.DataFrame({"moment": moments, "other": rng.normal(size=400)})
    views = Views(X, rng.integers(0, 2, 400), schema_of(X))
    views.save(kind, tmp_path)
    for seen in (views.train(kind), load_view(tmp_path).transform(X)):
        column = numbers_of(seen)[unknown:, 0]
        assert np.array_equal(np.argsort(column), np.argsort(moments[unknown:]))
        assert len(np.unique(column)) == 400 - unknown
    few = {"moment": [1.0, 2.0, 3.0] * 4, "other": np.arange(12) / 4}
    frame = Views(pd.DataFrame(few), np.arange(12) % 2, schema_of(pd.DataFrame(few))).train("frame")
    assert frame["moment"].tolist() == few["moment"]  # what float32 can hold stays as it is


@pytest.mark.parametrize("kind", ["matrix", "tensors"])
def test_tails_stay_out_where_anomalies_are_looked_for(kind):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.lognormal(sigma=1.5, size=500)})
    views = Views(X, np.zeros(500, dtype=np.int64), schema_of(X, "anomaly"))
    seen = numbers_of(views.train(kind))[:, 0]
    assert seen.max() > 5  # normal scores would end at about 3
    beyond = pd.DataFrame({"x": [10 * X["x"].max(), 1e30]})
    far = numbers_of(views.transform(kind, beyond))[:, 0]
    assert far[0] > 5 * seen.max()
    assert np.isfinite(far**2).all()


@pytest.mark.parametrize("kind", ["matrix", "tensors"])
def test_counts_that_are_mostly_zero_keep_how_large_they_are(kind):
    rng = np.random.default_rng(0)
    counts = np.where(rng.random(2000) < 0.8, 0, rng.geometric(0.2, 2000)).astype(float)
    counts[:4], counts[-3:] = (0, 1, 4, 16), 1e6
    X = pd.DataFrame({"count": counts})
    views = Views(X, rng.integers(0, 2, 2000), schema_of(X))
    zero, one, four, sixteen = numbers_of(views.train(kind))[:4, 0]
    logs = np.log1p(np.array([0, 1, 4, 16]) / np.median(counts[counts > 0]))
    expected = np.diff(logs) / (logs[1] - logs[0])
    found = np.diff([zero, one, four, sixteen]) / (one - zero)
    np.testing.assert_allclose(found, expected, rtol=0.03)
    assert np.abs(numbers_of(views.train(kind))).max() <= 5.01


def test_plain_tensors_bend_nothing():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.lognormal(sigma=1.5, size=500)})
    views = Views(X, np.arange(500) % 2, schema_of(X))
    plain, bent = (views.train(kind).numbers[:, 0] for kind in ("plain_tensors", "tensors"))
    assert np.corrcoef(plain, X["x"])[0, 1] == pytest.approx(1.0, abs=1e-5)
    assert np.corrcoef(bent, X["x"])[0, 1] < 0.9


def test_even_columns_keep_their_shape():
    X = pd.DataFrame({"a": np.linspace(0, 9, 500), "b": np.linspace(5, 6, 500) ** 2})
    out = Views(X, np.arange(500) % 2, schema_of(X)).train("matrix")
    for j, name in enumerate(X):
        assert np.corrcoef(out[:, j], X[name])[0, 1] == pytest.approx(1.0, abs=1e-5)
        assert out[:, j].std() == pytest.approx(1.0, abs=1e-3)


def test_one_hot_width_is_bounded():
    rng = np.random.default_rng(0)
    n = 300
    X = pd.DataFrame(
        {f"c{j}": pd.Categorical(rng.integers(0, 15, n).astype(str)) for j in range(200)}
    )
    views = Views(X, rng.integers(0, 2, n), schema_of(X))
    assert views.train("matrix").shape[1] < 1500


def test_rare_levels_share_a_column():
    values = ["a"] * 150 + ["b"] * 140 + [f"r{i}" for i in range(10)]
    X = pd.DataFrame({"c": pd.Categorical(values)})
    views = Views(X, np.arange(300) % 2, schema_of(X))
    assert views.describe("matrix") == ["c=a", "c=b", "c=rare"]
    assert views.train("matrix").sum(axis=0).tolist() == [150, 140, 10]


def test_vocabulary_is_capped():
    values = [f"v{i}" for i in range(12_000)] + ["often"] * 50
    X = pd.DataFrame({"c": pd.Categorical(values)})
    block = Views(X, np.arange(12_050) % 2, schema_of(X)).train("tensors")
    assert block.cardinalities == (10_001,)
    assert np.all(block.codes[-50:] == 1)


def test_dates_become_parts_that_vary():
    hours = pd.Series(pd.date_range("2021-03-01", periods=48, freq="h"))
    X = pd.DataFrame({"when": hours})
    views = Views(X, np.arange(48) % 2, schema_of(X))
    frame = views.train("frame")
    assert list(frame.columns) == [
        f"when: {p}" for p in ("days", "day", "weekday", "day of year", "hour")
    ]
    assert frame["when: hour"].tolist() == hours.dt.hour.tolist()
    assert "when: hour sine" in views.describe("matrix")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(st.floats(), st.sampled_from([0.0, 1.0, -1.0, 1e38, 1e-40])),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from(["binary", "regression"]),
)
def test_any_floats_give_finite_matrices(values, task):
    X = pd.DataFrame({"a": np.array(values), "b": np.arange(len(values)) * 1.0})
    y = np.arange(len(values)) % 2
    views = Views(X, y if task == "binary" else y * 1.0, schema_of(X, task))
    out = views.train("matrix")
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 12


def test_names_stay_unique_when_a_column_is_called_like_a_part():
    X = pd.DataFrame(
        {"t: hour": np.arange(48.0), "t": pd.date_range("2021-03-01", periods=48, freq="h")}
    )
    views = Views(X, np.arange(48) % 2, schema_of(X))
    for kind in ("frame", "matrix"):
        names = views.describe(kind)
        assert len(set(names)) == len(names)
    assert list(views.train("frame").columns) == views.describe("frame")


def test_a_view_is_written_once_and_another_one_refused(tmp_path):
    X, y, schema = mixed()
    folder = tmp_path / "matrix-f0"
    view = Views(X, y, schema).fitted("matrix")
    keep_view(view, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    keep_view(Views(X, y, schema).fitted("matrix"), folder)
    scaled = X.assign(normal=X["normal"] * (1 + 1e-7))
    keep_view(Views(scaled, y, schema).fitted("matrix"), folder)  # the last digits may differ
    other = Views(X[:-9], y[:-9], schema).fitted("matrix")
    with pytest.raises(ArtifactError, match="encoded otherwise"):
        keep_view(other, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert fingerprint_of(load_view(folder)) == fingerprint_of(view) != fingerprint_of(other)


def test_a_view_that_was_altered_is_damaged(tmp_path):
    X, y, schema = mixed()
    keep_view(Views(X, y, schema).fitted("frame"), tmp_path)
    facts = json.loads((tmp_path / "view.json").read_text())
    facts["view"]["fields"]["native"][0] = 1
    (tmp_path / "view.json").write_text(json.dumps(facts))
    with pytest.raises(ArtifactError, match="its content is not what was written"):
        load_view(tmp_path)
