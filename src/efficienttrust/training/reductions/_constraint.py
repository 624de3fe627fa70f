"""The constraint of a reduction: a fairness target as fairlearn states it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.rule_data import attribute_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.training._levers import PENALTY_OF

MOMENTS = {
    "demographic_parity": "DemographicParity",
    "equal_opportunity": "TruePositiveRateParity",
    "equalized_odds": "EqualizedOdds",
}
"""Penalty of ours to the class of fairlearn that constrains the same rates."""


@dataclass(frozen=True)
class Constraint:
    """One fairness target in fairlearn's terms.

    Attributes:
        target: The target.
        attribute: Sensitive attribute that it compares by, "" for the intersections of all.
        others: Fairness targets that the reduction does not see, as it has one constraint.
    """

    target: Target
    attribute: str
    others: tuple[Target, ...]

    def moment(self) -> Any:
        """Return a new, unloaded moment of fairlearn.

        fairlearn bounds how far each group is from all rows together. Two groups that are each within half a bound of
        them are within the bound of each other, hence the half.
        """
        import fairlearn.reductions

        kind = getattr(fairlearn.reductions, MOMENTS[PENALTY_OF[self.target.metric]])
        if self.target.relation == ">=":
            return kind(ratio_bound=self.target.bound)
        return kind(difference_bound=self.target.bound / 2)


def constraint_of(targets: Sequence[Target]) -> Constraint:
    """Return the first fairness target as a constraint.

    Raises:
        UsageError: There is none.
    """
    fair = [target for target in targets if target.metric in PENALTY_OF]
    if not fair:
        raise UsageError(
            "a reduction needs a target that it can constrain, such as demographic_parity_difference <= 0.05; without "
            "one choose --model mlp"
        )
    return Constraint(fair[0], attribute_of(fair[0]), tuple(fair[1:]))


class Loaded:
    """A constraint on training rows: what decisions come to.

    Args:
        constraint: The constraint.
        y: [n] labels, 0 or 1.
        groups: [n] group codes.
    """

    def __init__(self, constraint: Constraint, y: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
        self._y = y
        self._moment = constraint.moment()
        with fairlearn_unheard():
            self._moment.load_data(rows_of(len(y)), y, sensitive_features=groups)
        self.bound: NDArray[np.float64] = np.asarray(self._moment.bound(), dtype=np.float64)

    def error(self, decided: NDArray[np.int8]) -> float:
        """Return the share of wrong decisions."""
        return float(np.mean(decided != self._y))

    def gamma(self, decided: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return [C], how far decisions are off, one value per constraint; at most `bound` is allowed."""
        answer: Callable[[Any], NDArray[np.int64]] = lambda _: decided.astype(np.int64)  # noqa: E731
        return np.asarray(self._moment.gamma(answer), dtype=np.float64)


def rows_of(n: int) -> NDArray[np.int64]:
    """Return what fairlearn is given in place of the features: row numbers, as our learner knows the rows."""
    return np.arange(n)[:, None]


@contextmanager
def fairlearn_unheard() -> Iterator[None]:
    """Let fairlearn run without what newer versions of pandas say of how it uses them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"fairlearn\.")
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"fairlearn\.")
        yield


def is_installed() -> bool:
    """Return whether fairlearn can be imported here."""
    return find_spec("fairlearn") is not None
