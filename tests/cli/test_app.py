from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import typer

from automl import __version__
from automl.cli import app as app_module
from automl.cli import extensions
from automl.errors import AutoMLError, BudgetError, DataError

COMMANDS = (
    *(
        "fit",
        "predict",
        "evaluate",
        "leaderboard",
        "report",
        "scale",
        "scaling",
        "learners",
        "metrics",
    ),
    "plugins",
    "doctor",
)


def test_help_lists_every_command(automl):
    code, out, err = automl("--help")
    assert (code, err) == (0, "")
    listed = re.findall(r"^  (\w+)  ", out.split("Commands:")[1], flags=re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)
    assert "..." not in out.split("Commands:")[1], "a summary is cut off"
    assert automl() == (0, out, ""), "no words at all ask for help"


def test_the_module_is_the_command():
    words = [sys.executable, "-m", "automl", "--version"]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, f"automl {__version__}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(automl, command):
    code, out, _ = automl(command, "--help")
    assert code == 0
    assert f"automl {command}" in out


def test_version(automl):
    assert automl("--version") == (0, f"automl {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit"], "Missing argument 'DATA'"),
        (["fit", "x.csv", "--targt", "y"], "--target"),
        (["fit", "x.csv", "--task", "cluster"], "multiclass"),
        (["fit", "x.csv", "--trials", "0"], "--trials"),
        (["fit", "x.csv", "--folds", "1"], "--folds"),
        (["leaderbord", "x"], "leaderboard"),
        (["plugins"], "Missing command"),
    ],
)
def test_wrong_usage_is_one_line_that_helps_and_exit_code_2(automl, words, told):
    code, out, err = automl(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert told in err
    assert "--help" in err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (DataError("the table is empty"), 2, "error: the table is empty\n"),
        (BudgetError("no time"), 1, "error: no time\n"),
        (AutoMLError("broken"), 1, "error: broken\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_have_their_exit_code_and_no_traceback(monkeypatch, capsys, error, code, told):
    assert _main_raising(monkeypatch, error) == code
    assert capsys.readouterr().err == told


def test_an_unforeseen_error_says_how_to_see_where(monkeypatch, capsys):
    monkeypatch.delenv("AUTOML_DEBUG", raising=False)
    assert _main_raising(monkeypatch, ValueError("odd\nsecond line")) == 1
    err = capsys.readouterr().err
    assert err == "error: internal failure: ValueError: odd (set AUTOML_DEBUG=1 to see where)\n"
    monkeypatch.setenv("AUTOML_DEBUG", "1")
    with pytest.raises(ValueError, match="odd"):
        _main_raising(monkeypatch, ValueError("odd"))


def _main_raising(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("automl.cli.scaling.read_run", fail)
    monkeypatch.setattr(sys, "argv", ["automl", "scaling", "x"])
    with pytest.raises(SystemExit) as left:
        app_module.main()
    return left.value.code


def test_warnings_are_one_line(capsys):
    app_module._show_warning(UserWarning("mind the gap"), UserWarning, "file.py", 3)
    assert capsys.readouterr().err == "warning: mind the gap\n"


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(run_dir):
    command = f"{sys.executable} -c 'from automl.cli import main; main()' leaderboard {run_dir}"
    script = f"set -o pipefail; {command} | (exec 0<&-; sleep 3)"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=_environment(), check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_is_light():
    script = (
        "import sys\n"
        "sys.argv = ['automl', 'fit', '--help']\n"
        "from automl.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n"
        "    heavy = {'pandas', 'numpy', 'sklearn', 'ray', 'torch', 'rich'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=_environment(),
        check=True,
    )
    assert done.stderr.strip() == "[]"


def _environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class TestCommandsOfPlugins:
    def test_are_listed_without_being_imported(self, automl, monkeypatch):
        _offer(monkeypatch, EntryPoint("greet", "no_such_module:app", extensions.GROUP))
        code, out, _ = automl("--help")
        assert code == 0
        assert re.search(r"^  greet  ", out, flags=re.MULTILINE)

    def test_get_their_words_as_typed(self, automl, monkeypatch):
        greetings = typer.Typer()

        @greetings.command()
        def greet(name: str, loud: bool = False):
            typer.echo(f"hello {name}{'!' if loud else ''}")

        monkeypatch.setattr(extensions, "_test_app", greetings, raising=False)
        _offer(
            monkeypatch, EntryPoint("greet", f"{extensions.__name__}:_test_app", extensions.GROUP)
        )
        assert automl("greet", "you", "--loud") == (0, "hello you!\n", "")
        code, out, _ = automl("greet", "--help")
        assert code == 0
        assert "automl greet" in out
        assert "--loud" in out
        code, _, err = automl("greet", "--lod")
        assert code == 2
        assert "--loud" in err

    def test_that_cannot_be_loaded_say_so(self, automl, monkeypatch):
        _offer(monkeypatch, EntryPoint("greet", "no_such_module:app", extensions.GROUP))
        code, _, err = automl("greet")
        assert code == 2
        assert "greet" in err
        assert "no_such_module" in err

    def test_must_be_typer_applications(self, automl, monkeypatch):
        _offer(monkeypatch, EntryPoint("greet", "os:path", extensions.GROUP))
        code, _, err = automl("greet")
        assert code == 2
        assert "typer.Typer" in err

    def test_cannot_replace_ours(self, automl, monkeypatch):
        _offer(monkeypatch, EntryPoint("metrics", "no_such_module:app", extensions.GROUP))
        code, out, _ = automl("--help")
        assert code == 0
        assert out.count("metrics  ") == 1
        assert automl("metrics")[0] == 0


def _offer(monkeypatch, *points):
    monkeypatch.setattr(extensions, "entry_points", lambda group: points)
