"""`automl predict`: predict new rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl.cli.output import emit
from automl.errors import DataError, UsageError
from automl.progress import note

if TYPE_CHECKING:
    import pandas as pd

    from automl.artifact import Predictor

PARQUET = (".parquet", ".pq")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Beginnings that spreadsheets take for a formula, the wide forms of the first four among them."""


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that 'automl fit' wrote.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="New rows: a file or an address.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to write; .parquet writes Parquet, all else CSV. A file that is there is"
            " overwritten. Default: CSV on stdout.",
        ),
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add a column per class.")] = False,
    learner: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Use this learner or ensemble, not the fit's choice."),
    ] = None,
    escape_formulas: Annotated[
        bool,
        typer.Option(
            "--escape-formulas",
            help="Put ' before a label of the CSV that a spreadsheet would compute, as =1+1.",
        ),
    ] = False,
) -> None:
    """Predict new rows, in their order."""
    from automl.artifact import Predictor
    from automl.data.saved import layout_of
    from automl.hooks.manager import get_host

    if output is not None and not output.absolute().parent.is_dir():
        msg = f"there is no folder {output.absolute().parent}: make it, or choose another -o"
        raise DataError(msg)
    predictor = Predictor.load(run)
    if proba and not predictor.schema.n_classes:
        what = predictor.schema.target or "an anomaly score"
        msg = f"--proba needs classes, and {what} is a number: leave it out"
        raise UsageError(msg)
    if escape_formulas and output is not None and output.suffix.lower() in PARQUET:
        msg = "--escape-formulas is for CSV, which spreadsheets compute; leave it out for Parquet"
        raise UsageError(msg)
    table = get_host().read(data, predictor.schema.reading)
    for line in layout_of(table).notes:
        note(line)
    frame = predictions(predictor, table, proba=proba, learner=learner)
    if escape_formulas:
        frame = without_formulas(frame)
    if output is None:
        emit(frame.to_csv(index=False, lineterminator="\n"))
    else:
        _write(frame, output)
        note(f"wrote {len(frame):,} predictions to {output}")


def predictions(
    predictor: Predictor, table: pd.DataFrame, *, proba: bool, learner: str | None
) -> pd.DataFrame:
    """One row per row of the table: `prediction`, then `proba_<class>` where asked.

    Anomalies have the columns `prediction`, 0 or 1, and `score`.

    Returns:
        (n, 1), (n, 1 + classes), or (n, 2) for anomalies.
    """
    import pandas as pd

    if not predictor.supervision.supervised:
        scores = predictor.raw(table, learner)
        return pd.DataFrame({"prediction": predictor.flag(scores, learner), "score": scores})

    if not proba:
        return pd.DataFrame({"prediction": predictor.predict(table, learner)})
    from automl.data.schema import decode_labels

    shares = predictor.predict_proba(table, learner)
    labels = decode_labels(predictor.schema, shares.argmax(axis=1))
    names = [f"proba_{name}" for name in predictor.classes]
    probabilities = pd.DataFrame(shares, columns=names)
    return pd.concat([pd.DataFrame({"prediction": labels}), probabilities], axis=1)


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with `'` before each text that a spreadsheet would take for a formula.

    Numbers stay, negative ones too. By OWASP's list: https://owasp.org/www-community/attacks/CSV_Injection
    """
    texts = frame.select_dtypes(["object", "string"])
    marked = {str(name): column.map(_without_formula) for name, column in texts.items()}
    return frame.assign(**marked)


def _without_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _write(frame: pd.DataFrame, file: Path) -> None:
    try:
        if file.suffix.lower() in PARQUET:
            frame.to_parquet(file, index=False)
        else:
            frame.to_csv(file, index=False, lineterminator="\n")
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror or error}"
        raise DataError(msg) from error
