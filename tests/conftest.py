from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# Tests run side by side; those of the lease ask for it.
os.environ.setdefault("AUTOML_LEASES", "0")

# CI machines stall: a slow example is no failure. The same examples every time.
settings.register_profile("automl", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("automl")


@pytest.fixture(scope="session")
def ray_here():
    """One embedded Ray for all tests that fit in this process."""
    from automl.workers.cluster import start_ray
    from automl.workers.daemons import end_ray
    from automl.workers.shares import plan_workers

    start_ray(plan_workers(cpus=2))
    yield
    end_ray()


@pytest.fixture
def write(tmp_path):
    """Write a file of a table, and give its path."""

    def _write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


@pytest.fixture(scope="session")
def customers() -> pd.DataFrame:
    """A messy binary table: numbers, words, dates, missing cells, an id and a constant."""
    rng = np.random.default_rng(7)
    n = 600
    age = rng.integers(18, 80, n)
    plan = rng.choice(["free", "basic", "pro"], n, p=[0.5, 0.3, 0.2])
    spend = np.where(plan == "free", 0, rng.gamma(2, 20, n)).round(2)
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), "D")
    logit = 0.06 * (age - 45) + (plan == "pro") * 1.5 - 0.01 * spend + rng.normal(0, 0.7, n)
    table = pd.DataFrame(
        {
            "customer": [f"c{i:05d}" for i in range(n)],
            "age": age.astype(object),
            "plan": plan,
            "spend": [f"${s:.2f}" for s in spend],
            "joined": joined.strftime("%Y-%m-%d"),
            "country": "NL",
            "churned": np.where(logit > 0, "yes", "no"),
        }
    )
    table.loc[rng.choice(n, 40, replace=False), "age"] = "?"
    return table


@pytest.fixture(scope="session")
def customers_csv(customers, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    customers.to_csv(path, index=False)
    return path
