"""Every choice is stated once: what restates it, for readers, says the same."""

from __future__ import annotations

import re
from inspect import Parameter, getdoc, signature
from pathlib import Path

import numpy as np
import pytest

from automl import AutoML, UsageError
from automl.cli.fit import fit
from automl.cli.options import flags_of
from automl.cli.scale import scale
from automl.options import OPTIONS, Options, options_of
from automl.workflow.study import AXES

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text("utf-8")
OF_STUDIES = [option for option in OPTIONS if "fit" not in option.commands]


def plain(text: str) -> str:
    return text.replace("--", "").replace("`", "").replace("'", "")


def unspaced(text: str) -> str:
    return "".join(text.split())


def entries(function) -> dict[str, str]:
    """Parameter -> what the docstring says of it."""
    (listed,) = re.findall(r"^Args:\n(.*?)(?:\n\n|\Z)", getdoc(function), re.MULTILINE | re.DOTALL)
    found = re.findall(r"^    (\w+): (.*?)(?=\n    \w|\Z)", listed, re.MULTILINE | re.DOTALL)
    return {name: " ".join(text.split()) for name, text in found}


@pytest.mark.parametrize(
    ("function", "documented", "options", "others"),
    [
        (AutoML.__init__, AutoML, options_of("fit"), {"self", "policy", "verbose"}),
        (AutoML.scale, AutoML.scale, OF_STUDIES, {"self", "X", "y"}),
    ],
    ids=["fit", "scale"],
)
class TestTheEstimator:
    def test_has_the_parameters_and_their_defaults(self, function, documented, options, others):
        parameters = dict(signature(function).parameters)
        for name in others:
            del parameters[name]
        assert list(parameters) == [option.parameter for option in options]
        for option in options:
            parameter = parameters[option.parameter]
            assert parameter.kind is Parameter.KEYWORD_ONLY
            assert option.read(parameter.default) == option.default

    def test_documents_them_as_the_help_does(self, function, documented, options, others):
        said = entries(documented)
        assert set(said) == {option.parameter for option in options} | others - {"self"}
        for option in options:
            assert plain(said[option.parameter]).startswith(plain(option.help)), option.name


def test_a_parameter_is_an_attribute_of_its_name():
    given = {name: object() for name in signature(AutoML.__init__).parameters if name != "self"}
    assert vars(AutoML(**given)) == given
    assert AutoML(**given).get_params(deep=False) == given


@pytest.mark.parametrize(("command", "function"), [("fit", fit), ("scale", scale)])
def test_a_command_has_the_flags(command, function):
    names = ["context", "data", *(option.name for option in flags_of(command))]
    assert list(signature(function).parameters) == names


@pytest.mark.parametrize("command", ["fit", "scale"])
def test_the_help_has_them_in_their_order(automl, command):
    _, out, _ = automl(command, "--help")
    shown = re.findall(r"^  (?:-\w, )?(--[\w-]+)", out, re.MULTILINE)
    assert shown == [*(option.flag for option in flags_of(command)), "--help"]
    for option in flags_of(command):
        assert unspaced(option.help) in unspaced(out)
        assert not option.usual or unspaced(f"Default: {option.usual}.") in unspaced(out)


# ------------------------------------------------------------------- the reference page


def section(command: str) -> str:
    return REFERENCE.split(f"### `automl {command} DATA`")[1].split("\n### ")[0]


def flag_cell(option) -> str:
    value = "\\|".join(option.words) if option.words and not option.several else option.metavar
    flag = f"`{option.flag} {value}`" if value else f"`{option.flag}`"
    return f"`{option.short}`, {flag}" if option.short else flag


def usual(option) -> str:
    if option.usual or option.several or option.default is None or option.default is False:
        return option.usual
    return option.show(option.default)


@pytest.mark.parametrize("command", ["fit", "scale"])
def test_the_reference_page_has_the_table(command):
    own = [o for o in flags_of(command) if command == "fit" or o.scale or o in OF_STUDIES]
    rows = re.findall(r"^\| (`-.*?) \| ?(.*?) \| (.*) \|$", section(command), re.MULTILINE)
    assert [flags for flags, *_ in rows] == [flag_cell(option) for option in own]
    for option, (_, default, meaning) in zip(own, rows, strict=True):
        assert plain(default) == plain(usual(option)), option.name
        assert plain(meaning).startswith(plain(option.help)), option.name


def test_the_reference_page_names_what_a_study_shares_with_a_fit():
    (sentence,) = re.findall(r"Of `automl fit` it has (.*?); besides", section("scale"), re.DOTALL)
    shared = [o for o in flags_of("scale") if not o.scale and "fit" in o.commands]
    assert re.findall(r"`(.*?)`", sentence) == [o.short or o.flag for o in shared]


def test_the_reference_page_has_the_signature():
    (shown,) = re.findall(r"```text\n(AutoML\(.*?\))\n```", REFERENCE, re.DOTALL)
    parameters = signature(AutoML.__init__).parameters.values()
    given = ", ".join(f"{p.name}={p.default!r}" for p in parameters if p.name != "self")
    assert unspaced(shown) == unspaced(f"AutoML(*, {given})").replace("'", '"')


# ----------------------------------------------------------------------------- values


def test_every_axis_can_be_chosen():
    (axis,) = [option for option in OPTIONS if option.name == "axis"]
    assert axis.words == tuple(AXES)


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"seconds": "1h30m"}, "seconds", 5400.0),
        ({"seconds": 90}, "seconds", 90.0),
        ({"seconds": None}, "seconds", None),
        ({}, "seconds", 300.0),
        ({"memory": "8GB"}, "memory", 8 * 10**9),
        ({"memory": 512}, "memory", 512),
        ({"learner": "linear"}, "learner", ("linear",)),
        ({"drop": ["a", "b"]}, "drop", ("a", "b")),
        ({"exclude": None}, "exclude", ()),
        ({"positive": 1}, "positive", "1"),
        ({"trials": np.int64(3)}, "trials", 3),
        ({"output": "runs/a"}, "output", Path("runs/a")),
        ({"preset": None}, "preset", "balanced"),
    ],
)
def test_what_people_write_is_read(given, name, value):
    found = getattr(Options.parse(given), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"preset": "quickest"}, "no preset 'quickest'; choose from quick, balanced, best"),
        ({"regime": ["halving"]}, "no regime 'halving'"),
        ({"axis": "budget", "regime": ["default"]}, "leave --regime out, or say retuned"),
        ({"folds": 1}, "--folds is at least 2, not 1"),
        ({"test_size": 1.5}, "--test-size is a share of the rows between 0 and 1, such as 0.2"),
        ({"test_size": float("nan")}, "--test-size"),
        ({"contamination": 0.5}, "between 0 and 0.5"),
        ({"price_per_hour": -1}, "an amount of money, not -1"),
        ({"test": "t.csv", "test_size": 0.2}, "give one"),
    ],
)
def test_what_cannot_be_is_refused(given, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        Options.parse(given)


@pytest.mark.parametrize(
    ("given", "regimes"),
    [
        ({}, ("default", "transferred")),
        ({"regime": ["retuned", "default"]}, ("default", "retuned")),
        ({"axis": "budget"}, ("retuned",)),
        ({"axis": "workers", "regime": ["default"]}, ("default",)),
    ],
)
def test_a_study_has_the_regimes_of_its_axis(given, regimes):
    assert Options.parse(given).regimes == regimes


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("seconds", 5400.0, ["--time-limit", "1h30m"]),
        ("memory", 8 * 10**9, ["--memory", "8000000000B"]),
        ("drop", ("a", "b c"), ["--drop", "a", "--drop", "b c"]),
        ("seed", 0, ["--seed", "0"]),
        ("gpus", 0, ["--gpus", "0"]),
        ("metric", None, []),
        ("exclude", (), []),
    ],
)
def test_a_value_is_spelled_as_it_is_read(name, value, words):
    (option,) = [option for option in OPTIONS if option.name == name]
    assert option.spelled(value) == words
    given = words[1::2] if option.several else words[1] if words else None
    assert option.read(given) == value
