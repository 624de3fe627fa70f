"""Who is in, and what became of them: first stays of adults in intensive care, as long as the window or longer.

The rules are those of most published benchmarks: age from 18, the first stay of every admission, at least the window
long, alive at its end. A patient admitted again is in again, so the patient (`subject_id`) is the unit of splits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data.clinical._release import ADMISSIONS, ICU_STAYS, PATIENTS, collect, shown
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

RACES = {"White": "WHITE|PORTUGUESE", "Black": "BLACK", "Hispanic": "HISPANIC|SOUTH AMERICAN", "Asian": "ASIAN"}
"""Coarse race -> how the recorded one begins; all else is `Other/Unknown`."""
AGES = ((18, "18-44"), (45, "45-64"), (65, "65-79"), (80, "80+"))
"""First age of each band, and its name."""
LOS_DAYS, READMISSION_DAYS, ADULT = 3, 30, 18


def read_cohort(files: Mapping[str, Path], window: int) -> tuple[pl.DataFrame, list[str]]:
    """Return one row a stay, ordered by patient and time, and notes on who was left out.

    Columns: `subject_id`, `stay_id`, `intime`; known at the entry: `age`, `admission_type`, `admission_location`,
    `first_careunit`, `hours_before_icu`; groups: `sex`, `age_band`, `race`, `insurance`, `language`; labels:
    `mortality` (in hospital, 0/1), `los` (of the stay in intensive care, days), `los_over_3_days` (0/1),
    `readmission_30_days` (0/1; missing after death in hospital).

    Args:
        files: Paths of `hosp/patients`, `hosp/admissions` and `icu/icustays`.
        window: Hours that are observed.

    Raises:
        UsageError: A file cannot be used, or no stay is left.
    """
    import polars as pl

    patients = collect(files[PATIENTS], numbers=("subject_id", "anchor_age", "anchor_year"), texts=("gender",))
    patients = patients.unique("subject_id", keep="first", maintain_order=True)
    admissions = _read_admissions(files[ADMISSIONS])
    stays = collect(
        files[ICU_STAYS],
        numbers=("subject_id", "hadm_id", "stay_id"),
        times=("intime", "outtime"),
        texts=("first_careunit",),
    )
    first = stays.sort("intime", "stay_id", nulls_last=True).unique("hadm_id", keep="first", maintain_order=True)
    table = first.join(admissions, on=["subject_id", "hadm_id"], how="left")
    table = table.join(patients, on="subject_id", how="left")
    table = table.with_columns(
        age=pl.col("anchor_age") + pl.col("admittime").dt.year() - pl.col("anchor_year"),
        long=pl.col("outtime") - pl.col("intime"),
        until=pl.col("intime") + pl.duration(hours=window),
    )
    later = len(stays) - len(first)
    notes = [f"{shown(later)} stays are not the first of their admission: left out"] if later else []
    for reason, out in _reasons(window).items():
        kept = table.filter(~out.fill_null(False))
        if len(kept) < len(table):
            notes.append(f"{shown(len(table) - len(kept))} stays {reason}: left out")
        table = kept
    if not len(table):
        if not notes:
            raise UsageError(f"{files[ICU_STAYS]} holds no stays. Is the release whole?")
        raise UsageError(f"no stay of {files[ICU_STAYS]} is left ({'; '.join(notes)}). Is the release whole?")
    table = _labels(table, admissions)
    notes += [
        f"all stays have {label} = {table[label].drop_nulls()[0]}: it cannot be learned here"
        for label in ("mortality", "los_over_3_days", "readmission_30_days")
        if table[label].drop_nulls().n_unique() == 1
    ]
    return table.select(_columns()).sort("subject_id", "intime", "stay_id"), notes


def _reasons(window: int) -> dict[str, pl.Expr]:
    """Return, in the order in which they are checked, the reasons for leaving a stay out."""
    import polars as pl

    entered, left, admitted, discharged, died = map(
        pl.col, ("intime", "outtime", "admittime", "dischtime", "deathtime")
    )
    return {
        "have no admission, patient or dates": pl.any_horizontal(
            pl.col("subject_id", "stay_id", "intime", "outtime", "admittime", "dischtime", "age").is_null()
        ),
        "have the discharge before the admission": discharged < admitted,
        "have the death before the admission": died < admitted,
        "end before they begin": left < entered,
        "do not overlap their admission": (left < admitted) | (entered > discharged),
        f"are of patients under {ADULT}": pl.col("age") < ADULT,
        f"last less than the {window} hours observed": pl.col("long") < pl.duration(hours=window),
        f"ended in death within the {window} hours observed": died < pl.col("until"),
    }


def _labels(table: pl.DataFrame, admissions: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    coming = admissions.select("subject_id", pl.col("admittime").alias("back")).drop_nulls().sort("back")
    table = table.sort("dischtime").join_asof(
        coming, left_on="dischtime", right_on="back", by="subject_id", strategy="forward", check_sortedness=False
    )
    soon = (pl.col("back") - pl.col("dischtime")) <= pl.duration(days=READMISSION_DAYS)
    days = pl.col("long").dt.total_seconds() / 86400
    died = pl.col("hospital_expire_flag") == 1
    return table.with_columns(
        mortality=died.cast(pl.Int8),
        los=days,
        los_over_3_days=(days > LOS_DAYS).cast(pl.Int8),
        readmission_30_days=pl.when(~died).then(soon.fill_null(False).cast(pl.Int8)),
    )


def _columns() -> list[pl.Expr | str]:
    import polars as pl

    text = [pl.col(name).fill_null("Unknown") for name in ("admission_type", "admission_location", "first_careunit")]
    recorded, race = pl.col("race").str.to_uppercase(), pl.lit("Other/Unknown")
    for name, begins in RACES.items():
        race = pl.when(recorded.str.contains(f"^({begins})")).then(pl.lit(name)).otherwise(race)
    band = pl.lit(AGES[0][1])
    for start, name in AGES[1:]:
        band = pl.when(pl.col("age") >= start).then(pl.lit(name)).otherwise(band)
    english = pl.col("language").str.to_lowercase() == "english"
    return [
        *("subject_id", "stay_id", "intime", "age"),
        *text,
        ((pl.col("intime") - pl.col("admittime")).dt.total_seconds() / 3600).alias("hours_before_icu"),
        pl.col("gender").replace_strict({"F": "Female", "M": "Male"}, default=None).alias("sex"),
        band.alias("age_band"),
        race.alias("race"),
        pl.col("insurance").fill_null("Unknown"),
        pl.when(english).then(pl.lit("English")).otherwise(pl.lit("Other/Unknown")).alias("language"),
        *("mortality", "los", "los_over_3_days", "readmission_30_days"),
    ]


def _read_admissions(path: Path) -> pl.DataFrame:
    import polars as pl

    table = collect(
        path,
        numbers=("subject_id", "hadm_id"),
        times=("admittime", "dischtime", "deathtime"),
        texts=("admission_type", "admission_location", "insurance", "language", "race", "hospital_expire_flag"),
    )
    flag = pl.col("hospital_expire_flag")
    unknown = table.filter(~flag.is_in(["0", "1"]).fill_null(False))
    if len(unknown):
        raise UsageError(
            f"hospital_expire_flag of {path} must be 0 or 1 and is something else in {shown(len(unknown))} "
            "admissions. Use the file as released."
        )
    return table.with_columns(flag.cast(pl.Int8)).unique("hadm_id", keep="first", maintain_order=True)
