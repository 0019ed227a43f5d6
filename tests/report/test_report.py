from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.errors import ArtifactError
from automl.options import Options
from automl.report import report_html, write_report
from automl.report.origin import command
from automl.runs.info import RunInfo, StudyInfo
from tests.cli.conftest import write_run
from tests.report.conftest import scaling_document
from tests.report.reading import Page

COMMON = ("verdict", "curves", "board", "fronts", "importance", "data", "left_out", "repeat")
FILES = ("journal.jsonl", "leaderboard.csv", "scaling.json", "diagnostics.json", "model")


@pytest.fixture
def churn(churn_run, tmp_path):
    return shutil.copytree(churn_run, tmp_path / "churn")


# --------------------------------------------------------------------------- whole runs


def test_a_fit_leaves_its_report(churn_run):
    assert (churn_run / "report.html").read_text("utf-8") == report_html(churn_run)


def test_every_section_is_there_and_says_something(churn_run, price_run, page):
    classes, values = page(churn_run), page(price_run)
    assert list(classes.sections) == [*COMMON[:5], "calibration", "confusion", *COMMON[5:]]
    assert list(values.sections) == [*COMMON[:5], "residuals", *COMMON[5:]]
    for sections in (classes.sections, values.sections):
        for name, text in sections.items():
            assert "do not have what this needs" not in text, name
            assert "Not known" not in text, name


def test_the_verdict_names_winner_rows_and_metric(churn_run, page):
    board = (churn_run / "leaderboard.csv").read_text().splitlines()
    winner = board[1].split(",")[1]
    said = page(churn_run).sections["verdict"]
    assert f"{winner} is in front, with a roc_auc of " in said
    assert "The best classical learner is" in said
    assert "No deep learner was ranked." in said


def test_importance_finds_the_column_that_matters(price_run):
    found = json.loads((price_run / "diagnostics.json").read_text())["importance"]
    assert found["status"] == "ok", found["reason"]
    assert (found["on"], found["rows"]) == ("test", 150)
    first, *others = found["columns"]
    assert first["name"] == "x0"
    assert first["drop"] > 5
    assert all(abs(column["drop"]) < 1 for column in others)


def test_diagnostics_count_every_scored_row(churn_run, price_run):
    classes = json.loads((churn_run / "diagnostics.json").read_text())
    for name in ("calibration", "confusion"):
        assert classes[name]["rows"] >= 100
    assert sum(b["count"] for b in classes["calibration"]["bins"]) == classes["confusion"]["rows"]
    assert sum(map(sum, classes["confusion"]["counts"])) == classes["confusion"]["rows"]
    residuals = json.loads((price_run / "diagnostics.json").read_text())["residuals"]
    assert sum(b["count"] for b in residuals["bins"]) == residuals["rows"] == 150
    quantiles = [residuals["overall"][q] for q in ("q05", "q25", "q50", "q75", "q95")]
    assert quantiles == sorted(quantiles)


def test_no_draft_is_left(churn_run):
    assert not list(churn_run.glob("*.part"))


def test_a_report_needs_no_ray(churn_run, tmp_path):
    words = ["report", str(churn_run), "-o", str(tmp_path / "r.html")]
    code = f"import sys; from automl.cli.app import run; run({words}); print('ray' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_the_same_files_give_the_same_page(churn_run, churn):
    assert report_html(churn) == report_html(churn_run)


def test_the_page_is_small_and_fetches_nothing(churn_run, page):
    html = page(churn_run)
    assert len(html.html.encode()) < 500_000
    assert html.fetched == []
    assert "default-src 'none'" in html.html
    assert "@import" not in html.html
    assert "url(" not in html.html


def test_everything_can_be_had_without_seeing(churn_run, page):
    html = page(churn_run)
    assert len(html.ids) == len(set(html.ids))
    for svg in html.all("svg"):
        assert svg.get("aria-hidden") == "true" or set(svg["aria-labelledby"].split()) <= {
            *html.ids
        }
    assert all("scope" in head for head in html.all("th"))
    assert {"header", "main", "nav", "footer"} <= {tag for tag, _ in html.tags}
    for section in html.all("section"):
        assert section["aria-labelledby"] in html.ids


def test_the_command_that_repeats_the_run_is_there(churn_run, page):
    said = page(churn_run).sections["repeat"]
    assert "automl fit table --target churned --trials 4 --learner baseline" in said
    assert "numpy==" in said


def test_the_command_spells_out_what_was_chosen():
    asked = {"seconds": "90s", "preset": "best", "memory": "8GB", "drop": ["a b"], "resume": True}
    info = RunInfo(source="t.csv", target="y", arguments=Options.parse(asked).arguments)
    assert command(info) == (
        "automl fit t.csv --target y --time-limit 1m30s --preset best --drop 'a b'"
        " --memory 8000000000B --seed 0"
    )
    study = StudyInfo(anchors=9, regimes=("default",), repeats=5, price_per_hour=3.0)
    assert command(replace(info, study=study)) == (
        "automl scale t.csv --target y --axis rows --regime default --repeats 5 --anchors 9"
        " --time-limit 1m30s --price-per-hour 3.0 --drop 'a b' --memory 8000000000B --seed 0"
    )


# --------------------------------------------------------------------------- partial runs


@pytest.mark.parametrize("left_out", [*FILES, "predictions"])
def test_a_file_that_is_missing_costs_its_own_sections(churn, page, left_out):
    gone = churn / left_out
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    whole = page(churn)
    assert len(whole.sections) == len(COMMON) + 2
    assert "automl fit table" in whole.sections["repeat"]
    if left_out in {"scaling.json", "diagnostics.json", "leaderboard.csv"}:
        assert f"{left_out} is not there" in whole.html


@pytest.mark.parametrize("name", [f for f in FILES if f != "model"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"learners": 3}', "a,b\n1,2\n"])
def test_a_damaged_file_costs_its_own_sections(churn, page, name, content):
    (churn / name).write_text(content)
    sections = page(churn).sections
    assert "automl fit table" in sections["repeat"]
    if name != "leaderboard.csv":
        assert "is in front" in sections["verdict"]


def test_a_run_that_is_going_on_shows_what_there_is(churn, page):
    whole = page(churn).sections
    for name in ("leaderboard.csv", "scaling.json"):
        (churn / name).unlink()
    shutil.rmtree(churn / "model")
    content = json.loads((churn / "run.json").read_text())
    (churn / "run.json").write_text(json.dumps(content | {"status": "running"}))
    so_far = page(churn).sections
    assert "The run is not over" in so_far["verdict"]
    assert "is in front" in so_far["verdict"]
    assert so_far["curves"] == whole["curves"]
    assert "is not there" not in so_far["board"]
    journal = churn / "journal.jsonl"
    journal.write_text(journal.read_text().splitlines(keepends=True)[0])
    assert "so far" in page(churn).sections["verdict"]


def test_a_study_that_is_going_on_has_a_report_before_its_first_points(churn, page):
    content = json.loads((churn / "run.json").read_text())
    going_on = content | {"status": "running", "kind": "study", "study": {"axis": "rows"}}
    (churn / "run.json").write_text(json.dumps(going_on))
    assert "No learner has finished" in page(churn).sections["verdict"]


def test_a_running_run_that_is_damaged_keeps_its_other_sections(churn, page):
    content = json.loads((churn / "run.json").read_text())
    (churn / "run.json").write_text(json.dumps(content | {"status": "running"}))
    (churn / "predictions" / "truth.npy").unlink()
    assert "automl fit table" in page(churn).sections["repeat"]


def test_a_run_without_any_result_says_so(churn, page):
    for name in FILES:
        gone = churn / name
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    content = json.loads((churn / "run.json").read_text())
    (churn / "run.json").write_text(json.dumps(content | {"status": "running"}))
    said = page(churn).sections["verdict"]
    assert "The run is not over" in said
    assert "No learner has finished" in said


def test_an_old_run_json_is_enough(tmp_path, page):
    html = page(write_run(tmp_path / "old"))
    assert "ensemble is in front, with a roc_auc of 0.9100" in html.sections["verdict"]
    assert (
        "Not significantly different from it (paired test, 95%): mlp." in html.sections["verdict"]
    )
    assert "limit: 9 rows" in html.sections["left_out"]
    assert "it broke" in html.sections["left_out"]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no run directory"):
        report_html(tmp_path)


# --------------------------------------------------------------------------- curves


def test_a_study_shows_curves_and_where_they_cross(study, page):
    html = page(study)
    assert "The families cross between 900 and 1,800 training rows" in html.sections["curves"]
    assert any(rect.get("class") == "region" for rect in html.all("rect"))
    marks = [path["data-text"] for path in html.all("path") if "data-text" in path]
    assert "net: accuracy 0.9000 (0.8900 to 0.9100) at 4,000 training rows, trained in 1.6 s" in (
        marks
    )
    assert "net" in html.cells


def test_every_tested_verdict_has_its_figure(study, page):
    """Those of learners fold away with their sentences; what is only described has none."""
    document = scaling_document()
    (family,) = document["contrasts"]
    crossed = {"status": "unknown", "low": None, "high": None}
    learner = family | {"kind": "learner", "deep": "net", "classical": "trees"}
    learner |= {"crossover": crossed}
    document["contrasts"] += [learner, learner | {"deep": "other", "tested": False}]
    (study / "scaling.json").write_text(json.dumps(document))
    html = page(study)
    said = html.sections["verdict"]
    assert "Who leads, in points of accuracy: the best deep learner or the best classical" in said
    assert "Who leads, in points of accuracy: net or trees" in said
    assert "other or trees" not in said
    assert said.count("They cross between 900 and 1,800 training rows: the shaded stretch.") >= 1
    assert "Hollow points are bounds" in said
    assert [one["id"] for one in html.all("figure")][:2] == [
        "chart-difference-0",
        "chart-difference-1",
    ]
    marks = [path for path in html.all("path") if "data-text" in path]
    told = "at 4,000 training rows deep is ahead by 11.00 points of accuracy"
    hollow = [one for one in marks if one["data-text"].startswith(told)]
    assert hollow[0]["data-text"].endswith("the interval of the difference is -13.00 to -9.00")
    assert all("hollow" in one["class"] for one in hollow)
    assert "-13.00 to -9.00" in html.cells


@pytest.mark.parametrize("key", ["differences", "line"])
def test_a_study_of_an_earlier_version_has_a_report(study, page, key):
    document = scaling_document()
    del document["contrasts"][0][key]
    (study / "scaling.json").write_text(json.dumps(document))
    assert "the best deep learner leads" in page(study).sections["verdict"]


def test_a_study_ranks_its_learners_where_its_families_are_compared(study, page):
    """Not where each of them ends: the best net stops at 2,000 rows, lesser ones go on to 4,000."""
    document = scaling_document()
    net, (contrast,) = document["learners"]["net"], document["contrasts"]
    lesser = [point | {"score": point["score"] - 0.05} for point in net["points"]]
    others = {f"other_{k}": net | {"points": lesser} for k in range(3)}
    document["learners"] |= others | {"net": net | {"points": net["points"][:-1]}}
    contrast["level"]["n"] = 2000
    (study / "scaling.json").write_text(json.dumps(document))
    plan = {"axis": "rows", "levels": [500, 1000, 2000, 4000], "choosing_rows": [50, 100, 200, 400]}
    plan |= {"repeats": 5, "scored_rows": [1000] * 5, "fingerprint": "0"}
    content = json.loads((write_run(study) / "run.json").read_text())
    (study / "run.json").write_text(json.dumps(content | {"kind": "study", "study": plan}))

    html = page(study)
    assert "All at 2,000 training rows." in html.sections["fronts"]
    marks = [path["data-text"] for path in html.all("path") if "data-text" in path]
    assert "net: 0.8000, training seconds 0.80 s, on the front" in marks
    assert "net: 0.8000, seconds per 1,000 rows 0.008 s, on the front" in marks
    switches = [button for button in html.all("button") if "data-series" in button]
    assert "data-off" not in switches[0]
    assert html.html.index("net</button>") < html.html.index("other_0</button>")


def test_other_axes_are_called_by_their_name(study, page):
    document = scaling_document(axis="label noise")
    (study / "scaling.json").write_text(json.dumps(document))
    assert "Score over label noise" in page(study).sections["curves"]


def test_points_stay_inside_their_chart(churn_run, study, page):
    for run in (churn_run, study):
        width = height = 0.0
        for tag, attributes in page(run).tags:
            if tag == "svg":
                width, height = (float(v) for v in attributes["viewbox"].split()[2:])
            if "data-x" in attributes:
                assert 0 < float(attributes["data-x"]) < width
                assert 0 < float(attributes["data-y"]) < height


# --------------------------------------------------------------------------- escaping

NASTY = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "' onload='alert(1)",
            "</style></title></svg>",
            "{{ 7 * 7 }}",
            "{% include 'x' %}",
            "&lt;b&gt;",
            "https://example.org/x.js",
        ]
    ),
)


@given(text=NASTY)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_the_data_stays_text(tmp_path, text):
    run = tmp_path / "nasty"
    write_run(run)
    content = json.loads((run / "run.json").read_text())
    column = {"name": text, "kind": "text", "reason": text}
    schema = {"columns": [column], "target": text, "task": "binary", "classes": [text, "b"]}
    content |= {"source": text, "target": text, "schema": schema | {"notes": [text]}}
    content |= {"arguments": {"drop": [text]}, "versions": {text: text}}
    (run / "run.json").write_text(json.dumps(content))
    part = {"status": "ok", "of": text, "on": "crossfit", "rows": 1}
    diagnostics = {
        "advice": [{"subject": text, "answer": "", "text": text}],
        "confusion": part | {"labels": [text], "counts": [[1]], "rest": None},
        "importance": part
        | {"learner": text, "metric": text, "repeats": 1, "score": 0.5}
        | {"columns": [{"name": text, "drop": 1.0, "low": 1.0, "high": 1.0}]},
    }
    (run / "diagnostics.json").write_text(json.dumps(diagnostics))
    (run / "scaling.json").write_text(json.dumps(scaling_document(name=text)))
    plain = Page(report_html(write_run(tmp_path / "plain")))
    page = Page(report_html(run))
    scripts = [tag for tag, _ in page.tags if tag in {"script", "img", "style"}]
    assert scripts == [tag for tag, _ in plain.tags if tag in {"script", "img", "style"}]
    assert page.fetched == []
    assert text in page.sections["data"]


# --------------------------------------------------------------------------- writing


def test_the_report_goes_where_it_is_wanted(churn_run, tmp_path):
    file = write_report(churn_run, tmp_path / "mine.html")
    assert file.read_text("utf-8") == report_html(churn_run)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.html"]
