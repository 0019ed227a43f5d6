"""The Ray that a fit starts: nobody else reaches it or ends it, and nothing of it stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

FIT = """
import json, os, subprocess, sys, threading
{before}
import psutil
from automl.workers.cluster import Cluster
from automl.workers import environment

before = dict(os.environ)
cluster = Cluster(cpus=1)
cluster.wait()
import ray
from ray._private.authentication.authentication_utils import is_token_auth_enabled

@ray.remote
def answer():
    return os.environ["RAY_AUTH_TOKEN"]

token = ray.get(answer.remote())
own = psutil.Process()
found = [c for p in (own, *own.children(recursive=True)) for c in p.net_connections("tcp")]
listening = sorted({{c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN}})
asks = is_token_auth_enabled()
cluster.stop()
cluster._thread.join(30)
print(json.dumps([listening, asks, len(token), dict(os.environ) == before]))
"""


@pytest.mark.parametrize("before", ["", "import ray"], ids=["as it is", "ray imported before"])
def test_it_listens_on_loopback_only_with_a_token_of_its_own(before, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FIT.format(before=before)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "HOME": str(tmp_path / "not here"), "RAY_AUTH_MODE": "disabled"},
    )
    assert done.returncode == 0, done.stderr
    listening, asks, token, restored = json.loads(done.stdout.splitlines()[-1])
    assert listening
    assert all(ip in {"127.0.0.1", "::1", "::ffff:127.0.0.1"} for ip in listening)
    assert asks
    assert token >= 32
    assert restored
    assert not (tmp_path / "not here").exists()


SPARED = """
import json, sys, time
import psutil
from automl.workers.cluster import Cluster

cluster = Cluster(cpus=1)
cluster.wait()
import ray

@ray.remote
def answer(value):
    return len(value)

kept = ray.put(b"-" * 1_000_000)
assert ray.get(answer.remote(kept)) == 1_000_000
before = psutil.Process().children(recursive=True)
for one in before:
    one.terminate()
time.sleep(1.0)
there = len(ray.get(kept))
again = ray.get(answer.remote(kept))
below = {*before, *psutil.Process().children(recursive=True)}
cluster.stop()
cluster._thread.join(30)
gone, alive = psutil.wait_procs(below, timeout=10)
print(json.dumps([there, again, len(gone) > 3, [p.name() for p in alive]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to spare it")
def test_sigterm_to_all_of_its_processes_leaves_it_there_until_it_is_stopped():
    done = subprocess.run(
        [sys.executable, "-c", SPARED], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    there, again, ended, alive = json.loads(done.stdout.splitlines()[-1])
    assert (there, again) == (1_000_000, 1_000_000)
    assert ended
    assert alive == []


AHEAD = """
import json, os, sys, time
import psutil
from automl.workers import environment
from automl.workers.cluster import Cluster

NICE = os.nice(0)
cluster = Cluster(cpus=2)
cluster.wait()
import ray
from ray.tune.execution.class_cache import _ActorClassCache

class Where:
    def tell(self):
        return os.getpid(), "sklearn.base" in sys.modules, os.nice(0) - NICE

def workers():
    found = psutil.Process().children(recursive=True)
    return [p.pid for p in found if p.name().startswith("ray::IDLE")]

end = time.monotonic() + 60
while len(before := workers()) < 2 and time.monotonic() < end:
    time.sleep(0.1)
with environment.inherited():
    actor = _ActorClassCache().get(Where).remote()
pid, ready, nicer = ray.get(actor.tell.remote())
daemons = sorted(ray._private.worker._global_node.all_processes)
ray.kill(actor)
del actor
cluster.stop()
cluster._thread.join(30)
print(json.dumps([len(before), pid in before, ready, nicer, daemons]))
"""


def test_workers_begin_ahead_and_tune_takes_them():
    done = subprocess.run(
        [sys.executable, "-c", AHEAD], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    begun, taken, ready, nicer, daemons = json.loads(done.stdout.splitlines()[-1])
    assert begun == 2
    assert taken
    assert ready
    assert nicer == 0
    assert daemons == ["gcs_server", "raylet"]  # none that watch a cluster
