"""Frozen dataclasses to plain JSON values and back."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import types
import typing
from typing import Any


def to_plain(value: Any) -> Any:
    """Return plain JSON values; what is not a finite number becomes None."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, collections.abc.Mapping):
        return {str(name): to_plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def from_plain(kind: Any, value: Any) -> Any:
    """Return a value of an annotated type; None becomes NaN where a float is due."""
    if kind is float:
        return math.nan if value is None else float(value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(type, kind)(**{name: from_plain(hints[name], one) for name, one in value.items()})
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return tuple(from_plain(inner[0], one) for one in value)
        return tuple(from_plain(one_kind, one) for one_kind, one in zip(inner, value, strict=True))
    if origin is collections.abc.Mapping:
        return {name: from_plain(inner[1], one) for name, one in value.items()}
    if origin in (types.UnionType, typing.Union):
        return None if value is None else from_plain(next(one for one in inner if one is not type(None)), value)
    return value
