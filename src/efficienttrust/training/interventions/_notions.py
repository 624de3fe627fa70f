"""What a fairness notion compares: scores of all rows, or of the rows of one label."""

from __future__ import annotations

from collections.abc import Sequence

STRATA: dict[str, tuple[int | None, ...]] = {
    "demographic_parity": (None,),
    "equal_opportunity": (1,),
    "equalized_odds": (1, 0),
}


def strata_of(notions: Sequence[str]) -> tuple[int | None, ...]:
    """Return the labels within which groups are compared; None compares all rows.

    Args:
        notions: Names of fairness penalties; without any it is demographic parity.
    """
    return tuple(dict.fromkeys(label for one in notions or ("demographic_parity",) for label in STRATA[one]))
