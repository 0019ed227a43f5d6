"""A worker's watchdogs, and the exit note by which the driver learns why it ended.

The note goes to a file that the driver names. A worker on another machine cannot write there;
then all that is known is that its process is gone.
"""

from __future__ import annotations

import faulthandler
import math
import os
import re
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psutil

from automl.runs.record import OVERDUE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

STDERR = 2
DIED = "its worker died (out of memory, a crash, or os._exit)"
"""All there is to say of a worker whose exit note is not known."""
KILLED = "its process was killed from outside, perhaps for want of memory"
"""All there is to say where the note is there, and empty."""
OUTGREW = "outgrew its memory"
EXITED = "its process ended itself (os._exit)"
CHECK_SECONDS = 0.1
"""Between two looks at the memory: one core fills about 0.3 GB in that time."""

IMPORTING = "<frozen importlib"
"""Start of the file names that Python gives to its own machinery of imports."""
_exit = os._exit
_FATAL = re.compile(r"Fatal Python error: (.+)")
_FRAME = re.compile(r'File "(.+)", line (\d+) in ')


@contextmanager
def watched(exit_note: Path, memory: int) -> Iterator[Watch]:
    """Guard one job of this process, whatever its code does.

    Args:
        exit_note: Where to write why the process ended, if it does.
        memory: Bytes over which the process ends itself; 0 for no limit.

    Yields:
        The watch, which sets the seconds after which the process is ended.
    """
    done = threading.Event()
    with (exit_note if exit_note.parent.is_dir() else Path(os.devnull)).open(
        "wb", buffering=0
    ) as file:
        faulthandler.enable(file, all_threads=False)
        os._exit = partial(_note_exit, file, os.getpid())
        watch = Watch(file)
        target = partial(_watch_memory, memory, watch, done, file)
        threading.Thread(target=target, daemon=True).start()
        try:
            yield watch
        finally:
            os._exit = _exit
            faulthandler.cancel_dump_traceback_later()
            done.set()
            faulthandler.enable(STDERR, all_threads=False)


class Watch:
    """The watch over one job: called with seconds, it ends the process after so many.

    Called again, it replaces what it set before, and counts the growth of memory from then on.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.before = self.peak = own_memory(psutil.Process())
        """Bytes of the process at the last call, and the most since."""

    def __call__(self, seconds: float) -> None:
        self.before = self.peak = own_memory(psutil.Process())
        _end_after(self._file, seconds)

    @property
    def growth(self) -> int:
        """Bytes by which the process grew since the last call."""
        return max(self.peak, own_memory(psutil.Process())) - self.before


def own_memory(process: psutil.Process) -> int:
    """Resident bytes of a process; what it shares, as the views, is not its own."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def exit_reason(exit_note: Path) -> str | None:
    """Why a process ended that worked under `watched`; None if that is not known here."""
    if not exit_note.exists():
        return None
    text = exit_note.read_text("utf-8", errors="replace")
    if not text:
        return KILLED
    if fatal := _FATAL.search(text):
        return f"its process crashed: {fatal[1].lower()}{_place(text)}"
    if text.startswith("Timeout"):
        return f"{OVERDUE}{_place(text)}"
    return text.strip()


def _place(text: str) -> str:
    """Where the main thread was; it is the last one that a traceback of all threads shows."""
    frame = _FRAME.search(text, text.rfind("hread 0x"))
    if frame and frame[1].startswith(IMPORTING):
        return " while it imported a library"
    return f" in {Path(frame[1]).name}:{frame[2]}" if frame else ""


def _note_exit(file: FileIO, owner: int, status: int) -> NoReturn:
    """Write that the process ends itself, unless it is a child of the one that works."""
    if os.getpid() == owner:
        file.write(EXITED.encode())
    _exit(status)


def _end_after(file: FileIO, seconds: float) -> None:
    """End this process unless told otherwise in time; a thread in C, so the GIL may be held."""
    if seconds != math.inf:
        faulthandler.dump_traceback_later(max(seconds, 0.1), exit=True, file=file)


def _watch_memory(limit: int, watch: Watch, done: threading.Event, file: FileIO) -> None:
    process = psutil.Process()
    while not done.wait(CHECK_SECONDS):
        own = own_memory(process)
        watch.peak = max(watch.peak, own)
        if limit and own > limit:
            told = f"{OUTGREW}: {own / 1e6:,.0f} MB of the {limit / 1e6:,.0f} MB allowed"
            file.write(told.encode())
            _exit(1)
