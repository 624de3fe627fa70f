"""Outcomes that the metric tests share, of every task."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import strategies as st

from efficienttrust.metrics import Outcome, corruption_key, metrics, robust_key

ATTACK = {"attack": "pgd", "eps": 0.25}
CORRUPTION = {"name": "gaussian_noise", "severity": 3}
DETECTOR = {"detector": "energy"}
KEY = "robust_accuracy(pgd, eps=0.25, norm=linf)"
K = 3

CASES = [(name, task) for name in metrics.names() for task in sorted(metrics.get(name).tasks)]
"""Every metric with every task that it is defined for."""


def make_outcome(
    seed: int = 0, n: int = 1000, groups: int = 2, weighted: bool = False, task: str = "binary"
) -> Outcome:
    """Random rows in which every group has rows of every label, decided every way."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, n)
    wide = {"binary": 2, "multiclass": K, "multilabel": 2, "regression": 2}[task]
    corners = np.array([(g, a, b) for g in range(groups) for a in range(wide) for b in range(wide)])
    codes[: len(corners)] = corners[:, 0]
    labels, decided = (np.resize(column, n) for column in (corners[:, 1], corners[:, 2]))
    make = {"binary": _binary, "multiclass": _multiclass, "multilabel": _multilabel, "regression": _regression}[task]
    columns = make(rng, codes, labels, decided, len(corners))
    rows = np.sort(rng.choice(n, n // 2, replace=False))
    names = tuple(f"group {g}" for g in range(groups))
    return Outcome(
        **columns,
        groups=codes,
        group_names=names,
        attributes={"sex": (codes, names)},
        robust={robust_key(**ATTACK): rng.random(n // 2) < 0.8},
        robust_rows={robust_key(**ATTACK): rows},
        corrupted={
            corruption_key(name, severity): rng.random(n) < 0.9 - 0.05 * severity
            for name in ("blur", "gaussian_noise")
            for severity in range(1, 6)
        },
        ood={"energy": (rng.normal(1, 1, n) + 0.1 * codes, rng.normal(0, 1, n // 2))},
        weight=rng.uniform(0.2, 3, n) if weighted else None,
        task=task,
    )


def _binary(rng, codes, labels, decided, corners) -> dict[str, np.ndarray]:
    n = len(codes)
    y = rng.integers(0, 2, n)
    score = np.clip(rng.beta(2, 2, n) + 0.25 * (y - 0.5) + 0.03 * codes, 0, 1).round(3)
    y[:corners], score[:corners] = labels[:corners], decided[:corners]
    return {"y": y, "prediction": (score > 0.5).astype(int), "score": score}


def _multiclass(rng, codes, labels, decided, corners) -> dict[str, np.ndarray]:
    n = len(codes)
    y = rng.integers(0, K, n)
    y[:corners] = labels[:corners]
    logits = rng.normal(0, 1, (n, K)) + 1.2 * np.eye(K)[y] + 0.1 * codes[:, None] * np.arange(K)
    logits[:corners] += 5 * np.eye(K)[decided[:corners]]
    score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return {"y": y, "prediction": score.argmax(axis=1), "score": score}


def _multilabel(rng, codes, labels, decided, corners) -> dict[str, np.ndarray]:
    several = [_binary(rng, codes, labels, decided, corners) for _ in range(K)]
    return {name: np.stack([one[name] for one in several], axis=1) for name in ("y", "prediction", "score")}


def _regression(rng, codes, labels, decided, corners) -> dict[str, np.ndarray]:
    y = rng.normal(3, 2, len(codes))
    prediction = y + rng.normal(0, 1, len(codes)) * (1 + 0.2 * codes) + 0.1 * codes
    return {"y": y, "prediction": prediction, "score": prediction}


def arguments_of(parameters: object) -> dict[str, object]:
    """The arguments that a metric cannot do without."""
    given = (ATTACK if "attack" in parameters else {}) | (CORRUPTION if "severity" in parameters else {})
    return given | (DETECTOR if "detector" in parameters else {})


def take(outcome: Outcome, rows: np.ndarray) -> Outcome:
    """The outcome of some of its rows, in the order given; rows of the attacked ones are looked up."""
    columns = {name: getattr(outcome, name)[rows] for name in ("y", "prediction", "score", "groups")}
    robust, robust_rows = {}, {}
    for key, right in outcome.robust.items():
        standing = np.full(len(outcome.y), -1)
        standing[outcome.robust_rows[key]] = right
        robust_rows[key] = np.flatnonzero(standing[rows] >= 0)
        robust[key] = standing[rows][robust_rows[key]] == 1
    return dataclasses.replace(
        outcome,
        **columns,
        attributes={name: (codes[rows], names) for name, (codes, names) in outcome.attributes.items()},
        robust=robust,
        robust_rows=robust_rows,
        corrupted={key: right[rows] for key, right in outcome.corrupted.items()},
        ood={name: (inside[rows], outside) for name, (inside, outside) in outcome.ood.items()},
        weight=None if outcome.weight is None else outcome.weight[rows],
    )


def any_outcomes(task: str = "binary") -> st.SearchStrategy[Outcome]:
    """Random outcomes of one task."""
    return st.builds(
        make_outcome,
        seed=st.integers(0, 10_000),
        n=st.integers(60, 400),
        groups=st.integers(2, 5),
        weighted=st.booleans(),
        task=st.just(task),
    )


outcomes = any_outcomes()
