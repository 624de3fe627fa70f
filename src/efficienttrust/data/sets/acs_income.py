"""ACSIncome (American Community Survey, as folktables defines it): does a person earn more than 50,000 dollars?"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, data_sets
from efficienttrust.data._download import Fetch
from efficienttrust.data._official import decoded, opened, refuse_missing_columns
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

CSV, ARCHIVE = "psam_p*.csv", "csv_p*.zip"
CATEGORIES = ("COW", "MAR", "OCCP", "POBP", "RELP")
NUMBERS = ("AGEP", "SCHL", "WKHP", "PINCP", "PWGTP")
NEEDED = (*NUMBERS, *CATEGORIES, "SEX", "RAC1P", "ST")
SEX = {1: "Male", 2: "Female"}
RACES = {
    1: "White",
    2: "Black",
    3: "American Indian",
    4: "Alaska Native",
    5: "American Indian or Alaska Native, unspecified",
    6: "Asian",
    7: "Pacific Islander",
    8: "Other",
    9: "Two or more",
}
STATES = """
    01AL 02AK 04AZ 05AR 06CA 08CO 09CT 10DE 11DC 12FL 13GA 15HI 16ID 17IL 18IN 19IA 20KS 21KY 22LA 23ME 24MD 25MA 26MI
    27MN 28MS 29MO 30MT 31NE 32NV 33NH 34NJ 35NM 36NY 37NC 38ND 39OH 40OK 41OR 42PA 44RI 45SC 46SD 47TN 48TX 49UT 50VT
    51VA 53WA 54WV 55WI 56WY 72PR
"""
URL = "https://www2.census.gov/programs-surveys/acs/data/pums/2018/1-Year"

CARD = DatasetCard(
    name="acs_income",
    title="ACSIncome (American Community Survey, Public Use Microdata Sample)",
    licence="public domain, United States Census Bureau (its terms of service ask not to identify anybody)",
    citation=(
        "Ding, F., Hardt, M., Miller, J. and Schmidt, L. (2021). Retiring Adult: New Datasets for Fair Machine "
        "Learning. NeurIPS. https://arxiv.org/abs/2108.04884"
    ),
    origin="person files of the one-year survey, in the folders of the package folktables",
    what="A row is a working adult; predicted is an income above 50,000 dollars.",
    size="California in 2018: 195,665 rows; all states: 1,664,500 (Ding et al. 2021); 10 features",
    groups=(
        "SEX: Male, Female",
        "RAC1P: nine groups by the Census; Alaska Native and the unspecified ones are tiny in most states",
        "ST: the state, as an environment; no input unless it is made one",
    ),
    base_rates=(
        "they differ by state and year: `data show acs_income:FOLDER` counts them in your copy",
        "no copy was at hand when this card was written",
    ),
    cleaning=(
        "the filter of folktables: AGEP > 16, PINCP > 100, WKHP > 0 and PWGTP >= 1",
        "the features of folktables: AGEP, COW, SCHL, MAR, OCCP, POBP, RELP, WKHP, SEX, RAC1P",
        "the label is PINCP > 50000, exactly as in folktables",
        "COW, MAR, OCCP, POBP and RELP are codes and become categories; SCHL is an ordered code and stays a number",
        "ST and PWGTP, the weight of the row, are in the table but no inputs; folktables does not use them either",
        "all states in the folder are pooled",
    ),
    traps=(
        "dollars of different years are not the same dollars: the threshold is not adjusted",
        "a model for one state does worse in another (Ding et al. 2021): hold states out by ST",
        "RELP is called RELSHIPP from 2019 on and has other codes: ACSIncome ends with 2018",
        "the sample is representative only with the weight PWGTP",
    ),
    how_to_get=(
        "`efficienttrust data get acs_income` downloads California in 2018 (no account is needed)",
        f"other states: csv_p and the two letters of the state (csv_pny.zip) from {URL}, all in one folder",
        "or give a copy as acs_income:PATH: a file psam_pXX.csv or csv_pXX.zip, or the folder folktables keeps them in",
    ),
    fetch=Fetch(f"{URL}/csv_pca.zip", "csv_pca.zip"),
)


def read(path: Path) -> pd.DataFrame:
    """Return the cleaned table, of all states that are found."""
    import pandas as pd

    table = pd.concat([_read_state(file) for file in _files(path)], ignore_index=True)
    state = table["ST"].map("{:02d}".format)
    for column in CATEGORIES:
        table[column] = table[column].astype("Int64").astype("string").astype("category")
    table["SEX"] = decoded(table["SEX"], SEX, path).astype("category")
    table["RAC1P"] = decoded(table["RAC1P"], RACES, path).astype("category")
    table["ST"] = state.map({entry[:2]: entry[2:] for entry in STATES.split()}).fillna(state).astype("category")
    table["PINCP"] = (table["PINCP"] > 50_000).map({True: ">50000", False: "<=50000"})
    return table


def _read_state(path: Path) -> pd.DataFrame:
    """Return the rows of one file that pass folktables' filter."""
    import pandas as pd

    with opened(path, CSV) as file:
        table = pd.read_csv(file, usecols=lambda name: name in (*NEEDED, "RELSHIPP"), skipinitialspace=True)
    if "RELSHIPP" in table.columns:
        raise UsageError(f"{path} is of 2019 or later (RELSHIPP, no RELP); ACSIncome is defined up to 2018.")
    refuse_missing_columns(table, NEEDED, path, "a person file (psam_pXX.csv) of the survey")
    passed = (table["AGEP"] > 16) & (table["PINCP"] > 100) & (table["WKHP"] > 0) & (table["PWGTP"] >= 1)
    return table.loc[passed, list(NEEDED)]


def _files(path: Path) -> list[Path]:
    """Return the files of one survey, one per state: what folktables unpacked, else archives."""
    if not path.is_dir():
        return [path]
    found = sorted([*path.rglob(CSV), *path.rglob(ARCHIVE)])
    folders = sorted({str(file.parent) for file in found})
    if not found:
        raise UsageError(f"the folder {path} holds no {CSV} and no {ARCHIVE}. Place the person files there.")
    if len(folders) > 1:
        raise UsageError(f"{path} holds several surveys. Choose one: {', '.join(folders)}.")
    unpacked = {file.name for file in found if file.suffix == ".csv"}
    return [file for file in found if file.suffix == ".csv" or not _inside(file) & unpacked]


def _inside(archive: Path) -> set[str]:
    try:
        with zipfile.ZipFile(archive) as file:
            return {name.rpartition("/")[2] for name in file.namelist()}
    except (zipfile.BadZipFile, OSError):
        return set()  # to open it later says what is wrong


data_sets.register("acs_income")(
    DataSet(
        card=CARD,
        label="PINCP",
        positive=">50000",
        sensitive=("SEX",),
        options=("SEX", "RAC1P", "ST"),
        read=read,
        drop=("ST", "PWGTP"),
    )
)
