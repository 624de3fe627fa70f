"""Rows held out as out-of-distribution data: a category, a subgroup, or another data set with the same columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import numbers
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.shift._environments import column_of, environments_of

if TYPE_CHECKING:
    import pandas as pd

SIGNS = {
    ">=": np.greater_equal,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
}
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A table cut in two; rows whose cell is missing are on neither side.

    A model has only never seen the outside if it was trained on inside rows alone.

    Attributes:
        what: What is outside, for reports: `state = TX`, `age >= 60`.
        inside: bool [n], rows to train on.
        outside: bool [n], rows held out.
    """

    what: str
    inside: NDArray[np.bool_]
    outside: NDArray[np.bool_]


def held_out_category(frame: pd.DataFrame, column: str, value: object) -> HeldOut:
    """Hold out the rows with one category, or with any of several.

    Args:
        frame: Any table.
        column: A column with at most 100 different values.
        value: The category, or a sequence of them.

    Raises:
        UsageError: An unknown column or category, or nothing left on the other side.
    """
    environments = environments_of(frame, column)
    out = environments.chosen(value)
    if not out.any():
        raise UsageError(f"no category of column {column!r} is held out. Name at least one.")
    if out.all():
        raise UsageError(f"all categories of column {column!r} are held out. Leave at least one to train on.")
    names = [name for name, chosen in zip(environments.names, out, strict=True) if chosen]
    seen = environments.codes >= 0
    outside = seen & out[environments.codes]
    return HeldOut(f"{column} = {' or '.join(names)}", seen & ~outside, outside)


def shifted_subgroup(frame: pd.DataFrame, column: str, condition: str) -> HeldOut:
    """Hold out the rows whose number fulfils a condition.

    Args:
        frame: Any table.
        column: A numeric column.
        condition: Comparisons joined by `and`, e.g. `">= 60"` or `">= 25 and < 45"`.

    Raises:
        UsageError: An unknown column, a column of text, a condition that cannot be read, or an empty side.
    """
    clauses = [_CLAUSE.fullmatch(part) for part in re.split(r"\band\b", condition)]
    values = numbers(column_of(frame, column))
    seen = ~np.isnan(values)
    outside = seen.copy()
    for clause in clauses:
        if clause is None:
            raise UsageError(f"cannot read the condition {condition!r}. Write it as '>= 60' or '>= 25 and < 45'.")
        outside &= SIGNS[clause[1]](values, float(clause[2]))
    what = f"{column} {' '.join(condition.split())}"
    for side, name in ((outside, "no row is outside"), (seen & ~outside, "no row is left")):
        if not side.any():
            span = f"from {np.nanmin(values):g} to {np.nanmax(values):g}" if seen.any() else "all missing"
            raise UsageError(f"{name} when {what} is held out: {column!r} is {span}. Choose another condition.")
    return HeldOut(what, seen & ~outside, outside)


def same_schema(frame: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the rows of another data set with the columns of this one, in their order.

    Args:
        frame: The table whose columns are wanted.
        other: Another data set; further columns are left out.
        columns: Which columns of `frame` are wanted, e.g. `problem.encoder.columns`; all by default.

    Raises:
        UsageError: The other data set lacks columns, holds text where numbers are wanted, or has no rows.
    """
    wanted = [str(name) for name in frame.columns] if columns is None else list(columns)
    known = [str(name) for name in other.columns]
    lacking = [name for name in wanted if name not in known]
    if lacking:
        hint = did_you_mean(lacking[0], [name for name in known if name not in wanted]) if len(lacking) == 1 else ""
        named = ", ".join(map(repr, lacking))
        raise UsageError(f"the other data set lacks {len(lacking)} of {len(wanted)} columns: {named}.{hint}")
    if not len(other):
        raise UsageError("the other data set has the columns but no rows. Give one with rows.")
    for name in wanted:
        if _holds_numbers(column_of(frame, name)):
            numbers(column_of(other, name))
    return other.iloc[:, [known.index(name) for name in wanted]]


def _holds_numbers(series: pd.Series[Any]) -> bool:
    import pandas as pd

    dtype = series.dtype
    return bool(pd.api.types.is_numeric_dtype(dtype)) and not pd.api.types.is_bool_dtype(dtype)
