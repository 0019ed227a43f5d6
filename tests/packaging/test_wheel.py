"""The wheel in a fresh environment, and one plugin lifted out into a distribution of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ONE_PLUGIN = """
project.name = "automl-xgboost"
project.version = "3.1"
project.optional-dependencies.xgboost = ["xgboost>=3.0"]
project.entry-points.automl.xgboost = "automl_xgboost"
build-system = { requires = ["hatchling"], build-backend = "hatchling.build" }
"""


def run(*command: str | Path, cwd: Path) -> str:
    env = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "AUTOML_DISABLE_PLUGINS"}}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, out: Path, *kinds: str) -> Path:
    """The wheel built from a source tree with the build tools that are installed here."""
    run(sys.executable, "-m", "build", "--no-isolation", *kinds, "-o", out, source, cwd=source)
    (wheel,) = out.glob("*.whl")
    return wheel


def copy_tree(target: Path) -> Path:
    """The files that packaging reads, without what lies around in a checkout."""
    target.mkdir()
    for name in ("automl", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)
    return target


class Environment:
    """A fresh virtual environment that sees the libraries of this one, but not its checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False)
        variables = {"base": str(folder), "platbase": str(folder)}
        self.site = Path(sysconfig.get_path("purelib", "venv", variables))
        self.bin = Path(sysconfig.get_path("scripts", "venv", variables))
        # A .pth file adds a folder without reading the .pth files in it: not the editable install.
        (self.site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")

    def install(self, wheel: Path) -> None:
        python = self.bin / "python"
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"]
        run(*pip, "--no-index", "--quiet", wheel, cwd=self.folder)

    def json(self, *arguments: str) -> Any:
        return json.loads(run(self.bin / "automl", *arguments, "--json", cwd=self.folder))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as an index would: the source distribution first, the wheel from it."""
    folder = tmp_path_factory.mktemp("wheel")
    return build(copy_tree(folder / "source"), folder / "dist")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.install(wheel)
    return environment


def declared_plugins() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project["entry-points"]["automl"]


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "automl",
        *declared_plugins().values(),
    }
    assert "automl/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "automl").rglob("*.tmpl")}
    assert templates
    assert templates <= set(names)


def test_every_plugin_folder_is_an_entry_point() -> None:
    folders = {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}
    assert folders == set(declared_plugins().values())


def test_a_fresh_environment_finds_every_plugin(installed: Environment) -> None:
    plugins = installed.json("plugins", "list")
    assert {row["name"]: row["status"] for row in plugins} == dict.fromkeys(
        declared_plugins(), "ok"
    )
    learners = installed.json("learners")
    assert {"baseline", "xgboost", "mlp"} <= {row["name"] for row in learners}
    assert {row["package"] for row in learners} <= set(declared_plugins().values())
    assert [row["reason"] for row in learners if not row["available"]] == []


def test_what_runs_is_what_was_installed(installed: Environment) -> None:
    code = "import automl, automl_sklearn; print(automl.__file__); print(automl_sklearn.__file__)"
    python = installed.bin / "python"
    for line in run(python, "-c", code, cwd=installed.folder).splitlines():
        assert Path(line).is_relative_to(installed.site)


def test_a_plugin_lifted_out_is_a_distribution_like_any_other(tmp_path: Path) -> None:
    core = copy_tree(tmp_path / "core")
    lifted = tmp_path / "lifted"
    lifted.mkdir()
    shutil.move(core / "plugins" / "automl_xgboost", lifted / "automl_xgboost")
    (lifted / "pyproject.toml").write_text(ONE_PLUGIN, "utf-8")
    project = core / "pyproject.toml"
    text = project.read_text("utf-8").replace('xgboost = "automl_xgboost"\n', "")
    project.write_text(text, "utf-8")

    environment = Environment(tmp_path / "environment")
    environment.install(build(core, tmp_path / "core-dist", "--wheel"))
    assert "xgboost" not in {row["name"] for row in environment.json("learners")}

    environment.install(build(lifted, tmp_path / "lifted-dist", "--wheel"))
    (row,) = [row for row in environment.json("learners") if row["name"] == "xgboost"]
    assert row["available"], row["reason"]
    (plugin,) = [row for row in environment.json("plugins", "list") if row["name"] == "xgboost"]
    assert (plugin["distribution"], plugin["version"]) == ("automl-xgboost", "3.1")
