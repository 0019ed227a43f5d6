"""The claims ledger: from effects on tables to one word, whatever was measured."""

from __future__ import annotations

import csv
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from automl.hooks.manager import get_host
from benchmarks.claims import claims
from benchmarks.claims import run as ledger
from benchmarks.claims.claims import LEDGER, Claim, Curves
from benchmarks.claims.experiments import DETECTORS, ENCODERS, FILLED, Table, with_scarce
from benchmarks.claims.judging import Effect, pool, verdicts

WORDS = {"supported", "contradicted", "mixed", "underpowered"}


def tables(values, error=0.001):
    return {f"t{i}": Effect(value, error) for i, value in enumerate(values)}


def word(values, kind="more", margin=0.01, error=0.001):
    ((found, _),) = verdicts([pool(tables(values, error), kind, margin)], [kind], [margin], 1)
    return found


def noise(center, spread, count=13):
    return list(center + spread * np.random.default_rng(0).standard_normal(count))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (noise(0.05, 0.01), "more", "supported"),
        (noise(-0.05, 0.01), "more", "contradicted"),
        (noise(0.0, 0.002), "more", "contradicted"),  # shown to make no difference
        (noise(0.0, 0.002), "not less", "supported"),
        (noise(-0.05, 0.01), "not less", "contradicted"),
        ([0.1] * 7 + [-0.1] * 6, "more", "mixed"),
        (noise(0.05, 0.01, count=8), "more", "underpowered"),  # too few tables to be general
        (
            [*np.linspace(-0.004, 0.02, 13)],
            "more",
            "underpowered",
        ),  # above 0, and too little to matter
    ],
)
def test_the_word_follows_the_effects(values, kind, expected):
    assert word(values, kind) == expected


def test_a_table_on_which_a_learner_fails_altogether_hides_no_verdict():
    assert word([*noise(-0.1, 0.02, count=12), -4.0]) == "contradicted"


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=15, unique=True), st.floats(-1, 1))
def test_the_interval_is_what_the_signed_rank_test_does_not_reject(values, null):
    judged = pool(tables([value - null for value in values]), "more", 0.01)
    assume(min(abs(judged.low), abs(judged.high)) > 1e-9)  # an exact tie is a matter of rounding
    ranks = stats.rankdata(np.abs([value - null for value in values]))
    assume(len(set(ranks)) == len(values))
    assert (judged.p > 0.05) == (judged.low < 0 < judged.high)


def test_what_the_tables_cannot_tell_is_underpowered():
    assert word(noise(0.0, 0.2), error=0.3) == "underpowered"


@given(st.lists(st.floats(-1, 1).filter(lambda v: abs(v) > 1e-3), min_size=3, max_size=20))
def test_a_claim_and_its_opposite_are_never_both_supported(values):
    both = {word(values), word([-value for value in values])}
    assert both <= WORDS
    assert both != {"supported"}


@given(st.lists(st.floats(0.001, 0.2), min_size=2, max_size=12))
def test_a_longer_ledger_makes_no_claim_easier(errors):
    judged = [pool(tables(noise(0.02, error)), "more", 0.01) for error in errors]
    every = verdicts(judged, ["more"] * len(judged), [0.01] * len(judged), 20)
    for one, (_, adjusted) in zip(judged, every, strict=True):
        assert adjusted >= one.p - 1e-12


def studied(lines, repeats=3):
    """A study whose losses go by learner and level; the validation loss is the loss, or given."""
    return {
        "learners": {
            name: [
                {
                    "at": at,
                    "loss": list(losses),
                    "val": list(val[0] if val else losses),
                    "seconds": [1.0] * repeats,
                }
                for at, losses, *val in line
            ]
            for name, line in lines.items()
        }
    }


def test_skill_is_the_share_of_what_there_is_to_gain():
    baseline = [(at, (0.9, 0.9, 0.9)) for at in (100, 400)]
    one = [(100, (0.69, 0.70, 0.71)), (400, (0.5, 0.5, 0.5))]
    curves = Curves(studied({"baseline": baseline, "one": one}))
    found = curves.effect(curves.losses("baseline", 100) - curves.losses("one", 100))
    assert found.value == pytest.approx(0.5)
    assert found.error == pytest.approx(np.sqrt((1 / 3 + 1 / 4) * 0.01**2) / 0.4)
    assert found.freedom == 2
    assert curves.enough(["one"]) == pytest.approx(np.log2(400))
    assert np.isnan(curves.losses("absent", 100)).all()


def test_the_best_is_who_validation_prefers_in_each_repeat():
    a = [(100, (0.1, 0.2, 0.3), (0.5, 0.1, 0.1))]
    b = [(100, (0.4, 0.5, 0.6), (0.4, 0.4, 0.4))]
    curves = Curves(studied({"baseline": [(100, (0.9,) * 3)], "a": a, "b": b}))
    assert list(curves.best(["a", "b"], 100)) == [0.4, 0.2, 0.3]


def test_a_repeat_in_which_one_is_missing_has_no_best():
    a = [(100, (0.1, None, 0.3))]
    b = [(100, (0.4, 0.5, 0.6))]
    curves = Curves(studied({"baseline": [(100, (0.9,) * 3)], "a": a, "b": b}))
    assert np.isnan(curves.best(["a", "b"], 100)[1])
    assert np.isnan(curves.best(["a", "b"], 100)).sum() == 1


def test_what_noise_costs_is_counted_from_the_table_as_it_is():
    def with_errors(lines):
        found = studied({name: [(at, [9.0] * 3)] for name, at, _ in lines})
        for name, _, errors in lines:
            found["learners"][name][0]["error"] = list(errors)
        return found | {"metric": "log_loss"}

    names = (*claims.DEEP, *claims.CLASSICAL)
    clean = with_errors([("baseline", 2000, [0.6] * 3)] + [(n, 2000, [0.1] * 3) for n in names])
    cost = dict.fromkeys(claims.DEEP, 0.3) | dict.fromkeys(claims.CLASSICAL, 0.2)
    noisy = with_errors([(n, 40, [0.1 + cost[n] + e for e in (-0.01, 0, 0.01)]) for n in names])
    found = claims.suffers("label noise")({"clean": clean, "label noise": noisy})
    assert found.value == pytest.approx(0.1 / 0.5)
    assert claims.suffers("gaps")({"clean": clean, "gaps": noisy}) is None  # log losses are alike


def test_scarce_classes_are_taken_as_they_are_or_made():
    even = pd.DataFrame({"x": range(100), "y": np.arange(100) % 10})
    made = with_scarce(Table("digits", even, "y", "multiclass"))
    assert made.task == "binary"
    assert made.frame["y"].value_counts().to_dict() == {"other": 90, "scarce": 10}
    tenth = with_scarce(Table("prices", even.assign(y=even["x"]), "y", "regression"))
    assert (tenth.frame["y"] == "scarce").sum() == 10
    uneven = Table("rare", even.assign(y=np.where(even["x"] < 20, "a", "b")), "y", "binary")
    assert with_scarce(uneven) is uneven


def test_where_no_validation_score_is_defined_there_is_no_best():
    a = [(100, (0.1, 0.2, 0.3), (0.1, None, None))]
    b = [(100, (0.4, 0.5, 0.6), (0.4, None, 0.4))]
    curves = Curves(studied({"baseline": [(100, (0.9,) * 3)], "a": a, "b": b}))
    assert list(curves.best(["a", "b"], 100)) == pytest.approx([0.1, np.nan, 0.6], nan_ok=True)


def test_a_table_on_which_nobody_learns_has_no_effect():
    lines = {"baseline": [(100, (0.3,) * 3)], "a": [(100, (0.4,) * 3)]}
    curves = Curves(studied(lines))
    assert not curves.tells
    assert curves.effect(curves.losses("a", 100)) is None


def test_the_rate_is_the_skill_gained_a_doubling():
    levels = (500, 1000, 2000, 4000)
    net = [(n, [0.5 - 0.05 * k + e for e in (-0.001, 0, 0.001)]) for k, n in enumerate(levels)]
    tree = [(n, (0.4,) * 3) for n in levels]
    lines = {"baseline": [(n, (0.85,) * 3) for n in levels], "net": net, "tree": tree}
    found = Curves(studied(lines)).rate(["net"], ["tree"])
    assert found.value == pytest.approx(0.05 / 0.5, rel=0.01)
    assert found.freedom == 2


def test_three_repeats_decide_a_table_only_by_much():
    """Two standard errors are plenty with many rows, and little with two degrees of freedom."""
    sure = {f"t{i}": Effect(0.05, 0.015) for i in range(13)}
    three = {f"t{i}": Effect(0.05, 0.015, 2) for i in range(13)}
    assert pool(sure, "more", 0.01).ahead == 13
    assert pool(three, "more", 0.01).ahead == 0


def test_every_claim_names_experiments_that_there_are():
    needed = {name for claim in LEDGER if isinstance(claim, Claim) for name in claim.needs}
    assert needed <= set(ledger.EXPERIMENTS)
    assert sum(isinstance(claim, Claim) for claim in LEDGER) >= 10


def test_controls_differ_in_one_thing_and_everyone_else_is_in_the_catalogue():
    from benchmarks.claims.controls import automl_claims_controls as controls

    made = {learner.name: learner for learner in controls.automl_learners()}
    names = {*claims.DEEP, *claims.CLASSICAL, *DETECTORS, *ENCODERS, *FILLED}
    assert names <= {*get_host().learners, *made}

    def differ(one, other):
        return {key for key in {**one, **other} if one.get(key) != other.get(key)}

    def flat(learner):
        apart = {"name", "defaults", "resources", "space", "size", "extra"}
        apart |= {"tasks", "summary", "source", "good_when", "prior"}
        fields = {key: value for key, value in asdict(learner).items() if key not in apart}
        return {**fields, **learner.defaults[0]}

    usual = {name: flat(entry.learner) for name, entry in get_host().learners.items()}
    one = {name: flat(learner) for name, learner in made.items()}
    assert one["pretrained"] == usual["autoencoder"]
    assert one["filled_up"] == usual["gan"]
    assert differ(one["pretrained"], one["pretrained_on_labelled"]) == {"uses_unlabelled"}
    cold = differ(one["pretrained_on_labelled"], one["not_pretrained"])
    assert cold == {"pretrain_epochs", "encoder_rate"}
    assert differ(one["filled_up"], one["not_filled_up"]) == {"balance"}


def test_a_claim_is_judged_once_all_its_tables_are_measured():
    tables_of = ledger.EXPERIMENTS["pruning"].tables
    whole = {"0": {"skill": [0.80, 0.81, 0.79]}}
    found = {"pruned": whole | {s: {"skill": [0.60, 0.61, 0.59]} for s in ("0.5", "0.9")}}
    lines = [{"experiment": "pruning", "table": name, "found": found} for name in tables_of]

    def words(some):
        return [row["verdict"] for row in ledger.ledger_of(some) if "pruned" in row["claim"]]

    assert words(lines[1:]) == ["not run"] * 2
    assert words(lines) == ["contradicted"] * 2


def test_the_published_ledger_is_what_its_evidence_says():
    rows = ledger.ledger_of(ledger.evidence_of(ledger.HERE / "evidence.jsonl"))
    with (ledger.HERE / "ledger.csv").open() as file:
        told = list(csv.DictReader(line for line in file if not line.startswith("#")))
    names = told[0]
    expected = [{name: str(row.get(name, "")) for name in names} for row in rows]
    assert told == expected
    assert ledger.table_of(rows) in ledger.PAGE.read_text("utf-8")
