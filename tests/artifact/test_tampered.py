"""Models that are damaged or made up: one sentence, which names the file, and no code is run."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl import ArtifactError, AutoML, AutoMLError
from automl.artifact.manifest import Manifest, write_manifest
from automl.cli.app import run as command

LINEAR = "members/linear-0-f0"
SKOPS = f"{LINEAR}/model.skops"
VIEW = "views/matrix-f0"


@dataclass
class Copy:
    """A copy of the model to tamper with."""

    folder: Path
    canary: Path
    """A file that code of the model, were it run, would make."""

    def file(self, name):
        return self.folder / name

    def json(self, name="artifact.json", **changes):
        content = json.loads(self.file(name).read_text())
        self.file(name).write_text(json.dumps(content | changes))

    def cut(self, name):
        content = self.file(name).read_bytes()
        self.file(name).write_bytes(content[: len(content) // 2])

    def flip(self, name):
        content = bytearray(self.file(name).read_bytes())
        content[len(content) // 2] ^= 1
        self.file(name).write_bytes(content)

    def link(self, name):
        elsewhere = self.canary.parent / "elsewhere"
        shutil.move(self.file(name), elsewhere)
        self.file(name).symlink_to(elsewhere)

    def rename(self, trial):
        content = json.loads(self.file("artifact.json").read_text())
        content["members"][trial] = content["members"].pop("linear-0")
        content["best"]["linear"] = trial
        for weights in content["ensembles"].values():
            weights[trial] = weights.pop("linear-0")
        self.json(**content)

    def list(self, name, **record):
        manifest = json.loads(self.file("manifest.json").read_text())
        manifest["files"][name] = {"size": 1, "sha256": "0" * 64} | record
        self.file("manifest.json").write_text(json.dumps(manifest))

    def unlist(self, folder):
        manifest = json.loads(self.file("manifest.json").read_text())
        kept = {n: one for n, one in manifest["files"].items() if not n.startswith(folder)}
        self.json("manifest.json", files=kept)

    def pickled(self):
        return pickle.dumps(Boom(str(self.canary)))

    def sign(self):
        """Write the manifest that fits, as one can who means harm."""
        files = (f for f in self.folder.rglob("*") if f.is_file())
        names = {file.relative_to(self.folder).as_posix() for file in files}
        write_manifest(self.folder, names - {"manifest.json", "ensembles.json"})


class Boom:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (self.canary,)


@pytest.fixture
def copy(world, tmp_path):
    shutil.copytree(world.model, tmp_path / "model")
    return Copy(tmp_path / "model", tmp_path / "canary")


@pytest.fixture
def table(customers, tmp_path):
    file = tmp_path / "new.csv"
    customers.head(20).to_csv(file, index=False)
    return file


def _zip(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def _skops(copy):
    """A skops file whose only object is a call of `os.mkdir`."""
    node = {
        "__class__": "mkdir",
        "__module__": "os",
        "__loader__": "MethodNode",
        "content": {"func": "mkdir", "obj": str(copy.canary)},
        "protocol": 2,
    }
    copy.file(SKOPS).write_bytes(_zip(schema__json=json.dumps(node)))


def _arrays(copy, save=np.savez, **more):
    with np.load(copy.file(f"{VIEW}/view.npz")) as old:
        arrays = {name: old[name] for name in old.files}
    with copy.file(f"{VIEW}/view.npz").open("wb") as file:
        save(file, **arrays | more)


def _label(copy):
    """A class that calls for a function by name."""
    copy.canary.with_suffix(".pickle").write_bytes(copy.pickled())
    schema = json.loads(copy.file("artifact.json").read_text())["schema"]
    call = {"read_pickle": str(copy.canary.with_suffix(".pickle"))}
    copy.json(schema={**schema, "classes": [call, "yes"]})


def _no_trial(copy):
    copy.json(ensembles={"ensemble": {"linear-9": 1.0}})


def _keras_net(copy):
    """A net whose file calls for a function by name, in place of weights."""
    folder = copy.file("members/keras_mlp-0-f0")
    (folder / "weights.safetensors").unlink()
    call = {"module": "os", "class_name": "mkdir", "config": {"path": str(copy.canary)}}
    net = _zip(config__json=json.dumps(call), metadata__json="{}", model__weights__h5="no HDF5")
    (folder / "net.keras").write_bytes(net)


def _keras_activation(copy):
    name = "members/keras_mlp-0-f0/net.json"
    config = json.loads(copy.file(name).read_text())["config"]
    call = {"module": "os", "class_name": "mkdir", "config": {"path": str(copy.canary)}}
    copy.json(name, config={**config, "activation": call})


def _other_weights(copy):
    kept, other = (copy.file(f"members/mlp-0-f{fold}/net.json") for fold in (0, 1))
    details = json.loads(kept.read_text())
    details["config"]["width"] = 8
    other.write_text(json.dumps(details))


DAMAGED = {
    "artifact cut": (lambda c: c.cut("artifact.json"), "artifact.json"),
    "artifact altered": (lambda c: c.flip("artifact.json"), "artifact.json"),
    "artifact missing": (lambda c: c.file("artifact.json").unlink(), "holds no finished model"),
    "manifest cut": (lambda c: c.cut("manifest.json"), "manifest.json"),
    "manifest missing": (lambda c: c.file("manifest.json").unlink(), "manifest.json"),
    "manifest empty": (lambda c: c.file("manifest.json").write_text(""), "manifest.json"),
    "manifest a list": (lambda c: c.file("manifest.json").write_text("[1]"), "manifest.json"),
    "manifest of the future": (lambda c: c.json("manifest.json", format=99), "newer automl"),
    "manifest a link": (lambda c: c.link("manifest.json"), "manifest.json is a link"),
    "model cut": (lambda c: c.cut(SKOPS), SKOPS),
    "model altered": (lambda c: c.flip(SKOPS), SKOPS),
    "model missing": (lambda c: c.file(SKOPS).unlink(), SKOPS),
    "model a link": (lambda c: c.link(SKOPS), f"{SKOPS} is a link"),
    "member a link": (lambda c: c.link(LINEAR), f"{LINEAR} is a link"),
    "members missing": (lambda c: shutil.rmtree(c.file("members")), "members/"),
    "members a link": (lambda c: c.link("members"), "members is a link"),
    "views a link": (lambda c: c.link("views"), "views is a link"),
    "view cut": (lambda c: c.cut(f"{VIEW}/view.npz"), f"{VIEW}/view.npz"),
    "view altered": (lambda c: c.flip(f"{VIEW}/view.json"), f"{VIEW}/view.json"),
    "view missing": (lambda c: shutil.rmtree(c.file(VIEW)), VIEW),
    "foreign file": (lambda c: c.file("sitecustomize.py").write_text("1"), "sitecustomize.py"),
    "foreign folder": (lambda c: c.file("code").mkdir(), "code does not belong"),
    "foreign file of a member": (lambda c: c.file(f"{LINEAR}/x.py").write_text("1"), "x.py"),
    "hidden file": (lambda c: c.file(f"{VIEW}/.hidden").write_text("1"), ".hidden"),
    "model a pipe": (
        lambda c: (c.file(SKOPS).unlink(), os.mkfifo(c.file(SKOPS))),
        f"{SKOPS} is no file",
    ),
    "member not listed": (lambda c: c.unlist(LINEAR), f"{LINEAR}/model.json is not listed"),
    "listed outside": (lambda c: c.list("../outside.txt"), "manifest.json"),
    "listed by an absolute path": (lambda c: c.list("/etc/passwd"), "manifest.json"),
    "listed with a zero byte": (lambda c: c.list("members/a\x00b"), "manifest.json"),
    "listed without a size": (lambda c: c.list("members/a", size="1"), "manifest.json"),
    "listed without a sum": (lambda c: c.list("members/a", sha256=7), "manifest.json"),
}
MADE_UP = {
    "trial by an absolute path": (lambda c: c.rename("/tmp/linear-0"), "artifact.json"),
    "trial above the folder": (lambda c: c.rename("../../linear-0"), "artifact.json"),
    "trial of nothing": (_no_trial, "artifact.json"),
    "members a list": (lambda c: c.json(members=[]), "artifact.json"),
    "call for a label": (_label, "artifact.json"),
    "no schema": (lambda c: c.json(schema=None), "artifact.json"),
    "weights no numbers": (
        lambda c: c.json(ensembles={"ensemble": {"linear-0": float("nan")}}),
        "artifact.json",
    ),
    "artifact of the future": (lambda c: c.json(format=99), "newer automl"),
    "artifact too deep": (
        lambda c: c.file("artifact.json").write_text("[" * 100_000),
        "artifact.json",
    ),
    "unknown combiner": (
        lambda c: c.json(default="stacking", combiners={"stacking": {"trials": [], "state": 1}}),
        "artifact.json",
    ),
    "pickle for a model": (lambda c: c.file(SKOPS).write_bytes(c.pickled()), LINEAR),
    "call in a model": (_skops, LINEAR),
    "half a model": (lambda c: c.cut(SKOPS), LINEAR),
    "model without its facts": (lambda c: c.file(f"{LINEAR}/model.json").write_text("{}"), LINEAR),
    "pickle for a view": (lambda c: c.file(f"{VIEW}/view.npz").write_bytes(c.pickled()), VIEW),
    "pickle in a view": (lambda c: _arrays(c, a0=np.array([Boom(str(c.canary))])), VIEW),
    "packed view": (lambda c: _arrays(c, np.savez_compressed), VIEW),
    "view of a type": (
        lambda c: c.json(f"{VIEW}/view.json", view={"type": "os.system", "fields": {}}),
        VIEW,
    ),
    "view a list": (lambda c: c.file(f"{VIEW}/view.json").write_text("[]"), VIEW),
    "booster no booster": (
        lambda c: c.file("members/xgboost-0-f0/model.ubj").write_bytes(b"{" * 99),
        "members/xgboost-0-f0",
    ),
    "half a net": (lambda c: c.cut("members/mlp-0-f0/weights.safetensors"), "members/mlp-0-f0"),
    "net of other weights": (_other_weights, "members/mlp-0-f1"),
    "pickle for a net": (
        lambda c: c.file("members/mlp-0-f0/weights.safetensors").write_bytes(c.pickled()),
        "members/mlp-0-f0",
    ),
    "call for a Keras net": (_keras_net, "members/keras_mlp-0-f0/net.keras"),
    "call for an activation": (_keras_activation, "members/keras_mlp-0-f0"),
    "half a Keras net": (
        lambda c: c.cut("members/keras_mlp-0-f0/weights.safetensors"),
        "members/keras_mlp-0-f0/weights.safetensors",
    ),
}


def _of_an_extra(world, named):
    """Skip what a learner is about that could not be trained here."""
    made = {trial.rpartition("-")[0] for trial, _ in world.models}
    for name in ("xgboost", "mlp", "keras_mlp"):
        if f"members/{name}-" in named and name not in made:
            pytest.skip(f"needs {name}")


def assert_one_sentence(copy, table, capsys, named):
    capsys.readouterr()
    code = command(["predict", str(copy.folder), str(table)])
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    (line,) = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert line.startswith("error: ")
    assert named in line
    with pytest.raises(AutoMLError, match=re.escape(named)) as raised:
        AutoML.load(copy.folder).predict(table)
    assert f"error: {raised.value}" == line
    assert not copy.canary.exists()


@pytest.mark.parametrize(("tamper", "named"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_model_is_one_sentence(copy, table, capsys, tamper, named):
    tamper(copy)
    assert_one_sentence(copy, table, capsys, named)


@pytest.mark.parametrize(("tamper", "named"), MADE_UP.values(), ids=MADE_UP)
def test_a_model_made_to_do_harm_does_none(world, copy, table, capsys, tamper, named):
    _of_an_extra(world, named)
    tamper(copy)
    copy.sign()
    assert_one_sentence(copy, table, capsys, named)


@pytest.fixture(scope="module")
def changing(world, tmp_path_factory):
    """A copy of the model that is whole again after each example."""
    folder = tmp_path_factory.mktemp("changing") / "model"
    shutil.copytree(world.model, folder)
    return folder


@given(st.data())
def test_every_changed_bit_and_every_cut_is_told(changing, data):
    listed = json.loads((changing / "manifest.json").read_text())["files"]
    file = changing / data.draw(st.sampled_from(sorted(listed)))
    content = file.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
    try:
        file.write_bytes(data.draw(st.sampled_from([changed, content[:place]])))
        with pytest.raises(ArtifactError, match=re.escape(str(file))):
            Manifest.read(changing).copy(changing.parent / "target")
    finally:
        file.write_bytes(content)


def test_the_pickles_of_these_tests_would_run(copy):
    pickle.loads(copy.pickled())
    assert copy.canary.exists()


def test_no_library_sees_a_file_that_was_altered(copy, customers, monkeypatch):
    seen = []
    monkeypatch.setattr("automl.adapters.sklearn.EstimatorModel.load", lambda *_: seen.append(1))
    copy.flip(SKOPS)
    with pytest.raises(AutoMLError, match="was altered"):
        AutoML.load(copy.folder).predict(customers, "linear")
    assert seen == []


def test_evaluate_says_it_too(copy, table, capsys):
    copy.flip(SKOPS)
    assert command(["evaluate", str(copy.folder), str(table)]) == 2
    assert f"{SKOPS} was altered" in capsys.readouterr().err


def test_fits_that_a_run_adds_are_none_of_the_models(copy, customers):
    before = AutoML.load(copy.folder).predict(customers)
    shutil.copytree(copy.file(LINEAR), copy.file("members/linear-7-f0"))
    (copy.file("artifact.json.part")).write_text("half")
    assert (AutoML.load(copy.folder).predict(customers) == before).all()


def test_a_model_of_an_earlier_version_predicts_with_a_warning(copy, customers):
    before = AutoML.load(copy.folder).predict(customers)
    copy.file("manifest.json").unlink()
    copy.json(format=1)
    with pytest.warns(UserWarning, match="did not record its files"):
        auto = AutoML.load(copy.folder)
    assert (auto.predict(customers) == before).all()
    copy.link(LINEAR)
    with pytest.raises(AutoMLError, match="is a link"):
        AutoML.load(copy.folder)
