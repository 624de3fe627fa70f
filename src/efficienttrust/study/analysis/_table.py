"""The table of results as arrays: units of inference × cells."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.study._columns import COST, FACTOR, METADATA_KEY, METRIC
from efficienttrust.study._design import Design, Factor

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVERYTHING = "all"
"""Name of the only block of a study without one."""
LARGEST = 1e100
"""Figures beyond are not finite: their squares would overflow."""
HIGHER_IS_BETTER = {"cost.throughput"}


@dataclass(frozen=True, eq=False)
class Table:
    """Trials of a study, placed by unit and cell.

    Attributes:
        frame: One row per trial, as exported.
        design: Of the study.
        metadata: Design, environment, command, as they travel with the table.
        digest: SHA-256 of the file.
        factors: Those whose effects are asked, with two levels or more in the table.
        blocks: Name of the block (data set) by index.
        block_of_unit: Index of the block [units].
        seed_of_unit: Seed [units].
        cells: Index of the level of each of `factors` [cells, factors].
        unit, cell: Of each row of the frame.
    """

    frame: pd.DataFrame
    design: Design
    metadata: Mapping[str, Any]
    digest: str
    factors: tuple[Factor, ...]
    blocks: tuple[str, ...]
    block_of_unit: Ints
    seed_of_unit: Ints
    cells: Ints
    unit: Ints
    cell: Ints

    @property
    def units(self) -> int:
        """Number of data sets × seeds."""
        return len(self.block_of_unit)

    @functools.cached_property
    def done(self) -> NDArray[np.bool_]:
        """Whether each row has results."""
        return np.asarray(self.frame["status"] == "done")

    def factor(self, name: str) -> int | None:
        """Return the position of a factor in `factors`, or None where it does not vary."""
        return next((i for i, factor in enumerate(self.factors) if factor.name == name), None)

    def values(self, column: str, lost: NDArray[np.bool_] | None = None) -> Floats:
        """Return a column placed by [units, cells]; NaN without a figure or where lost, a mean of several."""
        kept = self.done if lost is None else self.done & ~lost
        return self.placed(np.where(kept, self.figures(column), np.nan))

    def figures(self, column: str) -> Floats:
        """Return a column by row; NaN where it is not finite.

        Raises:
            UsageError: It does not hold numbers.
        """
        try:
            measured = np.asarray(self.frame[column], dtype=float)
        except (TypeError, ValueError):
            raise UsageError(f"column {column!r} does not hold numbers: export the study again") from None
        with np.errstate(invalid="ignore"):
            return np.where(np.abs(measured) < LARGEST, measured, np.nan)

    def placed(self, per_row: Floats) -> Floats:
        """Return a value per row placed by [units, cells]."""
        known = np.isfinite(per_row)
        at = self.unit[known] * len(self.cells) + self.cell[known]
        size = self.units * len(self.cells)
        count = np.bincount(at, minlength=size)
        with np.errstate(invalid="ignore"):
            mean = np.bincount(at, weights=per_row[known], minlength=size) / count
        return mean.reshape(self.units, -1)

    def spread(self, values: Floats, factor: int, second: int | None = None) -> Floats:
        """Rearrange [units, cells] to [units, levels, (levels of the second,) combinations of all other factors]."""
        axes = [factor] if second is None else [factor, second]
        others = [i for i in range(len(self.factors)) if i not in axes]
        _, rest = np.unique(self.cells[:, others], axis=0, return_inverse=True)
        sizes = [len(self.factors[i].levels) for i in axes]
        out = np.full((len(values), *sizes, int(rest.max(initial=0)) + 1), np.nan)
        place: tuple[Any, ...] = (slice(None), *(self.cells[:, i] for i in axes), rest.ravel())
        out[place] = values
        return out

    def levels_of(self, cell: int) -> dict[str, str]:
        """Return the level of each factor in a cell."""
        return {factor.name: factor.levels[self.cells[cell, i]] for i, factor in enumerate(self.factors)}

    def columns(self) -> list[str]:
        """Return the names of metrics and costs that are finite somewhere."""
        named = [name for name in self.frame.columns if name.startswith((METRIC, COST))]
        return [name for name in named if np.isfinite(self.figures(name)).any()]


def read_table(path: Path) -> Table:
    """Read a table of results.

    Raises:
        UsageError: There is no such file, it is no Parquet file, or it has no design of a study in it.
    """
    import pyarrow.parquet as pq
    from pyarrow import ArrowInvalid

    if not path.is_file():
        raise UsageError(f"{path} is no file: give a table of results (trials.parquet) or a study")
    try:
        found = pq.read_table(path)
    except ArrowInvalid:
        raise UsageError(f"{path} is no Parquet file: write it with `efficienttrust study export`") from None
    text = (found.schema.metadata or {}).get(METADATA_KEY)
    if text is None:
        raise UsageError(f"{path} carries no design of a study: write it with `efficienttrust study export`")
    metadata = json.loads(text)
    frame = found.replace_schema_metadata(None).to_pandas()
    return table_of(frame, Design.from_plain(metadata["design"]), metadata, digest=_digest(path), where=str(path))


def table_of(
    frame: pd.DataFrame, design: Design, metadata: Mapping[str, Any], *, digest: str = "", where: str = "the table"
) -> Table:
    """Place trials by unit and cell; rows are put into one order first, so that theirs does not matter.

    Raises:
        UsageError: A column or a seed is missing, there are no trials, or a level is not in the design.
    """
    needed = ["trial", "status", "seed", *(FACTOR + factor.name for factor in design.factors)]
    if missing := [name for name in needed if name not in frame.columns]:
        raise UsageError(f"{where} has no column {missing[0]!r}: export the study again")
    if not len(frame):
        raise UsageError(f"{where} has no trials: run the study first")
    for one in design.factors:
        if one.reference not in one.levels:
            raise UsageError(
                f"{where}: the reference {one.reference!r} is no level of factor {one.name!r}: export again"
            )
    if frame["seed"].isna().any():
        raise UsageError(f"{where} has a trial without a seed: export the study again")
    frame = frame.sort_values(["trial"], kind="stable", ignore_index=True)
    codes = {factor.name: _codes(frame[FACTOR + factor.name], factor, where) for factor in design.factors}
    blocks = [factor for factor in design.factors if factor.block]
    factors = [one for one in design.factors if not one.block and len(np.unique(codes[one.name])) > 1]
    block_codes = np.stack([codes[one.name] for one in blocks], axis=1) if blocks else np.zeros((len(frame), 0), int)
    kinds, block = np.unique(block_codes, axis=0, return_inverse=True)
    names = [" × ".join(one.levels[code] for one, code in zip(blocks, kind, strict=True)) for kind in kinds]
    seeds = np.asarray(frame["seed"], dtype=np.int64)
    units, unit = np.unique(np.stack([block.ravel(), seeds], axis=1), axis=0, return_inverse=True)
    in_cell = np.stack([codes[one.name] for one in factors], axis=1) if factors else np.zeros((len(frame), 0), int)
    cells, cell = np.unique(in_cell, axis=0, return_inverse=True)
    return Table(
        frame, design, metadata, digest, tuple(factors), tuple(name or EVERYTHING for name in names),
        units[:, 0], units[:, 1], cells, unit.ravel(), cell.ravel(),
    )  # fmt: skip


def better(column: str) -> Literal["higher", "lower", ""]:
    """Return which direction of a column is better; empty where it is not known."""
    if column.startswith(COST):
        return "higher" if column in HIGHER_IS_BETTER else "lower"
    from efficienttrust.metrics import metrics

    try:
        return metrics.get(bare(column)).better
    except UsageError:
        return ""


def bare(column: str) -> str:
    """Return the name of a metric without prefix and arguments."""
    return column.removeprefix(METRIC).partition("(")[0]


def label(column: str) -> str:
    """Return a column for reading: `time wall` for `cost.time_wall`."""
    return column.removeprefix(METRIC).removeprefix(COST).replace("_", " ")


def _codes(column: pd.Series[Any], factor: Factor, where: str) -> Ints:
    position = {level: i for i, level in enumerate(factor.levels)}
    codes = column.map(position)
    if codes.isna().any():
        level = column[codes.isna()].iloc[0]
        raise UsageError(
            f"{where}: level {level!r} of factor {factor.name!r} is not in the design ({_listed(factor.levels)}): "
            "export the study again"
        )
    return np.asarray(codes, dtype=np.int64)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
