"""What is said of the hours of a variable is one line, and of all variables one line."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.data import load_problem
from efficienttrust.data._time_bins import merged_bins

COLUMNS = ["age", *(f"{name}@{hour:02d}" for name in ("heart_rate", "lactate") for hour in range(3)), "note@once"]


def test_notes_of_one_variable_are_one_line_at_the_place_of_the_first():
    notes = [
        "4 rows dropped",
        "column 'lactate@00' dropped: it has no values at all",
        "column 'age' dropped: it numbers the rows",
        "column 'lactate@02' dropped: it is constant in the train split",
        "column 'heart_rate@01' dropped: it has no values at all",
    ]
    assert merged_bins(notes, COLUMNS) == [
        "4 rows dropped",
        "column 'lactate@TT' (2 of 3 time bins) dropped: it has no values at all, or it is constant in the train split",
        "column 'age' dropped: it numbers the rows",
        "column 'heart_rate@01' dropped: it has no values at all",
    ]


def test_figures_do_not_tell_notes_apart():
    notes = [f"column 'lactate@{hour:02d}' alone predicts the label (AUC 0.99{hour})" for hour in (1, 2)]
    assert merged_bins(notes, COLUMNS) == [
        "column 'lactate@TT' (2 of 3 time bins) alone predicts the label (AUC 0.991)"
    ]


def test_what_is_said_of_every_time_of_every_variable_is_one_line():
    notes = [f"column {name!r} dropped: it has no values at all" for name in COLUMNS if "@0" in name]
    assert merged_bins(notes, COLUMNS) == ["every column NAME@TT (2 variables) dropped: it has no values at all"]
    assert len(merged_bins(notes[:-1], COLUMNS)) == 2


@pytest.mark.parametrize("columns", [[], COLUMNS])
def test_other_notes_stay_as_they_are(columns):
    notes = ["column 'note@once' dropped: it holds dates", "column 'note@noon' dropped: it holds dates", "@01"]
    assert merged_bins(notes, columns) == notes


def test_a_wide_table_has_one_line_a_variable(loans):
    rng = np.random.default_rng(0)
    for hour in range(24):
        loans[f"heart_rate@{hour:02d}"] = rng.normal(80, 9, len(loans))
        loans[f"lactate@{hour:02d}"] = np.nan
    loans["lactate@05"] = np.where(np.arange(len(loans)) == 0, 2.5, np.nan)
    notes = [note for note in load_problem(loans, label="approved").notes if "lactate" in note]
    assert len(notes) == 1
    assert notes[0].startswith("column 'lactate@TT' (24 of 24 time bins) dropped: it has no values at all, or it ")
