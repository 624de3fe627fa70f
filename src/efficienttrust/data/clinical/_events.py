"""Charted and laboratory events to the mean of every variable in every hour, in one pass over each table.

The tables are never held: of every batch of rows only the values within the window of a stay are kept, 16 bytes each.
Rows may come in any order. A value counts in the hour in which it was charted (`charttime`), from the
entry into intensive care on; what was charted at the end of the window or later is never seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.clinical._release import CHART_EVENTS, LAB_EVENTS, TIME, scan, shown, stream
from efficienttrust.data.clinical._variables import Variable
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

OWNERS = {CHART_EVENTS: "stay_id", LAB_EVENTS: "subject_id"}
"""Events -> column by which they belong to a stay. Laboratory values are not tied to stays: patient and time decide."""
UNKNOWN = -2
BLOCK = 64
"""Stays whose means are taken at a time: their sums fit into the processor's cache."""
IDENTIFIERS = 10**8
"""Widest range of identifiers that is looked up in an array; those of MIMIC-IV have 8 digits."""


def hourly_means(
    files: Mapping[str, Path],
    cohort: pl.DataFrame,
    every_stay: NDArray[np.int64],
    variables: Sequence[Variable],
    window: int,
) -> tuple[NDArray[np.float32], list[str]]:
    """Return the mean of each variable in each hour of each stay, and notes on the values that were left out.

    Args:
        files: Paths of those of `icu/chartevents` and `hosp/labevents` that hold the variables.
        cohort: `subject_id`, `stay_id`, `intime`; ordered by patient.
        every_stay: Identifiers of all stays of the release, to tell events of stays that are left out from orphans.
        variables: What to read.
        window: Hours from the entry on.

    Returns:
        Means float32 [n, variables, window], NaN where nothing was recorded; notes.
    """

    def read(name: str) -> list[_Batch]:
        charted = name == CHART_EVENTS
        owners = _Owners.of(cohort, OWNERS[name], every_stay if charted else None)
        return [*_values(files[name], OWNERS[name], _Items.of(variables, charted=charted), owners, window)]

    with ThreadPoolExecutor() as threads:  # while one table is inflated, another is parsed
        batches = [batch for table in threads.map(read, files) for batch in table]
    empty = [np.zeros(0, dtype=np.int64)]
    implausible = np.bincount(np.concatenate(empty + [b.implausible for b in batches]), minlength=len(variables))
    orphans = sum(batch.orphans for batch in batches)
    notes = [
        f"{shown(int(count))} values of {variable.name} outside {variable.low:g} to {variable.high:g} {variable.unit} "
        "are missing"
        for variable, count in zip(variables, implausible, strict=True)
        if count
    ]
    if orphans:
        notes.append(f"{shown(orphans)} charted values belong to no stay of the release: left out")
    if not any(len(batch.values.row) for batch in batches):
        notes.append("nothing was recorded within the window of any stay: all columns NAME@TT are empty")
    return _means([batch.values for batch in batches], (len(cohort), len(variables), window)), notes


def _means(batches: Sequence[_Values], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return the mean of each cell, a block of stays at a time."""
    n, cells = shape[0], shape[1] * shape[2]
    if not batches:
        return np.full(shape, np.nan, dtype=np.float32)
    means = np.empty((n, cells), dtype=np.float32)
    row, cell, value = (
        np.concatenate([getattr(batch, name) for batch in batches]) for name in ("row", "cell", "value")
    )
    block = (row // BLOCK).astype(np.uint16)
    order = np.argsort(block, kind="stable")  # of 16 bits: a radix sort
    ends = np.cumsum(np.bincount(block, minlength=-(-n // BLOCK)))
    for start, stop, first in zip([0, *ends[:-1]], ends, range(0, n, BLOCK), strict=True):
        mine = order[start:stop]
        place = (row[mine] - first) * np.int64(cells) + cell[mine]
        size = min(BLOCK, n - first) * cells
        sums, counts = np.bincount(place, value[mine], size), np.bincount(place, minlength=size)
        with np.errstate(invalid="ignore"):  # 0 / 0: nothing was recorded
            np.divide(sums, counts, out=means[first : first + BLOCK].reshape(-1), casting="same_kind")
    return means.reshape(shape)


@dataclass(frozen=True)
class _Values:
    """Values within the window, each [k]: row of the cohort, variable × window + hour, and the value itself."""

    row: NDArray[np.int32]
    cell: NDArray[np.int32]
    value: NDArray[np.float64]


@dataclass(frozen=True)
class _Batch:
    """What a batch of events holds: values, the variable of each implausible one, and how many have no known owner."""

    values: _Values
    implausible: NDArray[np.int64]
    orphans: int


@dataclass(frozen=True)
class _Items:
    """What each item is, in arrays by identifier: place of its variable (-1: none), and its conversion."""

    place: NDArray[np.int8]
    fahrenheit: NDArray[np.bool_]
    percent: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, variables: Sequence[Variable], *, charted: bool) -> _Items:
        listed = [variable.charted if charted else variable.measured for variable in variables]
        place = np.full(max(max(items, default=0) for items in listed) + 1, -1, dtype=np.int8)
        fahrenheit, percent = np.zeros(len(place), dtype=bool), np.zeros(len(place), dtype=bool)
        for position, (variable, items) in enumerate(zip(variables, listed, strict=True)):
            for item in items:
                place[item] = position
                fahrenheit[item] = item in variable.fahrenheit
                percent[item] = variable.percent
        low, high = (np.array([getattr(variable, end) for variable in variables]) for end in ("low", "high"))
        return cls(place, fahrenheit, percent, low, high)

    def identifiers(self) -> list[int]:
        return [int(item) for item in np.flatnonzero(self.place >= 0)]

    def converted(self, item: NDArray[np.int32], value: NDArray[np.float64]) -> NDArray[np.float64]:
        value = np.where(self.fahrenheit[item], (value - 32) / 1.8, value)
        return np.where(self.percent[item] & (value <= 1), value * 100, value)


@dataclass(frozen=True)
class _Owners:
    """Which rows of the cohort an identifier owns, in arrays: rows from `first` on, in the order of time.

    Attributes:
        outside: What identifiers outside the array own: -1 or `UNKNOWN`.
        least: Identifier of the first entry.
        first: First row of the cohort; -1: known, without a row; `UNKNOWN`: not in the release.
        repeats: Rows of each row's owner, from this row on, [n].
        entered: Second at which each row's stay began, [n].
    """

    outside: int
    least: int
    first: NDArray[np.int32]
    repeats: NDArray[np.int32]
    entered: NDArray[np.int64]

    @classmethod
    def of(cls, cohort: pl.DataFrame, column: str, known: NDArray[np.int64] | None) -> _Owners:
        owner = cohort[column].to_numpy()
        every = owner if known is None else np.concatenate([owner, known])
        least, most = int(every.min()), int(every.max())
        if most - least > IDENTIFIERS:
            raise UsageError(f"{column} does not have the 8 digits of MIMIC-IV. Use the tables as released.")
        outside = -1 if known is None else UNKNOWN  # patients without a stay are many, and no fault of the release
        first = np.full(most - least + 1, outside, dtype=np.int32)
        if known is not None:
            first[known - least] = -1
        _, starts, sizes = np.unique(owner, return_index=True, return_counts=True)
        first[owner[starts] - least] = starts
        repeats = np.zeros(len(owner), dtype=np.int32)
        repeats[starts] = sizes
        return cls(outside, least, first, repeats, cohort["intime"].dt.epoch("s").to_numpy())

    def rows(self, identifier: NDArray[np.int64]) -> NDArray[np.int32]:
        place = identifier - self.least
        known = (place >= 0) & (place < len(self.first))
        return np.where(known, self.first[np.where(known, place, 0)], np.int32(self.outside))


def _values(path: Path, owner: str, items: _Items, owners: _Owners, window: int) -> Iterator[_Batch]:
    """Yield what each batch of a table of events holds."""
    import polars as pl

    types = {owner: pl.Int64, "itemid": pl.Int32, "charttime": pl.String, "valuenum": pl.Float64}
    asked = pl.col("itemid").is_in(items.identifiers()) & pl.all_horizontal(
        pl.col("valuenum", "charttime").is_not_null()
    )
    charted = pl.col("charttime").str.to_datetime(TIME, cache=False).dt.epoch("s")
    events = scan(path, types).filter(asked).select(pl.col(owner).fill_null(-1), "itemid", "valuenum", second=charted)
    for batch in stream(path, events):
        row = owners.rows(batch[owner].to_numpy())
        mine = np.flatnonzero(row >= 0)
        orphans = int((row == UNKNOWN).sum())
        row, item, second, number = row[mine], *(batch[c].to_numpy()[mine] for c in ("itemid", "second", "valuenum"))
        left = owners.repeats[row] - 1
        hour = (second - owners.entered[row]) // 3600
        while len(astray := np.flatnonzero((left > 0) & ((hour < 0) | (hour >= window)))):  # the patient's next stay
            row[astray] += 1
            left[astray] -= 1
            hour[astray] = (second[astray] - owners.entered[row[astray]]) // 3600
        within = np.flatnonzero((hour >= 0) & (hour < window))
        row, item, hour = row[within], item[within], hour[within]
        value, place = items.converted(item, number[within]), items.place[item].astype(np.int64)
        plausible = (value >= items.low[place]) & (value <= items.high[place])
        cell = (place * window + hour).astype(np.int32)
        yield _Batch(_Values(row[plausible], cell[plausible], value[plausible]), place[~plausible], orphans)
