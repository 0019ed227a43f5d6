"""The data as a learner wants it: `frame`, `matrix` and `tensors`, fitted on training rows."""

from __future__ import annotations

from automl.data.views.encode import Encoded
from automl.data.views.shape import SavedView
from automl.data.views.store import load_view, save_view
from automl.data.views.views import Views

__all__ = ["Encoded", "SavedView", "Views", "load_view", "save_view"]
