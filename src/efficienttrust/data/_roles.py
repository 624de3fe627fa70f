"""Roles: what each column of the table is for, checked against the table before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import numbers
from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Roles:
    """The keyword arguments of `load_problem`, with the defaults of a bundled set filled in.

    Attributes:
        label: Label column.
        positive: Positive value as text, or `None` when obvious.
        sensitive: Sensitive columns.
        weight: Column of sample weights.
        split_column: Column with the user's own splits.
        unit: Column whose equal values stay in one split.
        time: Column that orders the rows.
        use_sensitive_as_input: Whether the sensitive columns are inputs too.
        immutable: Columns that may not be perturbed.
        relations: Linear relations between numeric columns that a perturbed row has to satisfy, as text.
        drop: Columns left out.
        seed: Seed of the splits.
        name: Name of the problem.
        derived: Column that is only ever a sensitive attribute, to its parent column.
        task: `binary`, `multiclass` or `regression`; `None` where the label says it.
    """

    label: str
    positive: str | None
    sensitive: tuple[str, ...]
    weight: str | None
    split_column: str | None
    unit: str | None
    time: str | None
    use_sensitive_as_input: bool
    immutable: tuple[str, ...]
    drop: tuple[str, ...]
    seed: int
    name: str
    relations: tuple[str, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    task: str | None = None

    def settings(self) -> dict[str, object]:
        """Return the arguments as JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "derived"}
        # Later arguments: without them the settings, and with them the identity, are as before.
        for name, absent in (("relations", not self.relations), ("task", self.task in (None, "binary"))):
            if absent:
                del values[name]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def input_columns(self, columns: Sequence[str], notes: list[str]) -> list[str]:
        """Return the columns that are candidates for inputs, in the order of the table."""
        out = {self.label, self.weight, self.split_column, self.unit, self.time, *self.drop}
        out |= set(self.derived) - set(self.sensitive)
        if not self.use_sensitive_as_input:
            out |= set(self.sensitive)
            for name, parent in self.derived.items():
                if name in self.sensitive and parent not in out:
                    notes.append(f"column {parent!r} is no input: the sensitive attribute {name!r} is derived from it")
                    out.add(parent)
        return [name for name in columns if name not in out]


def names_of(value: str | Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Return column names from a sequence or from text such as `sex,age band`, each once."""
    if isinstance(value, str):
        value = [value] if value in columns else [part.strip() for part in value.split(",") if part.strip()]
    return tuple(dict.fromkeys(str(name) for name in value))


def refuse_bad_roles(roles: Roles, columns: Sequence[str]) -> None:
    """Raise `UsageError` for a column that does not exist or has two roles that exclude each other."""
    single = {"weight": roles.weight, "split": roles.split_column, "unit": roles.unit, "time": roles.time}
    many = {"sensitive": roles.sensitive, "immutable": roles.immutable, "drop": roles.drop}
    named = [("label", roles.label), *((role, name) for role, name in single.items() if name is not None)]
    named += [(role, name) for role, names in many.items() for name in names]
    for role, name in named:
        if name not in columns:
            raise UsageError(f"there is no {role} column {name!r}.{did_you_mean(name, columns)}")
    first: dict[str, str] = {}
    for role, name in named:
        if role == "immutable" or (role, first.get(name)) in {("time", "unit"), ("sensitive", "unit")}:
            continue
        if name in first:
            raise UsageError(f"column {name!r} is named as {first[name]} and as {role}. Leave out one of the two.")
        first[name] = role
    if roles.seed < 0:
        raise UsageError(f"the seed is {roles.seed}. Give a whole number of 0 or more.")


def read_weight(series: pd.Series[Any]) -> NDArray[np.float32]:
    """Read sample weights; missing and negative ones are errors."""
    name = str(series.name)
    values = numbers(series)
    for problem, bad in (("missing", np.isnan(values)), ("negative", values < 0)):
        if bad.any():
            raise UsageError(
                f"weight column {name!r} has {np.count_nonzero(bad)} {problem} values "
                f"(first in data row {series.index[bad][0]}). Give every row a weight of 0 or more."
            )
    if not values.any():
        raise UsageError(f"weight column {name!r} is 0 in every row. Give positive weights.")
    return values.astype(np.float32)


def read_time(series: pd.Series[Any]) -> NDArray[np.float64]:
    """Read the time order as increasing numbers: numbers, dates, or text in the form 2024-05-31."""
    import pandas as pd

    name = str(series.name)
    if series.isna().any():
        raise UsageError(f"time column {name!r} is empty in {int(series.isna().sum())} rows. Fill it or drop the rows.")
    if pd.api.types.is_numeric_dtype(series.dtype):
        return numbers(series)
    try:
        stamps = pd.to_datetime(series.astype(object), utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        raise UsageError(f"time column {name!r} holds neither numbers nor dates. Write dates as 2024-05-31.") from error
    return np.asarray(stamps.astype("int64"), dtype=np.float64)


def read_unit(codes: NDArray[np.int32], name: str, notes: list[str]) -> NDArray[np.int64]:
    """Return unit codes; a row without a unit is a unit of its own."""
    missing = codes < 0
    unit = codes.astype(np.int64)
    if missing.any():
        unit[missing] = codes.max(initial=0) + 1 + np.arange(np.count_nonzero(missing))
        notes.append(f"{np.count_nonzero(missing)} rows have no {name!r}; each is a unit of its own")
    return unit
