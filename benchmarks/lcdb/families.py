"""Families of learning curves to compare with the power law that `automl.scaling` fits."""

from __future__ import annotations

from itertools import product

import numpy as np

from automl import scaling

POW4 = scaling.CurveFamily(
    "pow4",
    lambda x, b, d: (x + d) ** -b,
    np.array(list(product(np.geomspace(0.05, 8.0, 40), (0, 0.03, 0.1, 0.3, 1.0, 3.0)))),
)
MMF4 = scaling.CurveFamily(
    "mmf4",
    lambda x, s, d: 1.0 / (1.0 + (x / s) ** d),
    np.array(list(product(np.geomspace(0.01, 10.0, 20), np.geomspace(0.2, 4.0, 20)))),
)
FAMILIES = (scaling.POWER_LAW, POW4, MMF4)
