"""Within a repeat the same learners stand at every anchor; what cannot be told is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.errors import UsageError
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
    """The best learner must not change from repeat to repeat with who was there."""
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
    said = family(table(curves))["sentence"]
    assert "Neither overtakes the other between 1,000 and 8,000 training rows" in said


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


# ----------------------------------------------------------------- one learner a repeat


def test_each_side_is_one_learner_a_repeat_followed_down():
    """Early leads on few rows, late on many; validation at the top prefers late."""
    curves = {
        ("early", "deep"): {1000: 0.2, 2000: 0.2, 4000: 0.2, 8000: 0.2}.get,
        ("late", "deep"): {1000: 0.4, 2000: 0.3, 4000: 0.2, 8000: 0.1}.get,
        ("tree", "classical"): flat(0.25),
    }
    rows = [row | {"score_val": row["score"]} for row in table(curves)]
    every, *_ = contrasts(study_of(rows))
    assert {pick.points[0].learner for pick, _ in every.pairs.values()} == {"late"}
    found = family(rows)
    assert found["rate"]["per_doubling"] == pytest.approx(-0.1, abs=0.01)
    assert found["envelope"]["per_doubling"] == pytest.approx(-0.03, abs=0.01)
    assert "(its envelope)" in found["sentence"]


def test_a_configuration_is_followed_down_too():
    """The trial that is best at the top is not the best of the learner below."""
    curves = {("net", "deep"): flat(0.3), ("tree", "classical"): flat(0.25)}
    rows = [row | {"score_val": row["score"]} for row in table(curves, noise=0.0)]
    early = {1000: 0.1, 2000: 0.1, 4000: 0.1, 8000: 0.4}.get
    rows += [
        row | {"trial": f"{row['trial']}-1", "order": 1000, "score_val": row["score"]}
        for row in table({("net", "deep"): early, ("tree", "classical"): flat(0.26)}, noise=0)
    ]
    every, *_ = contrasts(study_of(rows))
    assert {pick.points[0].trial for pick, _ in every.pairs.values()} == {"net"}


def test_settings_that_are_tuned_anew_are_the_best_at_each_anchor():
    curves = {("net", "deep"): flat(0.3), ("tree", "classical"): flat(0.25)}
    rows = table(curves, noise=0.0, regime="retuned")
    better = {1000: 0.1, 2000: 0.1, 4000: 0.4, 8000: 0.4}.get
    rows += [
        row | {"trial": f"{row['trial']}-1", "order": 1000}
        for who in (("net", "deep"), ("tree", "classical"))
        for row in table({who: better}, noise=0.0, regime="retuned")
    ]
    rows = [row | {"score_val": row["score"]} for row in rows]
    every, *_ = contrasts(study_of(rows))
    trials = {cell.n: deep.points[0].trial for cell, (deep, _) in every.pairs.items()}
    assert trials == {1000: "net-1", 2000: "net-1", 4000: "net", 8000: "net"}


# -------------------------------------------------------------------- fits cut short


def chosen(rows):
    return [row | {"score_val": row["score"]} for row in rows]


def cut(rows, *learners):
    """Fits of these learners took 10 of 40 seconds."""
    late = {"censored": True, "fit_seconds": 10.0, "needed_seconds": 40.0}
    return [row | (late if row["learner"] in learners else {}) for row in rows]


THREE = {("mlp", "deep"): flat(0.2), ("tree", "classical"): flat(0.25)}
BOOST = {("boost", "classical"): flat(0.3)}


def test_a_rival_that_was_cut_short_may_be_better_than_the_one_chosen():
    """A booster that had too little time stands below a tree, and the tree below a net."""
    rows = chosen(table(THREE | BOOST, noise=0.001))
    assert family(rows)["level"]["verdict"] == "deep ahead"
    found = family(cut(rows, "boost"))
    assert found["level"]["verdict"] == found["rate"]["verdict"] == "undecided"
    assert found["cut_short"]["classical"] == {
        "fits": 25,  # two candidates at the top and the tree at three anchors below, five times
        "censored": 5,
        "learners": ["boost"],
        "left_behind": [],
        "seconds": 150.0,
    }
    assert (
        "which is better is undecided. The classical side was cut short by the time limit in 5 of "
        "25 fits (boost); to let them end takes up to about 2 minutes more." in found["sentence"]
    )


def test_one_that_trailed_where_it_ended_by_itself_costs_no_verdict():
    """In one of five repeats the booster was cut short; in the others it ended, and trailed."""
    rows = chosen(table(THREE | BOOST, noise=0.001))
    once = [row | {"censored": row["learner"] == "boost" and row["repeat"] == 0} for row in rows]
    assert family(once)["level"]["verdict"] == "deep ahead"
    led = [row | ({"score_val": 0.1} if row["learner"] == "boost" else {}) for row in rows]
    late = [
        row | {"censored": row["n"] == 8000, "score": 0.3} if row["learner"] == "boost" else row
        for row in led
    ]
    late = [row | {"score_val": row["score"]} if row["n"] == 8000 else row for row in late]
    assert family(late)["level"]["verdict"] == "undecided"


def test_an_anchor_with_a_fit_that_was_cut_short_is_left_out_of_the_curve():
    rows = chosen(table({("mlp", "deep"): flat(0.2), ("tree", "classical"): flat(0.25)}))
    late = [
        row | {"censored": (row["learner"], row["n"], row["repeat"]) == ("mlp", 2000, 3)}
        for row in rows
    ]
    every, *_ = contrasts(study_of(late))
    assert list(every.gap.n) == [1000, 4000, 8000]
    assert not any(every.cut_short)
    few = [row | {"censored": row["n"] in {1000, 2000}} for row in rows]
    assert list(contrasts(study_of(few))[0].gap.n) == [1000, 2000, 4000, 8000]
    assert family(few)["rate"]["verdict"] == "undecided"
    assert family(few)["level"]["verdict"] == "deep ahead"


def test_the_other_side_may_still_be_shown_to_trail():
    """Whatever the booster would have gained, classical is ahead already."""
    rows = chosen(table({("mlp", "deep"): flat(0.3), ("tree", "classical"): flat(0.2)} | BOOST))
    assert family(cut(rows, "boost"))["level"]["verdict"] == "classical ahead"


def test_one_that_led_where_time_left_it_is_not_beaten():
    curves = THREE | {("boost", "classical"): flat(0.15)}
    rows = without(chosen(table(curves, noise=0.001)), "boost", lambda row: row["n"] > 4000)
    study = replace(study_of(rows), not_reached=("boost",))
    found = scaling_of(study).document["contrasts"][0]
    assert found["level"]["verdict"] == "undecided"
    assert found["cut_short"]["classical"]["left_behind"] == ["boost"]
    assert "lacks boost, which time kept from 8,000 training rows" in found["sentence"]


def test_only_fits_that_leave_the_verdict_open_are_told_with_it():
    """A tree that trails was cut short once; the booster left behind leaves the side open."""
    curves = THREE | {("boost", "classical"): flat(0.15), ("poor", "classical"): flat(0.4)}
    rows = without(chosen(table(curves, noise=0.001)), "boost", lambda row: row["n"] > 4000)
    once = ("poor", 8000, 0)
    rows = [row | {"censored": (row["learner"], row["n"], row["repeat"]) == once} for row in rows]
    found = scaling_of(replace(study_of(rows), not_reached=("boost",))).document["contrasts"][0]
    assert found["cut_short"]["classical"]["censored"] == 1
    assert "The classical side lacks boost, which time kept from" in found["sentence"]


def test_one_that_trailed_where_time_left_it_costs_no_verdict():
    rows = without(chosen(table(THREE | BOOST, noise=0.001)), "boost", lambda r: r["n"] > 4000)
    study = replace(study_of(rows), not_reached=("boost",))
    found = scaling_of(study).document["contrasts"][0]
    assert found["level"]["verdict"] == "deep ahead"
    assert found["sentence"].endswith("Left out, because they did not get this far: boost.")


def test_the_share_of_fits_that_the_limit_cut_short_is_told():
    rows = cut(chosen(table(THREE | BOOST, noise=0.001)), "boost")
    said = scaling_of(study_of(rows))
    assert said.document["fits"] == {"count": 60, "censored": 20}
    assert said.document["learners"]["boost"]["fits"] == {"count": 20, "censored": 20}
    assert "(which cut 20 of 60 fits short)" in said.sentences[-1]


def test_equal_seconds_are_another_question_and_say_so():
    """A booster cut at its ten seconds is compared as it stands; a fit beyond them is not."""
    curves = THREE | BOOST | {("slow", "classical"): flat(0.1)}
    rows = cut(chosen(table(curves, noise=0.001)), "boost")
    rows = [row | ({"fit_seconds": 90.0} if row["learner"] == "slow" else {}) for row in rows]
    study = replace(study_of(rows), seconds_per_row=0.01)
    found = scaling_of(study.in_equal_seconds()).document["contrasts"][0]
    assert found["level"]["verdict"] == "deep ahead"
    assert found["sentence"].startswith("In equal seconds, on 8,000 training rows, the best deep")
    with pytest.raises(UsageError, match="not offered the same seconds"):
        study_of(rows).in_equal_seconds()
