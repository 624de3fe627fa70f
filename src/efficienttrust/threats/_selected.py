"""A victim seen through a selection of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from efficienttrust.threats._objective import Answer

if TYPE_CHECKING:
    from efficienttrust.threats._attack import Victim


class Selected:
    """The rows of a victim at some positions, renumbered from 0; offers just what the victim offers.

    Args:
        victim: The victim.
        rows: [m] positions.
        proving: Whether to pass its lower bound on: not for rows on which it was asked already.
    """

    def __init__(self, victim: Victim, rows: Tensor, *, proving: bool = True) -> None:
        self._victim, self._rows, self.differentiable = victim, rows, victim.differentiable
        exact, bound = getattr(victim, "bind_exact", None), getattr(victim, "lower_margin", None)
        if exact is not None:
            self.bind_exact = lambda index: exact(rows[index])
        if bound is not None and proving:
            self.lower_margin = lambda index, region, y: bound(rows[index], region, y)

    def bind(self, rows: Tensor) -> Answer:
        """Return the answers for the rows at these positions of the selection."""
        return self._victim.bind(self._rows[rows])
