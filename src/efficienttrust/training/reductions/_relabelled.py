"""A problem whose labels and weights a reduction has chosen, one label and one weight for each group and label."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem, Split
from efficienttrust.evaluation.splits import steering_codes


class Relabelling:
    """Rows by cell, where a cell is one group and one label; rows of unknown or tiny groups are left out.

    Args:
        problem: The problem.
        attribute: Sensitive attribute, "" for the intersections.
        most: Training rows, evenly chosen, that the game is played on at most; models learn from all.

    Attributes:
        rows: [n] positions in the training split of the rows that the game is played on.
        y: [n] their labels.
        groups: [n] their group codes.
    """

    def __init__(self, problem: Problem, attribute: str, most: int) -> None:
        self._problem = problem
        self._kept: dict[str, NDArray[np.int64]] = {}
        self._cells: dict[str, NDArray[np.int64]] = {}
        for name in ("train", "monitor"):
            split = problem.splits[name]
            codes, n_groups = steering_codes(problem, split, attribute)
            self._kept[name] = np.flatnonzero(codes >= 0)
            self._cells[name] = (split.y.astype(np.int64) * n_groups + codes)[self._kept[name]]
        self._n_cells = 2 * n_groups
        played = np.linspace(0, len(self._kept["train"]) - 1, min(len(self._kept["train"]), most)).astype(np.int64)
        self._played = self._cells["train"][played]
        self.rows = self._kept["train"][played]
        self.y: NDArray[np.int64] = self._played // n_groups
        self.groups: NDArray[np.int64] = self._played % n_groups

    def table(self, labels: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [2, cells]: label and weight of each cell, from those of the rows of the game; NaN without rows."""
        cells, first = np.unique(self._played, return_index=True)
        table = np.full((2, self._n_cells), np.nan)
        table[:, cells] = labels[first], weights[first]
        return table

    def problem(self, table: NDArray[np.float64]) -> Problem:
        """Return the problem with the labels and weights of a table, on train and, to watch by, on monitor."""
        splits = dict(self._problem.splits)
        for name, kept in self._kept.items():
            known = ~np.isnan(table[0, self._cells[name]])
            splits[name] = _relabelled(splits[name], kept[known], *table[:, self._cells[name][known]])
        return dataclasses.replace(self._problem, splits=splits)


def _relabelled(
    split: Split, rows: NDArray[np.int64], labels: NDArray[np.float64], weights: NDArray[np.float64]
) -> Split:
    own = weights if split.weight is None else weights * split.weight[rows]
    return dataclasses.replace(
        split,
        x=split.x[rows],
        y=labels.astype(split.y.dtype),
        groups=split.groups[rows],
        codes={name: codes[rows] for name, codes in split.codes.items()},
        weight=own.astype(np.float32),
        rows=split.rows[rows],
    )
