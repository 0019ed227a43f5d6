"""Fixtures that the tests of whole commands share."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PLANTED = Path(__file__).parents[1] / "study" / "planted.py"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with an installed plugin and a table that it reads the truth from."""
    folder = tmp_path_factory.mktemp("study")
    shutil.copy(PLANTED, folder / "planted.py")
    info = folder / "planted-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[automl]\nplanted = planted\n")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 20_000)
    table = pd.DataFrame({"sign": 2.0 * y - 1, "noise": rng.normal(size=len(y)), "label": y})
    table.to_csv(folder / "planted.csv", index=False)
    return folder
