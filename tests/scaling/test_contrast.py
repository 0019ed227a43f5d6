"""Within a repeat the same learners stand at every anchor; what cannot be told is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.scaling import scaling_of
from automl.scaling.contrast import contrasts
from tests.scaling.tables import study_of, table

N = (1000, 2000, 4000, 8000)


def flat(value):
    return lambda _: value


def family(rows, **kwargs):
    document = scaling_of(study_of(rows, **kwargs)).document
    return next(one for one in document["contrasts"] if one["kind"] == "family")


def without(rows, learner, gone):
    return [row for row in rows if row["learner"] != learner or not gone(row)]


def test_one_that_cannot_afford_the_top_bends_no_curve():
    """Flat curves; the best deep learner stops at half of the rows."""
    curves = {("dear", "deep"): 0.10, ("cheap", "deep"): 0.15, ("tree", "classical"): 0.12}
    rows = table({who: flat(value) for who, value in curves.items()}, noise=0.001)
    found = family(without(rows, "dear", lambda row: row["n"] > 4000))
    assert found["rate"]["verdict"] in {"equivalent", "no evidence"}
    assert found["crossover"]["status"] == "none up to N"
    assert "(cheap)" in found["sentence"]
    assert found["sentence"].endswith("they did not get this far: dear.")


def test_a_family_is_told_where_half_of_it_is():
    curves = {(f"net{i}", "deep"): 0.1 + i / 100 for i in range(4)} | {("tree", "classical"): 0.3}
    rows = table({who: flat(value) for who, value in curves.items()}, noise=0.001)
    for dear in ("net0", "net1", "net2"):
        rows = without(rows, dear, lambda row: row["n"] > 4000)
    assert family(rows)["level"]["n"] == 4000


def test_repeats_that_some_could_not_afford_are_left_out():
    """Who is best must not change from repeat to repeat with who was there."""
    curves = {("boost", "classical"): 0.10, ("line", "classical"): 0.15}
    curves |= {("tab", "deep"): 0.11, ("mlp", "deep"): 0.12}
    rows = table({who: flat(value) for who, value in curves.items()}, noise=0.0005)
    for dear in ("boost", "tab"):
        rows = without(rows, dear, lambda row: row["repeat"] >= 3)
    document = scaling_of(study_of(rows)).document
    level = document["contrasts"][0]["level"]
    assert level["verdict"] == "classical ahead"
    assert level["difference"] == pytest.approx(0.01, abs=0.002)
    named = {one["deep"]: one for one in document["contrasts"] if one["kind"] == "learner"}
    assert named["mlp"]["classical"] == "boost"


def test_one_that_is_not_the_best_costs_no_repeat():
    """A learner that few repeats could afford, on both sides, and that nobody prefers."""
    curves = {("boost", "classical"): 0.10, ("slow", "classical"): 0.15}
    curves |= {("tab", "deep"): 0.11, ("dear", "deep"): 0.2, ("mlp", "deep"): 0.3}
    rows = table({who: flat(value) for who, value in curves.items()}, noise=0.0005)
    for late in ("slow", "dear"):
        rows = without(rows, late, lambda row: row["repeat"] >= 3)
    every, *named = contrasts(study_of(rows))
    assert len(every.gap.values) == 5
    assert {one.deep: len(one.gap.values) for one in named} == {"tab": 5, "dear": 3, "mlp": 5}


def test_a_rival_without_one_fit_is_still_the_rival():
    curves = {("boost", "classical"): 0.10, ("line", "classical"): 0.15, ("mlp", "deep"): 0.12}
    rows = table({who: flat(value) for who, value in curves.items()}, noise=0.0005)
    rows = without(rows, "boost", lambda row: row["n"] == 1000 and row["repeat"] == 4)
    named = scaling_of(study_of(rows)).document["contrasts"][1]
    assert named["classical"] == "boost"


def test_repeats_that_all_agree_are_not_certain():
    """36 rows a repeat, one apart in each."""
    curves = {("net", "deep"): flat(4 / 36), ("tree", "classical"): flat(3 / 36)}
    rows = [row | {"rows": 36} for row in table(curves, repeats=3, noise=0.0)]
    assert family(rows)["level"]["verdict"] == "undecided"


def test_repeats_on_the_same_rows_know_no_more_than_those_rows():
    def error(name, row):
        wrong = [0.0] * 100
        wrong[: 20 if name == "net" else 18] = [1.0] * (20 if name == "net" else 18)
        return wrong if row["repeat"] == 0 else None

    curves = {("net", "deep"): flat(0.20), ("tree", "classical"): flat(0.18)}
    rows = table(curves, noise=1e-5)
    rows = [row | {"rows": 100, "losses": error(row["learner"], row)} for row in rows]
    study = study_of(rows)
    apart = scaling_of(study).document["contrasts"][0]["level"]
    alike = scaling_of(replace(study, same_rows=True)).document["contrasts"][0]["level"]
    assert apart["verdict"] == "classical ahead"
    assert alike["verdict"] == "undecided"
    assert alike["high"] - alike["low"] > 0.04


def test_too_few_repeats_are_the_reason_told():
    curves = {("net", "deep"): lambda n: 0.4 * (n / 1000) ** -0.3, ("tree", "classical"): flat(0.2)}
    found = family(table(curves, repeats=2, noise=0.0001))
    assert found["rate"]["verdict"] == "no evidence"
    assert "too few anchors or repeats" in found["sentence"]
    assert "unseen" not in found["sentence"]


def test_who_leads_above_a_crossing_is_who_led_there():
    """Deep goes ahead and is caught again: at the top nothing is sure."""
    values = dict(zip(N, (0.30, 0.10, 0.18, 0.2001), strict=True))
    curves = {("net", "deep"): values.get, ("tree", "classical"): flat(0.2)}
    sentence = family(table(curves, noise=0.001))["sentence"]
    assert "above, the best deep learner led, but no longer clearly on 8,000" in sentence


def test_no_crossover_is_said_of_the_rows_that_were_looked_at():
    curves = {("net", "deep"): flat(0.1), ("tree", "classical"): flat(0.2)}
    assert "no crossover between 1,000 and 8,000 training rows" in family(table(curves))["sentence"]


@pytest.mark.parametrize(("tuned", "spoken"), [(2, "default"), (3, "default"), (5, "transferred")])
def test_the_regime_spoken_about_has_the_most_repeats(tuned, spoken):
    curves = {("net", "deep"): flat(0.1), ("tree", "classical"): flat(0.2)}
    rows = table(curves, repeats=5) + table(curves, repeats=tuned, regime="transferred")
    assert scaling_of(study_of(rows)).document["regime"] == spoken


def test_the_margin_of_an_r2_is_of_what_is_left_to_explain():
    curves = {("net", "deep"): flat(0.990), ("tree", "classical"): flat(0.982)}
    rows = table(curves, noise=1e-5)
    found = family(rows, metric="r2", greater=True, bounded=False)
    assert found["level"]["verdict"] == "deep ahead"
