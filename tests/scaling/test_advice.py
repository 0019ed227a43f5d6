"""Advice says what was seen, with its interval, or that it cannot be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.scaling import scaling_of
from tests.scaling.tables import study_of, table

TREE = ("tree", "classical")
NET = ("net", "deep")


def advice(rows):
    return {entry.subject: entry for entry in scaling_of(study_of(rows)).advice}


def falling(n):
    return 0.4 * (n / 1000) ** -0.4


def flat(_):
    return 0.35


def test_a_last_doubling_that_helped_speaks_for_more_rows():
    found = advice(table({NET: falling, TREE: flat}))["rows"]
    assert found.answer == "probably"
    assert found.text.startswith("The last doubling, to 8,000 training rows, gained net ")
    assert "(" in found.text


def test_a_last_doubling_without_effect_speaks_against_them():
    found = advice(table({NET: lambda _: 0.4, TREE: flat}, noise=0.001))["rows"]
    assert found.answer == "probably little"
    assert "less than 0.5 points" in found.text


def test_noise_cannot_tell():
    found = advice(table({NET: flat, TREE: flat}, noise=0.1))
    assert {entry.answer for entry in found.values()} == {"cannot tell"}


def test_without_an_anchor_at_half_nothing_is_said_about_rows():
    found = advice(table({NET: falling, TREE: flat}, n=(1000, 8000)))["rows"]
    assert found.answer == "cannot tell"
    assert "no anchor at half" in found.text


@pytest.mark.parametrize("deep_leads", [True, False])
def test_whoever_leads_and_keeps_it_is_stayed_with(deep_leads):
    low, high = (lambda _: 0.1), (lambda _: 0.3)
    curves = {NET: low if deep_leads else high, TREE: high if deep_leads else low}
    found = advice(table(curves, noise=0.001))["family"]
    leader = "deep" if deep_leads else "classical"
    assert found.answer == "probably little"
    assert found.text.startswith(f"Stay with the best {leader} learner")


def test_one_that_catches_up_is_not_written_off():
    found = advice(table({NET: falling, TREE: lambda _: 0.1}))["family"]
    assert found.answer == "cannot tell"
    assert "gains on it" in found.text


@pytest.mark.parametrize(("better", "answer"), [(0.1, "probably"), (0.2, "probably little")])
def test_what_search_brought_is_told(better, answer):
    rows = [
        {**row, "score_val": row["score"]}
        for row in table({NET: lambda _: 0.2, TREE: lambda _: 0.3}, noise=0.0005)
    ]
    again = table({NET: lambda _: better}, noise=0.0005, seed=1)
    rows += [{**r, "trial": "net-1", "order": 999, "score_val": r["score"]} for r in again]
    found = advice(rows)["compute"]
    assert found.answer == answer
    assert "2 configurations of net" in found.text
    assert "Twice the rows take net about 2.8 times as long" in found.text


def test_one_configuration_says_nothing_about_others():
    found = advice(table({NET: falling, TREE: flat}))["compute"]
    assert found.answer == "cannot tell"


def test_a_long_study_predicts_the_error_rate_with_its_band():
    n = [round(16000 * 2 ** (-k / 2)) for k in reversed(range(9))]
    rows = [
        {**row, "error": row["score"]}
        for row in table({NET: falling, TREE: flat}, n=n, noise=0.001)
    ]
    text = advice(rows)["rows"].text
    assert "At twice the rows its error rate would be about 0.1" in text
    assert "90% band" in text


@pytest.mark.parametrize(("gap", "status"), [(2.0, "not within 2x"), (1.1, "unknown")])
def test_only_a_wide_lead_excludes_a_crossover_within_twice_the_rows(gap, status):
    """The score is noisy at one anchor, so that `none up to N` cannot be said."""
    n = [round(16000 * 2 ** (-k / 2)) for k in reversed(range(9))]
    curves = {
        NET: lambda rows: gap * 0.1 * (rows / 16000) ** -0.3,
        TREE: lambda rows: 0.1 * (rows / 16000) ** -0.3,
    }
    rows = [{**row, "error": row["score"]} for row in table(curves, n=n, noise=0.001)]
    for row in rows:
        if row["learner"] == "net" and row["n"] == 2000:
            row["score"] += 0.2 * (row["repeat"] - 2)
    found = scaling_of(study_of(rows))
    assert found.document["backtest"]["extrapolation"] == "shown"
    assert found.verdicts[0]["level"]["verdict"] == "classical ahead"
    assert found.verdicts[0]["crossover"]["status"] == status


def test_tuning_on_few_rows_is_set_against_the_default():
    tuned = {NET: lambda n: 0.8 * falling(n), TREE: flat}
    rows = table({NET: falling, TREE: flat}, noise=0.0005)
    rows += table(tuned, regime="transferred", noise=0.0005, seed=1)
    found = advice(rows)["compute"]
    assert found.answer == "probably"
    assert found.text.startswith("Tuning net on few rows gained ")


def test_nothing_is_advised_of_a_spoilt_table():
    study = replace(study_of(table({NET: falling, TREE: flat})), axis="label-noise")
    assert scaling_of(study).advice == ()
