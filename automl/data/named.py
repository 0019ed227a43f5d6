"""Data sets by name: those inside scikit-learn, those it fetches, and OpenML."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from automl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_LOADED = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
_FETCHED = ("20newsgroups", "california_housing", "covtype", "kddcup99", "olivetti_faces")


def read_sklearn(name: str) -> pd.DataFrame:
    """One of scikit-learn's data sets, its target last; class codes get their names.

    Raises:
        DataError: For an unknown name, or one that must be downloaded without a network.
    """
    from sklearn import datasets

    if name in _LOADED:
        return _frame(getattr(datasets, f"load_{name}")())
    if name in _FETCHED:
        try:
            return _frame(getattr(datasets, f"fetch_{name}")())
        except OSError as error:
            msg = f"sklearn:{name} must be downloaded and the download failed ({_brief(error)})."
            raise DataError(msg) from None
    known = (*_LOADED, *_FETCHED)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean sklearn:{close[0]}?" if close else f"choose one of {', '.join(known)}."
    msg = f"scikit-learn has no table named {name!r}; {hint}"
    raise DataError(msg)


def _frame(bunch: Any) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    data, target = bunch.data, np.asarray(bunch.target)
    if isinstance(data, list):
        frame = pd.DataFrame({"text": data})
    else:
        names = bunch.get("feature_names")
        names = [f"x{i}" for i in range(data.shape[1])] if names is None else list(names)
        frame = pd.DataFrame(np.asarray(data), columns=names).infer_objects()
    labels = np.asarray(bunch.get("target_names", []))
    if target.ndim == 2:
        return frame.assign(**{str(n): target[:, i] for i, n in enumerate(labels)})
    if labels.dtype.kind in "UO" and target.dtype.kind in "iu" and len(labels) > 1:
        target = labels[target]
    if target.dtype.kind in "SO":
        target = np.array([v.decode() if isinstance(v, bytes) else v for v in target], dtype=object)
    frame["target"] = target
    frame.attrs["target"] = "target"
    return frame.infer_objects()


def read_openml(name: str) -> pd.DataFrame:
    """A data set of OpenML, by name or number, its default target named in `attrs`.

    Raises:
        DataError: If OpenML cannot be reached or has no such data set.
    """
    from sklearn.datasets import fetch_openml

    which: dict[str, Any] = (
        {"data_id": int(name)} if name.isdigit() else {"name": name, "version": "active"}
    )
    try:
        bunch = fetch_openml(**which, as_frame=True, parser="auto")
    except (OSError, ValueError) as error:
        msg = f"openml:{name} could not be fetched ({_brief(error)}); check the name and network."
        raise DataError(msg) from None
    frame: pd.DataFrame = bunch.frame
    if len(bunch.target_names) == 1:
        frame.attrs["target"] = bunch.target_names[0]
    return frame


def _brief(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
