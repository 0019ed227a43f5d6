"""The host with distributions that lie on disk, each case in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl.types import API_VERSION

LEARNER = """
import automl
@automl.hookimpl
def automl_learners():
    yield automl.Learner(
        name={name!r}, family="classical", tasks=frozenset({{"binary"}}), view="matrix",
        factory="nowhere:build", extra={extra!r}, api_version={api},
    )
"""
ASK = """
import json
from automl.errors import PluginError
from automl.hooks.manager import get_host
host = get_host()
try:
    learners = {n: [e.available, e.reason, e.distribution] for n, e in host.learners.items()}
except PluginError as err:
    learners = str(err)
plugins = [[p.name, p.distribution, p.version, p.status, p.reason] for p in host.plugins]
print(json.dumps({"learners": learners, "plugins": plugins}))
"""

TOO_NEW = f"made for plugin API 7, this version has {API_VERSION} - upgrade automl-crossover"

Install = Callable[..., None]
Ask = Callable[..., Any]


def code(name: str, extra: str | None = None, api: int = API_VERSION) -> str:
    return LEARNER.format(name=name, extra=extra, api=api)


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Put a distribution with one plugin, a module of its own name, on the path."""

    def put(name: str, source: str, *, plugin: str | None = None, metadata: str = "") -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source, "utf-8")
        info = tmp_path / f"{module}-1.5.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n"
        (info / "METADATA").write_text(head + metadata, "utf-8")
        points = f"[automl]\n{plugin or module} = {module}\n"
        (info / "entry_points.txt").write_text(points, "utf-8")

    return put


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Answers of a fresh host about the plugins under `tmp_path`, and its log."""

    def question(disable: str = "") -> Any:
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PYTHONPATH": path, "AUTOML_DISABLE_PLUGINS": disable},
        )
        return {**json.loads(done.stdout), "log": done.stderr}

    return question


def row(answer: Any, plugin: str) -> list[str]:
    (found,) = [row for row in answer["plugins"] if row[0] == plugin]
    return found


def test_an_installed_plugin_is_found(install: Install, ask: Ask) -> None:
    install("larch-trees", code("larch"))
    answer = ask()
    assert answer["learners"]["larch"] == [True, "", "larch-trees"]
    assert row(answer, "larch_trees") == ["larch_trees", "larch-trees", "1.5", "ok", ""]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_library_not_there", "ModuleNotFoundError: No module named"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def (", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (code("larch").replace("yield", "raise KeyError('x')\n    yield"), "KeyError: 'x'"),
    ],
    ids=["import", "error", "syntax", "exit", "hook"],
)
def test_a_broken_plugin_breaks_nothing_else(
    source: str, reason: str, install: Install, ask: Ask
) -> None:
    install("broken", source)
    install("larch", code("larch"))
    answer = ask()
    assert answer["learners"]["larch"][0] is True
    *_, status, said = row(answer, "broken")
    assert status == "failed"
    assert reason in said
    assert answer["log"].count("plugin broken:") == 1


def test_a_disabled_plugin_is_not_imported(install: Install, ask: Ask) -> None:
    install("broken", "raise SystemExit(3)")
    install("larch", code("larch"))
    answer = ask("broken, larch")
    assert row(answer, "broken")[3:] == ["skipped", "disabled by AUTOML_DISABLE_PLUGINS"]
    assert "larch" not in answer["learners"]


def test_disabling_what_is_not_there_is_said(ask: Ask) -> None:
    assert "names 'lrach', which is no installed plugin" in ask("lrach")["log"]


def test_two_distributions_with_one_learner_are_both_named(install: Install, ask: Ask) -> None:
    install("larch", code("larch"))
    install("other-larch", code("larch"))
    error = ask()["learners"]
    assert "learner 'larch'" in error
    assert "distribution larch)" in error
    assert "distribution other-larch)" in error
    assert ask("other_larch")["learners"]["larch"][2] == "larch"


def test_two_plugins_of_one_name_are_both_loaded(install: Install, ask: Ask) -> None:
    install("larch", code("larch"), plugin="trees")
    install("elm", code("elm"), plugin="trees")
    assert {"larch", "elm"} <= set(ask()["learners"])


def test_a_newer_api_is_refused_in_words(install: Install, ask: Ask) -> None:
    install("larch", code("larch", api=7))
    install("elm", code("elm"))
    assert ask()["learners"]["elm"][0]
    available, reason, _ = ask()["learners"]["larch"]
    assert not available
    assert reason == TOO_NEW


@pytest.mark.parametrize(
    ("requires", "reason"),
    [
        (["not-there>=2.6"], "needs not-there>=2.6 - pip install 'larch[gpu]'"),
        (["not-there", "nor-this<3"], "needs not-there, nor-this<3 - pip install 'larch[gpu]'"),
        (["pluggy>=900"], "needs pluggy>=900 ({pluggy} is installed) - pip install 'larch[gpu]'"),
        (["pluggy>=1"], ""),
        (["larch[deep]"], "needs deep-thing>=1 - pip install 'larch[gpu]'"),
        (["not-there; python_version < '3'"], ""),
        (["!!"], "the metadata of larch cannot be read"),
    ],
    ids=["missing", "two", "old", "met", "nested", "marker", "damaged"],
)
def test_what_an_extra_needs_comes_from_the_metadata(
    requires: list[str], reason: str, install: Install, ask: Ask
) -> None:
    from importlib.metadata import version

    lines = [f"{one}{' and' if ';' in one else ';'} extra == 'gpu'" for one in requires] + [
        "deep-thing>=1; extra == 'deep'",
        "core-thing>=1",
    ]
    metadata = "Provides-Extra: gpu\nProvides-Extra: deep\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in lines)
    install("larch", code("larch", extra="gpu"), metadata=metadata)
    available, said, _ = ask()["learners"]["larch"]
    assert available is (reason == "")
    assert said.startswith(reason.format(pluggy=version("pluggy")))


def test_an_extra_that_is_not_declared_is_said(install: Install, ask: Ask) -> None:
    install("larch", code("larch", extra="gpu"))
    assert ask()["learners"]["larch"][1] == "asks for the extra 'gpu', which larch does not declare"


@pytest.mark.parametrize("library", ["not-there", "pluggy"])
def test_a_plugin_whose_extra_is_missing_is_left_out_silently(
    library: str, install: Install, ask: Ask
) -> None:
    source = "extra = 'gpu'\n" + code("larch")
    metadata = f"Provides-Extra: gpu\nRequires-Dist: {library}>=1; extra == 'gpu'\n"
    install("larch", source, metadata=metadata)
    answer = ask()
    missing = library == "not-there"
    assert ("larch" in answer["learners"]) is not missing
    told = ["skipped", "needs not-there>=1 - pip install 'larch[gpu]'"] if missing else ["ok", ""]
    assert row(answer, "larch")[3:] == told
    assert answer["log"] == ""


def test_a_plugin_of_a_newer_api_is_listed_as_failed(install: Install, ask: Ask) -> None:
    install("larch", "api_version = 7\n" + code("larch"))
    install("elm", code("elm"))
    answer = ask()
    assert "larch" not in answer["learners"]
    assert "elm" in answer["learners"]
    assert row(answer, "larch")[3:] == ["failed", TOO_NEW]


def test_an_installed_but_broken_dependency_is_left_to_the_worker(
    install: Install, ask: Ask, tmp_path: Path
) -> None:
    install("heavy", "raise ImportError")
    metadata = "Provides-Extra: gpu\nRequires-Dist: heavy>=1; extra == 'gpu'\n"
    install("larch", code("larch", extra="gpu"), metadata=metadata)
    assert ask("heavy")["learners"]["larch"][0] is True
