"""What the functions of the theory demand of their arguments, said in one line where it is not so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError


def probability(name: str, value: float) -> float:
    """Return a number strictly between 0 and 1, or say that it is none."""
    if not 0 < value < 1:
        raise UsageError(f"{name} is {value}: give a number between 0 and 1, both excluded")
    return float(value)


def positive(name: str, value: float) -> float:
    """Return a finite number above 0, or say that it is none."""
    if not (value > 0 and math.isfinite(value)):
        raise UsageError(f"{name} is {value}: give a finite number above 0")
    return float(value)


def not_negative(name: str, value: float) -> float:
    """Return a finite number of at least 0, or say that it is none."""
    if not (value >= 0 and math.isfinite(value)):
        raise UsageError(f"{name} is {value}: give a finite number of at least 0")
    return float(value)


def whole(name: str, value: float, least: int = 1) -> int:
    """Return a whole number of at least `least`, or say that it is none."""
    if value != value or math.isinf(value) or int(value) != value or value < least:
        raise UsageError(f"{name} is {value}: give a whole number of at least {least}")
    return int(value)


def matrix(x: ArrayLike) -> NDArray[np.float64]:
    """Return rows as float64 [n, d] with n, d >= 1 and nothing but finite numbers, or say what is wrong."""
    rows: NDArray[np.float64] = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise UsageError(f"the rows have the shape {rows.shape}: give an array [rows, columns], neither empty")
    if not np.isfinite(rows).all():
        raise UsageError("the rows hold values that are not finite: fill or remove them first")
    return rows


def column(name: str, values: ArrayLike, n: int, kind: type[Any] = np.float64) -> NDArray[Any]:
    """Return one finite value per row [n], or say what is wrong."""
    found = np.asarray(values)
    if found.shape != (n,):
        raise UsageError(f"{name} has the shape {found.shape}: give one value for each of the {n} rows")
    if not np.isfinite(found).all():
        raise UsageError(f"{name} holds values that are not finite: fill or remove them first")
    return found.astype(kind)
