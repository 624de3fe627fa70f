"""Outcomes that the metric tests share."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from efficienttrust.metrics import Outcome, robust_key

ATTACK = {"attack": "pgd", "eps": 0.25}
KEY = "robust_accuracy(pgd, eps=0.25, norm=linf)"


def make_outcome(seed: int = 0, n: int = 1000, groups: int = 2, weighted: bool = False) -> Outcome:
    """Random rows in which every group has positives and negatives, decided both ways."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, n)
    y = rng.integers(0, 2, n)
    corners = np.array([(g, label, decision) for g in range(groups) for label in (0, 1) for decision in (0, 1)])
    score = np.clip(rng.beta(2, 2, n) + 0.25 * (y - 0.5) + 0.03 * codes, 0, 1).round(3)
    codes[: len(corners)], y[: len(corners)], score[: len(corners)] = corners.T
    return Outcome(
        y=y,
        prediction=(score > 0.5).astype(int),
        score=score,
        groups=codes,
        group_names=tuple(f"group {g}" for g in range(groups)),
        attributes={"sex": (codes, tuple(f"group {g}" for g in range(groups)))},
        robust={robust_key(**ATTACK): rng.random(n // 2) < 0.8},
        robust_rows={robust_key(**ATTACK): np.sort(rng.choice(n, n // 2, replace=False))},
        weight=rng.uniform(0.2, 3, n) if weighted else None,
    )


def arguments_of(parameters: object) -> dict[str, object]:
    """The arguments that a metric cannot do without."""
    return dict(ATTACK) if "attack" in parameters else {}


outcomes = st.builds(
    make_outcome,
    seed=st.integers(0, 10_000),
    n=st.integers(40, 400),
    groups=st.integers(2, 5),
    weighted=st.booleans(),
)
