"""The command line; every command is one short module."""

from __future__ import annotations

from automl.cli.app import main

__all__ = ["main"]
