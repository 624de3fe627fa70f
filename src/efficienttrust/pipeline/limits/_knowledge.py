"""What the rows of a problem are known to allow, or estimated to; each computed at its first use."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem
from efficienttrust.theory import Bound


class Knowledge:
    """Bounds and estimates of one problem.

    Args:
        problem: The problem.
        aware: Whether the true group is used at prediction.
        seed: Seed of the folds and of the bootstrap.
    """

    def __init__(self, problem: Problem, *, aware: bool, seed: int) -> None:
        self._problem, self._aware, self._seed = problem, aware, seed

    @cached_property
    def most_right(self) -> Bound | None:
        """The highest accuracy on the test rows, as rows that are read alike get one answer; None for a regression."""
        if self._problem.task == "regression":
            return None
        part = self._problem.splits["test"]
        alike = self._alike()
        weight = np.ones(len(part)) if part.weight is None else part.weight.astype(np.float64)
        _, labels = np.unique(part.y, return_inverse=True)
        votes = np.zeros((int(alike.max(initial=-1)) + 1, int(labels.max(initial=-1)) + 1))
        np.add.at(votes, (alike, labels), weight)
        mixed = (votes > 0).sum(axis=1) > 1
        return Bound(
            float(votes.max(axis=1).sum() / weight.sum()),
            "upper",
            ("a model says the same of rows that it reads alike", "it decides without chance"),
            "one decision per distinct row; T13 with eps = 0",
            {"n": len(part), "contradictory": int(mixed[alike].sum())},
        )

    def _alike(self) -> NDArray[np.int64]:
        """Return a number per test row, the same for rows that every model reads alike."""
        from pandas.util import hash_pandas_object

        part = self._problem.splits["test"]
        if part.pixels is None:
            read = self._problem.raw("test")
            kept = [name for name in read if self._aware or name not in self._unread]
            hashed = hash_pandas_object(read[kept], index=False).to_numpy()
        else:
            import hashlib

            digests = [hashlib.sha256(part.inputs(slice(i, i + 1)).tobytes()).digest()[:8] for i in range(len(part))]
            hashed = np.frombuffer(b"".join(digests), dtype=np.uint64)
        return np.unique(hashed, return_inverse=True)[1].astype(np.int64)

    @property
    def _unread(self) -> set[str]:
        """Sensitive columns that no model reads unless it is group-aware."""
        return set(self._problem.sensitive) - {column.name for column in self._problem.columns}
