"""A slip of the pen in a column of numbers is refused, where it would have cost the column; codes with letters stay."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.data._reading import csv_line
from efficienttrust.errors import UsageError

N = 400


def refusal(source: object, **options: object) -> str:
    with pytest.raises(UsageError) as refused:
        load_problem(source, label="approved", **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def kinds(source: object, **options: object) -> dict[str, str]:
    return {column.name: column.kind for column in load_problem(source, label="approved", **options).columns}


@pytest.mark.parametrize("slip", ["oops", '1.5"', "1\x005", "n/k", "1,5"])
def test_one_bad_cell_of_a_file_is_named_with_its_line(loans, tmp_path, slip):
    path = tmp_path / "loans.csv"
    loans["income"] = loans["income"].astype(object)
    loans.loc[3, "income"] = slip
    loans.to_csv(path, index=False)
    says = refusal(path)
    numbers = loans["income"].notna().sum() - 1
    assert f"column 'income' holds {numbers} numbers and 1 text {slip!r} in line 5 of {path}." in says
    assert "--drop income" in says
    assert "income" not in kinds(path, drop="income")
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert "in line 5 of" in refusal(path.rename(tmp_path / "loans.csv.gz"))


def test_lines_are_counted_over_blank_lines_and_quoted_breaks(loans, tmp_path):
    loans["housing"] = "a\nb"
    loans["income"] = np.arange(N) + 0.5
    lines = loans.to_csv(index=False, sep=";").split("\n")
    lines[5:5] = ["", "  "]
    path = tmp_path / "loans.csv"
    path.write_text("\n".join(lines).replace("\n7.5;", "\nseven;"))
    (line,) = (number for number, text in enumerate(path.read_text().split("\n"), 1) if text.startswith("seven"))
    assert line == 1 + 2 + 2 * 7 + 1  # two lines a row
    assert f"1 text 'seven' in line {line} of {path}" in refusal(path)
    assert csv_line(path, 0) == 2
    with pytest.raises(UsageError, match="has no data row 400"):
        csv_line(path, N)


def test_of_a_frame_the_row_is_named_and_a_long_cell_is_cut(loans):
    loans["age"] = loans["age"].astype(object)
    loans.loc[[17, 30], "age"] = ["unknown" * 20, "?"]
    says = refusal(loans)
    assert "column 'age' holds 398 numbers and 1 text 'unknown" in says
    assert "…' in data row 17." in says
    assert len(says) < 250
    loans.loc[12, "age"] = "old"
    assert "397 numbers and 2 texts, the first 'old' in data row 12." in refusal(loans)
    assert "column 'age' holds" in refusal(loans, sensitive="age")


def test_usual_words_for_missing_are_no_slips(loans, tmp_path):
    loans["income"] = loans["income"].round(3).astype(object)
    words = ["?", "NA", "NaN", "null", "N/A", "", "None"]
    loans.loc[: len(words) - 1, "income"] = words
    loans.to_csv(tmp_path / "loans.csv", index=False)
    assert kinds(tmp_path / "loans.csv")["income"] == "numeric"


def test_a_marker_of_missing_measurements_is_refused_however_often(loans):
    loans["income"] = np.random.default_rng(0).normal(30, 8, N).astype(object)
    loans.loc[::25, "income"] = "."
    assert "holds 384 numbers and 16 texts, the first '.' in data row 0." in refusal(loans)
    loans.loc[::3, "income"] = "refused"
    assert "texts, the first 'refused' in data row 0." in refusal(loans)
    loans["income"] = [f"{'' if number % 9 else 'no. '}{number / 7}" for number in range(N)]
    assert "income" not in kinds(loans)


def test_codes_with_letters_stay_categories(loans):
    rng = np.random.default_rng(0)
    loans["ward"] = rng.integers(1, 31, N).astype(str)
    loans.loc[rng.permutation(N)[:16], "ward"] = "ICU"
    problem = load_problem(loans, label="approved")
    assert {column.name: column.kind for column in problem.columns}["ward"] == "categorical"
    assert any("'ward' is read as categories because 1 of its 31" in note for note in problem.notes)
    loans["rooms"] = rng.integers(1, 5, N).astype(str)
    loans.loc[3, "rooms"] = "5+"
    loans["floor"] = pd.Categorical(rng.integers(1, 31, N).astype(str), [*map(str, range(1, 31)), "roof"])
    loans.loc[3, "floor"] = "roof"
    assert kinds(loans)["rooms"] == kinds(loans)["floor"] == "categorical"


def test_numbers_as_text_that_all_differ_are_no_identifiers(loans):
    loans["income"] = np.random.default_rng(0).normal(30, 8, N).astype(str)
    notes = load_problem(loans, label="approved").notes
    assert "column 'income' dropped: it holds numbers stored as text; convert it to numbers" in notes
