"""Speed-ups on more CPUs, and the share that they do not speed up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.scaling import scaling_of
from automl.scaling.cost import serial_share, speedups
from tests.scaling.tables import study_of

CPUS = (1, 2, 4, 8)


def points(serial, noise=(0.0,), cpus=CPUS):
    """Training times by Amdahl's law; noise adds so much of the time in a repeat on many CPUs."""
    rows = [
        {"learner": "forest", "family": "classical", "repeat": repeat, "n": count, "score": 0.1}
        | {"fit_seconds": 7 * (serial + (1 - serial) / count) * (1 + more * (count > 1))}
        for repeat, more in enumerate(noise)
        for count in cpus
    ]
    return study_of(rows)


@given(serial=st.floats(0, 1), cpus=st.sets(st.sampled_from(CPUS[1:]), min_size=1))
def test_the_serial_share_of_times_by_amdahls_law_is_found(serial, cpus):
    study = points(serial, cpus=(1, *sorted(cpus)))
    found = serial_share(study.points)
    assert found.value == pytest.approx(serial, abs=1e-9)
    assert found.low is found.high is None
    last = speedups(study.points)[-1]
    assert 1 / last.times == pytest.approx(serial + (1 - serial) / max(cpus))


def test_repeats_give_it_an_interval():
    found = serial_share(points(0.2, noise=(-0.05, 0.0, 0.05)).points)
    assert found.low < 0.2 < found.high
    assert found.value == pytest.approx(0.2, abs=0.01)


def test_one_number_of_cpus_says_nothing():
    assert serial_share(points(0.2, cpus=(1,)).points).value is None
    assert serial_share([]).value is None


def test_it_is_told_along_the_number_of_cpus_alone():
    study = points(0.2, noise=(-0.01, 0.0, 0.01))
    found = scaling_of(replace(study, axis="workers"))
    assert "Share of the training that more CPUs do not speed up" in repr(found)
    assert "forest 20% (" in repr(found)
    assert found.document["learners"]["forest"]["serial"]["value"] == pytest.approx(0.2, abs=0.01)
    assert "more CPUs" not in repr(scaling_of(study))
    assert "serial" not in scaling_of(study).document["learners"]["forest"]
