"""What a decision rule is judged by, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.targets import Target

Floats = NDArray[np.float32]

PENALTY = 10.0  # utility given up per unit of violation: far above any real exchange rate
LABEL_FREE = ("demographic_parity_difference", "demographic_parity_ratio")


@dataclass(frozen=True, eq=False)
class Attacked:
    """Logits under attack.

    Attributes:
        rows: [m] positions of the attacked rows.
        z: [m] logits at the worst point found for each row; margins of more than two classes.
    """

    rows: NDArray[np.int64]
    z: Floats


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """Further rows whose labels are not looked at; they sharpen the selection rates, which need none.

    Attributes:
        z: [m] logits.
        codes: Attribute name ("" for the intersections) -> ([m] codes, number of groups).
        posterior: [m, G] P(group | row) or one-hot groups.
        weight: [m] what a row counts, or None.
    """

    z: Floats
    codes: Mapping[str, tuple[NDArray[np.int64], int]]
    posterior: Floats
    weight: Floats | None = None


@dataclass(frozen=True, eq=False)
class CalibrationData:
    """Everything a decision rule is judged by on one split.

    Attributes:
        z: [n] logits.
        y: [n] labels.
        codes: Attribute name ("" for the intersections) -> ([n] codes, number of groups).
        posterior: [n, G] P(group | row) or one-hot groups; G = 0 without a group term.
        attacked: Robustness key -> logits under that attack.
        weight: [n] what a row counts, or None.
        more: Further rows for the metrics that need no label.
    """

    z: Floats
    y: NDArray[Any]
    codes: Mapping[str, tuple[NDArray[np.int64], int]]
    posterior: Floats
    attacked: Mapping[str, Attacked]
    weight: Floats | None = None
    more: Unlabelled | None = None


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A decision rule and what it came to on the split that it was fitted on.

    Attributes:
        threshold: Logit threshold.
        offsets: [G] logit offsets per group.
        objective: Utility minus `PENALTY` × violation of the tightened targets.
        utility: Accuracy; R squared of a regression.
        values: Target key -> point value.
        violation: Sum of the violations of the targets themselves (not tightened).
        shortfall: Sum of the violations of the tightened targets.
    """

    threshold: float
    offsets: Floats
    objective: float
    utility: float
    values: Mapping[str, float]
    violation: float
    shortfall: float

    @property
    def rank(self) -> float:
        """Utility less shortfall, one for one: by it candidates are compared, as its noise is that of a rate."""
        return self.utility - self.shortfall


def utility_of(task: str) -> str:
    """Return the metric by which models that meet the targets alike are told apart."""
    return "r2" if task == "regression" else "accuracy"


def attribute_of(target: Target) -> str:
    """Return the sensitive attribute that a target compares by, "" for the intersections of all."""
    return str(dict(target.arguments).get("by") or "")


def robustness_key(target: Target) -> str:
    """Return the key of the attack that a robustness target asks for, whatever metric it reads off it."""
    from efficienttrust.metrics import robust_key

    arguments = dict(target.arguments)
    return robust_key(str(arguments["attack"]), float(arguments["eps"]), str(arguments.get("norm", "linf")))
