from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.scaling import (
    Point,
    ScalingContent,
    Study,
    append_points,
    read_study,
    scaling_document,
    scaling_of,
    write_study,
)
from benchmarks.controls import planted
from tests.scaling.tables import study_of, table

RATES = {
    *("deep scales better", "deep scales worse", "equivalent", "no evidence"),
    *("undecided", "depends on tuning", "depends on the scale"),
}
MIRROR = {
    "deep scales better": "deep scales worse",
    "deep scales worse": "deep scales better",
    "deep ahead": "classical ahead",
    "classical ahead": "deep ahead",
}


def with_scores(study, change):
    """A copy of the study with every score changed."""
    points = tuple(
        replace(p, score=tuple(map(change, p.score)), score_val=tuple(map(change, p.score_val)))
        for p in study.points
    )
    return replace(study, points=points)


def swapped(study):
    other = {"deep": "classical", "classical": "deep"}
    return replace(study, points=tuple(replace(p, family=other[p.family]) for p in study.points))


def test_a_family_is_told_with_the_learners_that_stood_for_it():
    rows = table(
        {
            ("net", "deep"): lambda n: 0.1,
            ("tree", "classical"): lambda n: 0.2,
            ("line", "classical"): lambda n: 0.2,
        }
    )
    for row in rows:
        row["score"] += 0.01 * (row["learner"] == ("tree" if row["repeat"] < 2 else "line"))
        row["score_val"] = row["score"]
    first = scaling_document(study_of(rows))["contrasts"][0]
    assert first["sentence"].startswith(
        "On 8,000 training rows, the best deep learner (net) leads the best classical learner "
        "(tree or line, as validation chose) by "
    )


def test_the_layout_is_the_one_of_the_contract():
    content = scaling_document(planted.study(planted.falling, planted.flat, 3))
    assert list(content) == [
        *("axis", "metric", "greater_is_better", "bounded", "regime", "scored_on", "n_test"),
        *("repeats", "interval", "equal_seconds", "fits", "not_reached", "eliminated"),
        *("learners", "contrasts", "backtest"),
    ]
    learner = content["learners"]["net"]
    assert list(learner) == ["family", "points", "fits", "fit", "cost"]
    assert list(learner["points"][0]) == [
        *("n", "score", "low", "high", "fit_seconds", "predict_seconds"),
    ]
    assert list(learner["fit"]) == ["model", "params", "window"]
    assert list(learner["cost"]) == ["exponent", "low", "high"]
    for contrast, kind in zip(content["contrasts"], ("family", "learner"), strict=True):
        assert list(contrast) == [
            *("deep", "classical", "kind", "repeats", "df", "tested", "rate", "level"),
            *("crossover", "detectable", "cut_short", "envelope", "differences", "line"),
            "sentence",
        ]
        assert contrast["kind"] == kind
        rate, level = contrast["rate"], contrast["level"]
        assert list(rate) == ["per_doubling", "low", "high", "verdict", "ratio_per_doubling"]
        assert list(rate["ratio_per_doubling"]) == ["value", "low", "high"]
        assert list(level) == ["n", "difference", "low", "high", "verdict", "reversed_in"]
        assert (contrast["repeats"], contrast["df"]) == (5, 4)
        assert list(contrast["crossover"]) == ["status", "low", "high"]
    assert (content["contrasts"][1]["deep"], content["contrasts"][1]["classical"]) == (
        "net",
        "tree",
    )
    assert list(content["backtest"]) == [
        *("mae", "mae_last1", "winner_accuracy", "leader_stays", "extrapolation", "reason"),
    ]
    assert content["repeats"] == 5
    assert content["n_test"] == 4000
    json.dumps(content, allow_nan=False)


@pytest.mark.parametrize("make", [planted.study, planted.fit])
def test_what_is_read_is_what_was_written(make):
    content = scaling_document(make(planted.falling, planted.flat, 3))
    again = json.loads(json.dumps(content, allow_nan=False))
    assert ScalingContent.from_json(again).to_json() == content


@pytest.mark.parametrize("make", [planted.study, planted.fit])
def test_the_figure_of_a_verdict_ends_where_the_verdict_is(make):
    """Its last point is the level, and the slope of its line the rate, with their intervals."""
    study = make(planted.falling, planted.flat, 3)
    for contrast in scaling_document(study)["contrasts"]:
        last, level, rate = contrast["differences"][-1], contrast["level"], contrast["rate"]
        for key in ("n", "difference", "low", "high"):
            assert last[key] == level[key]
        n, line = (np.array([one[key] for one in contrast["line"]]) for key in ("n", "difference"))
        assert n[0] == pytest.approx(n[-1] / 8, rel=0.01)
        steps = np.diff(line) / np.diff(np.log2(n))
        assert steps == pytest.approx(rate["per_doubling"], rel=0.01)
        assert all(one["low"] < one["difference"] < one["high"] for one in contrast["line"])


def test_the_fitted_parameters_are_those_of_the_loss():
    content = scaling_document(planted.study(planted.falling, planted.flat, 3))
    fit = content["learners"]["net"]["fit"]
    c, a, b = (fit["params"][key] for key in "cab")
    assert c + a * 16000**-b == pytest.approx(planted.falling(16000), rel=0.05)
    assert fit["window"] == [2000, 16000]


def test_a_fit_is_marked_as_one_permutation():
    content = scaling_document(planted.fit(planted.falling, planted.flat, 3))
    assert (content["interval"], content["repeats"], content["regime"]) == (
        "one permutation",
        1,
        "halving",
    )
    assert "rate" in content["contrasts"][0]


@settings(max_examples=12)
@given(st.floats(1e-3, 1e3), st.integers(0, 100))
def test_the_unit_of_a_loss_changes_no_verdict(factor, seed):
    study = replace(planted.study(planted.falling, planted.flat, seed), bounded=False)
    first = scaling_document(study)["contrasts"][0]
    other = scaling_document(with_scores(study, lambda s: s * factor))["contrasts"][0]
    for part, word in (("rate", "verdict"), ("level", "verdict"), ("crossover", "status")):
        assert other[part][word] == first[part][word]
    assert other["rate"]["low"] == pytest.approx(first["rate"]["low"] * factor)


@settings(max_examples=12)
@given(st.integers(0, 1000), st.sampled_from([planted.study, planted.fit]))
def test_swapping_the_families_swaps_the_verdicts(seed, make):
    study = make(planted.falling, planted.flat, seed)
    first = scaling_document(study)["contrasts"][0]
    other = scaling_document(swapped(study))["contrasts"][0]
    for part in ("rate", "level"):
        word = first[part]["verdict"]
        assert other[part]["verdict"] == MIRROR.get(word, word)
        assert other[part]["low"] == pytest.approx(-first[part]["high"])
    assert other["crossover"] == first["crossover"]


@settings(max_examples=12)
@given(st.integers(0, 1000))
def test_accuracy_says_what_the_error_rate_says(seed):
    study = planted.study(planted.falling, planted.flat, seed)
    flipped = replace(with_scores(study, lambda s: 1 - s), greater_is_better=True)
    first, other = (scaling_document(s)["contrasts"][0] for s in (study, flipped))
    for key in ("per_doubling", "low", "high"):
        assert other["rate"][key] == pytest.approx(first["rate"][key])
    assert other["rate"]["ratio_per_doubling"] == pytest.approx(first["rate"]["ratio_per_doubling"])
    assert other["sentence"] == first["sentence"]


def test_regimes_that_disagree_depend_on_tuning():
    flat, steep = (lambda _: 0.2), (lambda n: 0.3 - 0.02 * np.log2(n / 1000))
    rows = table({("net", "deep"): steep, ("tree", "classical"): flat})
    rows += table({("net", "deep"): flat, ("tree", "classical"): steep}, regime="retuned")
    content = scaling_document(study_of(rows))
    assert content["regime"] == "retuned"
    assert {c["rate"]["verdict"] for c in content["contrasts"]} == {"depends on tuning"}
    assert "depends on tuning" in content["contrasts"][0]["sentence"]
    alone = scaling_document(study_of(rows[: len(rows) // 2]))
    assert alone["contrasts"][0]["rate"]["verdict"] == "deep scales better"


def test_levels_that_are_reversed_by_tuning_are_told():
    low, high = (lambda _: 0.1), (lambda _: 0.2)
    rows = table({("net", "deep"): low, ("tree", "classical"): high}, regime="default")
    rows += table({("net", "deep"): high, ("tree", "classical"): low}, regime="transferred")
    family = scaling_document(study_of(rows))["contrasts"][0]
    assert family["level"]["verdict"] == "classical ahead"
    assert family["level"]["reversed_in"] == ["default"]
    assert (
        "With default settings it is the other way round: the best deep learner leads by 10"
        in family["sentence"]
    )


def test_a_learner_that_stops_early_is_judged_at_its_own_top():
    curves = {("net", "deep"): lambda _: 0.2, ("tree", "classical"): lambda _: 0.3}
    rows = [r for r in table(curves) if (r["learner"], r["n"]) != ("net", 8000)]
    contrast = scaling_document(study_of(rows))["contrasts"][1]
    assert contrast["level"]["n"] == 4000
    assert contrast["sentence"].startswith("On 4,000 training rows")


def test_named_learners_meet_the_classical_one_that_validation_prefers():
    curves = {
        ("net", "deep"): lambda _: 0.2,
        ("poor", "classical"): lambda _: 0.3,
        ("strong", "classical"): lambda _: 0.1,
    }
    rows = [row | {"score_val": row["score"]} for row in table(curves)]
    contrasts = scaling_document(study_of(rows))["contrasts"]
    assert contrasts[1]["classical"] == "strong"
    assert contrasts[0]["level"]["verdict"] == "classical ahead"


def test_neither_side_is_tuned_deeper_than_the_other():
    """Nine more configurations of the tree would win; the net was given one."""
    curves = {("net", "deep"): lambda _: 0.2, ("tree", "classical"): lambda _: 0.25}
    rows = [row | {"score_val": row["score"]} for row in table(curves, noise=0.001)]
    for order in range(9):
        extra = table({("tree", "classical"): lambda _: 0.1}, noise=0.001)
        rows += [
            r | {"trial": f"tree-{order}", "order": 1000 + order, "score_val": r["score"]}
            for r in extra
        ]
    contrasts = scaling_document(study_of(rows))["contrasts"]
    assert [c["level"]["verdict"] for c in contrasts] == ["deep ahead"] * 2


def test_the_choice_sees_validation_and_the_curve_shows_the_rest():
    points = [
        Point(
            learner="net",
            family="deep",
            n=1000,
            score=(test,),
            score_val=(validation,),
            trial=f"net-{i}",
            order=i,
        )
        for i, (validation, test) in enumerate([(0.3, 0.1), (0.2, 0.4)])
    ]
    study = Study(metric="e", greater_is_better=False, bounded=True, points=tuple(points))
    assert scaling_document(study)["learners"]["net"]["points"][0]["score"] == 0.4


def test_cost_exponents_skip_what_is_set_up():
    rows = table({("net", "deep"): lambda _: 0.2, ("tree", "classical"): lambda _: 0.3})
    for row in rows:
        if row["learner"] == "tree":
            row["fit_seconds"] = 0.1
    learners = scaling_document(study_of(rows))["learners"]
    assert learners["net"]["cost"]["exponent"] == pytest.approx(1.5)
    assert learners["net"]["cost"]["low"] <= 1.5 + 1e-9
    assert learners["tree"]["cost"] == {"exponent": None, "low": None, "high": None}


def test_fits_that_time_cut_short_say_nothing_about_cost():
    rows = table({("net", "deep"): lambda _: 0.2, ("tree", "classical"): lambda _: 0.3})
    rows = [row | {"censored": row["n"] > 2000} for row in rows]
    assert scaling_document(study_of(rows))["learners"]["net"]["cost"]["exponent"] is None


def test_nothing_to_compare_is_said():
    found = scaling_of(study_of(table({("net", "deep"): lambda _: 0.2})))
    assert found.verdicts == []
    assert found.sentences[0] == "No classical learner has a curve, so nothing is compared."


def test_a_study_without_a_point_is_not_said_to_be_judged():
    empty = replace(study_of(table({("net", "deep"): lambda _: 0.2})), points=())
    assert scaling_of(empty).sentences == [
        "No deep and no classical learner has a curve, so nothing is compared."
    ]


@pytest.mark.parametrize("make", [planted.study, planted.fit])
def test_a_study_comes_back_from_disk(tmp_path, make):
    study = make(planted.falling, planted.flat, 7)
    half = len(study.points) // 2
    write_study(tmp_path, replace(study, points=study.points[:half]))
    append_points(tmp_path, study.points[half:])
    for line in (tmp_path / "points.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)  # NaN is no JSON
    with (tmp_path / "points.jsonl").open("a") as file:
        file.write('{"learner": "torn')
    assert scaling_document(read_study(tmp_path)) == scaling_document(study)


def test_studies_of_earlier_versions_can_be_read(tmp_path):
    """Their points say `hurried`, and their header less."""
    study = planted.study(planted.falling, planted.flat, 7)
    write_study(tmp_path, study)
    file = tmp_path / "points.jsonl"
    first, *lines = [json.loads(line) for line in file.read_text().splitlines()]
    for key in ("not_reached", "seconds_per_row", "equal_seconds"):
        del first["study"][key]
    for number, line in enumerate(lines):
        del line["needed_seconds"], line["censored"]
        line["hurried"] = number == 3
    file.write_text("".join(json.dumps(line) + "\n" for line in (first, *lines)))
    found = read_study(tmp_path)
    assert [point.censored for point in found.points].index(True) == 3
    assert found.not_reached == ()
    assert scaling_document(found)["fits"] == {"count": 90, "censored": 1}


def test_every_verdict_is_of_the_closed_vocabulary():
    for seed in range(5):
        study = planted.study(planted.flat, planted.flat, seed, repeats=3)
        for contrast in scaling_document(study)["contrasts"]:
            assert contrast["rate"]["verdict"] in RATES
            assert contrast["crossover"]["status"] in {"unknown", "not within 2x"}
