"""Group codes of somebody else's batches: checked, intersected, and as membership for the penalties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.errors import UsageError

Codes = NDArray[np.int64]

ATTRIBUTE = "group"  # name of the one attribute that is given without a name


def codes_of(groups: Any, n: int) -> dict[str, Codes]:
    """Return attribute -> group codes [n], -1 unknown; nothing where there are no groups.

    Args:
        groups: Codes [n], a mapping of such by the name of the attribute, or None.
        n: Rows.

    Raises:
        UsageError: Codes that are no whole numbers, or not one for each row.
    """
    if groups is None:
        return {}
    named = dict(groups) if isinstance(groups, Mapping) else {ATTRIBUTE: groups}
    found = {}
    for name, given in named.items():
        values = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
        if values.shape != (n,):
            raise UsageError(
                f"groups {name!r} have the shape {list(values.shape)} for {n} rows: give one code a row, and several "
                "attributes as a mapping from name to codes"
            )
        codes = values.astype(np.int64)
        if values.dtype.kind not in "iub" and not np.array_equal(codes, values):
            raise UsageError(
                f"groups {name!r} hold numbers such as {values.flat[0]}: give whole codes from 0, -1 = unknown"
            )
        found[str(name)] = np.maximum(codes, -1)
    return found


@dataclass(frozen=True, eq=False)
class Membership:
    """Membership of rows in the groups that training aims at.

    Attributes:
        sizes: Attribute -> number of its codes, in the order of their intersections.
        tables: Attribute ("" for the intersections) -> one-hot rows [codes + 1, G]; the last row, and the rows of
            groups too small to steer by, are all zeros.
    """

    sizes: Mapping[str, int]
    tables: Mapping[str, Tensor]

    @classmethod
    def of(
        cls, sizes: Mapping[str, int], codes: Mapping[str, Codes], steered: Mapping[str, NDArray[np.bool_]]
    ) -> Membership:
        """Lay out the tables.

        Args:
            sizes: Attribute -> number of its codes.
            codes: Attribute ("" for the intersections) -> dense code of each of its (mixed) codes, -1 without rows.
            steered: Attribute -> which groups [G] training aims at.
        """
        tables = {}
        for name, dense in codes.items():
            table = torch.zeros(len(dense) + 1, len(steered[name]))
            known = np.flatnonzero((dense >= 0) & steered[name][dense])
            table[known, dense[known]] = 1.0
            tables[name] = table
        return cls(dict(sizes), tables)

    def rows(self, groups: Any, attribute: str) -> Tensor:
        """Return the membership [n, G] of the rows of a batch; a group that validation lacks is nobody's.

        Args:
            groups: As in a batch.
            attribute: Name of an attribute, or "" for the intersections.
        """
        named = groups if isinstance(groups, Mapping) else {ATTRIBUTE: groups}
        table = self.tables[attribute]
        if attribute or len(self.sizes) == 1:
            codes = self._codes(named, attribute or next(iter(self.sizes)))
            return table[codes.clamp(max=len(table) - 1)]
        mixed, known = torch.zeros(()).long(), torch.ones(()).bool()
        for name, size in self.sizes.items():
            codes = self._codes(named, name)
            mixed, known = mixed * size + codes, known & (codes >= 0) & (codes < size)
        return table[torch.where(known, mixed, len(table) - 1)]

    def _codes(self, named: Mapping[Any, Any], name: str) -> Tensor:
        codes = named.get(name)
        if codes is None:
            raise UsageError(
                f"a batch has no groups {name!r}, which validation has: let the loader yield (x, y, groups)"
            )
        return torch.as_tensor(codes).cpu().long()
