"""What a fit was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


CONTAMINATION = 0.1
"""Share of the rows flagged as anomalies unless asked otherwise: PyOD's default."""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Every choice of a fit, already parsed; `automl fit --help` says what each means."""

    task: str = "auto"
    metric: str | None = None
    test: str | pd.DataFrame | None = None
    test_size: float | None = None
    seconds: float | None = 300.0
    trials: int | None = None
    preset: Literal["quick", "balanced", "best"] = "balanced"
    allocate: Literal["equal", "greedy"] = "greedy"
    learner: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    folds: int | None = None
    group: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    positive: str | None = None
    contamination: float | None = None
    """Share of the rows that predictions flag as anomalies; None for `CONTAMINATION`."""
    cpus: int | None = None
    gpus: int | None = None
    memory: int | None = None
    address: str | None = None
    seed: int = 0
    output: Path | None = None
    resume: bool = False
    on_error: Literal["skip", "raise"] = "skip"
    began: float | None = None
    """`time.monotonic()` when the command began; the budget counts from there."""
    left_out: frozenset[str] | None = field(default=None, compare=False)
    """Names of the choices that nobody made; None takes those at their default for such."""
