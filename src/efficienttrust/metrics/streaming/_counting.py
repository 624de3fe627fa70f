"""The pass over a chunk of rows: each block of rows becomes small integer codes, and codes become counts.

A block fits the cache of a core, so no temporary of all rows exists; counting is `np.bincount` of one code per row, as
`np.add.at` is slower where rows are many and a matrix of indicators is larger than the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.metrics.row_losses import brier_losses, log_losses
from efficienttrust.metrics.streaming._checks import BadCell, as_arrays, numbers, probabilities, weights, whole
from efficienttrust.metrics.streaming._moments import PARTS, centred_moments
from efficienttrust.metrics.streaming._schema import Schema
from efficienttrust.metrics.values import Array, Floats, Outcome

BLOCK = 1 << 16
"""Numbers of a column that are worked on at a time."""

SPARSE = 16
"""`np.bincount` passes over all cells: tables with more than so many cells a row are added to one row at a time."""

Tables = dict[str, Array]
"""Name -> sums by intersection [slots, ...]; all are additive, so that merging is adding."""

LOSSES = (log_losses, brier_losses)
"""Losses by row whose moments are kept, in the order of the table `losses`."""


def blank(schema: Schema) -> Tables:
    """Return tables of zeros."""
    tables = _counts("cells", schema, schema.cells)
    if schema.task == "multilabel":
        tables |= _counts("right", schema, (2,))
    if schema.task == "regression":
        tables["moments"] = np.zeros((schema.slots, PARTS))
        tables["products"] = np.zeros((schema.slots, PARTS, PARTS))
    if schema.bins:
        tables |= _counts("histogram", schema, schema.histogram)
        tables["scores"] = np.zeros((schema.slots, *schema.histogram))
        tables["losses"] = np.zeros((schema.slots, len(LOSSES), 3))
        tables["unscored"] = np.zeros(1, dtype=np.int64)
    return tables


def count(schema: Schema, columns: Mapping[str, Any], centre: float, tables: Tables) -> None:
    """Add one chunk to tables; a chunk that is refused adds nothing.

    Args:
        schema: What to count.
        columns: `y`, `prediction`, `groups` (attribute -> codes), and `score` and `weight` where the schema has them.
        centre: Number subtracted from labels of a regression before they are squared.
        tables: Where to add.

    Raises:
        UsageError: Columns are missing, differ in length, or hold what the schema does not allow.
    """
    arrays = as_arrays(schema, columns)
    n, step = len(arrays["y"]), max(1, BLOCK // schema.outputs)
    # a block is checked before it is added, but an earlier block of a chunk that is refused must not stay
    added = tables if n <= step else blank(schema)
    for start in range(0, n, step):
        block = {name: array[start : start + step] for name, array in arrays.items()}
        try:
            _count_block(schema, block, centre, added)
        except BadCell as bad:
            raise UsageError(bad.text(start)) from None
    if added is not tables:
        for name, table in added.items():
            tables[name] += table


def _count_block(schema: Schema, block: Mapping[str, Array], centre: float, tables: Tables) -> None:
    weight = weights(block["weight"]) if schema.weighted else None
    slot = np.zeros(len(block["y"]), dtype=np.int64)
    for position, (attribute, groups) in enumerate(schema.attributes.items()):
        slot *= len(groups) + 1
        slot += whole(block[f"group {position}"], -1, len(groups), f"group code of {attribute!r}")
        slot += 1
    if schema.task == "regression":
        labels, values = numbers(block["y"], "y"), numbers(block["prediction"], "prediction")
        _add(tables, "cells", slot, weight)
        moments, products = centred_moments(slot, schema.slots, labels - centre, values - labels, weight)
        tables["moments"] += moments
        tables["products"] += products
        return
    tall, wide = schema.cells[1], schema.outputs if schema.task == "multilabel" else 1
    y, prediction = (whole(block[name], 0, tall, name) for name in ("y", "prediction"))
    score = probabilities(block["score"]) if schema.bins else None
    code = slot.copy() if wide == 1 else slot[:, None] * wide + np.arange(wide)
    for column in (y, prediction):
        code *= tall
        code += column
    _add(tables, "cells", code.ravel(), weight if weight is None or wide == 1 else np.repeat(weight, wide))
    if schema.task == "multilabel":
        _add(tables, "right", slot * 2 + np.all(y == prediction, axis=1), weight)
    if score is not None:
        usable = np.isfinite(score).reshape(len(score), -1).all(axis=1)
        if not usable.all():
            tables["unscored"] += np.count_nonzero(~usable)
            slot, y, prediction, score = slot[usable], y[usable], prediction[usable], score[usable]
            weight = None if weight is None else weight[usable]
        _count_scores(schema, slot, y, prediction, score, weight, tables)


def _count_scores(
    schema: Schema, slot: Array, y: Array, prediction: Array, score: Floats, weight: Floats | None, tables: Tables
) -> None:
    columns, hit = score.reshape(len(score), schema.outputs), y.reshape(len(y), -1)
    if schema.task == "multiclass":
        decided = columns[np.arange(len(columns)), prediction]
        columns = np.column_stack([columns, decided])
        hit = np.column_stack([hit == np.arange(schema.outputs), y == prediction])
    scores = columns.shape[1]
    code = (slot[:, None] * scores + np.arange(scores)) * 2 + hit
    code *= schema.bins
    code += np.minimum((columns * schema.bins).astype(np.int64), schema.bins - 1)
    spread = None if weight is None else np.repeat(weight, scores)
    _add(tables, "histogram", code.ravel(), spread)
    _sum(tables["scores"], code.ravel(), columns.ravel() if spread is None else columns.ravel() * spread)
    if schema.task != "multilabel":
        outcome = Outcome(y, prediction, score, slot, task=schema.task, classes=schema.classes)
        for position, losses in enumerate(LOSSES):
            _add_losses(tables["losses"][:, position], slot, losses(outcome), weight)


def _add(tables: Tables, name: str, code: Array, weight: Floats | None) -> None:
    """Add rows, and where they are weighted the sums of weights and of their squares, to the tables of one name."""
    _sum(tables[f"{name} rows"], code, None)
    if weight is not None:
        _sum(tables[f"{name} mass"], code, weight)
        _sum(tables[f"{name} squares"], code, weight * weight)


def _sum(table: Array, code: Array, values: Floats | None) -> None:
    """Add values, or ones, to the cells of a table that codes name."""
    if len(code) * SPARSE < table.size:
        np.add.at(table.reshape(-1), code, 1 if values is None else values)
    else:
        table += np.bincount(code, values, table.size).reshape(table.shape)


def _add_losses(into: Floats, slot: Array, loss: Floats, weight: Floats | None) -> None:
    """Add sums of w l, w^2 l and w^2 l^2 [slots, 3] of one loss."""
    first = loss if weight is None else weight * loss
    second = first if weight is None else weight * first
    for column, values in enumerate((first, second, first * first)):
        into[:, column] += np.bincount(slot, values, len(into))


def _counts(name: str, schema: Schema, shape: tuple[int, ...]) -> Tables:
    shape = (schema.slots, *shape)
    tables: Tables = {f"{name} rows": np.zeros(shape, dtype=np.int64)}
    if schema.weighted:
        tables |= {f"{name} mass": np.zeros(shape), f"{name} squares": np.zeros(shape)}
    return tables
