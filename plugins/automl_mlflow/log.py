"""One MLflow run a configuration, written on a thread: a slow server costs the search nothing."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from automl import Rung

EXPERIMENT = "automl"
"""Unless MLflow's own variable MLFLOW_EXPERIMENT_NAME names another."""
LAST_SECONDS = 10.0
"""The process waits so long for the log at its end."""


class Log:
    """Takes finished steps and logs them in order.

    A configuration is an MLflow run with its settings as parameters; its score and seconds are
    metrics over the number of rows. Runs of one fit share the tag `fit`.
    """

    def __init__(self, uri: str) -> None:
        """Start the thread.

        Args:
            uri: A tracking server, a database, or a folder.
        """
        self._uri = uri
        self._queue: SimpleQueue[Rung | None] = SimpleQueue()
        self._fit = ""
        self._seen: set[tuple[Any, ...]] = set()
        self._runs: dict[str, str] = {}
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def put(self, rung: Rung) -> None:
        """Log a step in the background.

        Raises:
            Exception: What ended the log; the host says it once and the run goes on.
        """
        if self._error is not None:
            raise self._error
        self._queue.put(rung)

    def close(self, seconds: float = LAST_SECONDS) -> None:
        """Wait until everything is logged, but not for ever."""
        atexit.unregister(self.close)
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive() or self._error is not None:
            told = self._error or "it did not answer in time"
            logging.getLogger("automl_mlflow").warning("%s: not all is logged: %s", self._uri, told)

    def _work(self) -> None:
        try:
            client, experiment = _connect(self._uri)
            while (rung := self._queue.get()) is not None:
                self._write(client, experiment, rung)
        except Exception as error:  # noqa: BLE001 - raised again by put
            self._error = error

    def _write(self, client: MlflowClient, experiment: str, rung: Rung) -> None:
        from mlflow.entities import Metric

        if not self._fit or rung.key in self._seen:  # a step is finished once a fit
            self._fit, self._seen, self._runs = time.strftime("%Y%m%d-%H%M%S"), set(), {}
        self._seen.add(rung.key)
        if rung.trial not in self._runs:
            self._runs[rung.trial] = _start(client, experiment, rung, self._fit)
        run = self._runs[rung.trial]
        now = int(time.time() * 1000)
        client.log_batch(run, metrics=[Metric(k, v, now, rung.n) for k, v in _metrics(rung)])
        if rung.status != "ok":
            client.set_tag(run, "reason", rung.reason)
        client.set_terminated(run, "FINISHED" if rung.status == "ok" else "FAILED")


def _connect(uri: str) -> tuple[MlflowClient, str]:
    """A client, and the id of the experiment, made if need be."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when mlflow is imported
    if "://" not in uri or uri.startswith("file:"):
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # naming a folder asks for it
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
    found = client.get_experiment_by_name(name)
    return client, found.experiment_id if found else client.create_experiment(name)


def _start(client: MlflowClient, experiment: str, rung: Rung, fit: str) -> str:
    """A new run for the configuration of a step."""
    from mlflow.entities import Param

    tags = {"learner": rung.learner, "fit": fit}
    run = client.create_run(experiment, run_name=rung.trial, tags=tags)
    settings = {**rung.config, "seed": rung.seed}
    client.log_batch(run.info.run_id, params=[Param(k, str(v)) for k, v in settings.items()])
    return str(run.info.run_id)


def _metrics(rung: Rung) -> list[tuple[str, float]]:
    suffix = f"_fold_{rung.fold}" if rung.fold else ""
    suffix += f"_repeat_{rung.repeat}" if rung.repeat else ""
    seconds = [("fit_seconds", rung.fit_seconds), ("predict_seconds", rung.predict_seconds)]
    scores = [] if rung.score is None else [("score", rung.score)]
    return [(f"{name}{suffix}", value) for name, value in scores + seconds]
