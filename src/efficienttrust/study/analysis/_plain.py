"""Frozen dataclasses to plain JSON values and back."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import math
import types
import typing
from typing import Any


def to_plain(value: Any) -> Any:
    """Return plain JSON values; what is not a finite number becomes None."""
    kind: type = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind in (str, int, bool) or value is None:
        return value
    if kind in (tuple, list):
        return [to_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {name: to_plain(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, collections.abc.Mapping):
        return {str(name): to_plain(one) for name, one in value.items()}
    raise TypeError(f"{kind.__name__} has no plain form")


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def from_plain(kind: Any, value: Any) -> Any:
    """Return a value of an annotated type; None becomes NaN where a float is due."""
    if kind is float:
        return math.nan if value is None else float(value)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
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
