"""The host with plugins registered in this process."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import automl
from automl.errors import DataError, PluginError, UsageError
from automl.hooks.manager import Host, LearnerEntry, PluginStatus, applicable, resolve
from automl.space import Choice, Float, Int, Size
from automl.types import (
    API_VERSION,
    Ensembler,
    Learner,
    Limits,
    Metric,
    Prior,
    Reading,
    Resources,
    Rung,
    Schema,
)

RUNG = Rung("tree", "tree-0", {}, 0, 0, 0, 200, 0.5, 0.1, 0.1, "ok")


def learner(name: str, **changes: Any) -> Learner:
    given = {"family": "classical", "tasks": frozenset({"binary"}), "view": "matrix"}
    return Learner(name=name, factory="json:loads", **{**given, **changes})


def plugin(name: str, **hooks: Any) -> SimpleNamespace:
    marked = {f"automl_{hook}": automl.hookimpl(call) for hook, call in hooks.items()}
    return SimpleNamespace(__name__=name, **marked)


def host(*plugins: Any) -> Host:
    made = Host()
    for each in plugins:
        made.register(each)
    return made


def nothing() -> list[Learner]:
    return []


def trees(*names: str, **changes: Any) -> SimpleNamespace:
    return plugin("_".join(names), learners=lambda: [learner(n, **changes) for n in names])


def schema(n_classes: int = 2) -> Schema:
    return Schema((), "y", "binary", "", "", classes=tuple(range(n_classes)))


def choose(made: Host, *, rows: int = 500, columns: int = 5, classes: int = 2, **names: Any) -> Any:
    chosen, reasons = applicable(made, schema(classes), "binary", rows, columns, **names)
    return [each.name for each in chosen], reasons


def test_a_registered_learner_is_listed_with_where_it_comes_from() -> None:
    made = host(trees("oak", "elm"))
    assert made.learners == {
        name: LearnerEntry(learner(name), "oak_elm", "oak_elm", None) for name in ("oak", "elm")
    }
    assert made.learner("oak").name == "oak"
    assert made.plugins == [PluginStatus("oak_elm", None, None, "ok")]
    assert made.registered == ("oak_elm",)


def test_registering_twice_is_as_good_as_once() -> None:
    one = trees("oak")
    assert list(host(one, one).learners) == ["oak"]


def test_a_learner_added_later_is_seen() -> None:
    made = host(trees("oak"))
    assert list(made.learners) == ["oak"]
    made.register(trees("elm"))
    assert list(made.learners) == ["oak", "elm"]


def test_two_learners_of_one_name_are_an_error_that_names_both() -> None:
    twin = plugin("twin", learners=lambda: [learner("oak")])
    with pytest.raises(PluginError, match=r"learner 'oak': oak \(.*and twin \(.*uninstall one"):
        host(trees("oak"), twin).learners  # noqa: B018


def test_one_learner_declared_twice_by_one_plugin_is_an_error() -> None:
    with pytest.raises(PluginError, match="plugin oak_oak declares the learner 'oak' twice"):
        host(trees("oak", "oak")).learners  # noqa: B018


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"name": "oak"}, "is no Learner"),
        (learner("my oak"), "use letters, digits and underscores"),
        (learner("../oak"), "use letters, digits and underscores"),
    ],
)
def test_a_wrong_declaration_fails_its_plugin_alone(
    declared: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = host(plugin("bad", learners=lambda: [declared]), trees("oak"))
    assert list(made.learners) == ["oak"]
    bad, good = made.plugins
    assert (bad.status, good.status) == ("failed", "ok")
    assert reason in bad.reason
    assert [r.message for r in caplog.records] == [f"plugin bad: {bad.reason}"]


def test_a_hook_that_raises_fails_its_plugin_alone() -> None:
    def broken() -> list[Learner]:
        msg = "no\nluck"
        raise RuntimeError(msg)

    made = host(plugin("bad", learners=broken), trees("oak"))
    assert list(made.learners) == ["oak"]
    assert made.plugins[0].reason == "automl_learners: RuntimeError: no luck"


def test_a_misspelt_hook_is_said() -> None:
    made = host(plugin("typo", learnrs=nothing))
    assert "automl_learnrs is no hook" in made.plugins[0].reason
    assert "automl_learners" in made.plugins[0].reason


def test_a_plugin_without_hooks_is_said() -> None:
    assert "implements no hook" in host(SimpleNamespace(__name__="bare")).plugins[0].reason


def test_a_hook_with_an_unknown_argument_cannot_be_registered() -> None:
    with pytest.raises(PluginError, match=r"plugin bad cannot be registered: .*colour"):
        host(plugin("bad", read=lambda source, colour: None))


def test_a_learner_of_a_newer_api_is_listed_and_refused() -> None:
    made = host(trees("oak", api_version=99))
    entry = made.learners["oak"]
    assert not entry.available
    assert entry.reason.startswith(f"made for plugin API 99, this version has {API_VERSION}")
    with pytest.raises(PluginError, match="oak: made for plugin API 99"):
        made.learner("oak")


def test_an_unknown_learner_is_an_error() -> None:
    with pytest.raises(PluginError, match="no installed plugin declares the learner 'fir'"):
        host(trees("oak")).learner("fir")


def test_metrics_and_ensemblers_come_by_name() -> None:
    binary = frozenset({"binary"})
    metric = Metric(name="half", tasks=binary, greater_is_better=True, score=lambda y, p: 0.5)
    mean = Ensembler(name="mean", tasks=binary, factory="json:loads")
    made = host(plugin("extras", metrics=lambda: [metric], ensemblers=lambda: [mean]))
    assert made.metrics() == {"half": metric}
    assert made.ensemblers() == {"mean": mean}


def test_the_first_reader_with_a_table_wins_and_a_broken_one_is_passed_over() -> None:
    table = pd.DataFrame({"a": [1]})

    def broken(source: str) -> pd.DataFrame:
        raise OSError(source)

    made = host(
        plugin("last", read=lambda source: pd.DataFrame()),
        plugin("first", read=lambda source: table),
        plugin("broken", read=broken),
        plugin("none", read=lambda source: None),
    )
    assert made.read("x.foo") is table
    assert made.plugins[2].reason == "could not read 'x.foo': OSError: x.foo"


def test_what_a_reader_tells_the_user_passes() -> None:
    def reader(source: str) -> None:
        msg = "the sheet is empty"
        raise DataError(msg)

    with pytest.raises(DataError, match="the sheet is empty"):
        host(plugin("sheets", read=reader)).read("x.ods")


def test_what_no_plugin_reads_is_read_as_usual(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1.50,2\n")
    how = Reading(as_text=("a",))
    assert host(trees("oak")).read(str(tmp_path / "x.csv"), how)["a"].tolist() == ["1.50"]


def test_a_broken_observer_is_reported_once_and_does_not_silence_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Rung] = []

    def broken(rung: Rung) -> None:
        msg = "no disk"
        raise OSError(msg)

    def good(rung: Rung) -> None:
        seen.append(rung)

    made = host(plugin("good", rung_finished=good), plugin("bad", rung_finished=broken))
    with caplog.at_level(logging.WARNING):
        made.rung_finished(RUNG)
        made.rung_finished(RUNG)
    assert seen == [RUNG, RUNG]
    assert [r.message for r in caplog.records] == [
        "plugin bad: automl_rung_finished: OSError: no disk"
    ]


def test_wrappers_are_refused_in_words() -> None:
    def wrapper() -> Any:
        return (yield)

    odd = SimpleNamespace(__name__="odd", automl_learners=automl.hookimpl(wrapper=True)(wrapper))
    made = host(odd, trees("oak"))
    assert list(made.learners) == ["oak"]
    assert made.plugins[0].reason == "automl_learners: wrappers are not supported"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"limits": Limits(rows=400)}, "limit: at most 400 rows, here 500"),
        ({"limits": Limits(columns=4)}, "limit: at most 4 columns, here 5"),
        ({"limits": Limits(classes=1)}, "limit: at most 1 classes, here 2"),
        ({"tasks": frozenset({"regression"})}, "task: made for regression, here binary"),
    ],
)
def test_what_does_not_apply_has_a_reason(changes: dict[str, Any], reason: str) -> None:
    made = host(trees("oak"), trees("elm", **changes))
    assert choose(made) == (["oak"], {"elm": reason})


def test_limits_are_inclusive_and_counted_with_separators() -> None:
    made = host(trees("oak"), trees("elm", limits=Limits(rows=100_000)))
    assert choose(made, rows=100_000) == (["oak", "elm"], {})
    assert choose(made, rows=494_021)[1] == {"elm": "limit: at most 100,000 rows, here 494,021"}


def test_only_the_learners_asked_for_and_the_baseline() -> None:
    made = host(trees("oak", "elm"), trees("prior", family="baseline"))
    assert choose(made, only=["elm"]) == (["elm", "prior"], {})
    assert choose(made, only=["elm"], exclude=["prior"])[0] == ["elm"]


def test_an_excluded_learner_says_so() -> None:
    made = host(trees("oak", "elm"))
    assert choose(made, exclude=["oak"]) == (["elm"], {"oak": "left out by --exclude"})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"only": ["random-forrest"]}, "no learner 'random-forrest'; did you mean random_forest"),
        ({"exclude": ["qqq"]}, "no learner 'qqq'; there are oak, random_forest"),
        ({"only": ["oak"], "exclude": ["oak"]}, "both name oak"),
        ({"exclude": ["oak", "random_forest"]}, "no learner can be trained .*left out by"),
    ],
)
def test_wrong_names_are_refused_with_what_to_do(names: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(host(trees("oak", "random_forest")), **names)


def test_a_baseline_alone_does_not_stand_in_for_what_was_asked() -> None:
    made = host(trees("oak", limits=Limits(rows=1)), trees("prior", family="baseline"))
    with pytest.raises(UsageError, match="oak: limit: at most 1 rows"):
        choose(made, only=["oak"])


def test_without_any_plugin_the_user_is_told() -> None:
    with pytest.raises(PluginError, match="no learner is installed"):
        choose(Host())


def test_a_factory_is_found_by_name_or_taken_as_it_is() -> None:
    import json

    assert resolve("json:loads") is json.loads
    assert resolve("json:JSONDecoder.decode") is json.JSONDecoder.decode
    assert resolve(len) is len


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.at_all:f", "ModuleNotFoundError"),
        ("json:nothing", "no attribute 'nothing'"),
        ("json", "cannot load 'json'"),
        (":f", "cannot load ':f'"),
        ("json:__name__", "is not callable"),
    ],
)
def test_a_factory_that_is_not_there_is_said_in_one_line(name: str, reason: str) -> None:
    with pytest.raises(PluginError, match=reason) as caught:
        resolve(name)
    assert "\n" not in str(caught.value)


def test_a_plugin_of_a_newer_api_is_refused_in_one_sentence() -> None:
    late = trees("oak")
    late.api_version = 99
    made = Host()
    with pytest.raises(PluginError, match="oak cannot be registered: made for plugin API 99"):
        made.register(late)
    assert made.learners == {}


@pytest.mark.parametrize("version", ["2", 0, 1.5, None])
def test_a_version_that_is_none_is_refused(version: Any) -> None:
    odd = trees("oak")
    odd.api_version = version
    with pytest.raises(PluginError, match="give the whole number"):
        Host().register(odd)


def test_a_plugin_of_an_older_api_is_accepted_and_told_what_changed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("automl.hooks.versions.API_VERSION", 3)
    changes = {2: "views are read-only", 3: "predict gets a mask"}
    monkeypatch.setattr("automl.hooks.versions.CHANGES", changes)
    old = trees("oak", api_version=3)
    old.api_version = 1
    new = trees("elm", api_version=3)
    new.api_version = 3
    made = host(old, new)
    assert made.learner("oak").name == "oak"
    first, second = made.plugins
    assert (first.status, second.status) == ("ok", "ok")
    assert first.reason == (
        "made for plugin API 1; changed since in 2: views are read-only; 3: predict gets a mask"
    )
    assert second.reason == ""
    assert caplog.records == []


def test_a_learner_of_an_older_api_is_accepted_and_told_what_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("automl.hooks.versions.API_VERSION", 2)
    monkeypatch.setattr("automl.hooks.versions.CHANGES", {2: "views are read-only"})
    made = host(trees("oak", api_version=1))
    assert made.learners["oak"].available
    assert made.plugins[0].reason.startswith("made for plugin API 1; changed since in 2")


def test_what_a_learner_says_of_its_needs_is_kept() -> None:
    needs: dict[str, Any] = {
        "libraries": ("torch", "sklearn"),
        "memory": lambda rows, columns: 8 * rows * columns,
        "prior": Prior(0.4, "A study of 104 data sets."),
        "weights": True,
        "warm_start": True,
        "scale_out": "oak.nodes:build",
    }
    found = host(trees("oak", **needs)).learner("oak")
    assert {name: getattr(found, name) for name in needs} == needs


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"space": {"depth": Int(9, 3)}}, "its space for depth runs from 9 to 3"),
        ({"space": {"rate": Float(0.0, 1.0, log=True)}}, "its space for rate is logarithmic"),
        ({"space": {"kind": Choice()}}, "its space for kind offers no option"),
        (
            {"space": {"kind": Choice(["a", "b"])}},
            "its space for kind offers ['a', 'b']; options are",
        ),
        ({"defaults": ()}, "declares no default configuration"),
        ({"size": Size("width", 8, "fast")}, "its size grows 'fast'; it may be linear"),
        ({"size": Size("width", 0)}, "its size has usual=0; it counts from 1"),
        ({"libraries": "torch"}, "its libraries are 'torch'; give names of top-level modules"),
        ({"libraries": ("sklearn.svm",)}, "its libraries are ('sklearn.svm',); give names of top-"),
        ({"libraries": None}, "its libraries are None; give names"),
        ({"memory": 2**30}, "its memory is 1073741824; give a function of rows and columns"),
        ({"memory": lambda rows: rows}, "its memory(1000, 10) raises TypeError: "),
        ({"memory": lambda rows, columns: 0}, "its memory(1000, 10) is 0; give bytes"),
        ({"memory": lambda rows, columns: math.nan}, "its memory(1000, 10) is nan; give bytes"),
        ({"memory": lambda rows, columns: "1GB"}, "its memory(1000, 10) is '1GB'; give bytes"),
        (
            {"memory": lambda rows, columns: 1e9 / rows},
            "its memory is smaller for 1000000 rows than for 1000",
        ),
        ({"prior": 0.4}, "its prior is 0.4; give automl.Prior(share, source)"),
        ({"prior": Prior(1.2, "A study.")}, "its prior has a share of 1.2; give a number from 0"),
        ({"prior": Prior(True, "A study.")}, "its prior has a share of True; give a number"),
        ({"prior": Prior(0.4, " ")}, "its prior has no source; say in a sentence"),
        ({"weights": "yes"}, "its weights is 'yes'; give True or False"),
        ({"warm_start": 1}, "its warm_start is 1; give True or False"),
        ({"scale_out": "nodes"}, "its scale_out is 'nodes'; name a factory as 'package.module:"),
        ({"scale_out": len}, "its scale_out is <built-in function len>; name a factory"),
    ],
)
def test_settings_that_cannot_be_used_cost_its_learner_alone(
    declared: dict[str, Any], told: str
) -> None:
    made = host(trees("oak", **declared), trees("elm"))
    assert made.learners["oak"].reason.startswith(told)
    assert choose(made) == (["elm"], {"oak": made.learners["oak"].reason})


@pytest.mark.parametrize("cost", [0.0, math.nan, math.inf])
def test_a_cost_that_is_none_costs_its_learner_alone(cost: float) -> None:
    odd = trees("oak", resources=lambda _: Resources(cost=cost))
    chosen, reasons = choose(host(odd, trees("elm")))
    assert chosen == ["elm"]
    assert reasons["oak"].startswith("its cost is ")


def test_resources_that_raise_cost_their_learner_alone() -> None:
    def broken(schema: Schema) -> Resources:
        raise KeyError(schema.target)

    chosen, reasons = choose(host(trees("oak", resources=broken), trees("elm")))
    assert chosen == ["elm"]
    assert reasons["oak"] == "its resources cannot be computed: KeyError: 'y'"


def test_a_plugin_without_learners_that_failed_is_among_the_reasons() -> None:
    def broken() -> list[Learner]:
        msg = "no luck"
        raise RuntimeError(msg)

    made = host(plugin("bad", learners=broken), trees("oak"))
    told = {"bad": "automl_learners: RuntimeError: no luck"}
    assert list(made.broken) == ["bad"]
    assert choose(made) == (["oak"], told)
    assert choose(made, only=["oak"]) == (["oak"], {})
    assert choose(made, only=["oak", "bad"]) == (["oak"], told)
    assert choose(made, exclude=["bad"]) == (["oak"], {})
    with pytest.raises(UsageError, match=r"no learner can be trained .*no luck"):
        choose(made, only=["bad"])


def test_a_plugin_that_failed_in_another_hook_is_not_among_the_reasons() -> None:
    def broken() -> list[Metric]:
        msg = "no luck"
        raise RuntimeError(msg)

    made = host(plugin("bad", metrics=broken), trees("oak"))
    assert made.metrics() == {}
    assert made.plugins[0].status == "failed"
    assert made.broken == {}
    assert choose(made) == (["oak"], {})
