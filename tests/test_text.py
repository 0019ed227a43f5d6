"""Text for terminals: nothing in it commands them, and all of it can be told."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import AutoMLError, DataError
from automl.text import first_line, visible

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
TEXT = st.text(st.characters(codec=None, categories=None))


@given(TEXT)
def test_nothing_that_a_terminal_would_obey_is_left(text):
    for one in visible(text):
        assert unicodedata.category(one) not in {"Cc", "Cs"} or one in "\t\n"
        assert unicodedata.bidirectional(one) not in BIDI


@given(TEXT)
def test_json_means_the_same_and_no_more_is_changed(text):
    document = json.dumps(text, ensure_ascii=False)
    assert json.loads(visible(document)) == text
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize("text", ["caf\u00e9", "\u0646\u0627\u0645", "a\u200db", "x\ty\nz", "{x}"])
def test_words_of_any_script_stay(text):
    assert visible(text) == text


def test_sentences_of_errors_and_reasons_are_visible():
    assert str(DataError("no column \x1b[2J")) == "no column \\u001b[2J"
    assert str(AutoMLError("\u202eabc")) == "\\u202eabc"
    assert first_line(ValueError("\x9bred\nmore")) == "\\u009bred"
