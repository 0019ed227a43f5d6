from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from automl.schedule.preselection import needs, unaffordable
from automl.types import Resources

FAMILIES = ("classical", "deep", "baseline")

companies = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3),
    st.tuples(st.sampled_from(FAMILIES), st.floats(0.01, 1000)),
    min_size=1,
    max_size=30,
)


def left_out(company, core_seconds):
    families = {name: family for name, (family, _) in company.items()}
    wanted = {name: seconds for name, (_, seconds) in company.items()}
    return families, wanted, unaffordable(families, wanted, core_seconds)


@given(companies, st.floats(0, 5000))
def test_every_family_keeps_its_cheapest_and_the_whole_three_quarters(company, core_seconds):
    families, wanted, dear = left_out(company, core_seconds)
    assert len(dear) <= len(company) / 4
    for family in set(families.values()):
        cheapest = min(wanted[name] for name in families if families[name] == family)
        kept = [wanted[name] for name in families if families[name] == family and name not in dear]
        assert min(kept) == cheapest


@given(companies, st.floats(0, 5000))
def test_the_dearest_go_first(company, core_seconds):
    families, wanted, dear = left_out(company, core_seconds)
    seconds = [wanted[name] for name in dear]
    assert seconds == sorted(seconds, reverse=True)
    by_price = sorted(families, key=lambda name: (wanted[name], name))
    safe = {families[name]: name for name in reversed(by_price)}.values()
    kept = [wanted[name] for name in families if name not in dear and name not in safe]
    assert max(kept, default=0) <= min(seconds, default=math.inf)


@given(companies, st.floats(0, 5000), st.floats(1, 10))
def test_more_time_never_leaves_out_more(company, core_seconds, times):
    _, _, short = left_out(company, core_seconds)
    _, _, long = left_out(company, core_seconds * times)
    assert set(long) <= set(short)


@given(companies)
def test_nobody_is_left_out_of_a_run_that_pays_for_all(company):
    everything = math.fsum(seconds for _, seconds in company.values())
    assert left_out(company, everything * 1.001)[2] == []


def test_what_is_left_out_is_what_the_time_does_not_pay_for():
    company = dict.fromkeys("abcdef", ("classical", 1.0)) | {"net": ("deep", 3.0)}
    company |= {"dear": ("deep", 50.0)}
    assert left_out(company, 20.0)[2] == ["dear"]
    assert left_out(company, 60.0)[2] == []


def test_a_gpu_counts_only_for_those_that_can_use_it():
    demands = {"net": Resources(gpus=1.0, cost=10.0), "forest": Resources(cost=10.0)}
    without, with_one = (needs(demands, 1000, 10, gpu=gpu) for gpu in (False, True))
    assert without["net"] == without["forest"] == with_one["forest"]
    assert with_one["net"] < without["net"]
    assert needs(demands, 2000, 10)["net"] == 2 * without["net"]
