"""Resamples of all rows from their counts: n rows drawn with replacement fill the cells by a multinomial law."""

from __future__ import annotations

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.metrics.bootstrap import CHUNK
from efficienttrust.metrics.streaming._streamed import Value
from efficienttrust.metrics.streaming._tally import KINDS, Cells, Tally
from efficienttrust.metrics.values import Array, Floats


def resampled_values(
    tally: Tally, value: Value, repeats: int, rng: np.random.Generator, by: str | None, within_groups: bool
) -> Floats:
    """Return a metric on each resample [repeats].

    Args:
        tally: What was counted.
        value: The metric.
        repeats: Resamples, at least 1.
        rng: Where they come from.
        by: Attribute whose groups are compared; None takes the intersections that occur.
        within_groups: Whether each group keeps its size.
    """
    if repeats < 1:
        raise UsageError(f"repeats={repeats}: a bootstrap needs at least 1 resample")
    if tally.schema.task == "multilabel":
        raise UsageError("labels of one row are counted by themselves, so rows with several cannot be resampled")
    _, regroup = tally.groups(by)
    known, everyone = tally.cells("cells", regroup), tally.cells("cells", tally.everyone)
    # one more group: rows whose group is unknown, which metrics of all rows count
    cells = Cells(known.weighted, *(_with_rest(getattr(known, kind), getattr(everyone, kind)) for kind in KINDS))
    shape, many, found = cells.rows.shape, tally.schema.task == "multiclass", []
    step = max(1, CHUNK // cells.rows.size)
    for start in range(0, repeats, step):
        mass = _draw(cells, min(step, repeats - start), rng, within_groups).reshape(-1, *shape)
        found.append(value(mass[:, :-1], mass.sum(axis=1), many))
    return np.concatenate(found)


def _with_rest(groups: Array, everyone: Array) -> Array:
    rest = np.maximum(everyone - groups.sum(axis=0, keepdims=True), 0)
    return np.concatenate([groups, rest])


def _draw(cells: Cells, repeats: int, rng: np.random.Generator, within_groups: bool) -> Floats:
    """Return the mass of cells in resamples [repeats, groups * cells]."""
    rows = cells.rows.reshape(len(cells.rows), -1)
    strata = list(rows) if within_groups else [rows.ravel()]
    drawn = np.concatenate([_multinomial(counts, repeats, rng) for counts in strata], axis=1).astype(np.float64)
    if not cells.weighted:
        return drawn
    filled = np.maximum(rows.ravel(), 1)
    mean = cells.mass.ravel() / filled
    spread = np.sqrt(np.maximum(cells.squares.ravel() / filled - mean**2, 0))
    weighted: Floats = drawn * mean + rng.standard_normal(drawn.shape) * np.sqrt(drawn) * spread
    return np.maximum(weighted, 0)


def _multinomial(counts: Array, repeats: int, rng: np.random.Generator) -> Array:
    total = int(counts.sum())
    shares = counts / total if total else np.full(len(counts), 1 / len(counts))
    return rng.multinomial(total, shares, size=repeats)
