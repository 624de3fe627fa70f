"""What a policy is trained on: runs side by side, each in its slot, all at their monitor points at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._policy import Policy
from efficienttrust.atats._state import TrustState

VIOLATION_PRICE = 2.0  # of a unit of violation, in units of utility


@dataclass(frozen=True)
class Outcome:
    """How a run ended, by metrics of fresh data.

    Attributes:
        utility: After calibration.
        violation: Sum of the violations of all targets, after calibration.
        overspend: Share of the budget used beyond it, >= 0.
        hit: Whether all targets are met.
    """

    utility: float
    violation: float
    overspend: float
    hit: bool

    @property
    def score(self) -> float:
        """What the run is worth: utility, less the price of violations, less what was spent too much."""
        return self.utility - VIOLATION_PRICE * self.violation - self.overspend


class Episodes(Protocol):
    """Runs in slots. A finished one waits until it is begun anew."""

    states: list[TrustState]
    policies: list[Policy]
    finished: NDArray[np.bool_]
    outcomes: list[Outcome | None]

    def begin_anew(self, slots: Sequence[int]) -> None:
        """Start other runs in these slots and go on to their first monitor points."""
        ...

    def decide(self) -> NDArray[np.float64]:
        """Let every policy decide, go on to the next monitor points or the ends, and return the rewards [n].

        A reward is the change of the potential, minus the violations after calibration; the last one is the score, with
        the potential of an ended run at zero. So rewards of a run add up to its score less the potential of its first
        state, which no decision changes: the best policy is that of the score (Ng, Harada and Russell 1999).
        """
        ...
