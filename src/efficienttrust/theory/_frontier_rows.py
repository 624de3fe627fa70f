"""What a frontier is computed from, checked: posteriors, groups, masses, and what is asked of the rates.

Letters, for all modules of the frontier: eta the probability of label 1, m the mass of a row (all add up to 1), h the
probability that a rule says 1, a a group, p_a its base rate, delta the gap that is allowed; G groups, D gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError, unknown_name

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

Constraint = Literal["dp", "eopp", "eo"]
Gaps = Literal["mean", "max"]
Attribute = Literal["aware", "blind"]

LARGEST_CODE = 10_000


@dataclass(frozen=True, eq=False)
class Rows:
    """Checked rows.

    Attributes:
        eta: Probabilities of label 1 [n].
        mass: Weights that add up to 1 [n].
        codes: Group of each row, 0 to G - 1 [n].
        names: What the groups were called, by code.
        y: Labels 0 or 1 [n], or None.
        kept: Which of the rows given these are; rows of unknown group and without weight play no part.
    """

    eta: Floats
    mass: Floats
    codes: Codes
    names: tuple[str, ...]
    y: Floats | None
    kept: NDArray[np.bool_]


def checked_rows(scores: ArrayLike, y: ArrayLike | None, groups: ArrayLike, sample_weight: ArrayLike | None) -> Rows:
    """Return rows that a frontier can be computed from.

    Raises:
        UsageError: What is wrong with them, in one line.
    """
    eta = np.asarray(scores, dtype=np.float64)
    if eta.ndim != 1 or not len(eta):
        raise UsageError(f"scores have the shape {eta.shape}: give the probabilities of at least one row, [n]")
    if not (np.min(eta) >= 0 and np.max(eta) <= 1):  # NaN fails both
        kind = "NaN" if np.isnan(eta).any() else f"values from {eta.min():g} to {eta.max():g}"
        raise UsageError(f"scores hold {kind}: a frontier needs probabilities within [0, 1]; calibrate them first")
    labels = None if y is None else _labels(y, len(eta))
    weight = np.ones(len(eta)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != eta.shape or not np.isfinite(weight).all() or weight.min() < 0:
        raise UsageError(f"sample_weight: give {len(eta)} finite numbers of at least 0, one for each score")
    codes, names = _codes(np.asarray(groups), len(eta))
    kept = (codes >= 0) & (weight > 0)
    if not kept.any():
        raise UsageError("no row has a known group and a weight above 0: nothing to compute a frontier from")
    if not kept.all():
        eta, weight, codes = eta[kept], weight[kept], codes[kept]
        labels = None if labels is None else labels[kept]
    present = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    if len(present) < len(names):
        codes, names = np.searchsorted(present, codes), tuple(names[code] for code in present)
    return Rows(eta, weight / weight.sum(), codes, names, labels, kept)


def checked_deltas(deltas: ArrayLike) -> Floats:
    """Return allowed gaps as a rising array within [0, 1], or say what is wrong with them."""
    found = np.atleast_1d(np.asarray(deltas, dtype=np.float64))
    if found.ndim != 1 or not len(found):
        raise UsageError("deltas: give one allowed gap or a list of them")
    if not (found.min() >= 0 and found.max() <= 1):
        raise UsageError(f"deltas from {found.min():g} to {found.max():g}: an allowed gap lies within [0, 1]")
    if (np.diff(found) < 0).any():
        raise UsageError("deltas are not in rising order: sort them, so that the frontier is one curve")
    return found


def checked_name(kind: str, name: str, known: object) -> None:
    """Say that a name is none of a `Literal`, with the closest one."""
    if name not in get_args(known):
        raise unknown_name(kind, name, get_args(known))


def need_classes(rows: Rows, constraint: Constraint) -> None:
    """Say which group has no positives (for eopp, eo) or no negatives (for eo): its rate does not exist."""
    for kind, share in (("positives", rows.eta), ("negatives", 1 - rows.eta)):
        if constraint == "dp" or (constraint == "eopp" and kind == "negatives"):
            continue
        there = np.bincount(rows.codes, rows.mass * share, len(rows.names))
        if not there.all():
            name = rows.names[int(np.argmin(there))]
            raise UsageError(f"group {name!r} has no {kind}: {constraint} asks for a rate among them; leave it out")


def no_trade_off(rows: Rows) -> str:
    """Return why there is no trade-off to speak of, or an empty text."""
    if len(rows.names) < 2:
        return f"there is one group only ({rows.names[0]}), so no gap between groups is defined"
    if rows.eta.min() == rows.eta.max():
        if rows.eta[0] in (0, 1):
            return f"all rows are of class {rows.eta[0]:g}: saying so is right for every group"
        return "all scores are equal: the same answer for all rows is best and has no gap"
    return ""


def checked_members(group_probabilities: ArrayLike | None, rows: Rows) -> Floats:
    """Return P(A = a | row) [n, G] or P(A = a | row, Y = y) [n, 2, G] of the kept rows, or say what is wrong."""
    n, k = len(rows.kept), len(rows.names)
    if group_probabilities is None:
        raise UsageError("a rule that may not read the group needs group_probabilities, P(A = a | row) as [n, G]")
    members = np.asarray(group_probabilities, dtype=np.float64)
    if members.shape not in ((n, k), (n, 2, k)):
        raise UsageError(f"group_probabilities have the shape {members.shape}: give {(n, k)} or {(n, 2, k)}")
    if not (members.min() >= 0 and np.abs(members.sum(axis=-1) - 1).max() < 1e-6):
        raise UsageError("group_probabilities are not probabilities: in each row they are at least 0 and add up to 1")
    return members if rows.kept.all() else members[rows.kept]


def _labels(y: ArrayLike, n: int) -> Floats:
    labels = np.asarray(y, dtype=np.float64)
    if labels.shape != (n,):
        raise UsageError(f"y has the shape {labels.shape}: give one label for each of the {n} scores")
    if not ((labels == 0) | (labels == 1)).all():
        raise UsageError("y holds values other than 0 and 1: a frontier is about binary labels")
    return labels


def _codes(groups: NDArray[np.generic], n: int) -> tuple[Codes, tuple[str, ...]]:
    """Return codes from 0 on and names; a negative whole number is a row of unknown group and stays -1."""
    if groups.shape != (n,):
        raise UsageError(f"groups have the shape {groups.shape}: give one group for each of the {n} scores")
    if np.issubdtype(groups.dtype, np.floating):
        numbers = groups.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise UsageError("groups hold NaN: name every group, or give whole numbers with -1 for unknown")
        if (numbers == np.round(numbers)).all():
            groups = numbers.astype(np.int64)
    if not np.issubdtype(groups.dtype, np.integer):
        found, inverse = np.unique(groups, return_inverse=True)
        return inverse.astype(np.int64), tuple(map(str, found))
    codes = np.maximum(groups.astype(np.int64, copy=False), -1)
    if codes.max() < LARGEST_CODE:
        return codes, tuple(map(str, range(max(0, int(codes.max()) + 1))))
    found, inverse = np.unique(codes, return_inverse=True)
    unknown = int(found[0] == -1)
    return inverse.astype(np.int64) - unknown, tuple(map(str, found[unknown:]))
