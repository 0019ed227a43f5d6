from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from automl.scaling import Estimate, Series, crossover, decide, decide_rate, holm

finite = st.floats(-1, 1)


@pytest.mark.parametrize(
    ("value", "se", "sign"),
    [(0.02, 0.005, 1), (-0.02, 0.005, -1), (0.001, 0.001, 0), (0.02, 0.02, None)],
)
def test_each_word_has_its_rule(value, se, sign):
    assert decide(Estimate(value, ((se, 1000),)), 0.005).sign == sign


def test_a_clear_difference_too_small_to_matter_is_equal():
    assert decide(Estimate(0.002, ((0.0002, 1000),)), 0.005).sign == 0


def test_what_is_neither_clear_nor_small_stays_open():
    """The 95% interval excludes 0, the value does not exceed the margin, the 90% one does."""
    assert decide(Estimate(0.0045, ((0.001, 1000),)), 0.005).sign is None


def test_ahead_needs_the_margin_to_be_tested():
    """The value exceeds the margin, and the interval excludes 0, but not the margin."""
    near = Estimate(0.006, ((0.001, 1000),))
    assert near.interval()[0] > 0
    assert decide(near, 0.005).sign is None
    assert decide(Estimate(0.0068, ((0.001, 1000),)), 0.005).sign == 1


def test_errors_of_several_sources_combine_as_a_root_sum_of_squares():
    estimate = Estimate(0.1, ((0.03, 1000), (0.04, 4)))
    assert estimate.se == pytest.approx(0.05)
    welch = 0.05**4 / (0.03**4 / 1000 + 0.04**4 / 4)
    assert estimate.df == pytest.approx(welch)
    assert estimate.half() == pytest.approx(stats.t.ppf(0.975, welch) * 0.05)
    assert estimate.p == pytest.approx(2 * stats.t.sf(2, welch))


@pytest.mark.parametrize(("alpha", "df"), [(0.05, 4), (0.05 / 11, 4), (0.05, 1e5)])
def test_what_is_detectable_is_found_four_times_in_five(alpha, df):
    reach = Estimate(0.0, ((0.01, df),)).detectable(alpha) / 0.01
    critical = stats.t.ppf(1 - alpha / 2, df)
    assert stats.nct.sf(critical, df, reach) == pytest.approx(0.8, abs=1e-3)


def test_without_an_error_nothing_is_decided():
    found = decide(Estimate(5.0, ()), 0.005)
    assert found.sign is None
    assert found.low == -np.inf


def test_repeats_are_corrected_for_sharing_rows():
    values = np.array([[0.1], [0.2], [0.3], [0.4], [0.6]])
    estimate = Series(np.array([100.0]), values).at()
    error = np.sqrt((1 / 5 + 0.05) * values.var(ddof=1))
    assert estimate.errors == ((pytest.approx(error), 4),)


@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 1000))
def test_further_shuffles_add_degrees_of_freedom_and_no_precision(shuffles, more, seed):
    """Between one shuffle's error and Nadeau and Bengio's, the same for whole shuffles."""
    r = 5 * shuffles + more
    values = np.random.default_rng(seed).normal(size=(r, 1))
    spread = Series(np.array([1.0]), values, repeat=np.arange(r), folds=5).at().spread
    assert spread.df == r - shuffles - (more > 0)
    assert 0.25 - 1e-12 <= spread.share <= 1 / r + 1 / 4
    if not more:
        assert spread.share == pytest.approx(0.25)
        parts = values.reshape(shuffles, 5)
        assert spread.variance == pytest.approx(parts.var(axis=1, ddof=1).mean())


def test_repeats_of_different_shuffles_alone_tell_no_error():
    series = Series(np.array([1.0]), np.array([[0.1], [0.3]]), repeat=np.array([4, 5]), folds=5)
    assert series.at().errors == ()


def test_rows_of_one_permutation_are_paired_across_anchors():
    """An offset common to all anchors cancels in the slope and stays in the level."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(4000, 1))
    rows = common + 0.01 * rng.normal(size=(4000, 4))
    series = Series(np.array([1000.0, 2000, 4000, 8000]), rows.mean(axis=0)[None], rows)
    assert series.at().errors[0][0] == pytest.approx(1 / np.sqrt(4000), rel=0.1)
    assert series.slope().errors[0][0] < 0.001
    x = np.log2(series.n)
    assert series.slope().value == pytest.approx(np.polyfit(x, series.mean, 1)[0])
    fit = stats.linregress(x, series.mean)
    assert series.slope().errors[1] == (pytest.approx(fit.stderr), 2)


@settings(max_examples=20)
@given(st.lists(st.tuples(finite, st.floats(0.001, 1)), min_size=1, max_size=8))
def test_plain_intervals_at_holms_levels_decide_as_holm_does(pairs):
    from statsmodels.stats.multitest import multipletests

    estimates = [Estimate(value, ((se, 10),)) for value, se in pairs]
    p = [e.p for e in estimates]
    rejected = multipletests(p, 0.05, "holm")[0]
    levels = holm(p, [1.0] * len(p))
    for estimate, at, expected in zip(estimates, levels, rejected, strict=True):
        low, high = estimate.interval(at.differ)
        assert (low > 0 or high < 0) == expected


def test_one_learner_is_not_corrected():
    levels = holm([0.3], [0.01])
    assert levels[0].differ == levels[0].equal == 0.05


def gap(*means, se=0.01, first=1000.0):
    """Three repeats about the given means."""
    spread = np.array([-1.0, 0.0, 1.0])[:, None] * se
    n = first * 2.0 ** (np.arange(len(means)) / 2)
    return Series(n, np.array(means) + spread)


def test_a_change_of_sign_between_sure_anchors_is_a_crossing():
    found = crossover(gap(0.3, 0.1, -0.1, -0.3))
    assert found.status == "observed"
    assert 1414 < found.low < 1682 < found.high < 2000


def test_the_interval_holds_every_anchor_that_is_not_sure():
    found = crossover(gap(0.3, 0.01, 0.0, -0.01, -0.3))
    assert found.low < 1414
    assert found.high > 2828


def test_the_same_sign_all_along_the_window_is_none_up_to_n():
    assert crossover(gap(0.3, 0.2, 0.1)).status == "none up to N"
    assert crossover(gap(-0.1, -0.2, -0.3)).status == "none up to N"


@pytest.mark.parametrize("means", [(0.3, 0.2, 0.001), (0.3, -0.3, 0.3), (0.0, 0.0, 0.0)])
def test_everything_else_is_unknown(means):
    assert crossover(gap(*means)).status == "unknown"


@given(st.lists(finite, min_size=2, max_size=9), st.floats(0.001, 0.3))
def test_a_crossing_lies_within_the_anchors_and_mirrors(means, se):
    found = crossover(gap(*means, se=se))
    mirrored = crossover(gap(*(-mean for mean in means), se=se))
    assert found.status == mirrored.status
    if found.status == "observed":
        assert 1000 <= found.low <= found.high <= 1000 * 2 ** ((len(means) - 1) / 2) + 1
        assert (found.low, found.high) == pytest.approx((mirrored.low, mirrored.high))


# ------------------------------------------------------------------------- two scales


SURE = ((0.001, 1000),)


@pytest.mark.parametrize(
    ("difference", "ratio", "word"),
    [
        (-0.02, -0.05, "deep scales better"),
        (0.02, 0.05, "deep scales worse"),
        (-0.02, 0.0, "depends on the scale"),
        (-0.02, 0.05, "depends on the scale"),
        (0.001, 0.0, "equivalent"),
        (0.001, -0.05, "equivalent"),
    ],
)
def test_who_gains_must_gain_on_both_scales(difference, ratio, word):
    found = decide_rate(Estimate(difference, SURE), Estimate(ratio, SURE), 0.005)
    assert found.word == word
    mirrored = decide_rate(Estimate(-difference, SURE), Estimate(-ratio, SURE), 0.005)
    swap = {"deep scales better": "deep scales worse", "deep scales worse": "deep scales better"}
    assert mirrored.word == swap.get(word, word)


def test_noise_on_both_scales_is_no_evidence():
    vague = Estimate(-0.02, ((0.02, 4),))
    assert decide_rate(vague, vague, 0.005).word == "no evidence"


def test_a_ratio_that_is_not_defined_decides_nothing():
    unknown = Estimate(np.nan, ())
    assert decide_rate(Estimate(-0.02, SURE), unknown, 0.005).word == "depends on the scale"
    assert decide_rate(Estimate(-0.02, ((0.05, 4),)), unknown, 0.005).word == "no evidence"


# -------------------------------------------------------------------- fits cut short


def test_what_would_be_lower_is_never_called_high():
    high = Estimate(0.05, SURE, lower=True)
    assert decide(high, 0.005).sign is None
    assert decide(Estimate(-0.05, SURE, lower=True), 0.005).sign == -1
    assert decide(Estimate(0.0, SURE, lower=True), 0.005).sign is None
    assert decide(Estimate(0.05, SURE, higher=True), 0.005).sign == 1


def test_a_rate_stands_where_more_time_would_only_strengthen_it():
    def word(**sides):
        one = Estimate(-0.02, SURE, **sides)
        return decide_rate(one, one, 0.005).word

    assert word(lower=True) == "deep scales better"
    assert word(higher=True) == "undecided"
    assert word(lower=True, higher=True) == "undecided"


@given(
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.lists(st.floats(0, 0.5), min_size=5, max_size=5),
)
def test_bounds_hold_for_whatever_the_cut_fits_would_have_gained(deep, classical, gained):
    """Let the losses of cut fits fall by any amounts: the slope moves only to the told sides."""
    values = np.array([[0.3, 0.1, 0.2, 0.0, 0.1]])
    n = 1000 * 2.0 ** np.arange(5) ** 0.9
    series = Series(n, values, lower=np.array(deep), higher=np.array(classical))
    change = np.array(gained) * (np.array(classical).astype(float) - np.array(deep))
    for name in ("at", "slope"):
        before = getattr(series, name)()
        after = getattr(Series(n, values + change), name)()
        if not before.lower:
            assert after.value >= before.value - 1e-9
        if not before.higher:
            assert after.value <= before.value + 1e-9


def test_a_crossing_that_rests_on_a_cut_fit_is_undecided():
    series = gap(0.3, 0.1, -0.1, -0.3)
    classical = np.array([False, False, True, True])
    assert crossover(replace(series, higher=classical)).status == "undecided"
    assert crossover(replace(series, lower=classical)).status == "observed"


def test_a_cut_fit_next_to_a_crossing_widens_it():
    series = gap(0.3, 0.1, -0.1, -0.3)
    wide = crossover(replace(series, higher=np.array([False, False, True, False])))
    assert wide.status == "observed"
    assert wide.high == pytest.approx(series.n[-1])
    assert wide.low == pytest.approx(crossover(series).low)
