"""Outcomes and their accumulators that the streaming tests share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from efficienttrust.metrics import Measurement, Outcome, metrics
from efficienttrust.metrics.streaming import BINS, Accumulator, Chunk, streamed_metrics

ATTRIBUTES = {"sex": ("F", "M"), "age": ("young", "middle", "old")}
CLASSES = ("a", "b", "c")


def make(task: str = "binary", seed: int = 0, n: int = 1500, weighted: bool = False, unknown: bool = True) -> Outcome:
    """Random rows of two attributes, some of unknown group, whose labels, decisions and scores depend on the group."""
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(0, len(groups), n) for name, groups in ATTRIBUTES.items()}
    both, names = codes["sex"] * 3 + codes["age"], [f"{s} & {a}" for s in ATTRIBUTES["sex"] for a in ATTRIBUTES["age"]]
    if unknown:
        for column in codes.values():
            column[rng.random(n) < 0.05] = -1
        both = np.where((codes["sex"] < 0) | (codes["age"] < 0), -1, both)
    columns = dict(zip(("y", "prediction", "score"), _columns(task, rng, n, codes["sex"]), strict=True))
    return Outcome(
        **columns,
        groups=both,
        group_names=tuple(names),
        attributes={name: (codes[name], groups) for name, groups in ATTRIBUTES.items()},
        weight=rng.uniform(0.2, 3, n) if weighted else None,
        task=task,
        classes=CLASSES if task in ("multiclass", "multilabel") else (),
    )


def _columns(task: str, rng: np.random.Generator, n: int, sex: np.ndarray) -> tuple[np.ndarray, ...]:
    if task == "regression":
        y = 40 + rng.normal(0, 3, n) + sex
        prediction = y + rng.normal(0, 1 + 0.5 * (sex == 1), n)
        return y, prediction, prediction
    if task == "multiclass":
        logits = rng.normal(0, 1, (n, 3)) + 0.3 * sex[:, None]
        y = np.argmax(logits + rng.normal(0, 1, (n, 3)), axis=1)
        return y, np.argmax(logits, axis=1), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    shape = n if task == "binary" else (n, 3)
    score = rng.beta(2, 2, shape)
    y = (rng.random(shape) < score).astype(int)
    return y, (score > (0.5 - 0.05 * sex if task == "binary" else 0.5)).astype(int), score


def chunks(outcome: Outcome, size: int = 400, scores: bool = True) -> Iterator[Chunk]:
    """The rows of an outcome, in chunks."""
    for start in range(0, len(outcome.y), size):
        rows = slice(start, start + size)
        yield Chunk(
            y=outcome.y[rows],
            prediction=outcome.prediction[rows],
            groups={name: codes[rows] for name, (codes, _) in outcome.attributes.items()},
            score=outcome.score[rows] if scores and outcome.task != "regression" else None,
            weight=None if outcome.weight is None else outcome.weight[rows],
        )


def empty(outcome: Outcome, bins: int = BINS) -> Accumulator:
    """An accumulator for the rows of an outcome."""
    attributes = {name: names for name, (_, names) in outcome.attributes.items()}
    weighted, bins = outcome.weight is not None, 0 if outcome.task == "regression" else bins
    return Accumulator(attributes, outcome.task, outcome.classes, weighted=weighted, bins=bins)


def counted(outcome: Outcome, size: int = 400, bins: int = BINS) -> Accumulator:
    """The accumulator of the rows of an outcome."""
    return empty(outcome, bins).update_from(chunks(outcome, size, scores=bins > 0))


def streamed(task: str) -> list[str]:
    """Names of the streamed metrics of a task."""
    return [name for name in streamed_metrics.names() if task in metrics.get(name).tasks]


def assert_same(found: Measurement, expected: Measurement, rel: float = 1e-9) -> None:
    """Both are the same measurement, numbers up to rounding."""
    numbers = ("value", "low", "high")
    assert [getattr(found, each) for each in numbers] == pytest.approx(
        [getattr(expected, each) for each in numbers], rel=rel, abs=rel, nan_ok=True
    )
    blank = dict.fromkeys(numbers, 0.0)
    assert dataclasses.replace(found, **blank) == dataclasses.replace(expected, **blank)
