"""law: of the published table only what is known before the bar exam is an input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError

HEADER = (
    "decile1b,decile3,ID,decile1,sex,race,cluster,lsat,ugpa,zfygpa,DOB_yr,grad,zgpa,bar1,bar1_yr,bar2,bar2_yr,fulltime,"
    "fam_inc,age,gender,parttime,male,race1,race2,Dropout,other,asian,black,hisp,pass_bar,bar,bar_passed,tier,"
    "index6040,indxgrp,indxgrp2,dnn_bar_pass_prediction,gpa"
)
COLUMNS = HEADER.split(",")


def students(n: int = 500) -> pd.DataFrame:
    """A table of the published layout, 39 columns; blanks stand for missing, as in the published copy."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({column: rng.normal(size=n).round(3) for column in COLUMNS})
    table["pass_bar"] = (rng.random(n) < 0.8).astype(float)
    for leak in ("bar_passed", "dnn_bar_pass_prediction"):
        table[leak] = table["pass_bar"] > 0
    table["bar1"] = np.where(table["pass_bar"] > 0, "P", "F")
    table["race1"] = rng.choice(["white", "black", "hisp", "asian", "other"], n, p=[0.6, 0.1, 0.1, 0.1, 0.1])
    table["gender"] = rng.choice(["female", "male"], n)
    table["fulltime"] = rng.choice([1.0, 2.0], n)
    for column in ("decile1b", "decile3", "tier", "fam_inc"):
        table[column] = rng.integers(1, 7, n).astype(float)
    table["lsat"] = rng.integers(20, 48, n).astype(float)
    table.loc[5, ["pass_bar", "gender"]] = np.nan
    table.loc[6, ["zgpa", "gender"]] = np.nan
    return table


def write(folder: Path, table: pd.DataFrame, na: str = " ") -> Path:
    path = folder / "bar_pass_prediction.csv"
    table.to_csv(path, index=False, na_rep=na)
    return path


@pytest.mark.parametrize("na", [" ", ""])
def test_inputs_are_what_is_known_before_the_exam(tmp_path: Path, na: str) -> None:
    table = students()
    problem = load_problem(f"law:{write(tmp_path, table, na)}")
    assert len(problem.inputs) == len(table) - 1
    assert (problem.label, problem.positive, problem.negative) == ("pass_bar", "yes", "no")
    assert sum(int(split.y.sum()) for split in problem.splits.values()) == int(table["pass_bar"].sum())
    kinds = {column.name: column.kind for column in problem.columns}
    assert set(kinds) == {
        *("decile1b", "decile3", "lsat", "ugpa", "zfygpa", "zgpa", "fulltime", "fam_inc", "tier", "sex"),
    }
    assert {name for name, kind in kinds.items() if kind == "categorical"} == {"fulltime", "sex"}
    assert {column.name: column.missing for column in problem.columns if column.missing} == {"zgpa": 1, "sex": 1}
    assert not any("almost" in note or "gives the label" in note for note in problem.notes)


def test_groups_by_race_and_by_sex(tmp_path: Path) -> None:
    table = students()
    problem = load_problem(f"law:{write(tmp_path, table)}", sensitive="race,sex")
    kept = table.dropna(subset="pass_bar")
    for attribute, column in (("race", "race1"), ("sex", "gender")):
        codes = np.concatenate([split.codes[attribute] for split in problem.splits.values()])
        counts = {name: int((codes == code).sum()) for code, name in enumerate(problem.attribute_names[attribute])}
        assert counts == kept[column].value_counts().to_dict()


def test_another_table_is_refused(tmp_path: Path) -> None:
    odd = students()
    odd.loc[7, "pass_bar"] = 2
    with pytest.raises(UsageError, match=r"unknown code 2\.0 in column pass_bar \(1 rows\); known are 1, 0"):
        load_problem(f"law:{write(tmp_path, odd)}")
    path = write(tmp_path, students().drop(columns=["lsat", "race1"]))
    with pytest.raises(UsageError, match=r"is not the bar_pass_prediction\.csv of LSAC: it has no column lsat, race1"):
        load_problem(f"law:{path}")
