"""Lexicon of tables: words for a missing value, names that hint at what a column holds."""

from __future__ import annotations

import re

EXCEL_ERRORS = (
    *("#N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#N/A N/A"),
    *("#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#VALEUR!", "#NOMBRE!", "#VALOR!"),
)
"""Cells that begin with the sign of a remark and are none."""

MISSING_WORDS = (
    *("?", "??", "-", "--", ".", "NA", "na", "N/A", "n/a", "N.A.", "n.a.", "<NA>", *EXCEL_ERRORS),
    *("NaN", "nan", "NAN", "-nan", "null", "NULL", "Null", "(null)", "NaT", "\\N", "[NULL]"),
    *("---", "\u2013", "\u2014", "…"),
)
"""Missing in any column, spelled exactly so; `None` is not among them, it can be a level."""

NUMBER_MISSING = frozenset(
    (
        *("none", "unknown", "missing", "unspecified", "undefined", "unavailable", "tbd"),
        *("tba", "nil", "nd", "n/d", "void", "blank", "inf", "-inf", "+inf", "infinity"),
        *("-infinity", "error", "k.a.", "k. a.", "n.v.", "s/d", "n.d.", "..", "(blank)"),
        *(":", ": c", ": n", ": u", ": z"),
    )
) | {"not available", "not applicable", "not known", "no data", "keine angabe"}
"""Missing, in any case, where the other values of a column are numbers."""

_YES, _NO = zip(
    *(
        pair.split("/")
        for pair in (
            *("true/false", "yes/no", "y/n", "t/f", "on/off", "true()/false()", "ja/nein"),
            *("ja/nee", "oui/non", "si/no", "sí/no", "sim/não", "sim/nao", "tak/nie"),
            *("wahr/falsch", "vrai/faux", "vero/falso", "да/нет", "так/ні", "evet/hay\u0131r"),
            *("是/否", "はい/いいえ", "예/아니요", ".true./.false.", "verdadero/falso"),
            *("verdadeiro/falso", "waar/onwaar", "prawda/fa\u0142sz", "истина/ложь"),
            *("pravda/nepravda", "sant/falskt", "igaz/hamis"),
        )
    ),
    strict=True,
)
BOOLEAN_PAIRS = tuple(map(frozenset, zip(_YES, _NO, strict=True)))
DIGITS = frozenset(("0", "0.0", "1", "1.0"))
TRUE_WORDS = frozenset((*_YES, "1", "1.0"))
FALSE_WORDS = frozenset((*_NO, "0", "0.0"))

FOOTERS = frozenset(
    (
        *("total", "totals", "sum", "subtotal", "grand", "average", "mean", "summe", "gesamt"),
        *("insgesamt", "total:", "source", "sources", "note", "notes", "quelle", "anmerkung"),
        *("moyenne", "somme", "suma", "totale", "итого", "合计", "总计", "合計"),
    )
)
"""First words of lines below a table that are none of its rows."""

INDEX_NAMES = re.compile(
    r"unnamed(_\d+|: \d+(\.\d+)?)|index|level_0|row_?(id|names?|num(ber)?)|\.\.\.1"
)
"""Names of an index that was saved with its rows: pandas and readr give such."""

POSITIVE_WORDS = frozenset(
    (
        *(*_YES, "positive", "pos", "abnormal", "fraud", "spam"),
        *("malignant", "attack", "anomaly", "outlier", "churn", "churned", "defective"),
        *("failure", "sick", "diseased", "survived", "bankrupt"),
    )
)

_CODE_TOKENS = frozenset(
    (
        *("id", "ids", "code", "codes", "key", "uid", "uuid", "guid", "zip", "zipcode"),
        *("postcode", "postal", "sku", "ean", "isbn", "upc", "fips", "naics", "icd"),
    )
)
_CODE_NAMES = frozenset(("store", "shop", "dept", "department", "branch", "warehouse", "depot"))
_NUMBERED_TOKENS = frozenset(("number", "no", "nr", "nbr", "num"))
_RATING_TOKENS = frozenset(
    (
        *("rating", "ratings", "score", "scores", "star", "stars", "grade", "grades"),
        *("quality", "rank", "points", "satisfaction"),
    )
)
_AMOUNT_TOKENS = frozenset(
    (
        *("age", "price", "amount", "cost", "count", "counts", "quantity", "qty", "total"),
        *("number", "num", "n", "years", "months", "days", "hours", "minutes", "sales"),
        *("revenue", "income", "salary", "weight", "height", "length", "width", "duration"),
        *("distance", "volume", "rings", "value"),
    )
)
TARGET_NAMES = (
    *("target", "label", "labels", "class", "y", "outcome", "response", "dependent"),
    *("classification", "category_label", "ground_truth", "truth", "diagnosis", "species"),
    *("survived", "churn", "default", "fraud", "rating", "price", "sentiment", "sales"),
)
_TARGET_TOKENS = ("target", "label", "class", "outcome", "response", "sentiment", "sales")


def tokens(name: str) -> list[str]:
    """The words of a column name, lower case: `MGR_ID`, `mgrId` -> mgr, id."""
    return [t.lower() for t in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def names_a_code(name: str) -> bool:
    """True for names of ids and codes: `store_id`, `ROLE_CODE`, `zip`, `Dept`."""
    words = tokens(name)
    return bool(words) and (words[-1] in _CODE_TOKENS or name.strip().lower() in _CODE_NAMES)


def names_a_numbered_thing(name: str) -> bool:
    """True for `hospital_number`, `store_nbr`; not for `number_of_rooms`."""
    words = tokens(name)
    return len(words) > 1 and words[-1] in _NUMBERED_TOKENS


def names_a_rating(name: str) -> bool:
    """True for names of ordered grades."""
    return not _RATING_TOKENS.isdisjoint(tokens(name))


def names_an_amount(name: str) -> bool:
    """True for names of counted or measured things."""
    return not _AMOUNT_TOKENS.isdisjoint(tokens(name))


def names_a_worth(name: str) -> bool:
    """True for names that end in price or value."""
    words = tokens(name)
    return bool(words) and words[-1] in ("price", "value")


def names_a_target(name: str) -> bool:
    """True if a word of the name is one that targets are called by."""
    return not set(_TARGET_TOKENS).isdisjoint(tokens(name))


def shown(text: str) -> str:
    """A value in a message: quoted, on one line, cut where it is long."""
    plain = " ".join(text.split())
    return repr(plain if len(plain) <= 60 else f"{plain[:57]}...")


def is_remark(cell: str) -> bool:
    """True for the first cell of a line that begins with the sign of a remark."""
    plain = cell.strip()
    return plain.startswith("#") and plain not in EXCEL_ERRORS
