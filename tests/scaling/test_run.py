"""Verdicts of a run directory on scaling, from the journal and the predictions alone."""

from __future__ import annotations

import builtins
import json
from dataclasses import asdict

import numpy as np
import pytest

from automl.errors import ArtifactError, UsageError
from automl.metrics import get_metric, score
from automl.scaling import read_scaling, scaling_of, study_of_run, write_scaling
from automl.types import Rung
from benchmarks.controls import planted
from tests.fake_run import FakeRun, noisy_probabilities

AUC = get_metric("roc_auc", "binary")
SIZES = (300, 600, 1200, 2400)
SKILL = {"mlp": (0.4, 0.9, 1.4, 1.9), "linear": (1.2, 1.2, 1.2, 1.2)}
ROWS = 3000


@pytest.fixture
def run(tmp_path):
    """Two learners on four rungs of fold 0: the deep one gains, the classical one does not."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, ROWS)
    run = FakeRun(tmp_path / "run", y)
    run.learner("mlp", "deep")
    run.learner("linear", "classical")
    for name, skills in SKILL.items():
        for rung, (n, skill) in enumerate(zip(SIZES, skills, strict=True)):
            climb(run, name, 0, rung, n, noisy_probabilities(y, 2, skill, rng))
    info = {
        **json.loads((run.path / "run.json").read_text()),
        "task": "binary",
        "metric": {"name": "roc_auc", "greater_is_better": True},
    }
    (run.path / "run.json").write_text(json.dumps(info))
    return run


def climb(run, learner, number, rung, n, prediction, test=None, setting=None):
    """A finished rung on fold 0 with its predictions."""
    trial, rows = f"{learner}-{number}", run.fold == 0
    np.save(run.predictions / f"{trial}-r{rung}-f0.npy", prediction[rows])
    if test is not None:
        np.save(run.predictions / f"{trial}-r{rung}-f0-test.npy", test)
    line = Rung(
        learner=learner,
        trial=trial,
        config={"x": number if setting is None else setting},
        rung=rung,
        fold=0,
        seed=0,
        n=n,
        score=score(AUC, run.y[rows], prediction[rows]),
        fit_seconds=n / 600,
        predict_seconds=0.1,
        status="ok",
    )
    with (run.path / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def test_the_journal_is_judged(run):
    found = read_scaling(run.path, AUC)
    content = found.document
    assert content["regime"] == "halving"
    assert content["interval"] == "one permutation"
    assert content["n_test"] == np.count_nonzero(run.fold == 0)
    assert [p["n"] for p in content["learners"]["mlp"]["points"]] == list(SIZES)
    family = found.verdicts[0]
    assert family["rate"]["per_doubling"] < 0
    assert family["rate"]["low"] < family["rate"]["per_doubling"] < family["rate"]["high"]
    assert content["backtest"]["extrapolation"] == "withheld"
    assert content["learners"]["mlp"]["cost"]["exponent"] == pytest.approx(1.0)


def test_scores_are_cross_fitted(run):
    """A configuration that knows one half and guesses on the other gains nothing by it."""
    rng = np.random.default_rng(1)
    knows = noisy_probabilities(run.y, 2, 8.0, rng)
    for number, half in ((8, 0), (9, 1)):
        mixed = np.where((run.half == half)[:, None], knows, rng.dirichlet([1, 1], ROWS))
        climb(run, "linear", number, 0, 300, mixed.astype(np.float32))
    points = read_scaling(run.path, AUC).document["learners"]["linear"]["points"]
    assert points[0]["score"] == pytest.approx(0.5, abs=0.07)
    assert points[0]["low"] < points[0]["score"] < points[0]["high"]


def test_locked_rows_score_what_validation_chose(tmp_path, run):
    rng = np.random.default_rng(2)
    y_test = rng.integers(0, 2, 500)
    np.save(run.predictions / "truth_test.npy", y_test)
    shown = {}
    for line in (run.path / "journal.jsonl").read_text().splitlines():
        rung = json.loads(line)
        test = noisy_probabilities(y_test, 2, 1.0, rng)
        shown[rung["trial"], rung["n"]] = score(AUC, y_test, test)
        np.save(run.predictions / f"{rung['trial']}-r{rung['rung']}-f0-test.npy", test)
    content = read_scaling(run.path, AUC).document
    assert content["scored_on"] == "test"
    assert content["n_test"] == 500
    for name, learner in content["learners"].items():
        for point in learner["points"]:
            assert point["score"] == pytest.approx(shown[f"{name}-0", point["n"]])


def test_other_folds_and_failures_are_no_points(run):
    run.rung("mlp", "mlp-0", 4, fold=1)
    run.rung("mlp", "mlp-5", 0, status="failed", reason="no")
    assert len(study_of_run(run.path, AUC).points) == 8


def test_the_file_is_what_was_judged(run):
    found = read_scaling(run.path, AUC)
    write_scaling(run.path, found.document)
    assert json.loads((run.path / "scaling.json").read_text()) == found.document


def test_a_lost_prediction_is_named(run):
    (run.predictions / "mlp-0-r2-f0.npy").unlink()
    with pytest.raises(ArtifactError, match=r"mlp-0-r2-f0\.npy"):
        read_scaling(run.path, AUC)


def test_it_reads_as_sentences(run):
    found = read_scaling(run.path, AUC)
    assert repr(found).splitlines() == found.sentences
    assert found.sentences[0].startswith("On 2,400 training rows, ")
    assert {entry.subject for entry in found.advice} == {"rows", "compute", "family"}
    assert "one shuffle of the rows" in found.sentences[-1]
    assert not any("None" in line or "nan" in line or "inf" in line for line in found.sentences)


def test_a_picture_without_matplotlib_says_what_to_install(run, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **more)

    found = read_scaling(run.path, AUC)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        found.plot()


@pytest.fixture
def axes():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    yield plt.subplots()[1]
    plt.close("all")


def test_the_picture_has_a_line_for_every_learner(run, axes):
    assert read_scaling(run.path, AUC).plot(axes) is axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["mlp"].get_xdata()) == list(SIZES)
    assert lines["mlp"].get_linestyle() != lines["linear"].get_linestyle()
    assert axes.get_xscale() == "log"
    assert len(axes.figure.axes) == 1


def test_the_picture_has_a_panel_for_every_verdict(axes):
    """In points, deep less classical; what is shaded is where the sides cross."""
    del axes
    found = scaling_of(planted.study(planted.falling, planted.flat, 3))
    curves, *panels = found.plot().figure.axes
    assert {line.get_label() for line in curves.lines} == {"net", "tree"}
    assert len(panels) == len(found.verdicts) == 2
    for panel, verdict in zip(panels, found.verdicts, strict=True):
        drawn = {line.get_label(): line for line in panel.lines}["fitted line"]
        n, line = drawn.get_xdata(), drawn.get_ydata()
        octaves = np.log2(n[-1] / n[0])
        steep = (line[-1] - line[0]) / octaves
        assert steep == pytest.approx(100 * verdict["rate"]["per_doubling"])
        (shaded,) = panel.patches
        assert shaded.get_x() == verdict["crossover"]["low"]


def test_the_command_prints_sentences_and_the_table(run, capsys):
    from automl.cli.app import run as command

    assert command(["scaling", str(run.path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("On 2,400 training rows, ")
    assert "learner" in out.splitlines()[-9]
    assert command(["scaling", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == read_scaling(run.path, AUC).document


def test_of_a_model_made_again_the_last_stands(run):
    rng = np.random.default_rng(1)
    better = noisy_probabilities(run.y, 2, 3.0, rng)
    climb(run, "mlp", 1, 3, SIZES[-1], better, setting=0)
    points = [p for p in study_of_run(run.path, AUC).points if p.learner == "mlp"]
    assert [p.n for p in points] == list(SIZES)
    assert {p.trial for p in points} == {"mlp-0"}
    assert np.mean(points[-1].score) == pytest.approx(
        score(AUC, run.y[run.fold == 0], better[run.fold == 0]), abs=0.01
    )
