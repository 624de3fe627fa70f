"""Groups: every row's code by each sensitive attribute, and by all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import numbers
from efficienttrust.data._text import text_codes
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 12
MOST_GROUPS = 50
BANDS = 4


@dataclass(frozen=True)
class Attribute:
    """One sensitive attribute and how a raw cell finds its group.

    Attributes:
        name: Column name.
        groups: Group names by code.
        edges: For a number cut into bands, the inner upper edges: band k holds `edges[k-1] < value <= edges[k]`;
            empty when the groups are the texts of the column.
    """

    name: str
    groups: tuple[str, ...]
    edges: tuple[float, ...] = ()

    def codes(self, series: pd.Series[Any]) -> NDArray[np.int64]:
        """Return the group code of every cell, -1 where it is missing or unknown."""
        if self.edges:
            values = numbers(series)
            bands = np.searchsorted(np.array(self.edges), values, side="left").astype(np.int64)
            return np.where(np.isnan(values), -1, bands)
        codes, texts = text_codes(series)
        position = {group: code for code, group in enumerate(self.groups)}
        return np.array([*(position.get(text, -1) for text in texts), -1], dtype=np.int64)[codes]


def attribute_of(series: pd.Series[Any], notes: list[str]) -> Attribute:
    """Infer the groups of a sensitive column: its texts, or quantile bands of a number with more than 12 values."""
    import pandas as pd

    name = str(series.name)
    _, texts = text_codes(series)
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        if len(texts) > MOST_VALUES:
            values = numbers(series)
            return _banded(name, values[~np.isnan(values)], notes)
        texts = tuple(sorted(texts, key=float))
    if isinstance(series.dtype, pd.CategoricalDtype) and series.cat.ordered:
        texts = tuple(str(category) for category in series.cat.categories if str(category) in set(texts))
    if not texts:
        raise UsageError(f"sensitive column {name!r} has no values at all. Choose another column.")
    if len(texts) == 1:
        raise UsageError(f"sensitive column {name!r} has one group only, {texts[0]!r}. Two are needed to compare.")
    if len(texts) > MOST_GROUPS:
        raise UsageError(
            f"sensitive column {name!r} has {len(texts)} different values, more than {MOST_GROUPS}. "
            "Pool them into groups first."
        )
    return Attribute(name, texts)


def intersections(
    attributes: Mapping[str, Attribute], codes: Mapping[str, NDArray[np.int64]], n: int
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return each row's code among the intersections that occur (-1 where an attribute is missing), and their names."""
    if not attributes:
        return np.zeros(n, dtype=np.int64), ("all rows",)
    mixed = np.zeros(n, dtype=np.int64)
    known = np.ones(n, dtype=bool)
    for name, attribute in attributes.items():
        mixed = mixed * len(attribute.groups) + codes[name]
        known &= codes[name] >= 0
    occurring, dense = np.unique(mixed[known], return_inverse=True)
    groups = np.full(n, -1, dtype=np.int64)
    groups[known] = dense
    names = []
    for code in occurring.tolist():
        parts = []
        for attribute in reversed(list(attributes.values())):
            code, position = divmod(code, len(attribute.groups))
            parts.append(attribute.groups[position])
        names.append(" & ".join(reversed(parts)))
    return groups, tuple(names)


def _banded(name: str, observed: NDArray[np.float64], notes: list[str]) -> Attribute:
    cuts = np.unique(np.quantile(observed, np.arange(1, BANDS) / BANDS, method="lower"))
    edges = tuple(float(cut) for cut in cuts if cut < observed.max())
    bands = np.searchsorted(np.array(edges), observed, side="left")
    groups = []
    for band in range(len(edges) + 1):
        inside = observed[bands == band]
        low, high = f"{inside.min():g}", f"{inside.max():g}"
        groups.append(low if low == high else f"{low} to {high}")
    notes.append(f"sensitive column {name!r} holds numbers and is cut at its quartiles into {', '.join(groups)}")
    return Attribute(name, tuple(groups), edges)
