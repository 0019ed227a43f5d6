"""The worker's side of a search: what Tune runs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray import tune

from automl.hooks.manager import get_host
from automl.workers.evaluate import run_rung
from automl.workers.memory import Taken
from automl.workers.paths import current_folder_last
from automl.workers.watchdog import watched

if TYPE_CHECKING:
    from pathlib import Path

    from automl.workers.evaluate import FitRequest


@dataclass(frozen=True, slots=True)
class Payload:
    """A request and the rows for it, as one value of a Tune configuration."""

    request: FitRequest
    data: Any
    """Reference to a `RungData` in the object store."""
    exit_note: Path
    """File in which the worker says why it ended, if it is on this machine."""

    def __deepcopy__(self, _: dict[int, Any]) -> Payload:
        return self

    def __repr__(self) -> str:
        return self.request.learner


class RungTrainable(tune.Trainable):
    """Runs one request a trial; its process is used again for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        current_folder_last()  # Ray may have put it first
        self.payload = config["payload"]
        get_host()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.payload = new_config["payload"]
        return True

    def step(self) -> dict[str, Any]:
        request, data = self.payload.request, ray.get(self.payload.data)
        with watched(self.payload.exit_note, request.memory) as watch:
            result = run_rung(request, data, watch)
            result.memory = Taken(watch.before, watch.growth)
        return {"fit": [result], "done": True}
