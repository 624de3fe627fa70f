"""communities_crime: the file without a header gets names; the group is derived; what is not predictive is gone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data._bundled import data_sets
from efficienttrust.errors import UsageError

CRIME = data_sets.get("communities_crime")
FIRST = "8,?,?,Lakewoodcity,1,0.19,0.33,0.02,0.9,0.12,0.17"
"""First cells of the official file: state, county, community, its name, fold, population, household size, races."""


def lines(n: int = 40) -> list[str]:
    rng = np.random.default_rng(0)
    rest = [",".join(f"{value:.2f}" for value in rng.random(116)) for _ in range(n)]
    starts = [FIRST, *(FIRST.replace(",0.02,0.9", f",{black:.2f},0.9") for black in rng.random(n - 1) / 8)]
    return [f"{start},{middle},{label:.2f}" for start, middle, label in zip(starts, rest, rng.random(n), strict=True)]


def write(folder: Path, text: str, name: str = "communities.data") -> Path:
    path = folder / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("communities.names", "@relation crimepredict")
            archive.writestr("communities.data", text)
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["communities.data", "communities+and+crime.zip"])
def test_columns_get_their_names(tmp_path: Path, name: str) -> None:
    text = lines()
    path = write(tmp_path, "\n".join(text) + "\n", name)
    table = CRIME.read(path)
    assert len(table) == 40
    assert len(table.columns) == 128 - 5 + 1
    assert not {"state", "county", "community", "communityname", "fold"} & set(table.columns)
    assert table.loc[0, ["population", "householdsize", "racepctblack", "racePctWhite"]].tolist() == [
        *(0.19, 0.33, 0.02, 0.9)
    ]
    assert table["ViolentCrimesPerPop"].tolist() == [float(line.rpartition(",")[2]) for line in text]
    pd.testing.assert_frame_equal(CRIME.read(tmp_path), table)


def test_the_group_is_cut_at_the_threshold_of_the_literature(tmp_path: Path) -> None:
    blacks = ("0.06", "0.07", "1", "?")
    text = [FIRST.replace("0.02", black) + line[len(FIRST) :] for line, black in zip(lines(4), blacks, strict=True)]
    groups = CRIME.read(write(tmp_path, "\n".join(text)))["race_group"]
    assert groups.tolist()[:3] == ["other", "black", "black"]
    assert pd.isna(groups[3])


def test_missing_cells_and_the_columns_that_say_the_group_again(tmp_path: Path) -> None:
    text = lines()
    cells = text[1].split(",")
    cells[30] = "?"
    table = CRIME.read(write(tmp_path, "\n".join([text[0], ",".join(cells), *text[2:]])))
    assert table.isna().sum().loc[lambda n: n > 0].to_dict() == {"OtherPerCap": 1}
    assert CRIME.left_out([]) == ("racePctWhite", "racePctAsian", "racePctHisp")
    assert CRIME.left_out(["racePctHisp"]) == ("racePctWhite", "racePctAsian")
    assert CRIME.derived == {"race_group": "racepctblack"}
    assert (CRIME.task, CRIME.positive) == ("regression", None)


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has 127 columns, communities\.data of UCI has 128 and no header"):
        CRIME.read(write(tmp_path, "\n".join(line.rpartition(",")[0] for line in lines())))
    with pytest.raises(UsageError, match=r"communities\.data is empty"):
        CRIME.read(write(tmp_path, ""))
    with pytest.raises(UsageError, match=r"cannot read .*communities\.data: .* Is it damaged, or another file"):
        CRIME.read(write(tmp_path, "1,2\n1,2,3\n"))
