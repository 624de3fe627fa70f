"""What may come into a count: every column is checked before anything is added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.streaming._schema import Schema
from efficienttrust.metrics.values import Array, Floats


class BadCell(Exception):
    """A value that the schema does not allow, at a place in the block that is being counted."""

    def __init__(self, name: str, column: Array, position: int, wanted: str) -> None:
        self.name, self.wanted = name, wanted
        self.value, self.row = column.ravel()[position], position // max(1, column.size // max(1, len(column)))

    def text(self, start: int) -> str:
        """Return the message, for a block whose first row is `start`."""
        return f"{self.name} of row {start + self.row} is {self.value}: it must be {self.wanted}"


def as_arrays(schema: Schema, columns: Mapping[str, Any]) -> dict[str, Array]:
    """Return all columns as arrays of one length, groups as `group 0`, `group 1`, … in the order of the schema."""
    groups = columns["groups"]
    if not isinstance(groups, Mapping):
        if len(schema.attributes) != 1:
            raise UsageError(
                f"groups: give a mapping with the codes of {', '.join(schema.attributes) or 'no attribute'}"
            )
        groups = dict.fromkeys(schema.attributes, groups)
    for attribute in (*groups, *schema.attributes):
        if attribute not in schema.attributes:
            raise unknown_name("sensitive attribute", attribute, schema.attributes)
        if attribute not in groups:
            raise UsageError(f"groups lack the codes of {attribute!r}, which the accumulator counts")
    arrays = {name: np.asarray(columns[name]) for name in ("y", "prediction")}
    arrays |= {f"group {place}": np.asarray(groups[name]) for place, name in enumerate(schema.attributes)}
    for name, wanted in (("score", schema.bins > 0), ("weight", schema.weighted)):
        if (columns.get(name) is not None) != wanted:
            remedy = "bins=4096" if name == "score" else "weighted=True"
            given, made = ("no ", "with") if wanted else ("", "without")
            raise UsageError(f"{given}{name} was given to an accumulator made {made} {remedy}")
        if wanted:
            arrays[name] = np.asarray(columns[name])
    wide = {"multilabel": {"y", "prediction", "score"}, "multiclass": {"score"}}.get(schema.task, set())
    for name, array in arrays.items():
        shape = (len(arrays["y"]), schema.outputs) if name in wide else (len(arrays["y"]),)
        if array.shape != shape:
            raise UsageError(f"{name} has the shape {list(array.shape)} where {list(shape)} is needed, one entry a row")
    return arrays


def whole(column: Array, low: int, count: int, name: str) -> Array:
    """Return codes low … count - 1 as int64."""
    wanted = f"a whole number from {low} to {count - 1}"
    if column.dtype.kind not in "biuf":
        raise BadCell(name, column, 0, wanted)
    if column.dtype.kind == "f":
        broken = ~((column >= low) & (column < count) & (column == np.floor(column)))
        if broken.any():
            raise BadCell(name, column, int(np.argmax(broken.ravel())), wanted)
    code = column.astype(np.int64)
    if code.min() < low or code.max() >= count:
        raise BadCell(name, column, int(np.argmax(((code < low) | (code >= count)).ravel())), wanted)
    return code


def numbers(column: Array, name: str) -> Floats:
    """Return finite numbers as float64."""
    if column.dtype.kind not in "biuf":
        raise BadCell(name, column, 0, "a finite number")
    values = column.astype(np.float64)
    if not (finite := np.isfinite(values)).all():
        raise BadCell(name, column, int(np.argmin(finite)), "a finite number")
    return values


def weights(column: Array) -> Floats:
    """Return weights of at least 0 as float64."""
    weight = numbers(column, "weight")
    if weight.min() < 0:
        raise BadCell("weight", weight, int(np.argmin(weight)), "0 or more")
    return weight


def probabilities(column: Array) -> Floats:
    """Return scores between 0 and 1 as float64; those that are not numbers stay as they are."""
    if column.dtype.kind not in "biuf":
        raise BadCell("score", column, 0, "a number between 0 and 1")
    score = np.asarray(column, dtype=np.float64)
    if score.size and not (score.min() >= 0 and score.max() <= 1):
        outside = ((score < 0) | (score > 1)) & np.isfinite(score)
        if outside.any():
            raise BadCell("score", column, int(np.argmax(outside.ravel())), "between 0 and 1, as probabilities are")
    return score
