"""Weights of a net as a file. The net itself is always built by `nets`, never from a file."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from automl import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from automl import Array

FILE = "weights.safetensors"
EARLIER = "net.keras"
"""File of earlier versions: a net of Keras, of which the weights alone are read."""
INSIDE = "model.weights.h5"
MARGIN = 1 << 20
"""Bytes beside the weights: names of groups, and room left free by HDF5."""


def write(folder: Path, net: Any) -> None:
    """Write the weights of a net, by their paths in it."""
    values = zip(net.weights, net.get_weights(), strict=True)
    save_file({one.path: np.ascontiguousarray(value) for one, value in values}, folder / FILE)


def read(folder: Path, net: Any) -> None:
    """Give a net the weights that `write` wrote, or those of an earlier version's file.

    Raises:
        ArtifactError: The file is damaged, or holds the weights of another net.
    """
    file = next((folder / name for name in (FILE, EARLIER) if (folder / name).exists()), None)
    if file is None:
        msg = f"{folder} has no weights; train the net again"
        raise ArtifactError(msg)
    try:
        found = load_file(file) if file.name == FILE else _of_keras(file, net)
    except (OSError, ValueError, KeyError, BadZipFile, SafetensorError) as error:
        msg = f"{file} cannot be read ({error}); train the net again"
        raise ArtifactError(msg) from error
    _give(net, found, file)


def _give(net: Any, found: Mapping[str, Array], file: Path) -> None:
    wanted = {one.path: tuple(one.shape) for one in net.weights}
    if {path: value.shape for path, value in found.items()} != wanted:
        msg = f"{file} holds weights of another net than the one beside it; train the net again"
        raise ArtifactError(msg)
    net.set_weights([found[path] for path in wanted])


def _of_keras(file: Path, net: Any) -> dict[str, Array]:
    """Weights in a `.keras` file, as arrays alone: what it says of layers is not looked at.

    Keras calls layers by their classes there, with a number from the second of a class on.
    """
    import h5py

    room = sum(value.nbytes for value in net.get_weights())
    with ZipFile(file) as archive:
        if archive.getinfo(INSIDE).file_size > 2 * room + MARGIN:
            msg = "it holds more than the weights of the net"
            raise ValueError(msg)
        content = archive.read(INSIDE)
    with h5py.File(io.BytesIO(content), "r") as weights:
        return {
            variable.path: _array(weights, f"layers/{name}/vars/{place}")
            for name, layer in _named(net.layers)
            for place, variable in enumerate(layer.weights)
        }


def _named(layers: list[Any]) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for layer in layers:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
        number = seen[words] = seen.get(words, -1) + 1
        yield f"{words}_{number}" if number else words, layer


def _array(weights: Any, name: str) -> Array:
    """An array that is inside the file: HDF5 could point to other files."""
    import h5py

    parts = name.split("/")
    paths = ("/".join(parts[: end + 1]) for end in range(len(parts)))
    if not all(isinstance(weights.get(path, getlink=True), h5py.HardLink) for path in paths):
        msg = f"{name} is missing, or in another file"
        raise ValueError(msg)
    found = weights[name]
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        msg = f"{name} is in another file"
        raise ValueError(msg)
    return np.asarray(found[()])
