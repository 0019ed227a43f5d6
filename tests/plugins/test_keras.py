from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest

if find_spec("keras") is None or find_spec("torch") is None:
    # Not imported here: with no backend named, Keras would look for TensorFlow.
    pytest.skip("needs keras and torch", allow_module_level=True)

import automl
import automl_keras
from automl_keras.train import Batches, one_cycle
from tests.plugins.fake_host import FakeRun, loss_of

LEARNERS = {learner.name: learner for learner in automl_keras.automl_learners()}
TASKS = ("binary", "multiclass", "regression")
SMALL = {"width": 48, "layers": 2, "dropout": 0.1, "learning_rate": 1e-2}


def data(task, n=900, seed=0, numbers=4, categories=2):
    """A ring around the origin and, in combination, two categories; some gaps; read-only."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, numbers)).astype(np.float32)
    codes = rng.integers(1, 4, (n, categories)).astype(np.int32)
    value = 0.1 * rng.normal(size=n)
    if numbers:
        value += X[:, 0] ** 2 + X[:, 1] ** 2
    if categories:
        value += 1.5 * (codes[:, 0] == codes[:, -1])
    k = {"binary": 2, "multiclass": 3, "regression": 0}[task]
    y = value * 1e5 + 1e6 if k == 0 else np.digitize(value, np.quantile(value, np.arange(1, k) / k))
    missing = rng.random(X.shape) < 0.05
    X[missing] = 0
    for array in (X, codes, missing, y):
        array.flags.writeable = False
    block = automl.TensorBlock(X, missing, codes, (4,) * categories)
    return automl.View(block, y, task, k)


def fit(name, view, config=None, stop_rows=150, **more):
    from automl_keras import model as module

    build = {"keras_mlp": module.build_mlp, "keras_wide_deep": module.build_wide_deep}[name]
    stop = view.take(slice(0, stop_rows)) if stop_rows else None
    run = FakeRun(stop, **{"patience": 12, **more})
    model = build({**SMALL, "epochs": 12, **(config or {})}, view.task, view.n_classes)
    model.fit(view.take(slice(stop_rows, None)), stop, run)
    return model, run


def test_declaring_does_not_import_keras():
    code = (
        "import sys, automl_keras;"
        "list(automl_keras.automl_learners());"
        "print(sorted({'keras', 'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_backend_is_torch_unless_named_and_the_environment_stays_as_it_was():
    code = (
        "import os; from automl_keras.backend import keras;"
        "print(keras.backend.backend(), os.environ.get('KERAS_BACKEND'))"
    )
    env = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env=env)
    assert done.stdout.split() == ["torch", "None"]


def test_the_declarations():
    assert set(LEARNERS) == {"keras_mlp", "keras_wide_deep"}
    for learner in LEARNERS.values():
        assert learner.extra == "keras"
        assert learner.tasks == set(TASKS)
        assert all(set(config) <= set(learner.space) for config in learner.defaults)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_what_a_linear_model_cannot(name, task):
    view, test = data(task), data(task, seed=1)
    model, _ = fit(name, view)
    prediction = model.predict(test)
    constant = (
        np.full(900, view.y.mean())
        if task == "regression"
        else np.tile(np.bincount(view.y) / len(view), (900, 1))
    )
    assert prediction.shape == constant.shape
    assert loss_of(test, prediction) < 0.6 * loss_of(test, constant)
    if task != "regression":
        np.testing.assert_allclose(prediction.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("numbers", "categories"), [(3, 0), (0, 3)])
@pytest.mark.parametrize("name", LEARNERS)
def test_tables_of_numbers_only_and_of_categories_only(name, numbers, categories):
    view = data("binary", n=300, numbers=numbers, categories=categories)
    model, _ = fit(name, view, {"epochs": 2}, stop_rows=0)
    assert np.isfinite(model.predict(view)).all()


@pytest.mark.slow
def test_the_wide_part_alone_sees_a_cross_of_two_categories():
    """The deep part is all but switched off by its width; equality of two codes is no sum."""
    view = data("binary", n=1500, numbers=0)
    losses = {}
    for crosses in (True, False):
        config = {"width": 1, "layers": 1, "embedding": 1, "crosses": crosses, "dropout": 0.0}
        model, _ = fit("keras_wide_deep", view, {**config, "epochs": 15}, stop_rows=0)
        losses[crosses] = loss_of(view, model.predict(view))
    assert losses[True] < 0.7 * losses[False]


@pytest.mark.parametrize("name", LEARNERS)
def test_the_host_stops_it_and_the_best_epoch_is_kept(name):
    view = data("binary", n=500)
    model, run = fit(name, view, {"epochs": 100, "dropout": 0.0}, patience=2)
    assert run.steps[-1] == run.best_step + 2
    kept = view.take(slice(0, 150))
    assert loss_of(kept, model.predict(kept)) == pytest.approx(run.best, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_seed_gives_the_same_net_and_nothing_else_is_disturbed(name):
    import torch

    view = data("multiclass", n=300)
    before = view.X.numbers.copy(), torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    threads = torch.get_num_threads()
    first, same, other = (
        fit(name, view, {"epochs": 2}, seed=seed)[0].predict(view) for seed in (1, 1, 2)
    )
    assert (first == same).all()
    assert (first != other).any()
    assert (view.X.numbers == before[0]).all()
    assert (torch.get_rng_state() == before[1]).all()
    assert (np.random.get_state()[1] == before[2]).all()  # noqa: NPY002
    assert torch.get_num_threads() == threads


@pytest.mark.slow
@pytest.mark.parametrize("stop_rows", [0, 1000])
def test_it_ends_in_time_and_annealed(stop_rows):
    view = data("multiclass", n=20_000)
    fit("keras_mlp", view.take(slice(0, 300)), {"epochs": 1})
    model, run = fit("keras_mlp", view, {"epochs": 1000}, stop_rows, seconds=3.0)
    assert -1.5 < run.seconds_left() < 1.5
    assert len(run.censored) == 1
    assert loss_of(view, model.predict(view)) < 0.8


def test_codes_that_training_never_counted_are_unknown_ones():
    view = data("regression")
    model, _ = fit("keras_wide_deep", view, {"epochs": 2})
    block = view.X
    predictions = [
        model.predict(
            automl.View(
                automl.TensorBlock(
                    block.numbers, block.missing, np.full_like(block.codes, code), (9, 9)
                ),
                None,
                "regression",
                0,
            )
        )
        for code in (8, 0)
    ]
    assert (predictions[0] == predictions[1]).all()


def test_predictions_stay_near_the_values_seen():
    view = data("regression", n=300)
    model, _ = fit("keras_mlp", view, {"epochs": 3})
    block = view.X
    far = automl.TensorBlock(block.numbers * 1e6, block.missing, block.codes, block.cardinalities)
    prediction = model.predict(automl.View(far, None, "regression", 0))
    margin = 0.06 * view.y.std()
    assert prediction.min() >= view.y.min() - margin
    assert prediction.max() <= view.y.max() + margin


AGAIN = """
import importlib.util, json, pathlib, sys, numpy as np
root = pathlib.Path(sys.argv[1])
spec = importlib.util.spec_from_file_location("these_tests", sys.argv[2])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
from automl_keras import model as module
for folder in json.loads((root / "names.json").read_text()):
    name, task = folder.rsplit("-", 1)
    view = tests.data(task, n=300)
    build = module.build_mlp if name == "keras_mlp" else module.build_wide_deep
    model = build({}, task, view.n_classes)
    model.load(root / folder)
    np.save(root / f"{folder}.npy", model.predict(view))
"""


@pytest.mark.parametrize("name", LEARNERS)
def test_of_files_of_earlier_versions_the_weights_are_read(name, tmp_path):
    view = data("multiclass", n=200)
    model, _ = fit(name, view, {"epochs": 1})
    model.save(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with at_home():
        model._net.save(tmp_path / "net.keras")
    assert (loaded(name, view, tmp_path).predict(view) == model.predict(view)).all()


def test_weights_that_point_to_other_files_are_refused(tmp_path):
    import h5py

    view = data("binary", n=200)
    model, _ = fit("keras_mlp", view, {"epochs": 1})
    model.save(tmp_path)
    with at_home():
        model._net.save_weights(tmp_path / "own.weights.h5")
    with h5py.File(tmp_path / "own.weights.h5", "r+") as file:
        del file["layers/dense"]
        file["layers/dense"] = h5py.ExternalLink(tmp_path / "other.h5", "layers/dense")
    (tmp_path / "weights.safetensors").unlink()
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.write(tmp_path / "own.weights.h5", "model.weights.h5")
    with pytest.raises(automl.ArtifactError, match="in another file"):
        loaded("keras_mlp", view, tmp_path)


def at_home():
    """Where Keras works without warnings."""
    from automl_keras.backend import place

    return place("cpu", 1)


def loaded(name, view, folder):
    from automl_keras import model as module

    build = module.build_mlp if name == "keras_mlp" else module.build_wide_deep
    model = build(SMALL, view.task, view.n_classes)
    details = json.loads((folder / "net.json").read_text())
    del details["config"]  # which earlier versions did not write
    (folder / "net.json").write_text(json.dumps(details))
    model.load(folder)
    return model


@pytest.mark.parametrize(("rows", "size"), [(10, 10), (100, 32)])
def test_every_pass_over_the_batches_has_every_row_once(rows, size):
    batches = Batches({"a": np.arange(rows)}, [np.arange(rows)], size, seed=0)
    assert len(batches) >= 8
    taken = np.concatenate([batches[i][1] for i in range(2 * rows)])
    passes = taken[: len(taken) // rows * rows].reshape(-1, rows)
    assert (np.sort(passes, axis=1) == np.arange(rows)).all()


def test_the_learning_rate_rises_and_falls():
    rates = [one_cycle(progress) for progress in (0.0, 0.05, 0.1, 0.5, 1.0, 1.2)]
    assert rates[0] == rates[-1] == rates[-2] == pytest.approx(0.01)
    assert rates[0] < rates[1] < rates[2] == pytest.approx(1.0)
    assert rates[3] > rates[4]


@pytest.mark.parametrize("name", LEARNERS)
def test_a_saved_net_is_as_large_whatever_the_process_made_before(name, tmp_path):
    sizes = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        model, _ = fit(name, data("binary", 200), {"epochs": 1})
        model.save(folder)
        sizes.append((folder / "weights.safetensors").stat().st_size)
    assert sizes[0] == sizes[1]
