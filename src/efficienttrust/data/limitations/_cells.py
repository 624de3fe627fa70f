"""Taking away what is known of rows: single cells, and whole input columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import NUMBERS, Column, numbers
from efficienttrust.data._domain import domain_of
from efficienttrust.data._encoder import Encoder
from efficienttrust.data._problem import Problem
from efficienttrust.data._text import text_codes

if TYPE_CHECKING:
    import pandas as pd

Lost = Mapping[str, Mapping[str, NDArray[np.bool_]]]


def without_cells(problem: Problem, lost: Lost) -> Problem:
    """Return the problem without some raw cells.

    Inputs are encoded again. A column that lost training cells has a missing indicator or a `(missing)` slot from then
    on; means, spreads and categories stay those of the complete column.

    Args:
        problem: A table.
        lost: Column to split to a mask [n] of the cells that go; columns that the problem does not hold are left out.
    """
    inputs = problem.inputs.copy(deep=False)
    for column in lost.keys() & set(inputs.columns):
        gone = np.zeros(len(inputs), dtype=bool)
        for split, mask in lost[column].items():
            gone |= inputs.index.isin(problem.splits[split].rows[mask])
        inputs[column] = inputs[column].mask(gone)
    holed = {column for column, masks in lost.items() if masks["train"].any()}
    encoder = Encoder(
        tuple(replace(f, indicator=f.indicator or f.column in holed) for f in problem.encoder.numeric),
        tuple(replace(f, missing_slot=f.missing_slot or f.column in holed) for f in problem.encoder.categorical),
    )
    columns = tuple(
        replace(column, missing=_missing(column, inputs[column.name])) if column.name in lost else column
        for column in problem.columns
    )
    limited = replace(problem, inputs=inputs, encoder=encoder, columns=columns)
    if not lost.keys() & set(encoder.columns):
        return limited
    domain = replace(domain_of(encoder, _immutable(problem)), relations=problem.domain.relations)
    splits = {
        name: replace(split, x=encoder.transform(inputs.loc[split.rows])) for name, split in problem.splits.items()
    }
    return replace(limited, splits=splits, domain=domain)


def without_columns(problem: Problem, gone: Collection[str]) -> Problem:
    """Return the problem without some input columns, in all splits: a model cannot read what was never collected.

    Relations between columns of which one is gone no longer bind a perturbation.
    """
    old = problem.encoder
    encoder = Encoder(
        tuple(feature for feature in old.numeric if feature.column not in gone),
        tuple(block for block in old.categorical if block.column not in gone),
    )
    numeric = np.array([feature.column not in gone for feature in old.numeric], dtype=bool)
    indicators = [feature.column not in gone for feature in old.numeric if feature.indicator]
    blocks = [block.column not in gone for block in old.categorical for _ in range(block.width)]
    kept = np.flatnonzero([*numeric, *indicators, *blocks])
    relations = problem.domain.relations
    if relations is not None:
        a, b, equal = relations
        binding = ~np.any(a[:, ~numeric] != 0, axis=1)
        relations = (a[binding][:, numeric], b[binding], equal[binding]) if binding.any() else None
    return replace(
        problem,
        columns=tuple(column for column in problem.columns if column.name not in gone),
        encoder=encoder,
        domain=replace(domain_of(encoder, _immutable(problem)), relations=relations),
        splits={name: replace(split, x=split.x[:, kept]) for name, split in problem.splits.items()},
        inputs=problem.inputs.drop(columns=[name for name in gone if name not in problem.sensitive]),
    )


def _immutable(problem: Problem) -> tuple[str, ...]:
    return tuple(column.name for column in problem.columns if not column.mutable)


def _missing(column: Column, series: pd.Series[Any]) -> int:
    missing = np.isnan(numbers(series)) if column.kind in NUMBERS else text_codes(series)[0] < 0
    return int(np.count_nonzero(missing))
