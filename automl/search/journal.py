"""The journal: one line a finished rung, appended only after what it speaks of is on disk."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from automl.types import Rung

if TYPE_CHECKING:
    from pathlib import Path

    from automl.types import Array

NAME = "journal.jsonl"


def read_journal(path: Path) -> list[Rung]:
    """The finished rungs in the order they finished; a torn last line is left out.

    Args:
        path: The journal file, or the run directory that holds it.
    """
    file = path / NAME if path.is_dir() else path
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]  # a kill tears at most the last
    return [_rung(json.loads(line)) for line in whole]


def _rung(line: dict[str, Any]) -> Rung:
    """A line as a rung; before `censored` was told, `hurried` said most of it."""
    return Rung(**{"censored": line.get("hurried", False), **line})


class Journal:
    """Writes a run's rungs: predictions first, then the model, then the line."""

    def __init__(self, run: Path) -> None:
        self.run = run
        (run / "predictions").mkdir(parents=True, exist_ok=True)
        self._mend()

    def write(
        self,
        rung: Rung,
        predictions: dict[str, Array],
        model: dict[str, bytes] | None = None,
    ) -> None:
        """Put a finished rung on disk.

        Args:
            rung: The line to append.
            predictions: Suffix ("" for the validation rows, "-test") to predictions.
            model: File names to contents of the saved model, from rung 3 on.
        """
        import numpy as np

        for suffix, values in predictions.items():
            np.save(self.run / "predictions" / f"{stem(rung)}{suffix}.npy", values)
        if model is not None:
            folder = member_folder(self.run, rung.trial, rung.fold)
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in model.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        with (self.run / NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(rung) | {"config": dict(rung.config)}) + "\n")

    def _mend(self) -> None:
        """Cut a torn last line off, so that the next one starts on its own line."""
        file = self.run / NAME
        if file.exists() and (content := file.read_bytes()) and not content.endswith(b"\n"):
            file.write_bytes(content[: content.rfind(b"\n") + 1])


def stem(rung: Rung) -> str:
    """Name of the rung's prediction files, without suffix."""
    return f"{rung.trial}-r{rung.rung}-f{rung.fold}"


def member_folder(run: Path, trial: str, fold: int) -> Path:
    """Where the model of a trial's fold is saved."""
    return run / "model" / "members" / f"{trial}-f{fold}"
