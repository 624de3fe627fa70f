"""What files said on the same rows, and what it comes to side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem, Split
from efficienttrust.metrics import Outcome

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Answers:
    """What an exported file said on n rows; see `efficienttrust.compression.DeployedOutput`.

    Attributes:
        decision: Decisions, 0 or 1, or class codes [n]; of a regression empty.
        margin: Signed distance to the threshold of a binary model; of more classes the lead of the decided one, in
            logits [n]; of a regression empty.
        score: Probabilities [n] or [n, K]; of a regression the predicted numbers [n].
    """

    decision: Array
    margin: Array
    score: Array


@dataclass(frozen=True, eq=False)
class Pair:
    """A dense and a compressed model's answers on the rows of a split.

    Attributes:
        task: `binary`, `multiclass` or `regression`.
        split: The rows.
        before: Answers of the dense model that was compressed.
        after: Answers of the compressed model.
        modal: Most frequent decision of the dense models, int64 [n]; of a regression their mean number.
        dense_models: How many dense models voted.
    """

    task: str
    split: Split
    before: Answers
    after: Answers
    modal: Array
    dense_models: int

    def __len__(self) -> int:
        return len(self.split)

    @property
    def decides(self) -> bool:
        """Whether there are decisions that can flip."""
        return self.task != "regression"

    @property
    def flipped(self) -> Array:
        """Whether the compression changed the decision of each row, bool [n]."""
        return np.asarray(self.before.decision != self.after.decision)

    @property
    def moved(self) -> Array:
        """How far each row moved, float64 [n]: its margin or lead in logits, or its predicted number; at least 0.

        A row of more than two classes that flipped has lost the lead of its old class and given one to its new class.
        """
        if not self.decides:
            return np.asarray(np.abs(_numbers(self.after.score) - _numbers(self.before.score)))
        before, after = _numbers(self.before.margin), _numbers(self.after.margin)
        if self.task == "multiclass":
            after = np.where(self.flipped, -after, after)
        return np.asarray(np.abs(after - before))

    def errors(self, answers: Answers) -> Array:
        """Return 1 where a decision is wrong, or the distance of the number from the label, float64 [n]."""
        if self.decides:
            return np.asarray(answers.decision != self.split.y, dtype=np.float64)
        return np.asarray(np.abs(_numbers(answers.score) - _numbers(self.split.y)))

    def outcome(self, answers: Answers) -> Outcome:
        """Return answers as metrics take them, without groups."""
        none, weight = np.full(len(self), -1), self.split.weight
        return Outcome(self.split.y, answers.decision, answers.score, groups=none, weight=weight, task=self.task)


def pair_of(problem: Problem, split: str, dense: Sequence[Answers], compressed: Answers) -> Pair:
    """Return answers side by side.

    Args:
        problem: The problem.
        split: Name of the split that was answered.
        dense: Answers of the dense models; the first is the one that was compressed.
        compressed: Answers of the compressed model.

    Raises:
        ValueError: There is no dense model, or answers for another number of rows.
    """
    part = problem.splits[split]
    if not dense:
        raise ValueError("a compression is compared with at least one dense model, none is given")
    for answers in (*dense, compressed):
        counts = [len(answers.score)]
        if problem.task != "regression":
            counts += [len(answers.decision), len(answers.margin)]
        if any(count != len(part) for count in counts):
            raise ValueError(f"answers are for {counts[0]} rows, the split {split} has {len(part)}")
    if problem.task == "regression":
        modal = np.mean([_numbers(answers.score) for answers in dense], axis=0)
    else:
        modal = mode_of([answers.decision for answers in dense], len(problem.classes))
    return Pair(problem.task, part, dense[0], compressed, modal, len(dense))


def mode_of(decisions: Sequence[Array], classes: int) -> Array:
    """Return the most frequent decision of each row, int64 [n].

    Of equally frequent ones it is the first model's, if it is among them, else the lowest code.
    """
    rows = np.arange(len(decisions[0]))
    votes = np.zeros((len(rows), classes), dtype=np.float64)
    for decision in decisions:
        votes[rows, decision] += 1
    votes[rows, decisions[0]] += 0.5
    return np.asarray(votes.argmax(axis=1), dtype=np.int64)


def _numbers(values: Array) -> Array:
    return np.asarray(values, dtype=np.float64)
