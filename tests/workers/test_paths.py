"""Folders that workers import from, and the one that holds the sockets of their Ray."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from automl.workers import temporary
from automl.workers.paths import (
    DRIVER_PATH,
    current_folder_last,
    driver_path_told,
    follow_driver,
)


def test_the_current_folder_is_searched_last(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for here in ("", ".", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [here, "/lib", "/site"])
        current_folder_last()
        assert sys.path == ["/lib", "/site", here]
    monkeypatch.setattr(sys, "path", ["/lib", "/site"])
    current_folder_last()
    assert sys.path == ["/lib", "/site"]


def test_a_worker_finds_what_the_driver_finds_after_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/plugins", "/site"])
    with driver_path_told():
        monkeypatch.setattr(sys, "path", ["/site", "/lib"])
        follow_driver()
        assert sys.path == ["/site", "/lib", "/plugins", str(tmp_path)]
    assert DRIVER_PATH not in os.environ


def test_sockets_have_a_short_path_however_deep_the_temporary_folder(monkeypatch, tmp_path):
    deep = tmp_path / ("deep-" * 20)
    deep.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    short = Path(temporary.folder())
    assert short.is_dir()
    assert len(str(short)) < len(temporary.SOCKETS)
    temporary.clear()
    assert not short.exists()
    monkeypatch.setenv("RAY_TMPDIR", "/short")
    assert temporary.folder() == "/short/ray"
