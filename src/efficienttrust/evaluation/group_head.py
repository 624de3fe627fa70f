"""The second head: P(group | row), so that calibration can use a group that nobody is asked for at prediction.

A multinomial logistic regression on the encoded row. Where the columns that an adversary cannot move tell the group
nearly as well as all columns do, it reads these only: then no perturbation moves a row's threshold, and the margins
found under attack hold for every threshold rule at once.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

ROWS = 8000
FEWEST_ROWS = 20
WORTH = 1.02  # all columns are read if the log loss of the unmovable ones is more than this factor worse

Head = tuple[NDArray[np.float32], NDArray[np.float32]]


def fit_group_head(
    x: NDArray[np.float32], groups: NDArray[np.int64], n_groups: int, movable: NDArray[np.bool_], seed: int
) -> Head | None:
    """Fit the head on training rows of known group.

    Args:
        x: [n, d] encoded training rows.
        groups: [n] codes, -1 unknown.
        n_groups: G.
        movable: [d] whether an adversary may change the feature.
        seed: Seed of the choice of at most `ROWS` rows.

    Returns:
        `(W [d, G], b [G])`, or None when fewer than two groups have rows enough to learn from.
    """
    known = np.flatnonzero(groups >= 0)
    counts = np.bincount(groups[known], minlength=n_groups)
    if (counts >= 2).sum() < 2 or len(known) < FEWEST_ROWS:
        return None
    rows = np.random.default_rng(seed).permutation(known)[:ROWS]
    held_out, fitted = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    if len(np.unique(groups[fitted])) < 2:
        return None
    everything = np.ones(x.shape[1], dtype=bool)
    if movable.any() and not movable.all():
        fixed_head = _fit(x[fitted], groups[fitted], n_groups, ~movable)
        full_head = _fit(x[fitted], groups[fitted], n_groups, everything)
        fixed_loss = _log_loss(fixed_head, x[held_out], groups[held_out])
        full_loss = _log_loss(full_head, x[held_out], groups[held_out])
        return fixed_head if fixed_loss <= WORTH * full_loss else full_head
    return _fit(x[fitted], groups[fitted], n_groups, everything)


def posterior(head: Head, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return P(group | row) [n, G], in the arithmetic of the exported file."""
    logits = x @ head[0] + head[1]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)


def informativeness(head: Head | None, x: NDArray[np.float32], groups: NDArray[np.int64]) -> float:
    """Return how much of the uncertainty about the group the head removes on these rows: 0 nothing, 1 everything.

    One minus the ratio of its log loss to the entropy of the groups (McFadden's R²), not below 0.
    """
    known = np.flatnonzero(groups >= 0)
    if head is None or len(known) == 0:
        return 0.0
    shares = np.bincount(groups[known]) / len(known)
    shares = shares[shares > 0]
    entropy = float(-(shares * np.log(shares)).sum())
    return max(0.0, 1.0 - _log_loss(head, x[known], groups[known]) / entropy) if entropy > 0 else 0.0


def _fit(x: NDArray[np.float32], groups: NDArray[np.int64], n_groups: int, used: NDArray[np.bool_]) -> Head:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a head that stopped before convergence is still a head
        model = LogisticRegression(max_iter=60, tol=1e-3).fit(x[:, used], groups)
    weight = np.zeros((x.shape[1], n_groups), dtype=np.float32)
    bias = np.full(n_groups, -30.0, dtype=np.float32)  # a group never seen gets no probability
    if len(model.classes_) == 2:
        first, second = model.classes_
        weight[used, second] = model.coef_[0]
        bias[first], bias[second] = 0.0, model.intercept_[0]
    else:
        weight[np.ix_(used, model.classes_)] = model.coef_.T
        bias[model.classes_] = model.intercept_
    return weight, bias


def _log_loss(head: Head, x: NDArray[np.float32], groups: NDArray[np.int64]) -> float:
    chosen = posterior(head, x)[np.arange(len(x)), groups]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean()) if len(x) else 0.0
