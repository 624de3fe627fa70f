"""The five splits: stratified by label and group, or the user's own, with whole units or in time order.

Rows are dealt like cards. They are sorted by label, then group, then at random by the seed, and dealt to the splits in
a fixed rotation that holds every split at its share. Because the sorted rows of one class, and of one group within it,
are neighbours, every class and every group is dealt evenly, however small: counts stay within two rows of their share.
Of labels that are numbers their tenths are dealt like classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError, did_you_mean

SPLITS = ("train", "monitor", "calibrate", "certify", "test")
SHARES: Mapping[str, int] = {"train": 10, "monitor": 1, "calibrate": 3, "certify": 2, "test": 4}
FRACTIONS: Mapping[str, float] = {name: share / 20 for name, share in SHARES.items()}
LEAST_PER_CLASS = sum(SHARES.values())
FEWEST_NUMBERS = 5 * LEAST_PER_CLASS
BANDS = 10  # of a label that is a number: rows are dealt by them as by classes
VALIDATION = "validation"
SYNONYMS = {
    "training": "train",
    "calibration": "calibrate",
    "certification": "certify",
    "testing": "test",
} | dict.fromkeys((VALIDATION, "validate", "valid", "val", "dev"), VALIDATION)


@dataclass(frozen=True, eq=False)
class Rows:
    """What decides where the rows of a problem go; arrays [n].

    Attributes:
        y: Labels as codes: of the classes, or of the bands that numbers fall into (see `bands`).
        groups: int64 codes of the intersections, -1 unknown.
        unit: int64 code of what must stay whole, or `None`.
        time: float64, increasing with time, or `None`.
    """

    y: NDArray[Any]
    groups: NDArray[np.int64]
    unit: NDArray[np.int64] | None = None
    time: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Return some of the rows."""
        return Rows(
            self.y[rows],
            self.groups[rows],
            None if self.unit is None else self.unit[rows],
            None if self.time is None else self.time[rows],
        )


def deal(rows: Rows, names: Sequence[str], seed: int) -> NDArray[np.int8]:
    """Return for every row the position in `SPLITS` of its split, among the splits named."""
    shares = np.array([SHARES[name] for name in names])
    places = np.array([SPLITS.index(name) for name in names], dtype=np.int8)
    if rows.unit is None:
        return places[_deal_items(rows.y, rows.groups, np.ones(len(rows.y)), rows.time, shares, seed)]
    _, first, unit, sizes = np.unique(rows.unit, return_index=True, return_inverse=True, return_counts=True)
    label = np.zeros(len(first), dtype=rows.y.dtype)
    np.maximum.at(label, unit, rows.y)
    time = None
    if rows.time is not None:
        time = np.full(len(first), np.inf)
        np.minimum.at(time, unit, rows.time)
    return places[_deal_items(label, rows.groups[first], sizes.astype(np.float64), time, shares, seed)][unit]


def deal_rest(rows: Rows, codes: NDArray[np.int32], texts: Sequence[str], column: str, seed: int) -> NDArray[np.int8]:
    """Return every row's split by the user's own column; splits she does not name are cut out of hers.

    Args:
        rows: What decides how the missing splits are cut.
        codes: The user's value of every row, as a code into `texts`, -1 where missing.
        texts: Her different values.
        column: Name of her column, for messages.
        seed: Seed of the cuts.
    """
    empty = int(np.count_nonzero(codes < 0))
    if empty:
        raise UsageError(f"split column {column!r} is empty in {empty} rows. Fill it or drop the rows.")
    names_used = [SYNONYMS.get(text.lower(), text.lower()) for text in texts]
    for value in names_used:
        if value not in (*SPLITS, VALIDATION):
            raise UsageError(f"split column {column!r} holds {value!r}.{did_you_mean(value, (*SPLITS, VALIDATION))}")
    for needed in ("train", "test"):
        if needed not in names_used:
            raise UsageError(f"split column {column!r} never says {needed!r}. Mark at least train and test rows.")
    place = np.array([SPLITS.index(value) if value in SPLITS else -1 for value in names_used], dtype=np.int8)
    split = place[codes]
    if rows.unit is not None:
        _refuse_divided_units(rows.unit, split, column)
    lacking = [name for name in SPLITS if name not in names_used]
    if VALIDATION in names_used:
        donated, receivers = np.flatnonzero(split < 0), lacking or ["monitor"]
    else:
        donated, receivers = np.flatnonzero(split == SPLITS.index("train")), ["train", *lacking]
    split[donated] = deal(rows.take(donated), receivers, seed)
    return split


def refuse_one_class(split: NDArray[np.int8], y: NDArray[Any], names: Sequence[str], because: str) -> None:
    """Raise `UsageError` when a split lacks one of the classes; `names` are their texts by code."""
    for place, name in enumerate(SPLITS):
        counts = np.bincount(y[split == place], minlength=len(names))
        if not counts.all():
            raise UsageError(f"split {name!r} has no row with label {names[int(counts.argmin())]!r} {because}")


def refuse_few_rows(y: NDArray[Any], label: str, names: Sequence[str], *, clinical: bool = False) -> None:
    """Raise `UsageError` when a class has too few rows for five splits.

    Args:
        y: Labels as codes, [n].
        label: Name of the label.
        names: The texts of the labels by code.
        clinical: Give no counts of classes: they may be of a few people.
    """
    counts = np.bincount(y, minlength=len(names))
    if counts.min() >= LEAST_PER_CLASS:
        return
    if clinical:
        found = f"{label!r} is {names[int(counts.argmin())]!r} in fewer than {LEAST_PER_CLASS} rows"
    elif len(names) == 2:
        found = f"{label!r} is {names[1]!r} in {counts[1]} and {names[0]!r} in {counts[0]} rows"
    else:
        found = f"{label!r} is {names[int(counts.argmin())]!r} in {counts.min()} rows"
    raise UsageError(
        f"{len(y)} rows are too few for five splits with {'both' if len(names) == 2 else 'all'} classes: {found}. "
        f"Give at least {LEAST_PER_CLASS} of each ({len(names) * LEAST_PER_CLASS} rows in all)."
    )


def bands(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return the tenth of all rows that each number belongs to, int64 [n]; equal numbers are in the same."""
    edges = np.unique(np.quantile(y, np.arange(1, BANDS) / BANDS))
    return np.searchsorted(edges, y, side="right").astype(np.int64)


def refuse_one_value(split: NDArray[np.int8], y: NDArray[Any], because: str) -> None:
    """Raise `UsageError` when a split has no two rows whose numbers differ: nothing is explained there."""
    for place, name in enumerate(SPLITS):
        if len(np.unique(y[split == place])) < 2:
            raise UsageError(f"split {name!r} has no two rows of different labels {because}")


def refuse_few_numbers(y: NDArray[Any], label: str) -> None:
    """Raise `UsageError` when there are too few rows for five splits of numbers."""
    if len(y) < FEWEST_NUMBERS:
        raise UsageError(
            f"{len(y)} rows with a label {label!r} are too few for five splits. Give at least {FEWEST_NUMBERS}."
        )


def rotation(shares: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one round of dealing: position i goes to whoever is furthest behind her share."""
    total = int(shares.sum())
    dealt = np.zeros(len(shares), dtype=np.int64)
    order = np.empty(total, dtype=np.int64)
    for turn in range(total):
        order[turn] = np.argmax(shares * (turn + 1) - dealt * total)
        dealt[order[turn]] += 1
    return order


def _deal_items(
    label: NDArray[Any],
    groups: NDArray[np.int64],
    sizes: NDArray[np.float64],
    time: NDArray[np.float64] | None,
    shares: NDArray[np.int64],
    seed: int,
) -> NDArray[np.int64]:
    n = len(label)
    dealt = np.empty(n, dtype=np.int64)
    if time is not None:
        order = np.argsort(time, kind="stable")
        middle = np.cumsum(sizes[order]) - sizes[order] / 2
        dealt[order] = np.searchsorted(np.cumsum(shares) / shares.sum() * sizes.sum(), middle, side="right")
        return np.minimum(dealt, len(shares) - 1)
    stratum = label.astype(np.int64) * (groups.max(initial=0) + 2) + groups + 1
    order = np.lexsort((np.random.default_rng(seed).random(n), sizes, stratum))
    dealt[order] = rotation(shares)[np.arange(n) % shares.sum()]
    return dealt


def _refuse_divided_units(unit: NDArray[np.int64], split: NDArray[np.int8], column: str) -> None:
    pairs = np.unique(unit * (len(SPLITS) + 1) + split + 1)
    divided = len(pairs) - len(np.unique(unit))
    if divided:
        raise UsageError(
            f"split column {column!r} divides {divided} units between splits. "
            "Mark all rows of a unit alike, or leave out one of the two."
        )
