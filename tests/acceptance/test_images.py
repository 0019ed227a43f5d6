"""A folder of images from the fit to the report, as a user runs it."""

from __future__ import annotations

import base64
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from automl import AutoML
from automl.cli.app import run as automl
from automl.report import report_html

pil = pytest.importorskip("PIL.Image")
CLASS = "<i>digit {}"
"""Names of sub-folders that a page must not take for its own markup."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """300 digits in a folder, one of them damaged, and 50 others without labels."""
    folder = tmp_path_factory.mktemp("images")
    digits = load_digits()
    for at in range(350):
        name = CLASS.format(digits.target[at])
        path = folder / ("photos" if at < 300 else "unseen") / (name if at < 300 else "")
        path.mkdir(parents=True, exist_ok=True)
        pil.fromarray((digits.images[at] * 15).astype(np.uint8)).save(path / f"{at:03d}.png")
    next((folder / "photos").rglob("007.png")).write_bytes(b"damaged")
    return folder


@pytest.fixture(scope="module")
def fitted(ray_here, photos, tmp_path_factory):
    """A finished fit of a net and a linear model, its run directory, and what it said."""
    output = tmp_path_factory.mktemp("fitted") / "run"
    auto = AutoML(
        trials=3, time_limit=None, cpus=2, folds=2, learner=["linear", "cnn"], output=output
    )
    return auto.fit(photos / "photos"), output


def test_nets_and_classical_learners_both_learn_from_images(fitted):
    board = fitted[0].leaderboard_.set_index("learner")
    assert {"cnn", "linear"} <= set(board.index[board["status"] == "ok"])
    assert (board.loc[["cnn", "linear"], "score"] < 1.0).all()
    assert board.loc["baseline", "score"] == pytest.approx(np.log(10), abs=0.2)


def test_the_run_keeps_how_images_are_read(fitted):
    schema = json.loads((fitted[1] / "run.json").read_text())["schema"]
    (column,) = schema["columns"]
    assert (column["kind"], column["parse"]) == ("image", "image:8x8x1")
    assert column["reason"].startswith("paths of images, read as 8x8x1")


@pytest.mark.parametrize("learner", [None, "cnn", "linear"])
def test_other_folders_are_predicted(fitted, photos, learner, tmp_path, capsys):
    out = tmp_path / "found.csv"
    more = ["--learner", learner] if learner else []
    assert automl(["predict", str(fitted[1]), str(photos / "unseen"), "-o", str(out), *more]) == 0
    found = pd.read_csv(out)["prediction"]
    truth = [CLASS.format(d) for d in load_digits().target[300:350]]
    assert (found == truth).mean() > 0.7


def test_evaluation_tells_of_damaged_images_once(fitted, photos, capsys):
    assert automl(["evaluate", str(fitted[1]), str(photos / "photos")]) == 0
    told = capsys.readouterr().err
    assert told.count("1 that cannot be read as images") == 1


def test_the_report_shows_images_most_wrong_with_their_names_escaped(fitted):
    part = json.loads((fitted[1] / "diagnostics.json").read_text())["examples"]
    assert 0 < len(part["images"]) <= 10
    shares = [one["share"] for one in part["images"]]
    assert shares == sorted(shares, reverse=True)
    for one in part["images"]:
        assert one["truth"] != one["predicted"]
        image = pil.open(io.BytesIO(base64.b64decode(one["png"])))
        assert (image.format, image.size) == ("PNG", (8, 8))
    page = report_html(fitted[1])
    assert "Images it is most wrong about" in page
    assert page.count("data:image/png;base64,") == len(part["images"])
    assert "<i>digit" not in page
    assert "&lt;i&gt;digit" in page


def test_a_report_of_a_table_has_no_such_section(fitted, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(fitted[1], copy)
    facts = json.loads((copy / "diagnostics.json").read_text())
    del facts["examples"]
    (copy / "diagnostics.json").write_text(json.dumps(facts))
    assert "Images it is most wrong about" not in report_html(copy)


def test_a_net_of_images_is_left_out_of_tables_with_the_reason(ray_here, tmp_path):
    auto = AutoML(trials=2, time_limit=None, cpus=1, learner=["linear", "cnn"], folds=2)
    board = auto.fit("sklearn:iris").leaderboard_.set_index("learner")
    assert board.loc["cnn", "status"] == "skipped"
    assert "no column holds any" in board.loc["cnn", "reason"]
