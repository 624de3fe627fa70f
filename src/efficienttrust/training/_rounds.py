"""Rounds of boosted trees: how many in words, the first of them, those between, and two forests as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import TreeScorer


def count_text(rounds: int, outputs: int) -> str:
    """Return a number of rounds in words: of one tree each, or of one for each class."""
    if outputs == 1:
        return f"{rounds} tree{'' if rounds == 1 else 's'}"
    return f"{rounds} round{'' if rounds == 1 else 's'} of {outputs} trees"


def first_trees(scorer: TreeScorer, rounds: int) -> TreeScorer:
    """Return the model of the first rounds, the baseline included."""
    return scorer if rounds >= scorer.rounds else trees_between(scorer, 0, rounds)


def trees_between(scorer: TreeScorer, start: int, stop: int) -> TreeScorer:
    """Return the rounds [start, stop) as a scorer; the baseline belongs to the first round."""
    ends = np.append(scorer.roots, len(scorer.feature))
    begin, end = start * scorer.outputs, stop * scorer.outputs
    first, last = int(ends[begin]), int(ends[end])
    roots = scorer.roots[begin:end] - first
    nodes = slice(first, last)
    left, right = scorer.left[nodes] - first, scorer.right[nodes] - first
    return replace(
        scorer,
        roots=roots,
        feature=scorer.feature[nodes],
        threshold=scorer.threshold[nodes],
        left=left,
        right=right,
        value=scorer.value[nodes],
        depth=_depth(roots, left, right),
        baseline=scorer.baseline if start == 0 else np.zeros(scorer.outputs),
    )


def joined(first: TreeScorer, more: TreeScorer) -> TreeScorer:
    """Return the rounds of two scorers as one, whose score is the sum of theirs."""
    shift = len(first.feature)
    return replace(
        first,
        roots=np.concatenate([first.roots, more.roots + shift]),
        feature=np.concatenate([first.feature, more.feature]),
        threshold=np.concatenate([first.threshold, more.threshold]),
        left=np.concatenate([first.left, more.left + shift]),
        right=np.concatenate([first.right, more.right + shift]),
        value=np.concatenate([first.value, more.value]),
        depth=max(first.depth, more.depth),
        baseline=first.baseline + more.baseline,
    )


def _depth(roots: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    inner, depth = roots[left[roots] != roots], 0
    while len(inner):
        children = np.concatenate([left[inner], right[inner]])
        inner, depth = children[left[children] != children], depth + 1
    return depth
