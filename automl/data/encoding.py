"""Text of any encoding as UTF-8, with a sentence where the encoding had to be guessed."""

from __future__ import annotations

import codecs
import re
import unicodedata
from itertools import pairwise

from automl.errors import DataError
from automl.text import counted

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R",
    "cp866": "CP866",
    "gb18030": "GB18030",
    "big5": "Big5",
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "cp949": "EUC-KR",
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp874": "Windows-874",
}
"""Encodings that tables without a mark have, and what people call them."""
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b\x00\x01\x1f")) + b"\x7f"
"""Bytes that no text has; those of Hive and of Unicode between fields are not among them."""
_PADDING = b"\x00\x1a"
"""Bytes behind the end of a text: what copying blocks leaves, and the end as DOS marks it."""
_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_PAIRS = ("gb18030", "big5", "cp932", "euc_jp", "cp949")
"""Encodings with more than a byte a letter."""
_LATIN = ("cp1252", "cp1250", "cp1254")
_CENTRAL = re.compile("[\u00b3\u00b9\u00bf\u0178\u00bc\u00be\u0161\u017e\u00ec\u0160\u017d]")
"""Signs and letters of Windows-1252 where Windows-1250 has letters of Czech or Polish."""
_TURKISH = re.compile("[\u00f0\u00fd\u00fe\u00dd\u00de\u00d0]")
"""Letters of Icelandic where Windows-1254 has those of Turkish."""
_KANA = re.compile("[\u3041-\u30fa]")
_MARKED = 0.2
"""Share of such among all letters that are not ASCII."""
_SAMPLE = 1 << 16
_HEAD = 1 << 20
_PIECE = 1 << 24


def to_utf8(data: bytes, source: str, given: str = "", known: str = "") -> tuple[bytes, str, str]:
    """Decode text and encode it as UTF-8 without byte-order marks.

    Args:
        data: The content of a file.
        source: Its name in messages.
        given: The encoding as asked for, which must fit.
        known: The encoding of the training file, for text that is not UTF-8.

    Returns:
        The text, the name of its encoding, and a sentence on what was guessed; empty where there
        was nothing to guess.

    Raises:
        DataError: It is no text, or not in the encoding that was asked for.
    """
    if given:
        return _plain(_decode(data, given, source)), given, ""
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")
    if (text := _text_in(data, marked)) is not None:
        return _plain(text), marked, ""
    wide = _wide(data)
    if (text := _text_in(data, wide)) is not None:
        return _plain(text), wide, f"Encoding: read as {wide.upper()}"
    data, said = _without_zeros(data, source)
    if data.isascii():
        return data, "utf-8", said
    if not _is_utf8(data):
        text, encoding, why = _foreign(data, known)
        return _plain(text), encoding, " ".join(filter(None, (said, why)))
    return data.replace(codecs.BOM_UTF8, b""), "utf-8", said


def _plain(text: str) -> bytes:
    return text.replace("\ufeff", "").rstrip("\x00\x1a").encode(errors="replace")


def _text_in(data: bytes, encoding: str) -> str | None:
    """The text; None where it is not all in the encoding, or none is given."""
    try:
        return data.decode(encoding) if encoding else None
    except UnicodeError:
        return None


def _is_utf8(data: bytes) -> bool:
    """Tell by pieces: a text of its own takes up to four times the bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE):
            decoder.decode(data[start : start + _PIECE], final=start + _PIECE >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _decode(data: bytes, encoding: str, source: str) -> str:
    try:
        return data.decode(codecs.lookup(encoding).name)
    except LookupError:
        msg = f"There is no encoding {encoding!r}; --encoding takes names such as utf-8 or cp1252."
        raise DataError(msg) from None
    except UnicodeError:
        msg = f"{source} is not written in {encoding}; leave out --encoding or name another."
        raise DataError(msg) from None


def _wide(data: bytes) -> str:
    """The kind of UTF-16 without a mark that text may be in; empty for any other."""
    head = data[:_HEAD]
    pairs = max(len(head) // 2, 1)
    for encoding, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = head[place::2].count(0)
        if zeros > 0.4 * pairs and head[1 - place :: 2].count(0) == 0:
            return encoding
    return ""


def _without_zeros(data: bytes, source: str) -> tuple[bytes, str]:
    """The text without stray zero bytes, and a sentence on them.

    Raises:
        DataError: It is no text.
    """
    if data.endswith((b"\x00", b"\x1a")):
        data = data.rstrip(_PADDING)
    head = data[:_SAMPLE]
    odd = len(head) - len(head.translate(None, _CONTROL))
    zeros = data.count(0) if b"\x00" in data else 0
    if odd > len(head) // 1000 or zeros > len(data) // 100:
        msg = f"{source} is not a text table but binary data; give CSV, Parquet or JSON lines."
        raise DataError(msg)
    if not zeros:
        return data, ""
    many = counted(zeros, "zero byte")
    return data.replace(b"\x00", b""), f"Left out {many}, which no text has"


def _foreign(data: bytes, known: str) -> tuple[str, str, str]:
    """Text that is not all UTF-8, its encoding, and a sentence on it."""
    head = data[:_HEAD]
    bad = len(_SEQUENCE.sub(b"", head).translate(None, bytes(range(128))))
    if bad <= len(_SEQUENCE.findall(head)):
        return _mostly_utf8(data)
    if (text := _text_in(data, known)) is not None:
        return text, known, ""
    encoding = guess_encoding(data)
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    odd = f"; {lost:,} characters cannot be read" if lost else ""
    shown = next(iter(re.findall(r"\w*[^\W\x00-\x7f]\w*", text)), "")
    example = f", as in {shown[:20]!r}" if shown else ""
    name = _NAMES.get(encoding, encoding)
    why = f"Encoding: not UTF-8; read as {name}{example} (--encoding NAME takes another){odd}"
    return text, encoding, why


def _mostly_utf8(data: bytes) -> tuple[str, str, str]:
    """UTF-8 with a few bytes of Windows-1252 between."""
    found: list[str] = []

    def windows(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        letters = error.object[error.start : error.end].decode("cp1252", errors="replace")
        found.append(letters)
        return letters, error.end

    codecs.register_error("automl-windows", windows)
    text = data.decode(errors="automl-windows")
    many = counted(len(found), "byte") + (" are" if len(found) > 1 else " is")
    shown = ", ".join(repr(letter) for letter in list(dict.fromkeys(found))[:3])
    return text, "utf-8", f"Encoding: UTF-8, but {many} not; read as Windows-1252: {shown}"


def guess_encoding(data: bytes) -> str:
    """The most likely encoding of text that is not UTF-8."""
    from charset_normalizer import from_bytes

    lines = [line for line in data[: 16 * _SAMPLE].splitlines() if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE] or data[:_SAMPLE]
    if len(lines) > 1 and len(sample) == _SAMPLE:
        sample = sample[: sample.rindex(b"\n")]
    best = from_bytes(sample, cp_isolation=list(_NAMES)).best()
    encoding = "cp1252" if best is None else best.encoding
    if encoding in _PAIRS:
        return "euc_jp" if _holds_kana(sample) else encoding
    # of two words the library may tell the number of bytes of a letter, but not the alphabet
    singles = (encoding, *(name for name in _NAMES if name not in _PAIRS))
    encoding = min(singles, key=lambda name: _faults(sample, name))
    return _latin(sample) if encoding in _LATIN else encoding


def _holds_kana(sample: bytes) -> bool:
    """Return whether text may be EUC-JP, with as much kana as Japanese has.

    Its bytes are letters of Big5 and GB18030 as well, but theirs would be kana by chance.
    """
    text = _text_in(sample, "euc_jp") or ""
    foreign = sum(not letter.isascii() for letter in text)
    return len(_KANA.findall(text)) > _MARKED * foreign


def _faults(sample: bytes, encoding: str) -> int:
    """Signs among the letters, capitals behind small letters, and neighbours that do not go."""
    text = sample.decode(encoding, errors="replace")
    count = 0
    for one, two in pairwise(f" {text}"):
        if two.isascii():
            count += encoding not in _LATIN and not one.isascii() and two.isalpha()
            continue
        mark = unicodedata.category(two)[0]
        count += 3 * (mark not in "LM")
        count += 2 * (one.islower() and two.isupper()) + (one.isupper() and two.isupper())
        beside = one.isalpha() and one.isascii() != (encoding in _LATIN)
        count += beside
    return count


def _latin(sample: bytes) -> str:
    """The encoding of Latin letters: Western, Central European or Turkish."""
    text = sample.decode("cp1252", errors="replace")
    foreign = sum(not letter.isascii() for letter in text)
    if len(_TURKISH.findall(text)) >= _MARKED * foreign:
        return "cp1254"
    return "cp1250" if len(_CENTRAL.findall(text)) >= _MARKED * foreign else "cp1252"
