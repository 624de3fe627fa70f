"""MIMIC-IV (Beth Israel Deaconess Medical Center, 2008-2022): does a patient in intensive care die in hospital?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data._bundled import DataSet, DatasetCard, data_sets
from efficienttrust.data.clinical import read_mimic_iv
from efficienttrust.data.clinical._options import Options, parse_options

if TYPE_CHECKING:
    import pandas as pd

CARD = DatasetCard(
    name="mimic_iv",
    title="MIMIC-IV, Medical Information Mart for Intensive Care",
    licence="PhysioNet Credentialed Health Data License 1.5.0; use only under its data use agreement",
    citation=(
        "Johnson, A. et al. (2023). MIMIC-IV, a freely accessible electronic health record dataset. Scientific Data "
        "10, 1. https://doi.org/10.1038/s41597-022-01899-x"
    ),
    origin="https://physionet.org/content/mimiciv/, release 2.0 or later",
    what=(
        "A row is the first stay in intensive care of an admission; predicted are death in hospital (mortality), a "
        "stay over 3 days (los_over_3_days), its length in days (los), or readmission within 30 days of discharge "
        "(readmission_30_days)."
    ),
    size="about 73,000 stays, 50,000 patients and 430 million events; 23 variables by hour in the first 24 or 48 hours",
    groups=(
        "sex: Female, Male",
        "age_band: 18-44, 45-64, 65-79, 80+",
        "race, coarsened: White (with Portuguese), Black, Hispanic (with South American), Asian, Other/Unknown",
        "insurance: as recorded, such as Medicare, Medicaid, Private, Other",
        "language: English, Other/Unknown",
    ),
    base_rates=(
        "they depend on the release and the window: `data show mimic_iv:FOLDER` counts them in your copy",
        "no copy was at hand when this card was written",
    ),
    cleaning=(
        "adults (from 18), the first stay of every admission, at least as long as the window, alive at its end",
        (
            "left out and counted: stays without admission, patient or dates; discharge or death before the admission; "
            "an end before the beginning; stays outside their admission"
        ),
        "age is anchor_age + year of admission - anchor_year; ages above 89 are recorded as 91",
        (
            "each variable joins its items (temperature in °C; inspired oxygen in percent); values outside a plausible "
            "range are missing and counted"
        ),
        "NAME@TT is the mean in hour TT after entry; nothing charted after the window is read",
        "laboratory values join by patient and time of the specimen (charttime), as many of them have no admission",
        "readmission looks at later admissions of any kind; it is missing after death in hospital",
        "age_band is derived from age for use as a sensitive attribute; it is not an input",
        "subject_id is the unit: all stays of a patient are in one split",
    ),
    traps=(
        "a laboratory result counts from the time of its specimen, as in published benchmarks; it is known hours later",
        "what is measured, and how often, follows from what the staff feared: missingness itself predicts",
        "death after discharge is neither mortality nor readmission, and competes with readmission",
        "readmission to other hospitals is not seen",
        "dates are shifted by patient: they order one patient's stays, not the stays of different patients",
        "race is recorded by the hospital, with many unknown; language before 3.0 says English or not",
    ),
    how_to_get=(
        "1. get credentialed at https://physionet.org and sign the data use agreement of MIMIC-IV",
        "2. download hosp/ (patients, admissions, labevents) and icu/ (icustays, chartevents) as .csv.gz, 2.0 or later",
        "3. give the folder that holds hosp/ and icu/ as mimic_iv:PATH",
    ),
    clinical=True,
)


def read(path: Path, options: str = "") -> pd.DataFrame:
    """Return the table of a release; `options` such as `window=24&variables=heart_rate,lactate`."""
    return read_mimic_iv(path, **parse_options(options))


data_sets.register("mimic_iv")(
    DataSet(
        card=CARD,
        label="mortality",
        positive="1",
        sensitive=("sex",),
        options=("sex", "age_band", "race", "insurance", "language"),
        read=read,
        derived={"age_band": "age"},
        labels={"los_over_3_days": "1", "los": None, "readmission_30_days": "1"},
        unit="subject_id",
        query=tuple(Options.__annotations__),
    )
)
