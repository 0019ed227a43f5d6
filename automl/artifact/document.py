"""`artifact.json`: the members of a model and how they combine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from automl.artifact.consistency import flaw_of
from automl.artifact.manifest import NAME as MANIFEST
from automl.data.saved import schema_from_json, schema_to_json
from automl.errors import ArtifactError
from automl.files import known_fields, to_plain, write_json
from automl.runs.info import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

    from automl.artifact.manifest import Manifest
    from automl.types import Config, Schema

NAME = "artifact.json"
FORMAT = 2
LISTED = 2
"""Format since which a manifest lists the files of a model."""
_DAMAGED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
WATCHED = (
    DISTRIBUTION,
    "numpy",
    "pandas",
    "scikit-learn",
    "skops",
    "xgboost",
    "lightgbm",
    "catboost",
    "torch",
    "keras",
)
"""Libraries whose versions may change what a saved model predicts."""


def versions(names: Iterable[str] = WATCHED) -> dict[str, str]:
    """Versions of the libraries that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Member:
    """A trial with saved models."""

    learner: str
    config: Config
    folds: tuple[int, ...]
    """Folds that have a model; its prediction is their mean."""


@dataclass(frozen=True, slots=True)
class Combined:
    """An ensemble that is more than a weighted mean."""

    trials: tuple[str, ...]
    """Members in the order in which they are combined."""
    state: Mapping[str, Any]
    """Given back to the ensembler, whose own it is."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The content of `artifact.json`."""

    schema: Schema
    members: Mapping[str, Member]
    """Trial -> its learner, configuration and folds."""
    best: Mapping[str, str]
    """Learner -> its best trial."""
    ensembles: Mapping[str, Mapping[str, float]]
    """Ensemble -> the weights of its trials."""
    metric: str = ""
    default: str | None = None
    """The ensemble or learner that predicts by default; None in the first models."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Library -> its version when the model was saved."""
    combiners: Mapping[str, Combined] = field(default_factory=dict)
    """Ensemble -> its state, of those that are no weighted mean."""
    contamination: float | None = None
    """Share of the training rows beyond the thresholds; None but for anomaly detectors."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Ensemble or learner -> the anomaly score beyond which a row is flagged."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read the content of a file."""
        parts = {
            "schema": schema_from_json(content["schema"]),
            "members": {
                t: Member(**known_fields(Member, m)) for t, m in content["members"].items()
            },
            "combiners": {
                name: Combined(**known_fields(Combined, one))
                for name, one in content.get("combiners", {}).items()
            },
        }
        return cls(**known_fields(cls, content) | parts)

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        content: dict[str, Any] = {"format": FORMAT, "schema": schema_to_json(self.schema)}
        for name in (one.name for one in fields(self) if one.name != "schema"):
            content[name] = to_plain(getattr(self, name))
        if self.contamination is None:
            del content["contamination"], content["thresholds"]
        return content


def write(model: Path, artifact: Artifact) -> None:
    """Replace `artifact.json` of a model's folder at once."""
    write_json(model / NAME, artifact.to_json())


def read(files: Manifest) -> Artifact:
    """The `artifact.json` of a model.

    Raises:
        ArtifactError: It is damaged, contradicts itself, or is of a newer format.
    """
    file = files.path(NAME)
    try:
        content = json.loads(files.content(NAME))
        newer = content["format"] > FORMAT
        lacking = content["format"] >= LISTED and not files.listed
        artifact = None if newer or lacking else Artifact.from_json(content)
        flaw = artifact and flaw_of(artifact)
    except _DAMAGED as error:
        msg = f"{file} is damaged ({type(error).__name__}: {error}); fit again"
        raise ArtifactError(msg) from error
    if artifact is None:
        missing = f"{files.path(MANIFEST)} is missing from the model; copy the whole folder again"
        msg = f"{file} was written by a newer automl; upgrade {DISTRIBUTION} to read it"
        raise ArtifactError(msg if newer else missing)
    if flaw:
        msg = f"{file} is damaged ({flaw}); fit again"
        raise ArtifactError(msg)
    return artifact
