"""Versions of the plugin API, and what a plugin made for another one is told.

The version goes up when something that plugins rely on goes or changes its meaning. A new hook,
a new public name or a new field with a default does not raise it.
"""

from __future__ import annotations

from automl.types import API_VERSION

CHANGES: dict[int, str] = {}
"""Version -> what a plugin made for the one before has to know, as one clause."""


def refusal(made_for: object) -> str:
    """Why a plugin or learner made for that version cannot be used here; empty if it can."""
    if not isinstance(made_for, int) or made_for < 1:
        return f"its api_version is {made_for!r}; give the whole number it was made for, from 1 on"
    if made_for > API_VERSION:
        return (
            f"made for plugin API {made_for}, this version has {API_VERSION} - "
            "upgrade automl-crossover"
        )
    return ""


def changed_since(made_for: int) -> str:
    """What changed since the version that a plugin was made for; empty if nothing did."""
    news = [f"{version}: {CHANGES[version]}" for version in sorted(CHANGES) if version > made_for]
    return f"made for plugin API {made_for}; changed since in {'; '.join(news)}" if news else ""
