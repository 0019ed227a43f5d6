from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402

import automl_torch  # noqa: E402
from automl import ArtifactError, AutoMLError, View  # noqa: E402
from automl_torch import loop, schedules  # noqa: E402
from automl_torch.data import Layout, to_inputs  # noqa: E402
from automl_torch.embeddings import Piecewise  # noqa: E402
from automl_torch.mlp import build  # noqa: E402
from automl_torch.nets import Columns, Dropout  # noqa: E402
from tests.plugins.torch_world import FakeRun, error, mixed, toy, view  # noqa: E402

SMALL = {"width": 64, "layers": 2, "dropout": 0.0, "learning_rate": 5e-3, "epochs": 25}
NUMBERS = ("plain", "piecewise", "periodic")
TASKS = ("binary", "multiclass", "regression")


def fitted(task, config=SMALL, n=1200, **run):
    data = toy(task, n)
    stop, train = data.take(slice(0, n // 10)), data.take(slice(n // 10, None))
    host = FakeRun(stop, **run)
    model = build(config, task, data.n_classes)
    model.fit(train, stop, host)
    return model, host


@pytest.mark.parametrize("task", TASKS)
def test_it_learns_what_a_linear_model_cannot(task):
    train, test = toy(task), toy(task, seed=1)
    linear = LinearRegression() if task == "regression" else LogisticRegression()
    linear.fit(train.X.numbers, train.y)
    guess = linear.predict(test.X.numbers)
    baseline = np.mean((test.y - guess) ** 2) if task == "regression" else np.mean(test.y != guess)
    model, _ = fitted(task)
    assert error(task, test.y, model.predict(test)) < 0.4 * baseline


@pytest.mark.parametrize("kind", NUMBERS)
def test_every_way_to_embed_numbers_learns(kind):
    test = toy("regression", seed=1)
    model, _ = fitted("regression", {**SMALL, "numbers": kind})
    assert error("regression", test.y, model.predict(test)) < 0.3 * np.var(test.y)


def test_embedded_categories_carry_their_meaning():
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(1, 4, 2000), rng.integers(1, 40, 2000)], axis=1)
    effect = rng.normal(size=40)
    y = effect[codes[:, 1]] * (codes[:, 0] - 2)
    data = view(np.zeros((2000, 0)), y, "regression", codes=codes, cardinalities=(4, 40))
    model = build(SMALL, "regression", 0)
    model.fit(data.take(slice(0, 1500)), None, FakeRun())
    test = data.take(slice(1500, None))
    assert error("regression", test.y, model.predict(test)) < 0.1 * np.var(y)


def test_the_shape_of_predictions_is_what_the_host_expects():
    for task, k in (("binary", 2), ("multiclass", 3)):
        prediction = fitted(task, {**SMALL, "epochs": 1})[0].predict(toy(task, 50))
        assert prediction.shape == (50, k)
        np.testing.assert_allclose(prediction.sum(1), 1, rtol=1e-5)
    values = fitted("regression", {**SMALL, "epochs": 1})[0].predict(toy("regression", 50))
    assert values.shape == (50,)
    assert values.dtype == np.float64


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    config = {**SMALL, "dropout": 0.2, "epochs": 3}
    test = toy("multiclass", seed=1)
    first, again, other = (
        fitted("multiclass", config, seed=seed)[0].predict(test) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_random_states_and_threads_are_as_before():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the global state is what is tested
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    threads = torch.get_num_threads()
    model, _ = fitted("binary", {**SMALL, "epochs": 2, "dropout": 0.3})
    model.predict(toy("binary", 20))
    assert torch.equal(torch.random.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert torch.get_num_threads() == threads


def test_settings_are_restored_after_a_failure():
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()

    def fail():
        with loop.settings(3, threads + 1, "cpu"):
            assert torch.get_num_threads() == threads + 1
            torch.rand(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.05])
def test_a_deadline_too_short_to_train_still_leaves_a_model(seconds):
    began = time.monotonic()
    model, host = fitted("binary", {}, n=20_000, seconds=seconds)
    assert time.monotonic() - began < 1.0
    assert host.steps == [1]
    assert np.isfinite(model.predict(toy("binary", 100))).all()


def test_the_schedule_ends_annealed_by_steps_and_by_time():
    assert schedules.one_cycle(0.0) < 0.05
    assert schedules.one_cycle(schedules.WARM_UP) == pytest.approx(1.0)
    assert schedules.one_cycle(1.0) == pytest.approx(schedules.FLOOR)
    clock = loop.Clock(4, FakeRun())
    assert [clock.tick() for _ in range(4)] == [0.25, 0.5, 0.75, 1.0]
    time_limited = loop.Clock(1_000_000, FakeRun(seconds=0.3))
    time.sleep(0.15)
    assert 0.3 < time_limited.tick() < 1
    time.sleep(0.2)
    assert time_limited.tick() >= 1


def test_it_stops_when_the_host_says_so():
    _, host = fitted("binary", last_step=3)
    assert host.steps == [1, 2, 3]
    assert host.censored == []


def test_a_training_that_time_ended_says_how_far_it_came():
    _, host = fitted("binary", {**SMALL, "epochs": 1000}, n=20_000, seconds=1.0)
    (done,) = host.censored
    assert 0 < done < 0.5
    _, host = fitted("binary", seconds=100.0)
    assert host.censored == []


def test_a_schedule_that_time_compressed_is_no_training_that_ended_by_itself():
    """The host stops it early, but by then the learning rate was falling for want of time."""
    long = {**SMALL, "epochs": 2000}
    _, host = fitted("binary", long, n=20_000, seconds=3.0, last_step=2)
    assert host.steps == [1, 2]
    assert len(host.censored) == 1


def test_it_keeps_the_best_epoch():
    data = toy("regression", 200)
    noise = np.random.default_rng(0).normal(size=200)
    noisy = View(data.X, noise, "regression", 0)
    stop, train = noisy.take(slice(0, 100)), noisy.take(slice(100, None))
    host = FakeRun(stop)
    model = build({**SMALL, "epochs": 20, "weight_decay": 0.0}, "regression", 0)
    model.fit(train, stop, host)
    assert host.best_step < host.steps[-1] == 20
    np.testing.assert_array_equal(
        model.predict(stop), host.predictions[host.steps.index(host.best_step)]
    )


def test_without_stop_rows_it_trains_all_epochs_and_reports_nothing():
    host = FakeRun()
    model = build(SMALL, "binary", 2)
    model.fit(toy("binary"), None, host)
    assert host.steps == []
    test = toy("binary", seed=1)
    assert error("binary", test.y, model.predict(test)) < 0.15


CHILD = """
import json, sys
from pathlib import Path
import numpy as np
from automl import TensorBlock, View
from automl_torch.mlp import build
folder = Path(sys.argv[1])
d = np.load(folder / "rows.npz")
block = TensorBlock(d["numbers"], d["missing"], d["codes"], tuple(d["cardinalities"].tolist()))
task, k, config = json.loads((folder / "task.json").read_text())
model = build(config, task, k)
model.load(folder / "model")
np.save(folder / "prediction.npy", model.predict(View(block, None, task, k)))
assert "torch._dynamo" not in sys.modules
"""


def test_only_columns_with_gaps_in_training_get_a_flag():
    data = mixed()
    layout = Layout.of(data.X)
    assert layout.flagged == (0,)
    inputs = to_inputs(data.X, layout, "cpu")
    np.testing.assert_array_equal(inputs.flags.numpy()[:, 0], data.X.missing[:, 0])


@pytest.mark.parametrize("strange", [-1, 4, 30, 10_000])
def test_codes_never_seen_count_as_unknown(strange):
    data = mixed()
    model = build({**SMALL, "epochs": 2}, "multiclass", 3)
    model.fit(data, None, FakeRun())
    block = data.X
    unknown = block.codes.copy()
    unknown[:, 0] = 0
    odd = unknown.copy()
    odd[:, 0] = strange
    expected, got = (
        model.predict(view(block.numbers, None, "multiclass", 3, codes=c, cardinalities=(4, 30)))
        for c in (unknown, odd)
    )
    np.testing.assert_array_equal(got, expected)


def test_a_level_never_trained_adds_nothing():
    columns = Columns(Layout(0, (), (3, 50)), "plain", 4)
    data = view(np.zeros((1, 0)), None, "binary", codes=np.zeros((1, 2)), cardinalities=(3, 50))
    row = columns(to_inputs(data.X, Layout(0, (), (3, 50)), "cpu"))
    assert row.shape == (1, columns.width) == (1, 2 + 4)
    assert not row.any()


def test_one_hot_columns_stand_where_their_codes_say():
    layout = Layout(1, (), (3, 4))
    codes = np.array([[1, 3], [2, 0]])
    data = view(np.zeros((2, 1)), None, "binary", codes=codes, cardinalities=(3, 4))
    rows = Columns(layout, "plain", 4)(to_inputs(data.X, layout, "cpu"))
    assert rows.tolist() == [[0, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]]


def test_piecewise_bins_fill_one_after_the_other():
    part = Piecewise(2, 4)
    part.measure(torch.stack([torch.linspace(0, 4, 401), torch.ones(401)], 1))
    rows = part(torch.tensor([[1.5, 1.0], [-1.0, 7.0], [5.0, 1.0]])).view(3, 2, 4)
    torch.testing.assert_close(rows[0, 0], torch.tensor([1.0, 0.5, 0.0, 0.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(rows[1, 0], torch.tensor([-1.0, 0.0, 0.0, 0.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(rows[2, 0], torch.tensor([1.0, 1.0, 1.0, 2.0]), atol=1e-4, rtol=0)
    assert not rows[:, 1].any()


def test_few_rows_fill_few_bins():
    part = Piecewise(1, 4)
    part.measure(torch.linspace(0, 4, 140)[:, None])
    rows = part(torch.tensor([[1.0], [3.0], [-2.0], [6.0]]))
    empty = torch.zeros(4, 2)
    torch.testing.assert_close(rows[:, 1:3], empty)
    ends = torch.tensor([[0.5, 0.0], [1.0, 0.5], [-1.0, 0.0], [1.0, 2.0]])
    torch.testing.assert_close(rows[:, [0, 3]], ends, atol=1e-4, rtol=0)


def test_dropout_keeps_the_mean_and_differs_from_call_to_call():
    part = Dropout(0.3)
    x = torch.ones(512, 256)
    first, second = part(x), part(x)
    assert not torch.equal(first, second)
    assert float((first == 0).float().mean()) == pytest.approx(0.3, abs=0.02)
    assert float(first.mean()) == pytest.approx(1.0, abs=0.03)
    assert part.eval()(x) is x


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("shape", [(5, 1), (1, 1), (2, 3), (33, 2), (160, 10_000)])
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_odd_shapes_train(kind, shape, task):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=shape)
    k = 0 if task == "regression" else 3
    y = rng.normal(size=shape[0]) if k == 0 else rng.integers(0, 3, shape[0])
    data = view(numbers, y, task, k)
    host = FakeRun(data)
    model = build({"epochs": 2, "numbers": kind}, task, k)
    model.fit(data, data, host)
    assert np.isfinite(model.predict(data)).all()
    assert host.steps == [1, 2]


def test_absent_and_lone_classes_get_their_probability():
    data = view(np.random.default_rng(0).normal(size=(300, 2)), np.full(300, 7), "multiclass", 100)
    model = build({**SMALL, "epochs": 10}, "multiclass", 100)
    model.fit(data, None, FakeRun())
    prediction = model.predict(data)
    assert prediction.shape == (300, 100)
    assert (prediction[:, 7] > 0.9).all()


def test_a_constant_target_is_predicted_as_it_is():
    data = view(np.random.default_rng(0).normal(size=(60, 2)), np.full(60, 12.5), "regression")
    model = build({**SMALL, "epochs": 2}, "regression", 0)
    model.fit(data, None, FakeRun())
    np.testing.assert_allclose(model.predict(data), 12.5)


def test_values_stay_near_the_training_range():
    model, _ = fitted("regression")
    data = toy("regression")
    far = view(np.full((10, 4), 1e4), None, "regression")
    low, high, margin = data.y.min(), data.y.max(), 0.06 * np.std(data.y)
    prediction = model.predict(far)
    assert (prediction >= low - margin).all()
    assert (prediction <= high + margin).all()


def test_predictions_in_chunks_are_the_predictions(monkeypatch):
    model, _ = fitted("binary", {**SMALL, "epochs": 1})
    test = toy("binary", 1000, seed=1)
    whole = model.predict(test)
    monkeypatch.setattr("automl_torch.model.CHUNK_CELLS", 4)
    np.testing.assert_allclose(model.predict(test), whole, atol=1e-6)


def test_a_net_that_diverges_says_so():
    data = toy("regression", 300)
    broken = view(np.full((300, 4), np.nan), data.y, "regression")
    with pytest.raises(AutoMLError, match="learning_rate"):
        build(SMALL, "regression", 0).fit(broken, broken, FakeRun(broken))


def test_damaged_files_are_named(tmp_path):
    with pytest.raises(ArtifactError, match="cannot be read"):
        build({}, "binary", 2).load(tmp_path)
    model, _ = fitted("binary", {**SMALL, "epochs": 1})
    model.save(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"junk")
    with pytest.raises(ArtifactError, match="cannot be read"):
        build({}, "binary", 2).load(tmp_path)


def test_the_declaration_is_light_and_its_defaults_lie_in_the_space():
    code = (
        "import sys, automl_torch\n"
        "list(automl_torch.automl_learners())\n"
        "assert not {'torch', 'numpy', 'sklearn'} & set(sys.modules)\n"
    )
    root = Path(automl_torch.__file__).parents[2]
    path = f"{root}:{root / 'plugins'}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path})
    for learner in automl_torch.automl_learners():
        assert learner.view in {"tensors", "plain_tensors", "image"}
        assert learner.extra == "torch"
        assert learner.summary
        for config in learner.defaults:
            for name, value in config.items():
                dimension = learner.space[name]
                options = getattr(dimension, "options", None)
                inside = value in options if options else dimension.low <= value <= dimension.high
                assert inside, (learner.name, name, value)
