"""acs_income: filter, features and label of folktables, from any folder or archive in which it keeps the survey."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.data._bundled import data_sets
from efficienttrust.errors import UsageError

FEATURES = ["AGEP", "COW", "SCHL", "MAR", "OCCP", "POBP", "RELP", "WKHP", "SEX", "RAC1P"]
"""As `ACSIncome` of folktables lists them."""


def persons(state: int, n: int = 400) -> pd.DataFrame:
    """Columns of a person file that matter here, and some that do not; empty where a question does not apply."""
    rng = np.random.default_rng(state)
    table = pd.DataFrame(
        {
            "RT": "P",
            "SERIALNO": [f"2018GQ{number:07d}" for number in range(n)],
            "ST": state,
            "PWGTP": rng.integers(0, 200, n),
            "AGEP": rng.integers(0, 95, n),
            "COW": rng.integers(1, 10, n).astype(float),
            "MAR": rng.integers(1, 6, n),
            "RELP": rng.integers(0, 18, n),
            "SCHL": rng.integers(1, 25, n).astype(float),
            "SEX": rng.integers(1, 3, n),
            "WKHP": rng.integers(0, 99, n).astype(float),
            "OCCP": rng.choice([10.0, 4720.0, 9920.0], n),
            "PINCP": rng.integers(-5000, 120_000, n).astype(float),
            "POBP": rng.choice([6, 36, 303], n),
            "RAC1P": rng.choice([1, 2, 6, 9], n, p=[0.5, 0.2, 0.2, 0.1]),
        }
    )
    table.loc[table["AGEP"] < 16, ["COW", "WKHP", "OCCP", "PINCP"]] = np.nan
    table.loc[:3, ["AGEP", "PINCP", "WKHP", "PWGTP"]] = [
        [16, 9e4, 40, 1],
        [17, 100, 40, 1],
        [17, 101, 0, 1],
        [17, 101, 1, 0],
    ]
    table.loc[4:7, ["AGEP", "PINCP", "WKHP", "PWGTP"]] = [
        [17, 101, 1, 1],
        [40, 5e4, 1, 1],
        [40, 50001, 1, 1],
        [40, np.nan, 1, 1],
    ]
    return table


def by_folktables(table: pd.DataFrame) -> pd.DataFrame:
    """The filter of folktables, one condition after the other."""
    for column, low in (("AGEP", 16), ("PINCP", 100), ("WKHP", 0)):
        table = table[table[column] > low]
    return table[table["PWGTP"] >= 1].reset_index(drop=True)


def write(folder: Path, table: pd.DataFrame, archive: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"psam_p{table['ST'].iloc[0]:02d}.csv"
    if not archive:
        table.to_csv(folder / name, index=False)
        return folder / name
    with zipfile.ZipFile(folder / archive, "w") as zipped:
        zipped.writestr("ACS2018_PUMS_README.pdf", b"")
        zipped.writestr(name, table.to_csv(index=False))
    return folder / archive


def test_filter_features_and_label_are_those_of_folktables(tmp_path: Path) -> None:
    table = persons(6)
    problem = load_problem(f"acs_income:{write(tmp_path, table)}")
    expected = by_folktables(table)
    assert len(problem.inputs) == len(expected)
    rows = np.concatenate([split.rows for split in problem.splits.values()])
    y = np.concatenate([split.y for split in problem.splits.values()])[np.argsort(rows)]
    assert y.tolist() == (expected["PINCP"] > 50_000).astype(int).tolist()
    assert {column.name for column in problem.columns} | {"SEX"} == set(FEATURES)
    numbers = {column.name for column in problem.columns if column.kind != "categorical"}
    assert numbers == {"AGEP", "SCHL", "WKHP"}
    for column in numbers:
        assert problem.inputs[column].astype(float).tolist() == expected[column].tolist()
    assert problem.inputs["OCCP"].astype(float).tolist() == expected["OCCP"].tolist()
    assert (problem.inputs["SEX"] == "Male").tolist() == (expected["SEX"] == 1).tolist()


def test_edges_of_the_filter_are_exact(tmp_path: Path) -> None:
    edges = persons(6).iloc[:8]
    table = data_sets.get("acs_income").read(write(tmp_path, edges))
    assert table["PINCP"].tolist() == ["<=50000", "<=50000", ">50000"]
    assert table["AGEP"].tolist() == [17, 40, 40]


def test_states_are_pooled_and_are_an_environment(tmp_path: Path) -> None:
    year = tmp_path / "2018" / "1-Year"
    tables = [persons(6), persons(36)]
    write(year, tables[0])
    write(year, tables[1], "csv_pny.zip")
    write(year, tables[0], "csv_pca.zip")  # unpacked beside its archive: read once
    problem = load_problem(f"acs_income:{tmp_path}", sensitive="ST,RAC1P")
    codes = np.concatenate([split.codes["ST"] for split in problem.splits.values()])
    counts = {name: int((codes == code).sum()) for code, name in enumerate(problem.attribute_names["ST"])}
    assert counts == {"CA": len(by_folktables(tables[0])), "NY": len(by_folktables(tables[1]))}
    assert problem.attribute_names["RAC1P"] == ("Asian", "Black", "Two or more", "White")
    assert "ST" not in problem.encoder.columns
    weighted = load_problem(f"acs_income:{year}", weight="PWGTP")
    assert weighted.splits["train"].weight is not None
    assert not {"ST", "PWGTP"} & set(weighted.encoder.columns)


def test_an_archive_alone_gives_the_same_as_the_unpacked_file(tmp_path: Path) -> None:
    read = data_sets.get("acs_income").read
    plain = read(write(tmp_path / "plain", persons(6)))
    pd.testing.assert_frame_equal(read(write(tmp_path / "zip", persons(6), "csv_pca.zip")), plain)
    pd.testing.assert_frame_equal(read(tmp_path / "zip"), plain)


def test_what_is_not_one_survey_up_to_2018_is_refused(tmp_path: Path) -> None:
    read = data_sets.get("acs_income").read
    with pytest.raises(UsageError, match=r"holds no psam_p\*\.csv and no csv_p\*\.zip"):
        read(tmp_path)
    write(tmp_path / "2018" / "1-Year", persons(6))
    write(tmp_path / "2018" / "5-Year", persons(6))
    with pytest.raises(UsageError, match=r"holds several surveys\. Choose one: .*1-Year, .*5-Year"):
        read(tmp_path)
    late = write(tmp_path / "2021", persons(6).rename(columns={"RELP": "RELSHIPP"}))
    with pytest.raises(UsageError, match=r"is of 2019 or later \(RELSHIPP, no RELP\)"):
        read(late)
    odd = write(tmp_path / "odd", persons(6).assign(SEX=3))
    with pytest.raises(UsageError, match="unknown code 3 in column SEX"):
        read(odd)
    household = write(tmp_path / "other", persons(6)[["SERIALNO", "ST"]])
    with pytest.raises(
        UsageError, match=r"is not a person file .* it has no column AGEP, SCHL, WKHP, PINCP, PWGTP, COW, …"
    ):
        read(household)
    broken = write(tmp_path / "broken", persons(6), "csv_pca.zip")
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(UsageError, match=r"cannot read .*csv_pca\.zip"):
        read(tmp_path / "broken")
