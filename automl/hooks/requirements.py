"""Requirements of extras, read from the metadata of distributions only."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from importlib.metadata import Distribution


def explain_extra(distribution: Distribution, extra: str) -> str:
    """Explain why an extra of a distribution is not usable here; empty if it is usable.

    Nothing is imported: a requirement is met if the metadata of an installed distribution meets it.

    Returns:
        One phrase such as ``needs torch>=2.6 - pip install 'automl-crossover[torch]'``.
    """
    name = distribution.metadata["Name"]
    declared = {canonicalize_name(e) for e in distribution.metadata.get_all("Provides-Extra") or ()}
    if canonicalize_name(extra) not in declared:
        return f"asks for the extra {extra!r}, which {name} does not declare"
    try:
        unmet = [text for r in _of_extra(distribution, extra) if (text := _unmet(r))]
    except InvalidRequirement as err:
        return f"the metadata of {name} cannot be read: {err}"
    return f"needs {', '.join(unmet)} - pip install '{name}[{extra}]'" if unmet else ""


def _of_extra(distribution: Distribution, extra: str) -> list[Requirement]:
    """Requirements of an extra, including those of other extras that it refers to."""
    own = canonicalize_name(distribution.metadata["Name"])
    parsed = [Requirement(line) for line in distribution.requires or ()]
    found: list[Requirement] = []
    todo, seen = [canonicalize_name(extra)], set[str]()
    while todo:
        now = todo.pop()
        seen.add(now)
        for requirement in parsed:
            marker = requirement.marker
            if not marker or marker.evaluate({"extra": ""}) or not marker.evaluate({"extra": now}):
                continue
            if canonicalize_name(requirement.name) == own:
                todo += {canonicalize_name(e) for e in requirement.extras} - seen
            else:
                found.append(requirement)
    return found


def _unmet(requirement: Requirement) -> str:
    """Description of a requirement that is missing or too old; empty if it is met."""
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        present = version(requirement.name)
    except PackageNotFoundError:
        return wanted
    if requirement.specifier.contains(present, prereleases=True):
        return ""
    return f"{wanted} ({present} is installed)"
