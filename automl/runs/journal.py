"""The journal: one line a finished rung, appended only after what it speaks of is on disk."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from automl.files import (
    append_line,
    mend_lines,
    read_lines,
    sync_folder,
    write_array,
    write_folder,
)
from automl.types import Rung

if TYPE_CHECKING:
    from pathlib import Path

    from automl.types import Array

NAME = "journal.jsonl"


def read_journal(path: Path) -> list[Rung]:
    """Read the finished rungs in the order they finished; damaged lines are left out.

    Args:
        path: The journal file, or the run directory that holds it.
    """
    file = path / NAME if path.is_dir() else path
    return [_rung(line) for line in read_lines(file)[0]] if file.exists() else []


def damaged_lines(run: Path) -> int:
    """Count the lines of a run's journal that do not count, for they are damaged."""
    return read_lines(run / NAME)[1] if (run / NAME).exists() else 0


def mend_journal(run: Path) -> bool:
    """Cut off a last line that a kill has torn; give whether there was one."""
    return mend_lines(run / NAME) > 0


def _rung(line: dict[str, Any]) -> Rung:
    """A line as a rung; earlier versions said `hurried`, and before `censored` that alone."""
    if "hurried" in line:
        line["time_limited"] = line.pop("hurried")
    return Rung(**{"censored": line.get("time_limited", False), **line})


class Journal:
    """Writes a run's rungs: predictions first, then the model, then the line."""

    def __init__(self, run: Path) -> None:
        self.run = run
        (run / "predictions").mkdir(parents=True, exist_ok=True)
        mend_journal(run)

    def write(
        self,
        rung: Rung,
        predictions: dict[str, Array],
        model: dict[str, bytes] | None = None,
    ) -> None:
        """Put a finished rung on disk; where that fails there is no line of it.

        Args:
            rung: The line to append.
            predictions: Suffix ("" for the validation rows, "-test") to predictions.
            model: File names to contents of the saved model, from rung 3 on.
        """
        for suffix, values in predictions.items():
            write_array(self.run / "predictions" / f"{stem(rung)}{suffix}.npy", values)
        sync_folder(self.run / "predictions")
        if model is not None:
            folder = member_folder(self.run, rung.trial, rung.fold)
            write_folder(folder, model)
            for made in (folder, folder.parent, folder.parent.parent):
                sync_folder(made)
        append_line(self.run / NAME, asdict(rung) | {"config": dict(rung.config)})


def stem(rung: Rung) -> str:
    """Name of the rung's prediction files, without suffix."""
    if rung.axis:
        subset = f"-s{rung.fold}" if rung.fold else ""
        return f"{rung.trial}-l{rung.level}-p{rung.repeat}{subset}"
    return f"{rung.trial}-r{rung.rung}-f{rung.fold}"


def member_folder(run: Path, trial: str, fold: int) -> Path:
    """Where the model of a trial's fold is saved."""
    return run / "model" / "members" / f"{trial}-f{fold}"
