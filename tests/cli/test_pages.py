"""Every learner that ships has its page in the documentation, as it is declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.cli.learners import write_pages
from automl.hooks.manager import get_host

PAGES = Path(__file__).parents[2] / "docs" / "learners"
REMEDY = "run `automl learners --pages docs/learners`"
ENTRIES = {
    name: entry
    for name, entry in get_host().learners.items()
    if entry.distribution == "automl-crossover"
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_pages(folder, list(ENTRIES.values()))
    return folder


@pytest.mark.parametrize("name", [*ENTRIES, "README"])
def test_a_page_is_up_to_date(name, made):
    page = PAGES / f"{name}.md"
    assert page.exists(), REMEDY
    assert page.read_text("utf-8") == (made / f"{name}.md").read_text("utf-8"), REMEDY


def test_there_is_no_page_of_a_learner_that_is_gone():
    assert {page.stem for page in PAGES.glob("*.md")} == {*ENTRIES, "README"}


def test_a_page_says_what_the_declaration_says(made):
    learner = ENTRIES["naive_bayes"].learner
    page = (made / "naive_bayes.md").read_text("utf-8")
    assert learner.summary in page
    assert learner.good_when in page
    assert learner.source in page
    assert all(f"`{setting}`" in page for setting in learner.space)
    assert "At most 100,000 rows, 100 columns" in (made / "knn.md").read_text("utf-8")


def test_one_learner_gets_one_page(tmp_path):
    write_pages(tmp_path, [ENTRIES["knn"]])
    assert [page.name for page in tmp_path.iterdir()] == ["knn.md"]
