"""The second head: P(group | row), so that calibration can use a group that nobody is asked for at prediction.

A multinomial logistic regression on the encoded row. With a robustness target it reads only the columns that an
adversary cannot move: then no perturbation moves a row's threshold, and the margins found under attack hold for every
threshold rule at once. A head that reads movable columns is a second thing to attack, and on COMPAS it cost more
robustness than it bought fairness.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem

ROWS = 8000
FEWEST_ROWS = 20

NO_HEAD = (
    "the group cannot be inferred from what may be read at prediction (columns that no attack moves): calibration has "
    "one threshold, and fairness rests on training; --use-groups-at-prediction would give each group its own"
)

NO_HEAD_OF_IMAGES = (
    "the group is not inferred from pixels: calibration has one threshold for all, and fairness rests on training"
)

Head = tuple[NDArray[np.float32], NDArray[np.float32]]


def fit_group_head(
    x: NDArray[np.float32], groups: NDArray[np.int64], n_groups: int, readable: NDArray[np.bool_], seed: int
) -> Head | None:
    """Fit the head on training rows of known group.

    Args:
        x: [n, d] encoded training rows.
        groups: [n] codes, -1 unknown.
        n_groups: G.
        readable: [d] whether the head may read the feature.
        seed: Seed of the choice of at most `ROWS` rows.

    Returns:
        `(W [d, G], b [G])`, or None when no feature may be read or fewer than two groups have rows to learn from.
    """
    known = np.flatnonzero(groups >= 0)
    counts = np.bincount(groups[known], minlength=n_groups)
    if not readable.any() or (counts >= 2).sum() < 2 or len(known) < FEWEST_ROWS:
        return None
    rows = np.random.default_rng(seed).permutation(known)[:ROWS]
    if len(np.unique(groups[rows])) < 2:
        return None
    return _fit(x[rows], groups[rows], n_groups, readable)


def head_of(problem: Problem, *, robust: bool, seed: int) -> Head | None:
    """Fit the head of a problem; with a robustness target it reads only what an adversary cannot move."""
    split = problem.splits["train"]
    readable = np.ones(split.x.shape[1], dtype=bool)
    if robust:
        readable[: len(problem.domain.mutable)] = ~problem.domain.mutable
    return fit_group_head(split.x, split.groups, len(problem.group_names), readable, seed)


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
