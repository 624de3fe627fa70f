"""Sex, age and race of patients as their hospitals write them, in the words that all chest sets share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SEXES = {"m": "Male", "male": "Male", "f": "Female", "female": "Female"}
OLDEST = 120
"""Years; an age beyond is an error of typing, such as the 411 in copies of NIH ChestX-ray14."""
UNKNOWN_RACE = re.compile(r"^$|^\?$|UNKNOWN|REFUSED|DECLINED|UNABLE|NOT SPECIFIED", re.IGNORECASE)
NOT_HISPANIC = re.compile(r"NON[- ]?HISPANIC|NOT HISPANIC", re.IGNORECASE)
RACES = (
    ("Black", re.compile(r"\bBLACK|\bAFRICAN", re.IGNORECASE)),
    ("White", re.compile(r"\bWHITE|\bCAUCASIAN", re.IGNORECASE)),
    ("Asian", re.compile(r"\bASIAN", re.IGNORECASE)),
    ("Hispanic", re.compile(r"\bHISPANIC|\bLATINO", re.IGNORECASE)),
)
"""The first that fits counts: `White, Hispanic` is White, as no chest set records the two apart for everybody."""


def sex_of(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return `Male` or `Female`, missing for anything else."""
    return texts.str.lower().map(SEXES)


def race_of(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return `Asian`, `Black`, `Hispanic`, `White` or `Other` of what a hospital wrote, missing where it did not know.

    `BLACK/CAPE VERDEAN` is Black, `WHITE - BRAZILIAN` White, `Other, non-Hispanic` Other, `Race and Ethnicity Unknown`,
    `Patient Refused` and `UNABLE TO OBTAIN` are missing.
    """
    return texts.map({text: _race(text) for text in texts.dropna().unique()})


def usual_race(patients: pd.Series[Any], texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return one race a patient, by patient: the most frequent known one of her rows; of equals, the earlier row's.

    Args:
        patients: Patient of every row, [n].
        texts: What the hospital wrote, [n], rows in order of time.
    """
    import pandas as pd

    rows = pd.DataFrame({"patient": patients, "race": race_of(texts), "row": np.arange(len(texts))}).dropna()
    counted = rows.groupby(["patient", "race"], sort=False)["row"].agg(["size", "min"]).reset_index()
    ranked = counted.sort_values(["size", "min"], ascending=[False, True], kind="stable")
    return ranked.drop_duplicates("patient").set_index("patient")["race"]


def plausible_ages(ages: pd.Series[Any], notes: list[str]) -> pd.Series[Any]:
    """Return ages in years, NaN for those no human reaches, which are noted."""
    wrong = (ages < 0) | (ages > OLDEST)
    if wrong.any():
        notes.append(f"{int(wrong.sum())} impossible ages are taken as missing")
    return ages.mask(wrong)


def _race(text: str) -> str | None:
    if UNKNOWN_RACE.search(text):
        return None
    said = NOT_HISPANIC.sub("", text)
    return next((race for race, pattern in RACES if pattern.search(said)), "Other")
