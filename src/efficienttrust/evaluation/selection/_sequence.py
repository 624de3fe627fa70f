"""Fixed-sequence testing: candidates in their order, all targets of each at once, up to the first failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from efficienttrust.evaluation.certification import Certificate
from efficienttrust.evaluation.selection._order import Entrant


@dataclass(frozen=True)
class Tested:
    """A candidate that was tested on certify.

    Attributes:
        entrant: The candidate.
        certificates: One limit for each target, each at the level of the sequence.
    """

    entrant: Entrant
    certificates: tuple[Certificate, ...]

    @property
    def valid(self) -> bool:
        """Whether every limit satisfies its target: an intersection-union test (Berger 1982) rejects the violation."""
        return all(one.satisfied for one in self.certificates)


def run_sequence(
    order: Sequence[Entrant],
    test: Callable[[int], Sequence[Certificate]],
    *,
    affordable: Callable[[int], bool],
) -> tuple[Tested, ...]:
    """Test candidates in their order and stop at the first that fails, or where the budget ends.

    Args:
        order: The candidates; fixed before certify was read.
        test: Called with the position of a candidate: its limits on certify, all at the level of the sequence.
        affordable: Asked with 1 before each test but the first: whether the budget affords so many more.

    Returns:
        Those tested. All but the last are valid, and the last one may be.
    """
    tested: list[Tested] = []
    for entrant in order:
        if tested and not affordable(1):
            break
        tested.append(Tested(entrant, tuple(test(entrant.index))))
        if not tested[-1].valid:
            break
    return tuple(tested)
