"""LSAC bar passage (law schools of the United States, 1991-1997): does a student pass the bar exam?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, data_sets
from efficienttrust.data._download import Fetch
from efficienttrust.data._official import decoded, official_file, opened, refuse_missing_columns

if TYPE_CHECKING:
    import pandas as pd

TABLE = "bar_pass_prediction.csv"
FILES = (TABLE, f"{TABLE}.gz")
INPUTS = ("decile1b", "decile3", "lsat", "ugpa", "zfygpa", "zgpa", "fulltime", "fam_inc", "tier")
NEEDED = (*INPUTS, "race1", "gender", "pass_bar")

CARD = DatasetCard(
    name="law",
    title="LSAC National Longitudinal Bar Passage Study",
    licence="no licence is stated; released by the Law School Admission Council for research",
    citation=(
        "Wightman, L. F. (1998). LSAC National Longitudinal Bar Passage Study. LSAC Research Report Series. "
        "https://eric.ed.gov/?id=ED469370"
    ),
    origin=(
        "lsac.sas7bdat of project SEAPHE as CSV, with the columns of the copy that TensorFlow's Fairness Indicators "
        "publish; the package tempeh reads the same table"
    ),
    what="A row is a student who entered a law school in 1991; predicted is whether she passed the bar exam.",
    size="about 22,000 students, 39 columns in the published copies (no copy was at hand to count)",
    groups=(
        "race: white, black, hisp, asian, other (from race1); mostly white",
        "sex: female, male (from gender)",
    ),
    base_rates=(
        "about .95 pass, far fewer in the small groups: `data show law` counts them in your copy",
        "no copy was at hand when this card was written",
    ),
    cleaning=(
        f"kept are {', '.join(INPUTS)}, race1 as race and gender as sex, and the label (Le Quy et al. 2022)",
        "dropped as the same again: race, race2, asian, black, hisp, other, sex, male, gpa, index6040, indxgrp, age, …",
        "dropped because they are known only after the exam: bar, bar1, bar2, their years, bar_passed, grad, Dropout",
        "dropped: dnn_bar_pass_prediction, the answer of another model in the published copy",
        "fulltime (1 full time, 2 part time) becomes a category; decile, tier and fam_inc stay ordered numbers",
        "pass_bar becomes yes or no; rows without it are left out",
    ),
    traps=(
        "columns such as bar1 and dnn_bar_pass_prediction give the label away; most of the file repeats itself",
        "decile1b, decile3, zfygpa and zgpa are grades of law school: known before the exam, not at admission",
        "with .95 positives accuracy says little; an error rate among those who fail needs many rows",
        "who left law school or never sat the exam is missing or counted as failed, by copy",
        "the column age of the published copy is a negative number of no clear meaning",
    ),
    how_to_get=(
        "`efficienttrust data get law` downloads it (no account is needed)",
        f"or give a copy as law:PATH, a CSV file with the columns of {TABLE}, or its folder",
    ),
    fetch=Fetch(f"https://storage.googleapis.com/lawschool_dataset/{TABLE}", TABLE),
)


def read(path: Path) -> pd.DataFrame:
    """Return the cleaned table."""
    import pandas as pd

    path = official_file(path, FILES)
    with opened(path, "*.csv") as file:
        table = pd.read_csv(file, skipinitialspace=True, low_memory=False)
    refuse_missing_columns(table, NEEDED, path, f"the {TABLE} of LSAC")
    table = table.dropna(subset="pass_bar").reset_index(drop=True)
    kept = table[list(INPUTS)].copy()
    kept["fulltime"] = decoded(table["fulltime"], {1: "full time", 2: "part time"}, path).astype("category")
    kept["race"] = table["race1"].astype("category")
    kept["sex"] = table["gender"].astype("category")
    kept["pass_bar"] = decoded(table["pass_bar"], {1: "yes", 0: "no"}, path)
    return kept


data_sets.register("law")(
    DataSet(
        card=CARD,
        label="pass_bar",
        positive="yes",
        sensitive=("race",),
        options=("race", "sex"),
        read=read,
    )
)
