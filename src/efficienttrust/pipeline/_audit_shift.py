"""Natural shift: whether the model is as good in every environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.evaluation.shift import natural_shift, shift_of_numbers
from efficienttrust.evaluation.subjects import Rows
from efficienttrust.pipeline._audit_examination import Examination, Section

if TYPE_CHECKING:
    import pandas as pd


def shift_section(exam: Examination) -> Section:
    """Measure accuracy (of numbers: the error) in each environment that a column names; nothing where none was."""
    column = exam.request.environment
    if column is None:
        return Section()
    if exam.rows.task == "regression":
        return Section(shift_of_numbers(exam.outcome(), frame_of(exam.rows), column))
    return Section(natural_shift(exam.outcome(), frame_of(exam.rows), column).document())


def frame_of(rows: Rows) -> pd.DataFrame:
    """Return the table, or for images their attributes by name."""
    if rows.kind == "table":
        table: pd.DataFrame = rows.inputs
        return table
    import pandas as pd

    return pd.DataFrame(
        {
            name: [None if code < 0 else names[code] for code in codes]
            for name, (codes, names) in rows.attributes.items()
        }
    )
