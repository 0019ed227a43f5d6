"""The handshake with other machines: what they lack is told in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.workers.handshake import Installed, difference, installed

OWN = Installed(
    "3.11",
    "1.0",
    {"oaks": "2.1", "nets": "0.3"},
    {"oak": "oaks", "net": "nets", "wide": "nets", "odd": "nets"},
    {"odd": "odd: needs luck"},
)


def test_a_machine_like_this_one_will_do():
    here = installed()
    assert difference(here, installed()) == ""
    assert "linear" in here.declares


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(OWN, python="3.12"), "it has Python 3.12, not 3.11"),
        (replace(OWN, automl="0.9"), "it has automl 0.9, not 1.0"),
        (replace(OWN, plugins={"oaks": "2.1"}), "it lacks the plugin nets"),
        (
            replace(OWN, plugins={"oaks": "2.0", "nets": "0.3"}),
            "it has the plugin oaks 2.0, not 2.1",
        ),
        (
            replace(OWN, reasons={"net": "net: needs torch", "wide": "wide: needs torch"}),
            "net, wide: net: needs torch",
        ),
    ],
)
def test_what_a_machine_lacks_is_named(other, told):
    assert difference(OWN, other) == told


def test_what_no_learner_of_the_run_needs_is_not_missed():
    bare = replace(OWN, plugins={"oaks": "2.1"})
    assert difference(OWN, bare, {"oak"}) == ""
    assert difference(OWN, bare, {"oak", "odd"}) == ""  # this machine cannot fit it either
    assert difference(OWN, bare, {"wide"}) == "it lacks the plugin nets"
