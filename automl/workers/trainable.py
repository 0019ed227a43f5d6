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
    from automl.workers.shares import Slot

NODE_LABEL = "ray.io/node-id"
"""Label that Ray gives every machine, with its name as value."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A request and the rows for it, as one value of a Tune configuration."""

    request: FitRequest
    data: Any
    """Reference to a `RungData` in the object store."""
    exit_note: Path
    """File in which the worker says why it ended, if it is on this machine."""
    slot: Slot
    """Kind of slot that the job is for."""

    def __deepcopy__(self, _: dict[int, Any]) -> Payload:
        return self

    def __repr__(self) -> str:
        return self.request.learner


class RungTrainable(tune.Trainable):
    """Runs one request a trial; its process is used again for the next."""

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> tune.PlacementGroupFactory:
        """Ask for a slot of the kind that a job is for, on its machine where there are several."""
        slot = config["payload"].slot
        there: Any = {"bundle_label_selector": [{NODE_LABEL: slot.node}]} if slot.node else {}
        return tune.PlacementGroupFactory([{"CPU": slot.threads, "GPU": slot.gpus}], **there)

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
