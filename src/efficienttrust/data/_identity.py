"""Identity of content: the fingerprint that a run pins, and rows that repeat each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import NUMBERS, Cells


def fingerprint(roles: Mapping[str, object], cells: Mapping[str, Cells], arrays: Iterable[NDArray[np.generic]]) -> str:
    """Return the sha256 of what a model could learn from: roles, columns in order, and arrays (labels, groups, splits).

    It does not depend on the file format: the same table as CSV, Parquet or frame has the same fingerprint.
    """
    digest = hashlib.sha256(json.dumps(roles, sort_keys=True, ensure_ascii=False).encode())
    for name, column in cells.items():
        digest.update(json.dumps([name, column.kind, column.texts], ensure_ascii=False).encode())
        digest.update(_plain(column).tobytes())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def repeated_across(cells: Mapping[str, Cells], y: NDArray[np.generic], split: NDArray[np.int8]) -> int:
    """Count the rows that have an identical row (all inputs and label) in another split."""
    keys = y.astype(np.float64).view(np.uint64) if y.dtype.kind == "f" else y.astype(np.uint64)
    for column in cells.values():
        keys ^= _plain(column).astype(np.int64 if column.texts else np.float64).view(np.uint64)
        keys *= np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    order = np.argsort(keys, kind="stable")
    keys, split = keys[order], split[order]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    divided = np.minimum.reduceat(split, starts) != np.maximum.reduceat(split, starts)
    return int(sizes[divided].sum())


def _plain(column: Cells) -> NDArray[np.generic]:
    """Return the values with one bit pattern for each value: no -0.0, one NaN."""
    if column.kind not in NUMBERS:
        return column.values
    values: NDArray[np.float64] = np.where(column.missing, np.nan, column.values + 0.0)
    return values
