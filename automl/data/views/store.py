"""Fitted views on disk: one JSON file and one file of arrays; nothing is unpickled."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from automl.data.views.encode import Dates, Encoder, Levels
from automl.data.views.scale import Scaler
from automl.data.views.shape import OneHot, SavedView
from automl.data.views.target import LevelMeans
from automl.data.views.text import TextEncoder
from automl.errors import ArtifactError
from automl.types import Array

FORMAT = 1
KNOWN = {
    kind.__name__: kind
    for kind in (SavedView, Encoder, Dates, Levels, TextEncoder, LevelMeans, Scaler, OneHot)
}

_DAMAGED = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError, RecursionError),
    zipfile.BadZipFile,
)


def save_view(view: SavedView, folder: Path) -> None:
    """Write `view.json` and `view.npz` into the folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Array] = {}
    facts = {"format": FORMAT, "view": _pack(view, arrays)}
    (folder / "view.json").write_text(json.dumps(facts), encoding="utf-8")
    with (folder / "view.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_view(folder: Path) -> SavedView:
    """Read what `save_view` wrote.

    Raises:
        ArtifactError: the files are missing, damaged or of another format.
    """
    try:
        facts = json.loads((folder / "view.json").read_text(encoding="utf-8"))
        with np.load(folder / "view.npz", allow_pickle=False) as arrays:
            if any(one.file_size != one.compress_size for one in arrays.zip.infolist()):
                msg = "its arrays are compressed, which those of a view are not"
                raise ValueError(msg)
            found = {name: arrays[name] for name in arrays.files}
        if facts["format"] != FORMAT:
            msg = f"the view in {folder} has format {facts['format']}, not {FORMAT}"
            raise ArtifactError(msg)
        return _unpack_view(facts["view"], found)
    except _DAMAGED as error:
        msg = f"the view in {folder} cannot be read ({error}); save the model again"
        raise ArtifactError(msg) from error


def _pack(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _pack(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "fields": fields}
    if isinstance(value, tuple):
        return [_pack(item, arrays) for item in value]
    return value


def _unpack_view(value: Any, arrays: dict[str, Array]) -> SavedView:
    view = _unpack(value, arrays)
    if not isinstance(view, SavedView):
        msg = f"it holds a {type(view).__name__}"
        raise TypeError(msg)
    return view


def _unpack(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return KNOWN[value["type"]](**{k: _unpack(v, arrays) for k, v in value["fields"].items()})
