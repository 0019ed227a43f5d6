"""Learners that could lead by validation are tested; the others are described without a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.scaling import contrasts, read_study, scaling_document, scaling_of, write_study
from automl.scaling.leaders import could_lead
from tests.scaling.tables import study_of, table

NETS = [f"net{i}" for i in range(6)]
CURVES = {(name, "deep"): lambda n, i=i: 0.2 + i / 50 + n**-0.5 for i, name in enumerate(NETS)}
CURVES[("tree", "classical")] = lambda n: 0.1 + n**-0.5


def nets(seen=lambda row: row["score"], **options):
    rows = table(CURVES, **options)
    return study_of([row | {"score_val": seen(row)} for row in rows])


def backwards(row):
    """Validation that prefers the worst."""
    return -row["score"]


@pytest.mark.parametrize(("count", "first"), [(1, 1), (3, 3), (6, 6), (9, 6)])
def test_so_many_are_tested_that_validation_puts_first(count, first):
    study = replace(nets(), tested=count)
    assert could_lead(study, contrasts(study)) == set(NETS[:first])


def test_test_rows_have_no_say():
    study = nets(seen=backwards)
    assert could_lead(study, contrasts(study)) == set(NETS[-3:])


def test_results_without_validation_scores_are_all_tested():
    study = nets(seen=lambda row: float("nan"))
    assert could_lead(study, contrasts(study)) == set(NETS)


def test_who_did_not_come_to_the_last_anchor_is_described():
    points = nets().points
    short = [p for p in points if p.learner != "net0" or p.n < 8000]
    study = replace(nets(), points=tuple(short))
    assert could_lead(study, contrasts(study)) == {"net1", "net2", "net3"}


def test_the_others_have_figures_and_no_verdict():
    study = nets()
    document = scaling_document(study)
    family, *learners = document["contrasts"]
    assert family["tested"]
    assert family["level"]["verdict"] == "classical ahead"
    for name, one in zip(NETS, learners, strict=True):
        assert one["deep"] == name
        assert one["tested"] == (name in NETS[:3])
        if one["tested"]:
            assert one["level"]["verdict"] == "classical ahead"
            assert one["detectable"] > 0
            continue
        assert one["level"]["verdict"] == "undecided"
        assert one["rate"]["verdict"] == "no evidence"
        assert one["crossover"]["status"] == "unknown"
        assert one["detectable"] is None
        assert 0 < one["level"]["low"] < one["level"]["difference"] < one["level"]["high"]
        assert "describes and was not tested" in one["sentence"]
        assert f"tree is ahead of {name} by" in one["sentence"]
    found = scaling_of(study).content.contrasts[-1]
    assert found.words == ("not tested", "not tested", "not tested")


def test_fewer_tests_make_narrower_intervals_and_leave_the_family_alone():
    widths = {}
    for count in (3, 6):
        document = scaling_document(replace(nets(noise=0.05), tested=count))
        widths[count] = [one["rate"]["high"] - one["rate"]["low"] for one in document["contrasts"]]
    assert widths[3][0] == widths[6][0]
    assert min(widths[3][1:4]) < min(widths[6][1:4])


def raced():
    """Five repeats of three nets; of the others the first only."""
    study, left = nets(), ("net3", "net4", "net5")
    kept = tuple(p for p in study.points if p.repeat == 0 or p.learner not in left)
    return replace(study, points=kept, eliminated=left)


def test_who_had_the_first_repeat_only_is_described_and_named():
    found = scaling_of(raced())
    family, *learners = found.content.contrasts
    assert family.repeats == 5
    assert {one.deep: one.repeats for one in learners} == dict(
        zip(NETS, (5, 5, 5, 1, 1, 1), strict=True)
    )
    assert [one.deep for one in learners if one.tested] == NETS[:3]
    assert "Only the first repeat had net3, net4 and net5" in found.sentences[-1]
    assert found.document["eliminated"] == ["net3", "net4", "net5"]
    late = scaling_of(replace(raced(), not_reached=("net4",)))  # it was time, not validation
    assert "Only the first repeat had net3 and net5" in late.sentences[-1]


def test_the_race_changes_no_figure_of_the_family_whose_leader_went_on():
    """The anchors of the verdict are those that half of the learners that went on have."""
    with_all, few = (scaling_document(one)["contrasts"][0] for one in (nets(), raced()))
    for key in ("difference", "n"):
        assert few["level"][key] == with_all["level"][key]
    assert few["rate"]["per_doubling"] == with_all["rate"]["per_doubling"]


def test_a_race_comes_back_from_disk(tmp_path):
    write_study(tmp_path, raced())
    assert read_study(tmp_path).eliminated == ("net3", "net4", "net5")
