"""`automl plugins new`: what it writes is a package that passes its own tests at once."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from automl.cli.app import run as automl_run
from tests.environment import Environment

KINDS = ["sklearn", "torch", "keras", "metric", "reader", "ensembler"]
LONG = "a-name-of-thirty-characters-yy"
"""As long as a name may be, to see that no line gets too long for the formatter."""


def name_of(kind):
    return f"fresh-{kind}"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A package of each kind, as the command wrote it."""
    folder = tmp_path_factory.mktemp("packages")
    for kind in KINDS:
        words = ["plugins", "new", name_of(kind), "--kind", kind]
        assert automl_run([*words, "-o", str(folder / name_of(kind))]) == 0
    return folder


@pytest.fixture(scope="module")
def environment(written, tmp_path_factory):
    """Where they are installed, as pip installs anything."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(*(written / name_of(kind) for kind in KINDS))
    return made


@pytest.mark.parametrize(
    "kind",
    [
        "metric",
        pytest.param("reader", marks=pytest.mark.slow),
        pytest.param("ensembler", marks=pytest.mark.slow),
        pytest.param("sklearn", marks=pytest.mark.slow),
        pytest.param("torch", marks=pytest.mark.slow),
        pytest.param("keras", marks=pytest.mark.slow),
    ],
)
def test_what_is_written_passes_its_own_tests(written, environment, kind):
    done = environment.run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider"), cwd=written / name_of(kind)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_it_is_found_where_it_is_installed(written, environment):
    done = environment.automl("plugins", "list", cwd=written)
    for kind in KINDS:
        assert re.search(rf"^fresh_{kind} +fresh-{kind} +0\.1\.0 +ok$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_clean_whatever_its_name(tmp_path, kind):
    folder = tmp_path / "package"
    assert automl_run(["plugins", "new", LONG, "--kind", kind, "-o", str(folder)]) == 0
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in(tmp_path, kind):
    folder = tmp_path / "package"  # of its own: running one leaves compiled files in it
    assert automl_run(["plugins", "new", name_of(kind), "--kind", kind, "-o", str(folder)]) == 0
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    here = {"pyproject.toml", "README.md", "LICENSE", ".gitignore", ".github/workflows/test.yml"}
    assert here <= set(files)
    assert f"src/fresh_{kind}/__init__.py" in files
    assert any(name.startswith("tests/test_") for name in files)
    for name, path in files.items():
        text = path.read_text("utf-8")
        left = re.findall(r"\$[a-z]\w*|PACKAGE|TODO|\.tmpl", f"{name}\n{text}")
        assert left == [], name
    project = tomllib.loads(files["pyproject.toml"].read_text("utf-8"))["project"]
    assert project["entry-points"]["automl"] == {f"fresh_{kind}": f"fresh_{kind}"}
    assert project["license"] == "MIT"
    assert "MIT" in files["README.md"].read_text("utf-8")


def test_a_learner_like_scikit_learns_takes_fifteen_lines(written):
    source = (written / "fresh-sklearn/src/fresh_sklearn/__init__.py").read_text("utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) <= 15


def test_a_folder_that_exists_is_left_alone(automl, tmp_path):
    (tmp_path / "mine").mkdir()
    code, _, err = automl("plugins", "new", "mine", "-o", tmp_path / "mine")
    assert code == 2
    assert "exists" in err
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("My-Forest", "small letters"),
        ("../forest", "small letters"),
        ("forest_", "small letters"),
        ("3d", "small letters"),
        ("class", "small letters"),
        ("a" * 31, "at most 30"),
        ("json", "installed already"),
        ("numpy", "installed already"),
        ("random-forest", "sklearn brings a learner"),
        ("roc-auc", "metric"),
        ("ensemble", "ensembler"),
        ("tensorboard", "plugin|installed"),
    ],
)
def test_a_bad_name_is_refused_in_one_sentence(automl, monkeypatch, tmp_path, name, told):
    monkeypatch.chdir(tmp_path)
    code, out, err = automl("plugins", "new", name)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert re.search(told, err), err
    assert list(tmp_path.iterdir()) == []


def test_the_next_steps_are_told(automl, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = automl("plugins", "new", "fresh", "--kind", "metric")
    assert code == 0
    assert Path("fresh/pyproject.toml").is_file()
    for word in ("cd fresh", "pip install -e", "pytest", "automl plugins check fresh", "MIT"):
        assert word in out
