from __future__ import annotations

from hypothesis import settings

# CI machines stall: a slow example is no failure. The same examples every time.
settings.register_profile("automl", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("automl")
