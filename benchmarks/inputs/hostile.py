"""Tables as they are exported somewhere, made at random, with the values that are right.

The form (encoding, separator, quotes, line ends, decimal mark, lines around the table) and the
columns are drawn from a seed; `Made.truth` is what a person would read.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = {
    "ascii": (["red", "green", "light blue", "n.a. or other"], ["utf-8", "utf-16", "cp1252"]),
    "latin": (["café", "thé vert", "Größe", "über"], ["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    "cyrillic": (
        ["Москва", "Нижний Новгород", "чай", "да, конечно"],
        ["utf-8", "cp1251", "koi8-r"],
    ),
    "chinese": (["北京市区", "上海市区", "广州市区", "深圳市区"], ["utf-8", "gb18030", "utf-16"]),
    "japanese": (
        ["東京です", "さいたま", "カタカナ", "大阪"],
        ["utf-8", "shift-jis", "euc-jp"],
    ),
}
NAMES = ("size", "unit price", "kind [x]", "when?", "a_b", "Größe", "x1.", "no", "100%", "last")
MISSING = ("", "NA", "n/a", "-", "?", "NULL", "#N/A")
KINDS = ("whole", "decimal", "amount", "percent", "word", "day", "moment", "truth", "sentence")


@dataclass
class Made:
    """A file and the table in it."""

    data: bytes
    truth: pd.DataFrame
    kinds: dict[str, str]
    form: dict[str, Any] = field(default_factory=dict)


def make(seed: int, rows: int = 60) -> Made:
    """A file of one seed."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    words, encodings = SCRIPTS[draw.choice(list(SCRIPTS))]
    encoding = draw.choice(encodings)
    separator = draw.choice([",", ";", "\t", "|"])
    comma = separator != "," and draw.random() < 0.5
    form = {
        "encoding": encoding,
        "separator": separator,
        "comma": comma,
        "end": draw.choice(["\n", "\r\n"]),
        "quote_all": draw.random() < 0.3,
        "missing": draw.choice(MISSING),
        "around": draw.choice(["", "", "note", "sep", "comments", "footer", "repeat", "trailing"]),
        "pack": draw.choice(["", "", "", "gzip", "bz2", "xz"]),
    }
    names = draw.sample([n for n in NAMES if _fits(n, encoding)], draw.randint(3, 6))
    kinds = {name: draw.choice(KINDS) for name in names}
    kinds[names[0]] = "decimal"  # so that the decimal mark can be told
    cells, truth = {}, {}
    for name in names:
        cells[name], truth[name] = _column(draw, kinds[name], rows, words, form)
    first = next(name for name in reversed(names) if kinds[name] in ("decimal", "whole"))
    cells[first], truth[first] = _column(draw, kinds[first], rows, words, form | {"full": True})
    text = _written(names, cells, form)
    data = text.encode(encoding)
    pack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
    }
    return Made(pack.get(form["pack"], bytes)(data), pd.DataFrame(truth), kinds, form)


def _fits(name: str, encoding: str) -> bool:
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _column(
    draw: random.Random, kind: str, rows: int, words: list[str], form: dict[str, Any]
) -> tuple[list[str], list[Any]]:
    """The cells of a column and their values."""
    cells, values = [], []
    start = datetime(2015, 3, 1 + draw.randint(0, 20))  # noqa: DTZ001 - naive, as in files
    for i in range(rows):
        value: Any
        if kind == "whole":
            value = draw.randint(-50, 90_000)
            cell = str(value)
        elif kind in ("decimal", "amount", "percent"):
            value = round(draw.uniform(-500, 90_000) if kind == "amount" else draw.gauss(50, 20), 2)
            cell = _number(value, kind, comma=form["comma"])
        elif kind == "word":
            value = cell = words[(i * 7 + draw.randint(0, 1)) % len(words)]
        elif kind == "sentence":
            value = cell = f"{' '.join(draw.choices(words, k=5))} {draw.randint(0, 10**6)} end"
        elif kind == "truth":
            value = float(draw.random() < 0.5)
            cell = "yes" if value else "no"
        else:
            value = start + timedelta(hours=31 * i)
            cell = f"{value:%Y-%m-%d %H:%M}" if kind == "moment" else f"{value:%d.%m.%Y}"
            value = pd.Timestamp(value if kind == "moment" else value.date())
        if kind != "truth" and i > 2 and "full" not in form and draw.random() < 0.1:
            value, cell = None, form["missing"]
        cells.append(cell)
        values.append(value)
    return cells, values


def _number(value: float, kind: str, *, comma: bool) -> str:
    text = f"{value:,.2f}" if kind == "amount" else f"{value:.2f}"
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    return text + ("%" if kind == "percent" else "")


def _written(names: list[str], cells: dict[str, list[str]], form: dict[str, Any]) -> str:
    separator, end = form["separator"], form["end"]

    def line(fields: list[str]) -> str:
        quoted = [
            '"' + f.replace('"', '""') + '"' if form["quote_all"] or separator in f else f
            for f in fields
        ]
        tail = separator if form["around"] == "trailing" else ""
        return separator.join(quoted) + tail + end

    head = line(names)
    lines = [line(list(row)) for row in zip(*cells.values(), strict=True)]
    if form["around"] == "repeat":
        lines.insert(len(lines) // 2, head)
    above = {
        "note": f"All that was sold in the year{end}{end}",
        "sep": f"sep={separator}{end}",
        "comments": f"# made by a robot{end}# on a Sunday{end}",
    }
    below = {"footer": f"{end}Source: the office of statistics{end}"}
    around = form["around"]
    return above.get(around, "") + head + "".join(lines) + below.get(around, "")


def spoil(data: bytes, draw: random.Random) -> bytes:
    """The bytes with some of them changed, lost, doubled or out of place."""
    out = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(out) + 1)
        how = draw.randrange(6)
        if how == 0 and out:
            out[at % len(out)] = draw.randrange(256)
        elif how == 1:
            del out[at : at + draw.randint(1, 40)]
        elif how == 2:
            out[at:at] = bytes(draw.choices(b"\",;\t\n\r|\x00\xff\xef\xbb\xbf'#\\ 0", k=3))
        elif how == 3:
            out[at:at] = out[at : at + 200]
        elif how == 4:
            del out[at:]
        else:
            out[at:at] = draw.choice([b"\n\n\n", b"a,b,c\n", b"=1+1", b"<html>", b'{"a": 1}\n'])
    return bytes(out)


def differences(made: Made, table: pd.DataFrame, typed: pd.DataFrame) -> list[str]:
    """Sentences on what was read otherwise than it was written."""
    if list(table.columns[: len(made.truth.columns)]) != list(made.truth.columns):
        return [f"names {list(table.columns)} instead of {list(made.truth.columns)}"]
    if len(table) != len(made.truth):
        return [f"{len(table)} rows instead of {len(made.truth)}"]
    found = []
    for name in made.truth.columns:
        if name not in typed:
            continue
        want, got = made.truth[name], typed[name]
        if made.kinds[name] in ("day", "moment"):
            same = pd.Series(got).equals(pd.Series(pd.to_datetime(want)).astype(got.dtype))
        elif made.kinds[name] in ("word", "sentence"):
            known = want.notna().to_numpy()
            same = got[known].astype(str).tolist() == want[known].tolist()
        else:
            same = np.allclose(got.astype(float), want.astype(float), equal_nan=True)
        if not same:
            found.append(f"{name} ({made.kinds[name]}): {got[:4].tolist()} not {want[:4].tolist()}")
    return found
