"""The nets that learn what rows look like: for classes, values, blank targets and anomalies."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn.metrics import roc_auc_score  # noqa: E402

import automl_torch  # noqa: E402
from automl_torch import dbn, gan, loop  # noqa: E402
from automl_torch.data import Layout, to_inputs  # noqa: E402
from automl_torch.detector import DetectorModel  # noqa: E402
from automl_torch.modes import Modes  # noqa: E402
from automl_torch.rebuild import Rebuilder, swapped  # noqa: E402
from tests.plugins.torch_world import FakeRun, error, mixed, toy, view  # noqa: E402

SMALL = {
    "autoencoder": {"width": 64, "layers": 2, "dropout": 0.0, "pretrain_epochs": 5},
    "vae": {"width": 64, "layers": 2, "code": 16, "dropout": 0.0, "pretrain_epochs": 5},
    "gan": {"width": 64, "dropout": 0.0, "gan_steps": 100},
    "dbn": {"width": 64, "dropout": 0.0, "pretrain_epochs": 5, "learning_rate": 0.01},
    "deep_svdd": {},
}
PRETRAINED = ("autoencoder", "vae", "dbn")
DETECTORS = ("autoencoder", "vae", "gan", "deep_svdd")
LEARNERS = {learner.name: learner for learner in automl_torch.automl_learners()}
SUPERVISED = [
    (net, task)
    for net in SMALL
    for task in ("binary", "multiclass", "regression")
    if task in LEARNERS[net].tasks
]


def model_of(net, task, k=None, **config):
    k = {"binary": 2, "multiclass": 3}.get(task, 0) if k is None else k
    return import_module(f"automl_torch.{net}").build({**SMALL[net], **config}, task, k)


@pytest.mark.parametrize(("net", "task"), SUPERVISED)
def test_it_learns_what_a_linear_model_cannot(net, task):
    train, test = toy(task), toy(task, seed=1)
    stop, rest = train.take(slice(0, 200)), train.take(slice(200, None))
    model, host = model_of(net, task, epochs=40), FakeRun(stop)
    model.fit(rest, stop, host)
    prediction = model.predict(test)
    trivial = np.var(test.y) if task == "regression" else 1 - np.bincount(test.y).max() / len(test)
    assert error(task, test.y, prediction) < 0.4 * trivial
    kept = host.predictions[host.steps.index(host.best_step)]
    np.testing.assert_allclose(model.predict(stop), kept, rtol=1e-5, atol=1e-5)


def uneven():
    """Numbers with gaps and categories; the third class is scarce."""
    data = mixed("multiclass", 300)
    y = np.where(np.arange(300) % 15 == 0, 2, np.arange(300) % 2)
    return replace(data, y=y)


def blobs(n, seed):
    """Ten clouds of which five are the second class, in the two first of eight columns."""
    rng = np.random.default_rng(seed)
    cloud = rng.integers(0, 10, n)
    angle = 2 * np.pi * cloud / 10
    X = rng.normal(0, 0.15, (n, 8))
    X[:, :2] += 1.5 * np.c_[np.cos(angle), np.sin(angle)]
    X = X @ np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    return view(X, (cloud % 2).astype(np.int64), "binary", 2)


@pytest.mark.slow
def test_unlabelled_rows_help_where_few_have_a_target():
    test, gains = blobs(1000, 99), []
    for seed in range(2):
        data, more = blobs(25, seed), blobs(1000, 50 + seed).X
        wrong = []
        for train in (data, replace(data, unlabelled=more)):
            model = model_of("autoencoder", "binary", epochs=40, pretrain_epochs=40, noise=0.3)
            model.fit(train, None, FakeRun(seed=seed))
            wrong.append(error("binary", test.y, model.predict(test)))
        gains.append(wrong[0] - wrong[1])
    assert np.mean(gains) > 0.02


@pytest.mark.parametrize("net", PRETRAINED)
def test_unlabelled_rows_change_what_is_learned_and_may_hold_what_training_lacks(net):
    data = uneven()
    odd = view(
        data.X.numbers * 2,
        None,
        "multiclass",
        3,
        missing=np.ones((300, 3), dtype=bool),
        codes=np.full((300, 2), 999),
        cardinalities=data.X.cardinalities,
    )
    found = []
    for train in (data, replace(data, unlabelled=odd.X)):
        model = model_of(net, "multiclass", epochs=1)
        model.fit(train, None, FakeRun())
        found.append(model.predict(data))
    assert np.isfinite(found[1]).all()
    assert not np.array_equal(*found)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 1), (33, 2), (40, 500)])
@pytest.mark.parametrize("net", SMALL)
def test_odd_shapes_train(net, shape):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=shape)
    for task in sorted(LEARNERS[net].tasks):
        y = rng.normal(size=shape[0]) if task == "regression" else rng.integers(0, 3, shape[0])
        if task == "binary":
            y = np.zeros(shape[0], dtype=np.int64)
        k = {"binary": 2, "multiclass": 3}.get(task, 0)
        data = view(numbers, None if task == "anomaly" else y, task, k)
        model, host = model_of(net, task, epochs=2, gan_steps=2), FakeRun()
        model.fit(data, None, host)
        prediction = model.predict(data)
        assert prediction.shape == ((shape[0], k) if k else (shape[0],))
        assert np.isfinite(prediction).all()


@pytest.mark.parametrize("net", DETECTORS)
def test_categories_alone_train(net):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (80, 3))
    data = view(np.zeros((80, 0)), None, "anomaly", codes=codes, cardinalities=(4, 4, 200))
    model = model_of(net, "anomaly", epochs=2)
    model.fit(data, None, FakeRun())
    assert np.isfinite(model.predict(data)).all()


@pytest.mark.slow
@pytest.mark.parametrize("net", SMALL)
def test_saved_models_predict_the_same_bits(net, tmp_path):
    for task in sorted(LEARNERS[net].tasks):
        data = mixed(task) if task == "regression" else uneven()
        if task == "anomaly":
            data = replace(data, y=None, n_classes=0)
        model = model_of(net, task, data.n_classes, epochs=2)
        model.fit(data, None, FakeRun())
        model.save(tmp_path / task)
        assert {p.suffix for p in (tmp_path / task).iterdir()} == {".safetensors", ".json"}
        again = model_of(net, task, data.n_classes)
        again.load(tmp_path / task)
        np.testing.assert_array_equal(again.predict(data), model.predict(data))


def plane(n, seed):
    """Six columns, two of which follow from the others."""
    X = np.random.default_rng(seed).normal(size=(n, 6))
    X[:, 3] = X[:, 0] + 0.1 * X[:, 3]
    X[:, 4] = X[:, 1] - X[:, 2] + 0.1 * X[:, 4]
    return X


@pytest.mark.parametrize(("net", "least"), [(n, 0.7) for n in DETECTORS[:3]] + [("deep_svdd", 0)])
def test_odd_rows_get_higher_scores(net, least):
    usual, shifted = plane(300, 1), plane(60, 2) + 4
    broken = np.random.default_rng(3).normal(size=(100, 6))
    model = model_of(net, "anomaly", epochs=60)
    model.fit(view(plane(500, 0), None, "anomaly"), None, FakeRun())
    scores = [model.predict(view(X, None, "anomaly")) for X in (usual, shifted, broken)]
    assert scores[0].shape == (300,)

    def area(odd):
        truth = np.r_[np.zeros(len(scores[0])), np.ones(len(odd))]
        return roc_auc_score(truth, np.r_[scores[0], odd])

    assert area(scores[1]) > 0.9
    assert area(scores[2]) > least


def test_a_detector_reports_scores_and_keeps_the_best_step():
    data = view(plane(300, 0), None, "anomaly")

    class Host(FakeRun):
        def report(self, step, prediction):
            self.steps.append(step)
            self.predictions.append(prediction)
            self.best_step = 2
            return step == 4

    stop = data.take(slice(0, 50))
    for net in DETECTORS:
        model, host = model_of(net, "anomaly"), Host()
        model.fit(data, stop, host)
        assert isinstance(model, DetectorModel)
        assert host.steps == [1, 2, 3, 4]
        np.testing.assert_allclose(model.predict(stop), host.predictions[1], rtol=1e-5, atol=1e-5)


def scarce(n, seed, share=0.06):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(np.int64)
    codes = np.where(rng.random(n) < 0.8, y, rng.integers(0, 3, n))[:, None] + 1
    X = rng.normal(size=(n, 4)) + 1.5 * y[:, None]
    return view(X, y, "binary", 2, codes=codes, cardinalities=(4,))


def prepared(data, **config):
    """The material that `gan` trains its classifier on, and the classifier."""
    layout = Layout.of(data.X)
    with loop.settings(0, 1, "cpu"):
        net = gan.architecture({}, layout, 2)
        rows = to_inputs(data.X, layout, "cpu")
        before = gan.Material(rows, torch.tensor(data.y))
        return gan.prepare(net, before, config, FakeRun()), net


@pytest.mark.slow
def test_generated_rows_fill_the_scarce_class_and_look_like_it():
    data = scarce(800, 0)
    count = int(data.y.sum())
    material, net = prepared(data, gan_steps=300, balance=0.5)
    made = material.target[len(data) :]
    assert len(made) == (len(data) - count) // 2 - count
    ones = made == 1
    assert float(ones.float().mean()) > 0.95
    rows = material.rows.numbers[len(data) :][ones].mean(0).numpy()
    true = data.X.numbers[data.y == 1].mean(0)
    other = data.X.numbers[data.y == 0].mean(0)
    assert np.abs(rows - true).mean() < 0.7 * np.abs(other - true).mean()
    levels = material.rows.codes[len(data) :, 0][ones]
    assert float((levels == 2).float().mean()) > 0.5
    assert float(net.shift[1]) == pytest.approx(np.log((count + int(ones.sum())) / count), abs=1e-4)


def test_balanced_classes_get_no_generated_rows_and_nor_do_absent_ones():
    assert gan.lacking(torch.tensor([100, 90, 0]), 0.5).tolist() == [0, 0, 0]
    assert gan.lacking(torch.tensor([100, 10, 1]), 0.5).tolist() == [0, 40, 20]
    assert int(gan.lacking(torch.tensor([10] + [4] * 30), 1.0).sum()) <= 130
    data = toy("binary", 200)
    material, net = prepared(data)
    assert len(material.target) == 200
    assert not net.shift.any()


@pytest.mark.slow
def test_the_classifier_answers_for_the_true_frequencies():
    train, test = scarce(1500, 0), scarce(3000, 1)
    model = model_of("gan", "binary", gan_steps=150, epochs=15, dropout=0.2)
    model.fit(train, None, FakeRun())
    assert model._net.shift[1] > 1
    probability = model.predict(test)[:, 1]
    assert probability.mean() == pytest.approx(test.y.mean(), abs=0.03)
    assert roc_auc_score(test.y, probability) > 0.93


def test_modes_find_the_parts_of_a_column_and_lead_back():
    rng = np.random.default_rng(0)
    column = np.r_[rng.normal(-3, 0.1, 400), rng.normal(2, 0.5, 600)]
    numbers = torch.tensor(np.c_[column, np.full(1000, 7.0)], dtype=torch.float32)
    modes = Modes.fit(numbers, 5)
    heavy = modes.weights[0] > 0.02
    near = [float((modes.means[0][heavy] - m).abs().min()) for m in (-3, 2)]
    assert max(near) < 0.3
    torch.testing.assert_close(modes.weights.sum(1), torch.ones(2))
    torch.manual_seed(0)
    places, mode = modes.encode(numbers)
    assert float(places.abs().max()) <= 1
    gap = (modes.decode(places, mode) - numbers).abs()
    assert float(gap.quantile(0.99)) < 0.05


def test_swapped_cells_keep_their_column_and_their_rate():
    data = mixed()
    rows = to_inputs(data.X, Layout.of(data.X), "cpu")
    torch.manual_seed(0)
    again = swapped(rows, 0.4)
    for before, after in ((rows.numbers, again.numbers), (rows.codes, again.codes)):
        for column in range(before.shape[1]):
            assert torch.isin(after[:, column], before[:, column]).all()
    changed = (rows.numbers != again.numbers).float().mean()
    assert float(changed) == pytest.approx(0.4, abs=0.05)
    assert torch.equal(swapped(rows, 0.0).numbers, rows.numbers)


def test_rebuilding_costs_nothing_for_missing_numbers():
    data = mixed()
    layout = Layout.of(data.X)
    rows = to_inputs(data.X, layout, "cpu")
    part = Rebuilder(layout, 4)
    code = torch.randn(len(rows), 4)
    moved = replace(rows, numbers=rows.numbers + 5 * torch.eye(3)[0])
    loss, other = part(code, rows), part(code, moved)
    missing = rows.flags[:, 0] == 1
    assert torch.equal(loss[missing], other[missing])
    assert not torch.isclose(loss[~missing], other[~missing]).any()


def test_boltzmann_machines_learn_what_goes_together():
    rng = np.random.default_rng(0)
    half = rng.integers(0, 2, (600, 6))
    codes = np.hstack([half, half]) + 1
    data = view(
        np.zeros((600, 0)), np.zeros(600), "binary", 2, codes=codes, cardinalities=(3,) * 12
    )
    layout = Layout.of(data.X)
    rows = to_inputs(data.X, layout, "cpu")

    def wrong(epochs):
        torch.manual_seed(0)
        net = dbn.architecture({"width": 32, "layers": 1}, layout, 2)
        dbn.prepare(
            net, dbn.Material(rows, torch.zeros(600)), {"pretrain_epochs": epochs}, FakeRun()
        )
        with torch.no_grad():
            seen = net.visible(rows)
            layer = net.layers[0]
            again = (layer(seen).sigmoid() @ layer.weight).sigmoid()
        return float((again - seen).square().mean())

    assert wrong(60) < 0.5 * wrong(0)
