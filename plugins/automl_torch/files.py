"""A trained net as files: weights in safetensors, everything else in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from automl import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

FORMAT = 1
WEIGHTS, DETAILS = "weights.safetensors", "net.json"


def write(folder: Path, weights: Mapping[str, torch.Tensor], details: Mapping[str, Any]) -> None:
    """Write both files into `folder`, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().clone().contiguous() for name, value in weights.items()}
    save_file(tensors, folder / WEIGHTS)
    text = json.dumps({"format": FORMAT, **details}, indent=1)
    (folder / DETAILS).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `write` wrote, onto the CPU.

    Raises:
        ArtifactError: A file is missing or damaged, or was written by a newer version.
    """
    try:
        details = json.loads((folder / DETAILS).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        msg = f"The saved net in {folder} cannot be read ({error}); train it again."
        raise ArtifactError(msg) from error
    if details.get("format") != FORMAT:
        msg = f"The saved net in {folder} has format {details.get('format')}; upgrade automl."
        raise ArtifactError(msg)
    return weights, details
