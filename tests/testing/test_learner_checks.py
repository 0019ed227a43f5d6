"""The kit catches planted faults, and nothing where there is none."""

from __future__ import annotations

import unittest
from dataclasses import replace

import pytest

from automl import PluginError, Resources, UsageError
from automl.hooks.manager import get_host
from automl.testing import LEARNER_CHECKS, WorkerPool, check_learner, learner_checks
from automl.testing.checks.declared import light
from automl.testing.contract import judge
from automl.testing.fixture import Fixture
from automl.testing.inspector import shared_pool
from tests.testing.faulty import (
    Declines,
    Distance,
    Hangs,
    Sound,
    TakesMemory,
    UndeclaredLibrary,
    faults,
    learner,
)

FAULTS = faults()
OTHERS = 2
"""Checks beside the one meant that a fault may fail."""


@pytest.fixture(scope="module")
def pool():
    return shared_pool()


@pytest.fixture(scope="module")
def impatient_pool():
    with WorkerPool(limit=6.0) as shared:
        yield shared


def failed(outcomes):
    return {o.check: o for o in outcomes if o.status == "failed"}


@pytest.mark.parametrize(
    ("model", "task"),
    [*((Sound, task) for task in sorted(learner(Sound).tasks)), (Distance, "anomaly")],
)
def test_a_sound_learner_passes_on_every_task(pool, model, task):
    outcomes = check_learner(learner(model), tasks=[task], pool=pool)
    assert failed(outcomes) == {}
    skipped = {o.check for o in outcomes if o.status == "skipped"}
    assert skipped <= {"light", "threads", "memory", "gpu_to_cpu", "stop", "best_step"}
    assert all(o.reason for o in outcomes if o.status == "skipped")


@pytest.mark.parametrize("model", [m for m in FAULTS if m is not Hangs], ids=lambda m: m.__name__)
def test_a_fault_is_caught_by_the_check_meant_for_it(pool, model):
    task = getattr(model, "task", "binary")
    found = failed(check_learner(learner(model), tasks=[task], pool=pool))
    assert model.caught_by in found, found
    assert len(found) <= 1 + OTHERS, found
    assert found[model.caught_by].reason
    assert found[model.caught_by].hint


def test_to_decline_a_short_fit_is_no_fault(pool):
    checks = ["deadline", "threads", "memory"]
    outcomes = check_learner(learner(Declines), tasks=["binary"], checks=checks, pool=pool)
    assert {o.status for o in outcomes} == {"skipped"}
    assert outcomes[0].reason.startswith("declines a fit in 0.5 s: needs about 1 s")


def test_memory_as_plugin_api_1_declared_it_is_measured_too(pool):
    old = replace(
        learner(TakesMemory),
        memory=None,
        resources=lambda _: Resources(memory=2**20),
        api_version=1,
    )
    found = failed(check_learner(old, tasks=["binary"], checks=["memory"], pool=pool))
    assert found["memory"].reason.endswith("declared 1 MB")


def test_a_declared_library_answers_for_what_it_requires(pool):
    told = replace(learner(UndeclaredLibrary), libraries=("torch",))
    (outcome,) = check_learner(told, tasks=["binary"], checks=["libraries"], pool=pool)
    assert (outcome.status, outcome.reason) == ("passed", "")


def test_a_learner_that_hangs_is_one_failed_check(impatient_pool):
    outcomes = check_learner(learner(Hangs), tasks=["binary"], pool=impatient_pool)
    assert set(failed(outcomes)) == {"fits"}
    assert "within 6 s" in failed(outcomes)["fits"].reason
    assert {o.status for o in outcomes if o.check == "shapes"} == {"skipped"}


def test_a_heavy_declaration_is_caught(tmp_path, monkeypatch):
    (tmp_path / "heavy_plugin.py").write_text("import sklearn\n")
    (tmp_path / "slim_plugin.py").write_text("import json\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    results = {}
    for package in ("heavy_plugin", "slim_plugin"):
        fixture = Fixture(learner(Sound), "binary", package)
        results[package], _ = judge(light, fixture, "sound", "binary")
    assert results["heavy_plugin"].status == "failed"
    assert "sklearn" in results["heavy_plugin"].reason
    assert results["slim_plugin"].status == "passed"


def test_there_is_a_fault_for_nearly_every_check():
    """Left out: what needs a GPU or an installed plugin (above)."""
    planted = {model.caught_by for model in FAULTS}
    every = {check.name for check in LEARNER_CHECKS}
    assert len(FAULTS) >= 25
    assert every - planted == {"light", "gpu_to_cpu"}


def test_every_check_says_why_and_what_to_do():
    for check in LEARNER_CHECKS:
        assert check.why.endswith(".")
        assert check.hint.endswith(".")
        assert set(check.needs) <= {c.name for c in LEARNER_CHECKS}


def test_cases_for_pytest_run_fail_and_skip():
    names = ["shapes", "memory", "class_order"]
    cases = {str(case): case for case in learner_checks(learner(Sound), checks=names)}
    assert set(cases) == {
        "kit_sound-shapes-binary",
        "kit_sound-shapes-multiclass",
        "kit_sound-shapes-regression",
        "kit_sound-memory-binary",
        "kit_sound-class_order-binary",
        "kit_sound-class_order-multiclass",
    }
    cases["kit_sound-shapes-binary"]()
    with pytest.raises(unittest.SkipTest, match="declares no memory"):
        cases["kit_sound-memory-binary"]()


def test_a_failed_case_tells_reason_purpose_and_hint():
    reversed_ = next(m for m in FAULTS if m.__name__ == "ColumnsReversed")
    (case,) = learner_checks(learner(reversed_), tasks=["binary"], checks=["class_order"])
    with pytest.raises(AssertionError, match=r"columns \[1, 0\]\n  why: .*\n  hint: Put"):
        case()


def test_checks_can_be_left_out():
    cases = learner_checks("baseline", tasks=["binary"], skip=["space"])
    assert "baseline-space-binary" not in map(str, cases)
    assert "baseline-shapes-binary" in map(str, cases)


def test_what_does_not_exist_is_named():
    with pytest.raises(PluginError, match="no_such_learner"):
        learner_checks("no_such_learner")
    with pytest.raises(UsageError, match="no check nonsense; there are declaration"):
        check_learner("baseline", checks=["nonsense"])
    with pytest.raises(UsageError, match="does not do anomaly"):
        check_learner("linear", tasks=["anomaly"])


CATALOGUE = sorted(name for name, entry in get_host().learners.items() if entry.available)
FIRST_TASK = "multiclass"


def _cases(every_task):
    for name in CATALOGUE:
        tasks = get_host().learners[name].learner.tasks
        first = [FIRST_TASK] if FIRST_TASK in tasks else sorted(tasks)[:1]
        yield from learner_checks(name, tasks=sorted(tasks - set(first)) if every_task else first)


STANDS_FOR = {
    "linear": {"naive_bayes", "knn", "gaussian_process", "decision_tree"},
    "random_forest": {"extra_trees"},
    "mlp": {"resnet", "ft_transformer", "realmlp", "tabm", "gan"},
    "autoencoder": {"vae", "dbn"},
    "keras_mlp": {"keras_wide_deep"},
}
"""Learners that share all but their net or their trees: `make test-slow` asks every one."""


def _first_cases():
    shared = set().union(*STANDS_FOR.values())
    for check in _cases(every_task=False):
        slow = str(check).partition("-")[0] in shared
        yield pytest.param(check, marks=[pytest.mark.slow] if slow else [], id=str(check))


@pytest.mark.parametrize("check", list(_first_cases()))
def test_every_learner_of_the_catalogue_conforms(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", list(_cases(every_task=True)), ids=str)
def test_every_learner_of_the_catalogue_conforms_on_its_other_tasks(check):
    check()
