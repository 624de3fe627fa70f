"""Every bad input is one line that says what, where and what to do."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError


def refused(source, *parts, **arguments):
    with pytest.raises(UsageError) as caught:
        load_problem(source, **({"label": "approved", "sensitive": "sex"} | arguments))
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message


def test_missing_file(loans, tmp_path):
    loans.to_csv(tmp_path / "loans.csv", index=False)
    refused(tmp_path / "loan.csv", "there is no file", "Did you mean 'loans.csv'")
    refused("nowhere/loans.csv", "there is no file nowhere/loans.csv")
    refused(tmp_path, "is a folder")
    refused("loans", "unknown data set 'loans'", "path of a .csv")


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a.csv", b"", ["is empty"]),
        ("b.csv", b"\n\n", ["is empty"]),
        ("c.csv", b"sex,approved\n", ["has a header but no rows"]),
        ("d.csv", b"sex,x,approved\nF,1,yes\nF,1,2,yes\n", ["line 3 has 4 fields, the header has 3"]),
        ("e.csv", b"sex,x,approved\nF,1,yes\nF,1\n", ["line 3 has 2 fields, the header has 3"]),
        ("f.csv", b"sex,approved\nF,1,yes\nF,1,no\n", ["line 2 has more fields than the header (2)"]),
        ("g.csv", b"sex,caf\xe9\nF,\xe9\n", ["not UTF-8"]),
        ("h.csv", b'sex,approved\nF,"yes\n', ["cannot read"]),
        ("i.csv", b"sex,x,x,approved\nF,1,2,yes\n", ["more than one column 'x'"]),
        ("j.csv.gz", b"sex,approved\nF,yes\n", ["cannot read", "damaged"]),
        ("k.csv.gz", gzip.compress(b"sex,approved\n" * 99, mtime=0)[:20], ["cannot read", "damaged"]),
        ("l.parquet", b"sex,approved\nF,yes\n", ["cannot read", "damaged"]),
        ("m.xlsx", b"PK", ["only .csv, .csv.gz, .parquet files"]),
    ],
)
def test_unreadable_files(tmp_path, name, content, parts):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, name, *parts)


def test_missing_last_cells_are_not_ragged(loans, tmp_path):
    loans["note"] = ["x", None] * 200
    loans.to_csv(tmp_path / "loans.csv", index=False)
    problem = load_problem(tmp_path / "loans.csv", label="approved", sensitive="sex")
    assert sum(len(split) for split in problem.splits.values()) == len(loans)


def test_not_a_table():
    refused(np.zeros((3, 3)), "cannot read a table from ndarray")
    refused(None, "cannot read a table from NoneType")


def test_wrong_columns(loans):
    refused(loans, "no label column 'aproved'", "Did you mean 'approved'", label="aproved")
    refused(loans, "no sensitive column 'sexx'", "Did you mean 'sex'", sensitive="sexx")
    refused(loans, "no weight column 'wt'", weight="wt")
    refused(loans, "no immutable column 'agee'", "Did you mean 'age'", immutable="agee")
    refused(loans, "no drop column 'x'", drop=["x"])
    refused(loans, "which column is the label", "--label NAME", label=None)


def test_roles_that_exclude_each_other(loans):
    refused(loans, "'approved' is named as label and as sensitive", sensitive="sex,approved")
    refused(loans, "'age' is named as weight and as drop", weight="age", drop="age")
    refused(loans, "the seed is -1", seed=-1)


def test_one_class_and_one_group(loans):
    refused(loans.assign(approved="yes"), "one class only, 'yes'")
    refused(loans.assign(approved=None), "'approved' has no values at all")
    refused(loans.assign(sex="F"), "'sex' has one group only, 'F'")
    refused(loans.assign(sex=np.nan), "'sex' has no values at all")
    refused(loans.assign(sex=[f"p{i}" for i in range(400)]), "400 different values", "Pool them")


def test_infinite_values_name_column_and_rows(loans):
    loans.loc[[4, 9], "income"] = [np.inf, -np.inf]
    refused(loans, "'income' holds 2 infinite values (data rows 4, 9)")


def test_infinite_rows_are_rows_of_the_source(loans):
    loans.loc[0, "approved"] = None
    loans.loc[4, "income"] = np.inf
    refused(loans, "'income' holds 1 infinite values (data rows 4)")


def test_duplicate_columns(loans):
    refused(pd.concat([loans, loans[["age"]]], axis=1), "the frame has more than one column 'age'")


def test_ten_rows(loans):
    refused(loans.head(10), "10 rows are too few", "at least 20 of each (40 rows in all)")
    few = loans[loans["approved"] == "no"].head(300)
    refused(pd.concat([few, loans[loans["approved"] == "yes"].head(19)]), "'yes' in 19")


def test_labels_that_need_a_positive(loans):
    refused(loans.assign(approved=np.resize([0, 3, 7], 400)), "has 3 values", "--positive 0", "--task multiclass")
    refused(loans.assign(approved=["good", "bad"] * 200), "which one is positive", "--positive bad or --positive good")
    refused(loans, "never holds the positive value 'Yes'", "Did you mean 'yes'", positive="Yes")
    refused(loans.assign(approved=np.linspace(0, 1, 400)), "has 400 values", "--task regression")


def test_bad_weights(loans):
    refused(loans.assign(w=[1.0, -1.0] * 200), "200 negative values", "data row 1", weight="w")
    refused(loans.assign(w=[1.0, None] * 200), "200 missing values", weight="w")
    refused(loans.assign(w=0), "is 0 in every row", weight="w")
    refused(loans.assign(w="heavy"), "expected a number, got 'heavy'", weight="w")


def test_containers_in_cells(loans):
    refused(loans.assign(tags=[["a"]] * 400), "'tags' holds lists")
