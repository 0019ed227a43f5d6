"""Promises of every net for classes and values; `mlp` has more of its own."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn.linear_model import LinearRegression, LogisticRegression  # noqa: E402

import automl_torch  # noqa: E402
from automl import View  # noqa: E402
from automl_torch import schedules  # noqa: E402
from automl_torch.data import Layout, to_inputs  # noqa: E402
from automl_torch.embeddings import NormalScores, PiecewiseLinear, RobustClip  # noqa: E402
from automl_torch.nets import Dropout  # noqa: E402
from automl_torch.optimiser import AdamW, Group  # noqa: E402
from tests.plugins.torch_world import FakeRun, error, mixed, toy, view  # noqa: E402

SMALL = {
    "resnet": {"width": 64, "dropout": 0.0, "residual_dropout": 0.0, "epochs": 25},
    "realmlp": {"width": 64, "dropout": 0.0, "epochs": 25},
    "tabm": {"width": 64, "members": 4, "kind": "tabm-mini", "epochs": 25, "batch_size": 64},
    "ft_transformer": {
        "numbers": "piecewise",
        "width": 32,
        "layers": 1,
        "learning_rate": 5e-3,
        "batch_size": 64,
        "epochs": 25,
    },
}
NETS = tuple(SMALL)
TASKS = ("binary", "multiclass", "regression")


def model_of(net, task, k=None, **config):
    k = {"binary": 2, "multiclass": 3, "regression": 0}[task] if k is None else k
    return import_module(f"automl_torch.{net}").build({**SMALL[net], **config}, task, k)


def baseline(task, train, test):
    linear = LinearRegression() if task == "regression" else LogisticRegression()
    guess = linear.fit(train.X.numbers, train.y).predict(test.X.numbers)
    return np.mean((test.y - guess) ** 2) if task == "regression" else np.mean(test.y != guess)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("net", NETS)
def test_it_learns_what_a_linear_model_cannot(net, task):
    train, test = toy(task), toy(task, seed=1)
    stop, rest = train.take(slice(0, 200)), train.take(slice(200, None))
    model, host = model_of(net, task), FakeRun(stop)
    model.fit(rest, stop, host)
    prediction = model.predict(test)
    assert error(task, test.y, prediction) < 0.5 * baseline(task, train, test)
    assert prediction.shape == ((len(test), test.n_classes) if test.n_classes else (len(test),))
    if test.n_classes:
        np.testing.assert_allclose(prediction.sum(1), 1, rtol=1e-5)
    kept = host.predictions[host.steps.index(host.best_step)]
    np.testing.assert_allclose(model.predict(stop), kept, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(net):
    data = mixed("multiclass")

    def predicted(seed):
        model = model_of(net, "multiclass", epochs=2)
        model.fit(data, None, FakeRun(seed=seed))
        return model.predict(data)

    np.testing.assert_array_equal(predicted(0), predicted(0))
    assert not np.array_equal(predicted(0), predicted(1))


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_embedded_categories_carry_their_meaning(net):
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(1, 4, 1500), rng.integers(1, 80, 1500)], axis=1)
    effect = rng.normal(size=80)
    y = effect[codes[:, 1]] + codes[:, 0]
    data = view(np.zeros((1500, 0)), y, "regression", codes=codes, cardinalities=(4, 80))
    model = model_of(net, "regression")
    model.fit(data.take(slice(0, 1200)), None, FakeRun())
    test = data.take(slice(1200, None))
    assert error("regression", test.y, model.predict(test)) < 0.3 * np.var(y)


@pytest.mark.parametrize("net", NETS)
def test_a_missing_value_is_told_from_the_value_that_fills_it(net):
    rng = np.random.default_rng(0)
    missing = rng.random((600, 1)) < 0.5
    data = view(np.zeros((600, 1)), missing[:, 0].astype(int), "binary", 2, missing=missing)
    model = model_of(net, "binary")
    model.fit(data, None, FakeRun())
    assert error("binary", data.y, model.predict(data)) == 0


@pytest.mark.parametrize("strange", [-1, 4, 10_000])
@pytest.mark.parametrize("net", NETS)
def test_codes_never_seen_count_as_unknown(net, strange):
    data = mixed()
    model = model_of(net, "multiclass", epochs=1)
    model.fit(data, None, FakeRun())
    unknown = data.X.codes.copy()
    unknown[:, 0] = 0
    odd = unknown.copy()
    odd[:, 0] = strange
    expected, got = (
        model.predict(view(data.X.numbers, None, "multiclass", 3, codes=c, cardinalities=(4, 30)))
        for c in (unknown, odd)
    )
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (2, 3), (33, 2), (40, 280)])
@pytest.mark.parametrize("net", NETS)
def test_odd_shapes_train(net, shape, task):
    rng = np.random.default_rng(0)
    y = rng.normal(size=shape[0]) if task == "regression" else rng.integers(0, 3, shape[0])
    data = view(rng.normal(size=shape), y, task, 0 if task == "regression" else 3)
    model, host = model_of(net, task, epochs=2), FakeRun(data)
    model.fit(data, data, host)
    assert np.isfinite(model.predict(data)).all()
    assert host.steps == [1, 2]


@pytest.mark.parametrize("net", [net for net in NETS if net != "ft_transformer"])
def test_wide_tables_train(net):
    data = view(np.random.default_rng(0).normal(size=(60, 3000)), np.arange(60) % 2, "binary", 2)
    model = model_of(net, "binary", epochs=1)
    model.fit(data, None, FakeRun())
    assert np.isfinite(model.predict(data)).all()


@pytest.mark.parametrize("net", NETS)
def test_constant_columns_and_targets_do_no_harm(net):
    data = view(np.ones((50, 2)), np.full(50, 12.5), "regression")
    model = model_of(net, "regression", epochs=2)
    model.fit(data, None, FakeRun())
    np.testing.assert_allclose(model.predict(data), 12.5)


@pytest.mark.parametrize("net", NETS)
def test_values_stay_near_the_training_range(net):
    data = toy("regression", 300)
    model = model_of(net, "regression", epochs=3)
    model.fit(data, None, FakeRun())
    far = model.predict(view(np.full((10, 4), 1e4), None, "regression"))
    margin = 0.06 * np.std(data.y)
    assert (far >= data.y.min() - margin).all()
    assert (far <= data.y.max() + margin).all()


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
def test_a_deadline_ends_the_training_with_a_model(net):
    data = toy("binary", 3000)
    stop, train = data.take(slice(0, 300)), data.take(slice(300, None))
    host = FakeRun(stop, seconds=0.4)
    model = model_of(net, "binary", epochs=100_000)
    model.fit(train, stop, host)
    assert host.best_step >= 1
    assert host.steps[-1] < 100_000
    assert np.isfinite(model.predict(stop)).all()


CHILD = """
import sys
from importlib import import_module
from pathlib import Path
import numpy as np
from automl import TensorBlock, View
folder = Path(sys.argv[1])
d = np.load(folder / "rows.npz")
block = TensorBlock(d["numbers"], d["missing"], d["codes"], tuple(d["cardinalities"].tolist()))
for net in sys.argv[2:]:
    model = import_module("automl_torch." + net).build({}, "regression", 0)
    model.load(folder / net)
    np.save(folder / f"{net}.npy", model.predict(View(block, None, "regression", 0)))
"""


def test_running_statistics_are_kept_with_the_best_weights():
    data = toy("regression", 200)
    noisy = View(data.X, np.random.default_rng(0).normal(size=200), "regression", 0)
    stop, train = noisy.take(slice(0, 100)), noisy.take(slice(100, None))
    model, host = model_of("resnet", "regression", epochs=20), FakeRun(stop)
    model.fit(train, stop, host)
    assert host.best_step < host.steps[-1]
    np.testing.assert_array_equal(
        model.predict(stop), host.predictions[host.steps.index(host.best_step)]
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tabm", "tabm-mini"])
@pytest.mark.parametrize("numbers", ["plain", "piecewise", "periodic"])
def test_every_kind_of_tabm_learns(kind, numbers):
    train, test = toy("binary"), toy("binary", seed=1)
    model = model_of("tabm", "binary", kind=kind, numbers=numbers)
    model.fit(train, None, FakeRun())
    assert error("binary", test.y, model.predict(test)) < 0.25


def test_members_of_tabm_differ_and_their_probabilities_are_averaged():
    data = toy("binary", 300)
    model = model_of("tabm", "binary", epochs=2)
    model.fit(data, None, FakeRun())
    with torch.inference_mode():
        members = model._net(to_inputs(data.X, Layout.of(data.X), "cpu")).softmax(-1)
    assert members.shape == (300, 4, 2)
    assert float(members.std(1).mean()) > 1e-3
    np.testing.assert_allclose(model.predict(data), members.mean(1).numpy(), atol=1e-6)


@pytest.mark.parametrize("net", NETS)
def test_few_rows_without_a_rule_are_not_learned_by_heart(net):
    rng = np.random.default_rng(0)
    noise = view(rng.normal(size=(600, 4)), rng.integers(0, 2, 600), "binary", 2)
    train, stop, test = (noise.take(slice(*ends)) for ends in ((0, 80), (80, 160), (160, 600)))
    model = import_module(f"automl_torch.{net}").build({}, "binary", 2)
    model.fit(train, stop, FakeRun(stop, seconds=4))
    right = model.predict(test)[np.arange(len(test)), test.y]
    assert -np.mean(np.log(right)) < 1.15 * np.log(2)


def test_layers_of_realmlp_start_with_units_of_variance_one():
    data = mixed()
    net = import_module("automl_torch.realmlp").architecture({}, Layout.of(data.X), 3).eval()
    rows = to_inputs(data.X, Layout.of(data.X), "cpu")
    with torch.no_grad():
        net.measure(rows)
        outputs = net(rows)
    torch.testing.assert_close(outputs.std(0), torch.ones(3), atol=0.02, rtol=0)


def test_robust_scaling_is_by_quartiles_and_bends_smoothly():
    part = RobustClip(3)
    column = torch.linspace(-2, 2, 401)
    rare = (torch.arange(401) % 10 == 0).float()
    part.measure(torch.stack([5 + 3 * column, rare, torch.ones(401)], 1))
    rows = part(torch.tensor([[5.0, 0.0, 1.0], [11.0, 1.0, 1.0], [1e9, 1.0, 9.0]]))
    bent = 2.0 / (1 + 4 / 9) ** 0.5
    assert rows[0].tolist() == [0.0, 0.0, 0.0]
    torch.testing.assert_close(rows[1], torch.tensor([1 / (1 + 1 / 9) ** 0.5, bent, 0.0]))
    torch.testing.assert_close(rows[2], torch.tensor([3.0, bent, 0.0]))


def test_normal_scores_follow_the_ranks_and_ties_share_theirs():
    even = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0))
    numbers = torch.stack([even[:, 0].pow(4), (even[:, 1] > 0.5).float()], 1)
    part = NormalScores(2)
    part.measure(numbers)
    scores = part(numbers)
    assert float(scores[:, 0].mean()) == pytest.approx(0.0, abs=0.05)
    assert float(scores[:, 0].std()) == pytest.approx(1.0, abs=0.05)
    assert (scores[numbers[:, 0].argsort(), 0].diff() >= 0).all()
    assert scores[:, 1].unique().tolist() == pytest.approx([-0.67, 0.67], abs=0.05)
    beyond = part(torch.tensor([[-9.0, 0.0], [9.0, 1.0]]))[:, 0]
    assert beyond.tolist() == pytest.approx([float(scores.min()), float(scores.max())])


def test_piecewise_linear_embeddings_start_linear():
    part = PiecewiseLinear(2, 8, 5)
    part.measure(torch.randn(500, 2))
    x = torch.randn(3, 2)
    torch.testing.assert_close(part(x), part.straight(x).flatten(1))


@pytest.mark.parametrize("numbers", ["plain", "piecewise"])
def test_both_kinds_of_the_transformers_numbers_learn_and_load(numbers, tmp_path):
    train, test = toy("binary"), toy("binary", seed=1)
    model = model_of("ft_transformer", "binary", numbers=numbers)
    model.fit(train, None, FakeRun())
    prediction = model.predict(test)
    assert error("binary", test.y, prediction) < 0.25
    model.save(tmp_path)
    loaded = import_module("automl_torch.ft_transformer").build({}, "binary", 2)
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(test), prediction)


def test_schedules_begin_and_end_where_they_should():
    assert schedules.coslog4(0.0) == pytest.approx(0.0)
    assert schedules.coslog4(1.0) == pytest.approx(0.0, abs=1e-9)
    assert max(schedules.coslog4(t / 1000) for t in range(1001)) == pytest.approx(1.0, abs=1e-3)
    assert [schedules.flat_cosine(t) for t in (0, 0.5, 0.75, 1)] == pytest.approx([1, 1, 0.5, 0])


def test_dropout_lowers_its_rate():
    part = Dropout(0.4)
    x = torch.ones(400, 256)
    rates = []
    for share in (1.0, 0.5, 0.0):
        part.lower(share)
        rates.append(float((part(x) == 0).float().mean()))
    assert rates == pytest.approx([0.4, 0.2, 0.0], abs=0.02)


def test_groups_move_and_decay_as_declared():
    fast, slow, still = (torch.nn.Parameter(torch.ones(3)) for _ in range(3))
    groups = [Group([fast], rate=2.0, decay=0.0), Group([slow], decay=0.5), Group([still], 0.0)]
    optimiser = AdamW(groups, clip=0.0)
    fast.grad.fill_(1.0)
    slow.grad.fill_(0.0)
    optimiser.step(rate=0.1, decay=1.0)
    torch.testing.assert_close(fast.data, torch.full((3,), 0.8))
    torch.testing.assert_close(slow.data, torch.full((3,), 0.95))
    torch.testing.assert_close(still.data, torch.ones(3))


def test_costs_rise_with_columns_where_they_do_and_the_transformer_comes_last():
    learners = {x.name: x for x in automl_torch.automl_learners()}

    def cost(name, columns):
        schema = type("Schema", (), {"features": (None,) * columns})()
        return learners[name].resources(schema).cost

    for columns in (1, 14, 100, 300):
        others = [cost(name, columns) for name in ("mlp", "resnet", "realmlp", "tabm")]
        assert cost("ft_transformer", columns) > max(others)
    assert cost("ft_transformer", 300) > 9 * cost("ft_transformer", 30)
    assert learners["ft_transformer"].limits.columns == 300
