"""The cells of a published study, kept small so that another way of judging can be tried on them.

`NAME.points.jsonl.gz` holds the points; `NAME.moments.npz` what the per-row terms of a repeat's
points say about each other: `deviation_R` (p,) their standard deviations and `correlation_R` the
p(p-1)/2 correlations below the diagonal, row by row, points in the order of the file. The error
of a difference of two scores on the m rows of a repeat, and of any sum over its points, follows.
"""

from __future__ import annotations

import gzip
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from automl import scaling


def keep(study: scaling.Study, folder: Path, name: str) -> None:
    """Write the two files of a study whose points have their per-row terms."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = replace(study, points=tuple(replace(point, terms=None) for point in study.points))
    with tempfile.TemporaryDirectory() as draft:
        scaling.write_study(Path(draft), bare)
        content = (Path(draft) / "points.jsonl").read_bytes()
    path = folder / f"{name}.points.jsonl.gz"
    path.write_bytes(gzip.compress(content, 9, mtime=0))
    moments: dict[str, np.ndarray] = {}
    for repeat in sorted({point.repeat for point in study.points}):
        terms = np.stack(
            [np.concatenate(p.terms()) for p in study.points if p.repeat == repeat and p.terms]
        )
        deviation = terms.std(axis=1, ddof=1)
        with np.errstate(invalid="ignore"):
            correlation = np.nan_to_num(np.corrcoef(terms))
        moments[f"deviation_{repeat}"] = deviation.astype(np.float32)
        below = correlation[np.tril_indices(len(terms), -1)]
        moments[f"correlation_{repeat}"] = below.astype(np.float16)
    np.savez_compressed(folder / f"{name}.moments.npz", **moments)


def kept(folder: Path, name: str) -> scaling.Study:
    """The study that `keep` wrote, without per-row terms."""
    with tempfile.TemporaryDirectory() as draft:
        content = gzip.decompress((folder / f"{name}.points.jsonl.gz").read_bytes())
        (Path(draft) / "points.jsonl").write_bytes(content)
        return scaling.read_study(Path(draft))
