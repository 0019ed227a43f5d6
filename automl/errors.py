"""Every error a user can meet, under one root."""

from __future__ import annotations


class AutoMLError(Exception):
    """Root of all errors raised on purpose; the message is one sentence for the user."""

    exit_code = 1


class DataError(AutoMLError):
    """The input cannot be used as asked; the message says what to change."""

    exit_code = 2


class UsageError(AutoMLError):
    """The options contradict each other or name something that does not exist."""

    exit_code = 2


class PluginError(AutoMLError):
    """A plugin is missing, broken, or clashes with another."""

    exit_code = 2


class BudgetError(AutoMLError):
    """The budget ended before any learner produced a model."""


class ArtifactError(AutoMLError):
    """A run directory or a saved model is missing, damaged or not ours."""

    exit_code = 2
