from __future__ import annotations

import math
import time

import numpy as np
import pytest
from sklearn.datasets import load_digits

from automl import View
from automl.hooks.manager import get_host
from automl.testing import learner_checks

torch = pytest.importorskip("torch")

from automl_torch.cnn import build  # noqa: E402
from automl_torch.images import Eye, Frame, Pixels  # noqa: E402

QUICK = ("binary", "regression")


@pytest.mark.parametrize("check", learner_checks("cnn", tasks=QUICK), ids=str)
def test_conformance(check):
    check()


class SimpleRun:
    """A run that ends at a deadline, or when it is told to."""

    seed, threads, device = 0, 1, "cpu"

    def __init__(self, seconds=math.inf, reports=math.inf):
        self.best_step, self.reports, self.cut = -1, 0, []
        self._end, self._most = time.monotonic() + seconds, reports

    def seconds_left(self):
        return max(0.0, self._end - time.monotonic())

    def report(self, step, prediction):
        self.best_step = step
        self.reports += 1
        return self.reports >= self._most

    def cut_short(self, done=0.0):
        self.cut.append(done)


@pytest.fixture(scope="module")
def digits():
    """Training, early-stopping and test views of scikit-learn's digits."""
    found = load_digits()
    pixels = np.round(found.images * 255 / 16).astype(np.uint8)[..., None]
    order = np.random.default_rng(0).permutation(len(pixels))
    parts = np.split(order, [1200, 1400])
    return [View(pixels[p], found.target[p], "multiclass", 10) for p in parts]


@pytest.fixture(scope="module")
def trained(digits):
    model = build({"width": 16, "epochs": 8}, "multiclass", 10)
    model.fit(*digits[:2], SimpleRun())
    return model


def test_it_reads_digits(trained, digits):
    found = trained.predict(digits[2]).argmax(axis=1)
    assert (found == digits[2].y).mean() > 0.95


def test_a_saved_net_predicts_alike(trained, digits, tmp_path):
    trained.save(tmp_path)
    again = build({}, "multiclass", 10)
    again.load(tmp_path)
    assert np.allclose(again.predict(digits[2]), trained.predict(digits[2]), atol=1e-6)


def test_images_of_another_size_are_refused(trained):
    with pytest.raises(ValueError, match="the net was built for"):
        trained.predict(View(np.zeros((3, 9, 8, 1), np.uint8), None, "multiclass", 10))


def test_it_keeps_its_deadline_and_says_that_it_was_cut_short(digits):
    run = SimpleRun(seconds=2.0)
    began = time.monotonic()
    build({"width": 64, "blocks": 2, "epochs": 500}, "multiclass", 10).fit(*digits[:2], run)
    assert time.monotonic() - began < 4.0
    assert len(run.cut) == 1
    assert 0 < run.cut[0] < 1


def test_it_stops_when_it_is_told_to(digits):
    run = SimpleRun(reports=2)
    build({"width": 16}, "multiclass", 10).fit(*digits[:2], run)
    assert run.reports == 2


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 40, 3), (33, 28, 1), (64, 64, 3)])
@pytest.mark.parametrize("config", get_host().learner("cnn").defaults)
def test_every_size_has_a_net(shape, config):
    pixels = np.random.default_rng(0).integers(0, 255, (6, *shape)).astype(np.uint8)
    view = View(pixels, np.arange(6) % 2, "binary", 2)
    model = build({**config, "epochs": 1}, "binary", 2)
    model.fit(view, None, SimpleRun())
    assert model.predict(view).shape == (6, 2)


class TestTheEye:
    def images(self):
        torch.manual_seed(0)
        return Pixels(torch.randint(0, 255, (50, 3, 12, 10), dtype=torch.uint8))

    def test_moves_and_mirrors_while_it_trains_only(self):
        eye, images = Eye(Frame(12, 10, 3), 2, mirror=True), self.images()
        eye.measure(images)
        still = eye.eval()(images)
        assert torch.allclose(still, eye(images))
        assert abs(float(still.mean())) < 1e-3
        moved = eye.train()(images)
        assert moved.shape == still.shape
        changed = (moved != still).flatten(1).any(1).float().mean()
        assert changed > 0.8

    def test_moves_by_so_many_pixels_at_most(self):
        images = self.images()
        eye = Eye(Frame(12, 10, 3), 1, mirror=False)
        eye.measure(images)
        still, moved = eye.eval()(images), eye.train()(images)
        places = {
            (down, right)
            for one in range(50)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if torch.equal(
                moved[one, :, 1:-1, 1:-1], still[one].roll((down, right), (1, 2))[:, 1:-1, 1:-1]
            )
        }
        assert len(places) == 9

    def test_sees_images_of_one_colour(self):
        eye = Eye(Frame(12, 10, 3), 0, mirror=False)
        plain = Pixels(torch.full((4, 3, 12, 10), 7, dtype=torch.uint8))
        eye.measure(plain)
        assert torch.isfinite(eye(plain)).all()
