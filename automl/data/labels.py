"""Labels of a target as the objects that they were, found again by their spelling."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from automl.data import parse
from automl.data.numbers import EXACT
from automl.data.saved import keeps
from automl.data.words import MISSING_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from automl.types import Array, Schema

SIGNS = ("-", ".")
"""Words for a missing value elsewhere that are labels: signs, and ratings of a point."""
CHOSEN = ("NA", "N/A", "n/a", "#N/A", "NULL", "null")
"""Words that `pandas.read_csv` reads as missing: in a DataFrame they stand because somebody meant
them. `nan`, `<NA>` and `NaT` do not: `astype(str)` makes them of missing values."""
CODE = re.compile(r"[A-Z]{2}")
"""Codes of countries and continents, of which NA is one (Namibia, North America)."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a target."""

    classes: tuple[Any, ...]
    """Distinct labels, sorted; of an ordered category in its order."""
    dtype: str
    """dtype of an array of them; `str` and `object` are arrays of objects."""


def label_words(series: pd.Series[Any]) -> Any:
    """(n,) spellings of a target, null where it has no value.

    A category is believed whatever its name; elsewhere a word for a missing value is none, but for
    those that can only be meant.
    """
    words = parse.spell(series)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return words
    return parse.blank_out(words, (*SIGNS, *CHOSEN))


def as_in_file(series: pd.Series[Any]) -> pd.Series[Any]:
    """A target that was read as text, typed as far as its spelling allows.

    Whole numbers and fractions that Python spells alike become numbers; 01, 1.50 and TRUE stay.
    In a file NA is a missing value, unless all other labels are such codes as well.
    """
    if not isinstance(series.dtype, pd.StringDtype):
        return series
    spelled = parse.spell(series)
    named = pc.unique(spelled).drop_null().to_pylist()
    others = [word for word in named if word not in MISSING_WORDS]
    codes = len(others) > 1 and all(CODE.fullmatch(word) for word in others)
    words = parse.blank_out(spelled, (*SIGNS, "NA") if codes else SIGNS)
    if others and all(_is_whole(word) for word in others):
        whole = pc.cast(words, pa.int64())
        return pd.Series(whole.to_pandas(types_mapper=_nullable), name=series.name)
    values = parse.plain_numbers(words) if others else None
    if values is not None and all(repr(float(word)) == word for word in others):
        return pd.Series(values, name=series.name)
    return pd.Series(words.to_pandas(), dtype="str", name=series.name)


def _nullable(_: Any) -> Any:
    return pd.Int64Dtype()


def _is_whole(word: str) -> bool:
    """Return whether an int64 would be spelled so."""
    return re.fullmatch(r"0|-?[1-9]\d{0,17}", word) is not None


def find_labels(series: pd.Series[Any], known: Array) -> Labels:
    """The distinct labels of the rows that have one."""
    dtype = series.dtype
    some = series[known]
    if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        return Labels(tuple(sorted(some.astype(bool).unique().tolist())), "bool")
    if pd.api.types.is_integer_dtype(dtype):
        name = str(getattr(dtype, "numpy_dtype", dtype))
        return Labels(tuple(sorted(int(v) for v in some.unique())), name)
    if pd.api.types.is_float_dtype(dtype):
        return _of_floats(some, whole=not known.all())
    return _of_objects(some)


def _of_floats(some: pd.Series[Any], *, whole: bool) -> Labels:
    """Whole numbers are int64 where missing values made the integers of a column floats."""
    values = np.unique(some.to_numpy(np.float64))
    if whole and (values % 1 == 0).all():
        return Labels(tuple(int(v) for v in values), "int64")
    name = str(getattr(some.dtype, "numpy_dtype", some.dtype))
    return Labels(tuple(values.tolist()), name)


def _of_objects(some: pd.Series[Any]) -> Labels:
    levels = None
    if isinstance(some.dtype, pd.CategoricalDtype):
        levels = some.cat.categories if some.cat.ordered else None
        some = some.astype(some.cat.categories.dtype)
        if parse.is_number(some):
            return find_labels(some, np.ones(len(some), dtype=bool))
    found = _representatives(some)
    if levels is not None:
        place = {_key(level): i for i, level in enumerate(levels)}
        values = sorted(found, key=lambda label: place[_key(label)])
    else:
        values = sort_labels(found)
    return Labels(tuple(values), _dtype(some, values))


def _dtype(series: pd.Series[Any], values: Sequence[Any]) -> str:
    if all(isinstance(label, str) for label in values):
        return "str"
    dates = isinstance(series.dtype, np.dtype) and series.dtype.kind in "Mm"
    return str(series.dtype) if dates else "object"


def _representatives(some: pd.Series[Any]) -> list[Any]:
    """One object for each spelling: as it is where all are alike, else the spelling itself."""
    texts = isinstance(some.dtype, pd.StringDtype)
    if texts:
        some = some.drop_duplicates()
    table = pd.DataFrame({"word": parse.spell(some).to_pandas(), "at": np.arange(len(some))})
    objects = some.reset_index(drop=True)
    table["way"] = objects if texts else [f"{type(v).__name__} {v}" for v in objects]
    ways = table.drop_duplicates(["word", "way"]).groupby("word")["at"].agg(list)
    return [
        _kept(objects.iloc[places[0]], str(word)) if len(places) == 1 else word
        for word, places in ways.items()
    ]


def _kept(label: Any, word: str) -> Any:
    """A label as a plain object of Python; its spelling where it has no form in JSON."""
    if isinstance(label, np.generic):
        label = label.item()
    return label if keeps(label) else word


def sort_labels(labels: Iterable[Any]) -> list[Any]:
    """Labels in ascending order; those of several types by type."""
    labels = list(labels)
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=lambda label: (type(label).__name__, str(label)))


def spells_codes(words: Any, most: int) -> bool:
    """Return whether digits are codes rather than numbers: 007, or more digits than a float has.

    Args:
        words: (n,) spellings.
        most: Distinct words up to which so many digits are taken for codes.
    """
    unique = pc.unique(words).drop_null()
    if pc.any(pc.match_substring_regex(unique, r"^-?0\d+$")).as_py():
        return True
    longest = np.abs(parse.parse_numbers(unique.to_pandas().astype("str")))
    return len(unique) <= most and bool((longest > EXACT).any())


def merge_spellings(words: Any, numbers: Array) -> Any:
    """Spellings of one number, such as 2 and 2.0, made the commoner of them.

    Args:
        words: (n,) spellings.
        numbers: (n,) what they are read as, NaN where as nothing.
    """
    spelled = words.to_pandas()
    counts = Counter(spelled[np.isfinite(numbers)])
    pairs = pd.DataFrame({"number": numbers, "word": spelled}).dropna().drop_duplicates()
    pairs["rows"] = pairs["word"].map(counts)
    common = pairs.sort_values("rows", kind="stable").groupby("number")["word"].last()
    if len(common) == len(pairs):
        return words
    return pa.array(pd.Series(numbers).map(common), pa.string(), from_pandas=True)


def _key(label: Any) -> str:
    """The spelling by which `parse.spell` gives a label."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return parse.word_of(label).strip()


def encode_labels(series: pd.Series[Any], classes: Sequence[Any]) -> Array:
    """(n,) int64 codes of a target of any dtype; -1 where it is missing or no such label.

    Spellings decide; what matches none may be the number or the truth value that a label is.
    """
    words = parse.spell(series)
    keys = [_key(label) for label in classes]
    found = pc.index_in(words, value_set=pa.array(keys, words.type)).fill_null(-1)
    codes = found.to_numpy(zero_copy_only=False).astype(np.int64)
    odd = codes < 0
    if odd.any() and words.null_count < len(words):
        rest = pd.Series(words.to_pandas()[odd])
        codes[odd] = rest.map(_otherwise(rest, keys)).fillna(-1).astype(np.int64)
    return codes


def _otherwise(words: pd.Series[Any], keys: Sequence[str]) -> dict[str, int]:
    """Word -> code, of words that are the number or the truth value of one label alone."""
    found: dict[str, int] = {}
    unique = pd.Series(words.dropna().unique(), dtype=object)
    for read in (parse.parse_numbers, parse.parse_booleans):
        values = read(pd.Series(keys, dtype="str")) if len(keys) else np.empty(0)
        places = {v: i for i, v in enumerate(values.tolist()) if (values == v).sum() == 1}
        if read is parse.parse_booleans and len(places) < len(keys):
            continue  # yes, no and maybe are no truth values
        for word, value in zip(unique, read(unique.astype("str")).tolist(), strict=True):
            if value in places:
                found.setdefault(word, places[value])
    return found


def decode_labels(schema: Schema, codes: Array) -> Array:
    """(n,) class codes as labels, spelled and typed as in the training table."""
    if schema.task == "regression":
        return np.asarray(codes, dtype=np.float64)
    dtype = object if schema.target_dtype in ("str", "object") else schema.target_dtype
    labels = np.empty(len(schema.classes), dtype=dtype)
    for place, label in enumerate(schema.classes):
        labels[place] = label
    return labels[np.asarray(codes, dtype=np.int64)]


def class_order(schema: Schema) -> list[int]:
    """Codes of the classes in the order in which scikit-learn has labels: sorted."""
    place = {label: code for code, label in enumerate(schema.classes)}
    return [place[label] for label in sort_labels(schema.classes)]
