from __future__ import annotations

import io

import pytest
from rich.console import Console

from automl.cli.display import LiveView, PlainLines, Quiet, clock, watching
from automl.types import Progress

BEST = {"deep": ("mlp", 0.9), "classical": ("linear", 0.85)}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3700, "1:01:40"), (-3, "0:00")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_elsewhere_than_on_a_terminal_lines_are_few(capsys):
    with watching(quiet=False) as lines:
        assert isinstance(lines, PlainLines)
        lines.say("Target: y")
        lines.show(Progress("read", 0.5, 60.0))
        for tick in range(2, 120):  # twice a second
            lines.show(Progress("search", tick / 2, 60.0, ("mlp-0 rung 1",), {}, tick))
        lines.show(Progress("save", 59.0, 60.0))
        lines.show(Progress("done", 60.0, 60.0))
    out, err = capsys.readouterr()
    written = err.splitlines()
    assert out == ""
    assert written[0] == "Target: y"
    assert written[1] == "[0:00/1:00] reading the data"
    assert written[2] == "[0:01/1:00] training"
    assert written[3] == "[0:11/1:00] 22 fits; running: mlp-0 rung 1"
    assert written[-1] == "[0:59/1:00] saving"
    assert len(written) == 9


def test_a_new_best_is_told_soon_but_not_at_every_step(capsys):
    lines = PlainLines()
    lines.show(Progress("search", 1.0, None))
    for tick in range(12):
        best = {"deep": ("mlp", 0.5 + tick / 100)}
        lines.show(Progress("search", 1.5 + tick / 2, None, (), best, tick, 1))
    written = capsys.readouterr().err.splitlines()
    assert written[0] == "[0:01] training"
    assert written[1] == "[0:03] 3 fits, 1 failed; new best: deep mlp 0.5300"
    assert len(written) == 3 + 1


def test_quiet_says_nothing(capsys):
    with watching(quiet=True) as quiet:
        assert isinstance(quiet, Quiet)
        quiet.say("Target: y")
        quiet.show(Progress("search", 1.0, 60.0))
    assert capsys.readouterr() == ("", "")


def _screen(width=90):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    return LiveView(console), console


def test_the_live_view_shows_time_left_who_runs_and_who_leads():
    view, console = _screen()
    view.show(Progress("search", 30.0, 60.0, ("mlp-1 rung 2",), BEST, 12, 1))
    console.print(view)
    text = console.file.getvalue()
    assert "training" in text
    assert "0:29 left of 1:00" in text or "0:30 left of 1:00" in text
    assert "12 fits, 1 failed" in text
    assert "mlp-1 rung 2" in text
    assert "best deep" in text
    assert "linear 0.8500" in text


def test_the_live_view_does_without_a_limit_and_without_news():
    view, console = _screen()
    console.print(view)
    assert console.file.getvalue().strip() == ""
    view.show(Progress("search", 30.0, None, (), {}, 3))
    console.print(view)
    assert "0:30  3 fits" in console.file.getvalue()


@pytest.mark.parametrize("width", [30, 40, 60])
def test_the_live_view_fits_narrow_terminals(width):
    view, console = _screen(width)
    running = tuple(f"a_long_name-{number} rung 3" for number in range(9))
    view.show(Progress("search", 30.0, 60.0, running, BEST, 12, 1))
    console.print(view)
    assert all(len(line.rstrip()) <= width for line in console.file.getvalue().splitlines())


def test_words_are_printed_as_they_are(capsys):
    view, console = _screen()
    view.say("columns [red] :smile: 3")
    assert "columns [red]" in console.file.getvalue()
