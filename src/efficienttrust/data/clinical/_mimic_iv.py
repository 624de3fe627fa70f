"""`read_mimic_iv`: from the folder of a release to one wide table, as one readable sequence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.data.clinical._cohort import read_cohort
from efficienttrust.data.clinical._events import hourly_means
from efficienttrust.data.clinical._release import (
    ADMISSIONS,
    CHART_EVENTS,
    ICU_STAYS,
    LAB_EVENTS,
    PATIENTS,
    collect,
    find_release,
)
from efficienttrust.data.clinical._variables import chosen_variables
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

WINDOWS = (24, 48)


def read_mimic_iv(folder: str | Path, *, window: int = 48, variables: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a MIMIC-IV release (2.0 or later) as one row a stay: static columns, labels, and hourly means.

    Peak memory is that of a few batches of events and of about 14 bytes a cell (stays × variables × hours); the tables
    of events may be of any length. Nothing is written anywhere.

    Args:
        folder: The folder that holds `hosp/` and `icu/`, with files `.csv.gz` or `.csv`.
        window: Hours observed from the entry into intensive care on, 24 or 48.
        variables: Names out of `VARIABLES`; all by default.

    Returns:
        Rows ordered by patient and time, indexed by `stay_id`. `subject_id` is the patient; the static columns, groups
        and labels are those of `read_cohort`; `NAME@TT` is the mean of a variable in hour TT, float32, NaN where it was
        not recorded. `attrs["notes"]` says what was left out, with counts below 10 suppressed.

    Raises:
        UsageError: A file is missing, damaged or of another release, an option is wrong, or no stay is left.
    """
    import pandas as pd

    if window not in WINDOWS:
        raise UsageError(f"window={window} must be {' or '.join(map(str, WINDOWS))} (hours observed).")
    chosen = chosen_variables(variables)
    events = [CHART_EVENTS] * any(one.charted for one in chosen) + [LAB_EVENTS] * any(one.measured for one in chosen)
    files = find_release(Path(folder).expanduser(), (PATIENTS, ADMISSIONS, ICU_STAYS, *events))
    cohort, notes = read_cohort(files, window)
    every_stay = collect(files[ICU_STAYS], numbers=("stay_id",))["stay_id"].drop_nulls().to_numpy()
    means, left_out = hourly_means({name: files[name] for name in events}, cohort, every_stay, chosen, window)
    names = [f"{variable.name}@{hour:02d}" for variable in chosen for hour in range(window)]
    index = pd.Index(cohort["stay_id"].to_numpy(), name="stay_id")
    table = pd.DataFrame(means.reshape(len(cohort), -1), index=index, columns=names, copy=False)
    for place, (name, column) in enumerate(cohort.drop("stay_id", "intime").to_pandas().items()):
        table.insert(place, name, column.to_numpy())  # the means are not copied
    table.attrs["notes"] = (*notes, *left_out)
    return table
