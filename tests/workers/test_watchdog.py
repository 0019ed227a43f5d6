"""A worker's watchdogs, each in a process of its own, and what the driver reads of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from automl.workers.watchdog import exit_reason, watched

GUARDED = """
import sys
from pathlib import Path
from automl.workers.watchdog import watched

with watched(Path(sys.argv[1]), {memory}) as end_after:
    {act}
print("survived")
"""
HOARD = "hoard = []\n    while True:\n        hoard.append(bytearray(b'x' * 2**20))"


def guarded(words, act, memory=0):
    """Run code under the watchdogs; gives what it printed, and its last words."""
    code = GUARDED.format(act=act, memory=memory)
    done = subprocess.run(
        [sys.executable, "-c", code, str(words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout, exit_reason(words)


@pytest.mark.parametrize(
    ("act", "memory", "told"),
    [
        ("end_after(0.2); __import__('time').sleep(60)", 0, "over its time in <string>:7"),
        ("end_after(0.2); __import__('re').match('(a+)+$', 'a' * 60 + 'b')", 0, "over its time in"),
        ("__import__('ctypes').string_at(0)", 0, "its process crashed: segmentation fault in"),
        ("__import__('os').abort()", 0, "its process crashed: aborted in <string>:7"),
        ("__import__('os')._exit(0)", 0, "its process ended itself"),
        (HOARD, 200 * 10**6, "outgrew its memory: "),
    ],
    ids=["hang", "hang in C", "segfault", "abort", "exit", "memory"],
)
def test_a_process_that_ends_says_why(tmp_path, act, memory, told):
    out, words = guarded(tmp_path / "words", act, memory)
    assert out == ""
    assert words.startswith(told)
    assert "\n" not in words


def test_a_process_that_does_well_is_left_alone(tmp_path):
    act = "end_after(30)\n    end_after(float('inf'))"
    assert guarded(tmp_path / "words", act, 10**12)[0] == "survived\n"


def test_the_time_may_be_set_anew(tmp_path):
    act = "end_after(0.3); end_after(30); __import__('time').sleep(0.6)"
    assert guarded(tmp_path / "words", act)[0] == "survived\n"


def test_the_watch_ends_with_the_job(tmp_path):
    act = "end_after(0.3)\n__import__('time').sleep(0.6)"
    assert guarded(tmp_path / "words", act)[0] == "survived\n"


def test_a_worker_elsewhere_leaves_no_words(tmp_path):
    words = tmp_path / "not here" / "words"
    with watched(words, 0):
        assert not words.exists()
    assert exit_reason(words) is None
