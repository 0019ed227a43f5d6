"""Fitted views on disk: one JSON file and one file of arrays; nothing is unpickled."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from automl.data.views.encode import Dates, Encoder, Levels
from automl.data.views.image import ImageEncoder
from automl.data.views.scale import Scaler
from automl.data.views.shape import OneHot, SavedView
from automl.data.views.target import LevelMeans
from automl.data.views.text import TextEncoder
from automl.errors import ArtifactError
from automl.files import fingerprint, replacing, write_text
from automl.types import Array

FORMAT = 1
CLOSE = 1e-5
"""Relative difference that sums in another order may make in single precision."""
KNOWN = {
    kind.__name__: kind
    for kind in (
        *(SavedView, Encoder, Dates, Levels, TextEncoder, ImageEncoder),
        *(LevelMeans, Scaler, OneHot),
    )
}

_DAMAGED = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError, RecursionError),
    zipfile.BadZipFile,
)


def save_view(view: SavedView, folder: Path) -> None:
    """Write `view.json` and `view.npz` into the folder, made if need be; each at once."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Array] = {}
    facts = {"format": FORMAT, "view": _pack(view, arrays), "content": fingerprint_of(view)}
    with replacing(folder / "view.npz") as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    write_text(folder / "view.json", json.dumps(facts))


def fingerprint_of(view: SavedView) -> str:
    """Hex digits that change with anything in a view."""
    arrays: dict[str, Array] = {}
    facts = json.dumps(_pack(view, arrays), sort_keys=True).encode()
    heads = (f"{a.dtype.str}{a.shape}".encode() for a in arrays.values())
    contents = (np.ascontiguousarray(a).tobytes() for a in arrays.values())
    return fingerprint([facts, *heads, *contents])


def keep_view(view: SavedView, folder: Path) -> None:
    """Write a view once; models that were trained with it go on being fed by it.

    Raises:
        ArtifactError: Another one is there, as one that was fitted by another encoder.
    """
    if not (folder / "view.json").exists():
        save_view(view, folder)
    elif not alike(load_view(folder), view):
        msg = (
            f"the rows would be encoded otherwise than those of the models in {folder.parent}, for "
            "automl or a library is of another version: go on with those that run.json names, or "
            "start a new run with another --output"
        )
        raise ArtifactError(msg)


def alike(one: SavedView, other: SavedView) -> bool:
    """Return whether two views encode alike, but for the last digits of numbers."""
    arrays: tuple[dict[str, Array], dict[str, Array]] = ({}, {})
    facts = [_pack(view, found) for view, found in zip((one, other), arrays, strict=True)]
    pairs = zip(arrays[0].values(), arrays[1].values(), strict=False)
    return _close(*facts) and all(_close_arrays(a, b) for a, b in pairs)


def _close(one: Any, other: Any) -> bool:
    """Compare what JSON holds."""
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, equal_nan=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_close, one, other))
    return bool(one == other)


def _close_arrays(one: Array, other: Array) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return np.array_equal(one, other)
    scale = float(np.nanmax(np.abs(one), initial=0.0))
    return np.allclose(one, other, rtol=CLOSE, atol=CLOSE * scale, equal_nan=True)


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
        view = _unpack_view(facts["view"], found)
        _same_as_written(view, facts.get("content"))
    except _DAMAGED as error:
        msg = f"the view in {folder} cannot be read ({error}); save the model again"
        raise ArtifactError(msg) from error
    return view


def _same_as_written(view: SavedView, content: str | None) -> None:
    """Raise ValueError for a view that is not what was written; earlier versions do not tell."""
    if content is not None and fingerprint_of(view) != content:
        msg = "its content is not what was written"
        raise ValueError(msg)


def _pack(value: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value) if not _left_out(f, value)]
        fields = {name: _pack(getattr(value, name), arrays) for name in names}
        return {"type": type(value).__name__, "fields": fields}
    if isinstance(value, tuple):
        return [_pack(item, arrays) for item in value]
    return value


def _left_out(one: dataclasses.Field[Any], value: Any) -> bool:
    """True for a field that earlier versions did not write and that says nothing."""
    return "later" in one.metadata and getattr(value, one.name) == one.default


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
