from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from automl.data.apply import with_images
from automl.data.images import detect
from automl.data.images.pictures import ImageArray, ImageStore
from automl.data.images.remarks import remarks
from automl.data.read import read_table
from automl.data.schema import (
    describe,
    infer_schema,
    schema_from_json,
    schema_to_json,
    to_dataset,
    to_features,
)
from automl.data.views import Views, image, load_view
from automl.errors import DataError, UsageError

pil = pytest.importorskip("PIL.Image")


def digits(rows=300):
    """(n, 8, 8) uint8 and (n,) labels."""
    found = load_digits()
    pixels = np.round(found.images[:rows] * 255 / 16).astype(np.uint8)
    return pixels, found.target[:rows]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 300 digits of 16 x 16 pixels with a sub-folder a class."""
    folder = tmp_path_factory.mktemp("album") / "photos"
    for at, (drawn, label) in enumerate(zip(*digits(), strict=True)):
        path = folder / f"digit {label}" / f"{at:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pil.fromarray(drawn).resize((16, 16)).save(path)
    (folder / "about.txt").write_text("drawn by hand")
    return folder


def images_of(table, **asked):
    """The schema and the images of the only feature of a table."""
    schema = infer_schema(table, target="label", **asked)
    return schema, to_dataset(schema, table).X[schema.features[0].name].array


class TestAFolder:
    def test_is_a_table_of_paths_with_its_sub_folders_as_labels(self, photos):
        table = read_table(photos)
        assert list(table.columns) == ["image", "label"]
        assert len(table) == 300
        schema = infer_schema(table, target=None)
        assert schema.target == "label"
        assert len(schema.classes) == 10
        (column,) = schema.features
        assert (column.kind, column.shape) == ("image", (16, 16, 1))
        lines = "\n".join(describe(schema))
        assert "1 image" in lines
        assert "--image no" in lines
        assert "Left out 1 file of photos that are no images" in lines

    def test_may_be_an_archive_that_is_read_in_place(self, photos, tmp_path):
        packed = tmp_path / "photos.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for path in sorted(photos.rglob("*.png")):
                archive.write(path, f"photos/{path.relative_to(photos)}")
        (one, plain), (other, unpacked) = (
            images_of(read_table(packed)),
            images_of(read_table(photos)),
        )
        assert one.classes == other.classes
        assert np.array_equal(plain.pixels, unpacked.pixels)
        assert [path.name for path in tmp_path.iterdir()] == ["photos.zip"]

    def test_without_sub_folders_has_no_labels(self, photos):
        table = read_table(photos / "digit 3")
        assert list(table.columns) == ["image"]
        trained = infer_schema(read_table(photos), target="label")
        assert len(to_features(trained, table)) == len(table)

    def test_without_images_is_refused(self, tmp_path):
        (tmp_path / "notes.txt").write_text("x")
        with pytest.raises(DataError, match="without images"):
            read_table(tmp_path)


class TestPaths:
    def table(self, photos, where):
        """A CSV file beside the folder, with a number beside the paths."""
        paths = sorted(photos.rglob("*.png"))
        frame = pd.DataFrame(
            {
                "photo": [str(path.relative_to(where.parent)) for path in paths],
                "weight": np.arange(len(paths)) / 7,
                "label": [path.parent.name for path in paths],
            }
        )
        frame.to_csv(where, index=False)
        return read_table(where)

    def test_are_relative_to_the_file_of_data(self, photos, monkeypatch, tmp_path):
        table = self.table(photos, photos.parent / "list.csv")
        monkeypatch.chdir(tmp_path)
        schema, found = images_of(table)
        assert [c.kind for c in schema.features] == ["image", "number"]
        assert not found.isna().any()

    def test_whose_files_are_elsewhere_stay_text_and_that_is_said(self, photos, tmp_path):
        table = self.table(photos, photos.parent / "list.csv")
        table.to_csv(tmp_path / "lost.csv", index=False)
        schema = infer_schema(read_table(tmp_path / "lost.csv"), target="label")
        assert all(c.kind != "image" for c in schema.columns)
        assert any("photo names images, but few" in note for note in schema.notes)

    def test_may_be_kept_as_words(self, photos):
        schema = infer_schema(read_table(photos), target="label", image="no")
        assert all(c.kind != "image" for c in schema.columns)

    def test_are_brought_to_the_size_that_is_asked_for(self, photos):
        _, found = images_of(read_table(photos), image="24x20x3")
        assert found.pixels.shape == (300, 24, 20, 3)

    @pytest.mark.parametrize("size", ["28", "28x", "4x4", "28x28x2", "axb", "1x2x3x4"])
    def test_no_size_is_refused_in_a_sentence(self, photos, size):
        with pytest.raises(UsageError, match="--image takes"):
            infer_schema(read_table(photos), target="label", image=size)


def frames(*colours):
    return [pil.new("RGB", (20, 20), colour) for colour in colours]


def noise(shape, most=255, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, most, shape).astype(dtype)


AWKWARD = {
    "corrupt.png": (lambda p: p.write_bytes(b"no image"), "1 that cannot be read as images"),
    "empty.png": (lambda p: p.write_bytes(b""), "1 that cannot be read as images"),
    "absent.png": (lambda p: None, "1 without a file (such as absent.png)"),
    "folder.png": (lambda p: p.mkdir(), "1 without a file"),
    "dot.png": (lambda p: pil.new("L", (1, 1), 9).save(p), "1 brought to this size"),
    "line.png": (lambda p: pil.new("L", (900, 1), 9).save(p), "1 brought to this size"),
    "glass.png": (
        lambda p: pil.new("RGBA", (20, 20), (255, 0, 0, 0)).save(p),
        "1 laid on white where they can be seen through",
    ),
    "palette.gif": (lambda p: pil.new("P", (20, 20), 3).save(p), ""),
    "deep.png": (
        lambda p: pil.fromarray(noise((20, 20), 60_000, np.uint16)).save(p),
        "1 of 16 bits or more brought to 8",
    ),
    "float.tiff": (
        lambda p: pil.fromarray(np.full((20, 20), np.nan, np.float32)).save(p),
        "1 of 16 bits or more brought to 8",
    ),
    "moving.gif": (
        lambda p: frames("red", "blue")[0].save(p, save_all=True, append_images=frames("blue")),
        "1 of which the first frame was taken",
    ),
    "print.jpg": (lambda p: pil.new("CMYK", (20, 20), (0, 99, 0, 0)).save(p), ""),
    "bits.png": (lambda p: pil.new("1", (20, 20), 1).save(p), ""),
    "": (lambda p: None, "1 without a value"),
}


class TestAwkwardImages:
    @pytest.fixture
    def table(self, tmp_path):
        def make(name, write):
            for at in range(30):
                pil.fromarray(noise((20, 20, 3))).save(tmp_path / f"fine{at}.png")
            if name:
                write(tmp_path / name)
            names = [name or None] + [f"fine{at}.png" for at in range(30)]
            frame = pd.DataFrame({"photo": names, "label": ["a", "b"] * 15 + ["a"]})
            frame.to_csv(tmp_path / "list.csv", index=False)
            return read_table(tmp_path / "list.csv")

        return make

    @pytest.mark.parametrize("name", AWKWARD)
    def test_are_read_or_counted(self, table, name, recwarn):
        write, told = AWKWARD[name]
        raw = table(name, write)
        schema = infer_schema(raw, target="label")
        data = to_dataset(schema, raw)
        said = remarks(schema, raw, data.X)
        assert (told in said[0]) if told else said == []
        lost = "cannot" in told or "without" in told
        assert data.X["photo"].isna().tolist() == [lost] + [False] * 30
        views = Views(data.X, data.y, schema)
        assert np.isfinite(views.train("matrix")).all()
        assert views.train("image").shape == (31, 20, 20, 3)
        assert not recwarn.list

    def test_that_is_cut_off_costs_itself_alone(self, table, tmp_path):
        whole = tmp_path / "whole.png"
        pil.fromarray(noise((20, 20, 3))).save(whole)
        raw = table("cut.png", lambda p: p.write_bytes(whole.read_bytes()[:300]))
        _, found = images_of(raw)
        assert found.isna().sum() == 1

    def test_of_new_rows_are_told_once_by_one_sentence(self, table):
        raw = table("corrupt.png", AWKWARD["corrupt.png"][0])
        schema, said = infer_schema(raw, target="label"), []
        read = with_images(schema, raw, said.append)
        to_features(schema, read, said.append)
        (sentence,) = said
        assert sentence == (
            "Of the 31 images of photo: 1 that cannot be read as images (such as corrupt.png); "
            "in place of a missing image learners get the mean image."
        )

    def test_transparent_pixels_are_white(self, table):
        _, found = images_of(table("glass.png", AWKWARD["glass.png"][0]))
        assert (found.pixels[0] == 255).all()

    def test_sixteen_bits_keep_their_brightness(self, table, tmp_path):
        bright = np.full((20, 20), 2**15, np.uint16)
        _, found = images_of(table("deep.png", lambda p: pil.fromarray(bright).save(p)))
        assert abs(int(found.pixels[0].mean()) - 127) <= 1


class TestColumnsOfPixels:
    def table(self, side=28, rows=200, channels=1):
        """Blurred digits, one column a pixel."""
        pixels, labels = digits(rows)
        large = np.stack([pil.fromarray(i).resize((side, side)) for i in pixels])
        flat = np.repeat(large[..., None], channels, axis=-1).reshape(rows, -1)
        names = [f"p{at}" for at in range(flat.shape[1])]
        return pd.DataFrame(flat, columns=names).assign(label=labels), large

    def test_are_taken_for_one_image_where_neighbours_are_alike(self):
        table, large = self.table()
        schema, found = images_of(table)
        (column,) = schema.columns
        assert len(column.sources) == 784
        assert "784 columns of whole numbers from 0 to 255" in column.reason
        assert np.array_equal(found.pixels[..., 0], large)
        assert schema_from_json(schema_to_json(schema)) == schema

    def test_stay_numbers_where_they_are_shuffled(self):
        table, _ = self.table()
        order = np.random.default_rng(0).permutation(784)
        table.iloc[:, :784] = table.iloc[:, order].to_numpy()
        assert {c.kind for c in infer_schema(table, target="label").features} == {"number"}

    def test_stay_numbers_beside_others(self):
        table, _ = self.table()
        schema = infer_schema(table.assign(age=np.arange(200) / 3), target="label")
        assert {c.kind for c in schema.features} == {"number"}

    def test_stay_numbers_where_that_is_asked(self):
        schema = infer_schema(self.table()[0], target="label", image="no")
        assert {c.kind for c in schema.features} == {"number"}

    def test_are_what_is_asked_for(self):
        pixels, labels = digits()
        flat = pd.DataFrame(pixels.reshape(len(pixels), -1) / 255).assign(label=labels)
        schema, found = images_of(flat.assign(kind="x"), image="8x8")
        assert [c.kind for c in schema.columns] == ["image", "set_aside"]
        assert np.array_equal(found.pixels[..., 0], pixels)

    def test_of_three_channels_are_told_from_three_planes(self):
        table, large = self.table(side=16, channels=3)
        together = images_of(table, image="16x16x3")[1]
        order = np.arange(768).reshape(16, 16, 3).transpose(2, 0, 1).ravel()
        noisy = large.copy()
        planes = table.copy()
        planes.iloc[:, :768] = table.iloc[:, order].to_numpy()
        apart = images_of(planes, image="16x16x3")[1]
        assert np.array_equal(together.pixels, apart.pixels)
        assert np.array_equal(together.pixels[..., 1], noisy)

    def test_too_few_are_refused_in_a_sentence(self):
        with pytest.raises(DataError, match=r"--image 30x30: .* 900 columns"):
            infer_schema(self.table()[0], target="label", image="30x30")

    def test_of_later_files_are_read_the_same_way(self):
        table, large = self.table()
        schema = infer_schema(table, target="label")
        mixed = table[[*reversed(table.columns)]].drop(columns="label").iloc[:5]
        assert np.array_equal(to_features(schema, mixed)["image"].array.pixels[..., 0], large[:5])
        with pytest.raises(DataError, match="lacks the columns 'p7'"):
            to_features(schema, table.drop(columns="p7"))

    def test_gaps_are_dark_and_rows_without_a_pixel_missing(self):
        table, _ = self.table()
        schema = infer_schema(table, target="label")
        holed = table.astype({f"p{at}": float for at in range(784)})
        holed.iloc[0, :784] = np.nan
        holed.iloc[1, 100] = np.nan
        found = to_features(schema, holed)["image"].array
        assert found.isna().tolist() == [True] + [False] * 199
        assert found.pixels[1].reshape(-1)[100] == 0


def test_the_usual_tables_hold_no_images():
    for name in ("sklearn:digits", "sklearn:iris", "sklearn:breast_cancer"):
        schema = infer_schema(read_table(name), target=None)
        assert all(c.kind != "image" for c in schema.columns)


# ------------------------------------------------------------------------------ the array


def array(pixels, missing=()):
    oddities = np.zeros(len(pixels), np.uint8)
    oddities[list(missing)] = 1
    return ImageArray(ImageStore(pixels, oddities))


ROWS = st.lists(st.integers(0, 5), max_size=12)


@given(rows=ROWS)
def test_rows_survive_taking_joining_and_travelling(rows):
    pixels = noise((6, 3, 4, 1))
    series = pd.Series(array(pixels, missing=[2]), name="photo")
    taken = series.iloc[rows].reset_index(drop=True)
    joined = pd.concat([taken, series], ignore_index=True)
    travelled = pickle.loads(pickle.dumps(joined))
    want = np.concatenate([pixels[rows], pixels])
    want[np.array([*rows, *range(6)]) == 2] = 0
    for one in (joined, travelled):
        assert np.array_equal(one.array.pixels, want)
        assert one.isna().tolist() == [row == 2 for row in [*rows, *range(6)]]
    assert len(pickle.dumps(taken.array)) < 600 + len(rows) * 40
    hashes = pd.util.hash_pandas_object(joined, index=False)
    assert hashes.equals(pd.util.hash_pandas_object(travelled, index=False))
    assert hashes.nunique() == 6


def test_an_image_can_be_taken_out_and_not_put_in():
    series = pd.Series(array(noise((4, 2, 2, 1))))
    series[1] = None
    assert series.isna().tolist() == [False, True, False, False]
    with pytest.raises(TypeError, match="removed, not set"):
        series[0] = 7
    assert "image 2x2x1" in repr(series)


# ------------------------------------------------------------------------------ the views


@pytest.fixture(scope="module")
def dataset(photos):
    table = read_table(photos)
    schema = infer_schema(table, target="label")
    return to_dataset(schema, table)


class TestViews:
    def test_show_pixels_to_nets_and_features_to_all_others(self, dataset, tmp_path):
        pytest.importorskip("skimage")
        views = Views(dataset.X, dataset.y, dataset.schema)
        names = views.describe("matrix")
        assert sum("gradient" in name for name in names) > 100
        assert sum("component" in name for name in names) == 64
        for kind in ("image", "frame", "matrix", "tensors"):
            views.save(kind, tmp_path / kind)
            loaded = load_view(tmp_path / kind).transform(dataset.X)
            trained = views.train(kind)
            numbers = getattr(loaded, "numbers", loaded)
            assert np.allclose(numbers, getattr(trained, "numbers", trained), atol=1e-5)
        assert views.train("image").dtype == np.uint8

    def test_tell_a_model_more_than_chance(self, dataset):
        from sklearn.linear_model import LogisticRegression

        X, y = dataset.X.iloc[::2], dataset.y[::2]
        views = Views(X, y, dataset.schema)
        model = LogisticRegression(max_iter=500).fit(views.train("matrix"), y)
        rest = views.transform("matrix", dataset.X.iloc[1::2])
        assert model.score(rest, dataset.y[1::2]) > 0.8

    def test_see_components_alone_without_scikit_image_and_say_so(
        self, photos, dataset, monkeypatch
    ):
        for module in (detect, image):
            monkeypatch.setattr(module, "has_gradients", lambda: False)
        schema = infer_schema(read_table(photos), target="label")
        assert any("automl-crossover[vision]" in note for note in schema.notes)
        views = Views(dataset.X, dataset.y, schema)
        assert all("component" in name for name in views.describe("frame"))

    def test_learn_from_training_rows_alone(self, dataset):
        some = Views(dataset.X.iloc[:100], dataset.y[:100], dataset.schema)
        alone = pd.DataFrame({"image": array(dataset.X["image"].array[:100].pixels)})
        fresh = Views(alone, dataset.y[:100], dataset.schema)
        assert np.allclose(some.train("matrix"), fresh.train("matrix"), atol=1e-6)

    def test_of_all_images_missing_still_stand(self, dataset):
        X = dataset.X.iloc[:20].copy()
        X["image"] = array(np.zeros((20, 16, 16, 1), np.uint8), missing=range(20))
        views = Views(X, dataset.y[:20], dataset.schema)
        assert np.isfinite(views.train("matrix")).all()
        assert (views.train("image") == 0).all()
