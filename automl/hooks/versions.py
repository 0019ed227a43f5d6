"""Versions of the plugin API, and messages about plugins made for other versions.

The version increases when something that plugins rely on is removed or changes its meaning, and not
with a new hook, a new public name or a new field with a default.
"""

from __future__ import annotations

from automl.types import API_VERSION

CHANGES: dict[int, str] = {
    2: (
        "BoosterModel replaces RoundClock, hastened and spread_classes, Learner.memory replaces "
        "Resources.memory, and learners may declare libraries, prior, weights, warm_start, "
        "refits and scale_out"
    ),
}
"""Version -> clause on its changes for authors of plugins made for the version before."""


def refusal(made_for: object) -> str:
    """Reason against a plugin or learner made for that version; empty if it is usable here."""
    if not isinstance(made_for, int) or made_for < 1:
        return f"its api_version is {made_for!r}; give the whole number it was made for, from 1 on"
    if made_for > API_VERSION:
        return (
            f"made for plugin API {made_for}, this version has {API_VERSION} - "
            "upgrade automl-crossover"
        )
    return ""


def changed_since(made_for: int) -> str:
    """Describe the changes since the version that a plugin was made for; empty if none."""
    news = [f"{version}: {CHANGES[version]}" for version in sorted(CHANGES) if version > made_for]
    return f"made for plugin API {made_for}; changed since in {'; '.join(news)}" if news else ""
