"""What is legal but odd in the data: found, counted and said in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import NUMBERS, Cells
from efficienttrust.data._groups import Attribute
from efficienttrust.data._relations import LinearRelation

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CERTIFIABLE = 30
GIVEN_AWAY = 0.99
SAMPLE = 50_000
BINS = 32
FEWEST_IN_BIN = 10


def small_groups(what: str, names: tuple[str, ...], codes: NDArray[np.int64]) -> list[str]:
    """Name the groups with fewer than 30 rows, in one line; `what` says of which attribute they are groups."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names)).tolist()
    few = [f"{name!r} ({n} rows)" for name, n in zip(names, counts, strict=True) if n < FEWEST_CERTIFIABLE]
    return [f"{what}: too small to certify: {', '.join(few)}"] if few else []


def missing_sensitive(codes: Mapping[str, NDArray[np.int64]]) -> list[str]:
    """Count the rows that train but are left out of group metrics."""
    counts = {name: int(np.count_nonzero(values < 0)) for name, values in codes.items()}
    return [
        f"sensitive {name!r} is missing in {count} rows: they are used for training and left out of group metrics"
        for name, count in counts.items()
        if count
    ]


def leaks(
    cells: Mapping[str, Cells], y: NDArray[Any], classes: Sequence[str], train: NDArray[np.int64], label: str
) -> list[str]:
    """Name every column that alone predicts the label on train: one of its classes, or its number."""
    notes = []
    sampled = y[_sample(train)]
    for name, column in _sampled(cells, train).items():
        how = _given_away(column, sampled, classes)
        if how:
            notes.append(
                f"column {name!r} alone predicts the label {label!r} ({how}): if it is known only afterwards, drop it"
            )
    return notes


def _given_away(column: Cells, y: NDArray[Any], classes: Sequence[str]) -> str:
    """Return how well a column alone predicts the label, or an empty text where it does not give it away."""
    if not classes:
        share = explained_alone(column, y)
        return f"R² {share:.3f}" if share > GIVEN_AWAY else ""
    for code in range(len(classes)) if len(classes) > 2 else [1]:
        auc = auc_alone(column, y == code)
        if auc > GIVEN_AWAY:
            return f"AUC {auc:.3f}" + (f" of {classes[code]!r}" if len(classes) > 2 else "")
    return ""


def explained_alone(column: Cells, y: NDArray[Any]) -> float:
    """Return the share of the variance of numbers that one column explains, of themselves or of their ranks.

    By a line, or by the mean of each value or bin; ranks, as few large numbers would hide that all others are known.
    """
    codes = _pool_rare(_binned(column, len(y)))
    counts = np.maximum(np.bincount(codes), 1)
    ranks = np.unique(y, return_inverse=True)[1].astype(np.float64)
    shares = [0.0]
    for numbers in (y.astype(np.float64), ranks):
        if np.ptp(numbers) > 0:
            means = np.bincount(codes, weights=numbers) / counts
            shares.append(1 - float(np.square(numbers - means[codes]).mean() / numbers.var()))
    known = ~column.missing
    if column.kind in NUMBERS and known.any() and np.ptp(column.values[known]) > 0 and np.ptp(y[known]) > 0:
        by_line = np.corrcoef(column.values[known], y[known].astype(np.float64))[0, 1]
        shares.append(float(by_line) ** 2 * float(known.mean()))
    return max(shares)


def proxies(
    cells: Mapping[str, Cells],
    attributes: Mapping[str, Attribute],
    codes: Mapping[str, NDArray[np.int64]],
    train: NDArray[np.int64],
) -> list[str]:
    """Name every input that alone tells a group from the rest on train, although the attribute is no input."""
    notes = []
    columns = _sampled({name: column for name, column in cells.items() if name not in attributes}, train)
    for attribute in attributes.values():
        of_row = codes[attribute.name][_sample(train)]
        tested = range(len(attribute.groups) if len(attribute.groups) > 2 else 1)
        for name, column in columns.items():
            for code in tested:
                member = of_row == code
                if member.sum() >= FEWEST_CERTIFIABLE and auc_alone(column, member) > GIVEN_AWAY:
                    group = attribute.groups[code]
                    notes.append(
                        f"column {name!r} alone gives away the sensitive {attribute.name!r} ({group!r} or not)"
                    )
                    break
    return notes


def auc_alone(column: Cells, target: NDArray[np.bool_]) -> float:
    """Return the AUC of predicting a binary target from one column: by its order, or by the rate of each value."""
    if column.kind not in NUMBERS:
        return _auc_by_rate(_pool_rare(column.values + 1), target)
    missing = column.missing
    observed = column.values[~missing]
    if not len(observed):
        return 0.5
    binned = _binned(column, len(target))
    ordered = np.unique(np.where(missing, np.median(observed), column.values), return_inverse=True)[1]
    by_order = _auc(*_counts(ordered, target))
    return max(by_order, 1.0 - by_order, _auc_by_rate(_pool_rare(binned), target))


def _binned(column: Cells, n: int) -> NDArray[np.int64]:
    """Return the code of each cell: of its text, or of the bin that a number falls into; 0 where it is missing."""
    if column.kind not in NUMBERS:
        return np.asarray(column.values + 1, dtype=np.int64)
    observed = column.values[~column.missing]
    if not len(observed):
        return np.zeros(len(column.values), dtype=np.int64)
    bins = int(np.clip(n // 50, 2, BINS))
    edges = np.unique(np.quantile(observed, np.arange(1, bins) / bins))
    return np.where(column.missing, 0, 1 + np.searchsorted(edges, column.values, side="right"))


def _auc_by_rate(codes: NDArray[np.int64], target: NDArray[np.bool_]) -> float:
    hits, misses = _counts(codes, target)
    order = np.argsort(hits / np.maximum(hits + misses, 1), kind="stable")
    return _auc(hits[order], misses[order])


def _counts(codes: NDArray[np.int64], target: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hits = np.bincount(codes, weights=target).astype(np.float64)
    return hits, np.bincount(codes) - hits


def _auc(hits: NDArray[np.float64], misses: NDArray[np.float64]) -> float:
    total = hits.sum() * misses.sum()
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / total) if total else 0.5


def _pool_rare(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.bincount(codes)
    return np.where(counts[codes] < FEWEST_IN_BIN, len(counts), codes)


def _sample(train: NDArray[np.int64]) -> NDArray[np.int64]:
    return train[:: max(1, len(train) // SAMPLE)]


def _sampled(cells: Mapping[str, Cells], train: NDArray[np.int64]) -> dict[str, Cells]:
    rows = _sample(train)
    return {name: column.take(rows) for name, column in cells.items()}


def broken_relations(relations: Sequence[LinearRelation], table: pd.DataFrame) -> list[str]:
    """Count the rows that break a declared relation as they are."""
    counts = [(relation.text, int(relation.violated(table).sum())) for relation in relations]
    return [
        f"{count} rows break the relation {text!r} as they are; an attack may not break it further"
        for text, count in counts
        if count
    ]
