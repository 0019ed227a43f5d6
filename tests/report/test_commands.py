from __future__ import annotations

import pytest

from automl import ArtifactError, AutoML
from automl.cli.app import run
from tests.cli.conftest import write_run


@pytest.fixture
def automl(capsys):
    def call(*words):
        code = run([str(word) for word in words])
        return code, *capsys.readouterr()

    return call


def test_the_command_writes_into_the_run_and_prints_where(automl, tmp_path):
    folder = write_run(tmp_path / "run")
    code, out, err = automl("report", folder)
    assert (code, out.strip(), err) == (0, str(folder / "report.html"), "")
    assert "<h1>table.csv</h1>" in (folder / "report.html").read_text("utf-8")


def test_open_shows_the_file_that_was_written(automl, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    file = tmp_path / "r.html"
    assert automl("report", write_run(tmp_path / "run"), "-o", file, "--open")[0] == 0
    assert opened == [file.as_uri()]


def test_without_a_browser_the_file_is_named(automl, tmp_path, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    code, _, err = automl("report", write_run(tmp_path / "run"), "--open")
    assert code == 0
    assert "no browser was found" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("{tmp}/none",), "there is no folder"),
        (("{tmp}",), "is no run directory"),
        (("{tmp}/run", "-o", "{tmp}/none/r.html"), "choose another file with -o"),
    ],
)
def test_mistakes_are_told_in_one_sentence(automl, tmp_path, words, said):
    write_run(tmp_path / "run")
    code, out, err = automl("report", *(word.format(tmp=tmp_path) for word in words))
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_fitted_estimator_writes_its_report(churn_run, tmp_path):
    auto = AutoML.load(churn_run)
    assert auto.report() == churn_run / "report.html"
    assert auto.report(tmp_path / "r.html").exists()


def test_a_model_without_its_run_has_no_report(churn_run, tmp_path):
    saved = AutoML.load(churn_run).save(tmp_path / "model")
    with pytest.raises(ArtifactError, match="no run directory"):
        AutoML.load(saved).report()
