"""Diabetes 130-US hospitals (1999-2008): does a patient come back within 30 days?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, data_sets
from efficienttrust.data._download import Fetch
from efficienttrust.data._official import decoded, official_file, opened, refuse_missing_columns

if TYPE_CHECKING:
    import pandas as pd

TABLE = "diabetic_data.csv"
SHA256 = "0689e7ec031237dc63031b938805c48377748761a3b26acab621567afa24df97"
ARCHIVE = "diabetes+130-us+hospitals+for+years+1999-2008.zip"
FILES = (TABLE, f"{TABLE}.gz", ARCHIVE, "dataset_diabetes.zip")
CANNOT_RETURN = (11, 13, 14, 19, 20, 21)
"""Codes of discharge_disposition_id: died, or went to a hospice."""

CARD = DatasetCard(
    name="diabetes130",
    title="Diabetes 130-US Hospitals for Years 1999-2008",
    licence="CC BY 4.0, UCI Machine Learning Repository (John Clore, Krzysztof Cios, Jon DeShazo and Beata Strack)",
    citation=(
        "Strack, B. et al. (2014). Impact of HbA1c Measurement on Hospital Readmission Rates: Analysis of 70,000 "
        "Clinical Database Patient Records. BioMed Research International, 781670. https://doi.org/10.1155/2014/781670"
    ),
    origin="UCI Machine Learning Repository, data set 296",
    originals={TABLE: SHA256},
    what="A row is a stay in hospital of a patient with diabetes; predicted is readmission within 30 days.",
    size="101,766 stays of 71,518 patients, 50 columns; 99,343 stays of 69,990 patients are used. 19 MB",
    groups=(
        "race: Caucasian 74,220, AfricanAmerican 18,772, Hispanic 2,017, Other 1,472, Asian 628; missing 2,234",
        "gender: Female 53,454, Male 45,886; 3 unknown",
        "age_band: under 30 2,499, 30-59 30,431, 60+ 66,413",
    ),
    base_rates=(
        "readmitted within 30 days: .114; by race from .098 (Other) to .115 (Caucasian); Female .115, Male .113",
        "readmitted at all: .471",
    ),
    cleaning=(
        "'?' means missing; 'None' of max_glu_serum and A1Cresult means not measured and is a value",
        "encounter_id is dropped: it numbers the stays",
        (
            "2,423 stays that ended in death or in a hospice (discharge_disposition_id 11, 13, 14, 19, 20, 21) are "
            "removed: such patients cannot come back; 43 of them are nevertheless recorded with '<30'"
        ),
        "the codes of admission_type_id, discharge_disposition_id, admission_source_id and diag_* become categories",
        "gender 'Unknown/Invalid' (3 stays) means missing",
        "age_band (under 30, 30-59, 60+) is derived from age for use as a sensitive attribute; it is not an input",
        "readmitted_ever (yes: '<30' or '>30') is derived from readmitted as another label on offer",
        "patient_nbr is the unit: all stays of a patient are in one split",
    ),
    traps=(
        "stays of one patient repeat: divided at random, a model meets its test patients in training",
        "weight is missing in 97 % of the stays, medical_specialty in 49 %, payer_code in 40 %",
        "read as usual, 'None' (not measured) is taken for a missing cell",
        "examide and citoglipton hold one value only and say nothing",
        "the label sees these hospitals only; who went elsewhere or died at home counts as not readmitted",
        "payer_code and medical_specialty say as much about the hospital as about the patient",
    ),
    how_to_get=(
        "`efficienttrust data get diabetes130` downloads it (no account is needed)",
        f"or give a copy as diabetes130:PATH, the path of {TABLE}, {TABLE}.gz, the zip archive, or their folder",
    ),
    fetch=Fetch(f"https://archive.ics.uci.edu/static/public/296/{ARCHIVE}", ARCHIVE, members={TABLE: SHA256}),
    clinical=True,
)
CODES = ("admission_type_id", "discharge_disposition_id", "admission_source_id")
DIAGNOSES = ("diag_1", "diag_2", "diag_3")
NEEDED = ("encounter_id", "patient_nbr", "race", "gender", "age", "readmitted", *CODES, *DIAGNOSES)
AGES = ("under 30", "30-59", "60+")


def read(path: Path) -> pd.DataFrame:
    """Return the cleaned table."""
    import pandas as pd

    path = official_file(path, FILES)
    with opened(path, TABLE) as file:
        table = pd.read_csv(file, na_values=["?"], keep_default_na=False, low_memory=False)
    refuse_missing_columns(table, NEEDED, path, f"the {TABLE} of UCI")
    table = table[~table["discharge_disposition_id"].isin(CANNOT_RETURN)].drop(columns="encounter_id")
    for column in (*CODES, *DIAGNOSES):
        table[column] = table[column].astype("string").astype("category")
    table["gender"] = table["gender"].where(table["gender"] != "Unknown/Invalid")
    decade = table["age"].str.extract(r"^\[(\d+)-", expand=False).astype(float)
    table["age_band"] = pd.cut(decade, [-1, 20, 50, float("inf")], labels=list(AGES))
    table["readmitted_ever"] = decoded(table["readmitted"], {"NO": "no", "<30": "yes", ">30": "yes"}, path)
    return table


data_sets.register("diabetes130")(
    DataSet(
        card=CARD,
        label="readmitted",
        positive="<30",
        sensitive=("race",),
        options=("race", "gender", "age_band"),
        read=read,
        derived={"age_band": "age"},
        labels={"readmitted_ever": "yes"},
        unit="patient_nbr",
    )
)
