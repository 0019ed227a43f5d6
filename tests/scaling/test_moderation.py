"""Variances of several contrasts borrow from each other as far as they are alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from automl.scaling.estimate import Series
from automl.scaling.moderation import moderated, together
from automl.scaling.prior import moderate, prior_of

COUNTS = st.integers(2, 15)
SEEDS = st.integers(0, 10_000)
N = np.array([1000.0, 2000.0, 4000.0, 8000.0])


def drawn(count, df, prior, seed):
    """Variances around 1 whose prior has so many degrees of freedom."""
    rng = np.random.default_rng(seed)
    true = prior / rng.chisquare(prior, count) if np.isfinite(prior) else np.ones(count)
    return true * rng.chisquare(df, count) / df


def all_of(count, df):
    return np.full(count, float(df))


@given(COUNTS, st.floats(0.001, 1000), st.integers(2, 20))
def test_equal_variances_stay_and_get_all_degrees_of_freedom(count, variance, df):
    found, freedom = moderate(np.full(count, variance), all_of(count, df), most=count * df)
    assert found == pytest.approx(np.full(count, variance))
    assert (freedom >= all_of(count, 0.9 * count * df)).all()


@given(COUNTS, st.integers(2, 20), SEEDS)
def test_moderated_variances_lie_between_their_own_and_the_prior(count, df, seed):
    variances = drawn(count, df, 4, seed)
    found, freedom = moderate(variances, all_of(count, df), most=count * df)
    centre = prior_of(variances, all_of(count, df)).variance
    low, high = np.minimum(variances, centre), np.maximum(variances, centre)
    assert (found >= low * (1 - 1e-9)).all()
    assert (found <= high * (1 + 1e-9)).all()
    assert (freedom >= df).all()
    assert (freedom <= count * df).all()
    assert (np.diff(found[np.argsort(variances)]) >= -1e-9 * centre).all()


@given(COUNTS, st.integers(2, 20), SEEDS, st.floats(1e-6, 1e6))
def test_the_unit_is_of_no_account(count, df, seed, unit):
    variances = drawn(count, df, 4, seed)
    found = moderate(variances, all_of(count, df), most=30)
    scaled = moderate(variances * unit, all_of(count, df), most=30)
    assert scaled[0] / unit == pytest.approx(found[0], rel=1e-6)
    assert scaled[1] == pytest.approx(found[1], rel=1e-6)


@given(SEEDS)
def test_an_outlier_keeps_its_own_variance(seed):
    variances = drawn(12, 4, np.inf, seed)
    variances[0] = 1000.0
    found, freedom = moderate(variances, all_of(12, 4), most=48)
    assert found[0] > 300
    assert freedom[0] < 8
    assert np.median(found[1:]) < 3


def test_variances_that_have_nothing_in_common_are_left_alone():
    """Raised a little where they are smallest, which is cautious."""
    variances = 10.0 ** np.arange(-6, 6)
    found, freedom = moderate(variances, all_of(12, 4), most=48)
    assert (found > 0.75 * variances).all()
    assert freedom == pytest.approx(all_of(12, 4), abs=0.5)


@pytest.mark.parametrize("variances", [[2.0], [0.0, 0.0, 0.0]])
def test_nothing_to_borrow_from_leaves_the_plain_t(variances):
    found, freedom = moderate(np.array(variances), all_of(len(variances), 4))
    assert (found == variances).all()
    assert (freedom == 4).all()


@pytest.mark.parametrize("prior", [3, 10, np.inf])
def test_the_prior_is_found(prior):
    """The prior of many variances is; one outlier in ten moves it little."""
    variances = drawn(4000, 4, prior, 0)
    variances[:400] *= np.where(np.arange(400) % 2, 1.0, 20.0)
    found = prior_of(variances, all_of(4000, 4))
    centre = stats.chi2.median(4) / 4 if prior == np.inf else stats.f.median(4, prior)
    assert found.variance * centre == pytest.approx(np.median(variances), rel=0.1)
    assert found.df == pytest.approx(prior, rel=0.35) if prior < np.inf else found.df > 8


def test_degrees_of_freedom_may_differ():
    df = np.where(np.arange(3000) % 2, 2.0, 4.0)
    rng = np.random.default_rng(0)
    variances = 6 / rng.chisquare(6, 3000) * rng.chisquare(df) / df
    found = prior_of(variances, df)
    assert found.df == pytest.approx(6, rel=0.25)
    assert found.variance == pytest.approx(1.0, rel=0.1)


# ------------------------------------------------------------------ over contrasts


def contrasts(count, rival, seed, repeats=5):
    """Gaps of learners that share a rival, whose noise is so many times theirs."""
    rng = np.random.default_rng(seed)
    common = rival * rng.normal(size=(repeats, len(N)))
    return [Series(N, rng.normal(size=(repeats, len(N))) - common).slope() for _ in range(count)]


@pytest.mark.parametrize(("rival", "low", "high"), [(0.0, 30, 44), (1.0, 9, 20), (10.0, 4, 5)])
def test_a_rival_in_common_leaves_fewer_degrees_of_freedom(rival, low, high):
    """Eleven contrasts with 4 each have 44 without one, and 4 where all noise is the rival's."""
    found = [together([one.spread for one in contrasts(11, rival, seed)]) for seed in range(200)]
    assert low <= np.median(found) <= high


@given(st.integers(2, 11), SEEDS)
def test_intervals_of_alike_contrasts_are_comparable(count, seed):
    """Moderation changes errors and their degrees of freedom, and nothing else."""
    plain = contrasts(count, 0.5, seed)
    found = moderated(plain, [True] * count)
    for before, after in zip(plain, found, strict=True):
        assert after.value == before.value
        assert after.df >= before.df
    errors = np.array([[one.se for one in several] for several in (plain, found)])
    assert np.ptp(np.log(errors[1])) <= np.ptp(np.log(errors[0])) + 1e-9


def test_a_family_is_drawn_to_the_learners_and_tells_nothing():
    plain = contrasts(8, 1.0, 0)
    with_family = moderated([plain[0], *plain], [False] + [True] * 8)
    assert with_family[1:] == moderated(plain, [True] * 8)
    assert with_family[0].errors == with_family[1].errors


def test_one_learner_has_nobody_to_borrow_from():
    plain = contrasts(2, 1.0, 0)
    assert moderated(plain, [False, True]) == plain


def test_moderated_intervals_hold_the_truth():
    """Eleven contrasts, one rival: 95% intervals, at least 94% in 600 studies."""
    held = []
    for seed in range(600):
        several = moderated(contrasts(11, 1.0, seed), [True] * 11)
        held += [low < 0 < high for low, high in (one.interval() for one in several)]
    assert np.mean(held) > 0.94
