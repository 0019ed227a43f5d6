"""Which learners a time limit pays for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from automl.schedule.preselection import Demand, costs, left_out


def seconds_of(libraries):
    return 3.0 * len(set(libraries))


def demand(seconds, prior=0.2, family="classical", libraries=()):
    return Demand(family, frozenset(libraries), seconds, prior)


demands = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.builds(
        demand,
        st.floats(0.01, 100),
        st.floats(0.01, 0.9),
        st.sampled_from(["classical", "deep"]),
        st.sets(st.sampled_from(["sk", "to", "ke"])),
    ),
    min_size=1,
    max_size=12,
)


@given(demands, st.floats(0.1, 500), st.integers(1, 3))
def test_a_quarter_is_left_out_at_most_and_some_of_each_family_stay(wanted, seconds, keep):
    gone = left_out(wanted, seconds, seconds_of, keep)
    assert len(gone) <= len(wanted) // 4
    for family in {d.family for d in wanted.values()}:
        own = [name for name, d in wanted.items() if d.family == family]
        assert len([name for name in own if name not in gone]) >= min(keep, len(own))


@given(demands)
def test_nobody_is_left_out_where_there_is_time_for_all(wanted):
    assert left_out(wanted, 1e6, seconds_of, 2) == {}


def test_learners_share_the_import_of_a_library():
    wanted = {"a": demand(1.0, libraries=["to"]), "b": demand(2.0, libraries=["to"])}
    assert costs(wanted, seconds_of) == {"a": 2.5, "b": 3.5}


def test_the_least_chance_a_second_goes_first_not_the_dearest():
    wanted = {f"cheap{i}": demand(1.0) for i in range(6)}
    wanted |= {"good": demand(20.0, prior=0.9), "poor": demand(10.0, prior=0.02)}
    assert list(left_out(wanted, 30.0, seconds_of, 1)) == ["poor"]
