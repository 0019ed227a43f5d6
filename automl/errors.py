"""Every error a user can meet, under one root."""

from __future__ import annotations

from automl.text import visible


class AutoMLError(Exception):
    """Root of all errors raised on purpose; the message is one sentence for the user."""

    exit_code = 1

    def __str__(self) -> str:
        """The sentence, with nothing in it that a terminal would obey."""
        return visible(super().__str__())


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


class TooLittleTimeError(AutoMLError):
    """A fit was given less time than it needs to be worth making; raised by its learner.

    The host counts it neither as a failure nor as a score: it starts the fit again only where
    there is time enough.
    """

    def __init__(self, needed_seconds: float) -> None:
        """Say what the fit needs.

        Args:
            needed_seconds: Seconds that it needs at least.
        """
        super().__init__(f"needs about {max(1, round(needed_seconds))} s, more than it had")
        self.needed_seconds = needed_seconds


class ArtifactError(AutoMLError):
    """A run directory or a saved model is missing, damaged or not ours."""

    exit_code = 2


class OverdueError(PluginError):
    """A plugin did not answer within the time that the driver waits for it."""


class StoppedError(AutoMLError):
    """A run ended before its time, for a trouble of its own; what it had done is concluded."""

    exit_code = 1


class ViewError(AutoMLError):
    """The rows of a cell cannot be encoded as some learners want them, or not be handed out."""
