"""FairBatch: batches hold more of the rows that close the gap (Roh et al. 2021)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from efficienttrust.training._batches import Composition
from efficienttrust.training.interventions._groups import Groups
from efficienttrust.training.interventions._intervention import Answers, Effect, interventions
from efficienttrust.training.interventions._notions import strata_of

MEMORY = 0.9  # of the running mean score of a cell: about ten batches
EVERY = 10  # batches between two moves of the composition
STEP = 0.1  # of the logarithm of a cell's share, at full setting
MOST = math.log(4.0)  # a cell is never drawn more than so much above or below its share in the rows


@interventions.register("fair_batch")
class FairBatch:
    """Composes batches of cells (group, label) whose shares move by the sign of the gaps between the groups.

    Among the positives of a batch the groups of low scores become more, among the negatives those of high scores, so
    that the network errs less against them: by gaps among positives for equal opportunity, among each label for
    equalized odds, among all rows for demographic parity. How many rows of a label a batch holds stays as it is.
    Differs from the paper in that gaps are running means over the training batches (no extra pass), that a share moves
    by a factor (groups may be of very different size), and that there may be more than two groups.

    Args:
        groups: Groups and labels of the training rows.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary"})
    needs_answers: ClassVar[bool] = True
    row_flops = 3.0

    def __init__(self, groups: Groups) -> None:
        self._groups, self._strata = groups, strata_of(groups.notions)
        n = groups.count + 1  # the last group is that of rows without one, whose share never moves
        self._cells = groups.y * n + torch.where(groups.known, groups.codes, groups.count)
        self._base = torch.bincount(self._cells, minlength=2 * n).double().view(2, n) / len(self._cells)
        self._theta, self._mean, self._batches = self._fresh()
        self._composed = self._compose()

    def composition(self) -> Composition:
        """Return the cell of every row and the shares of the cells in the next batch."""
        return self._composed

    def take(self, answers: Answers, setting: float) -> Effect:
        """Remember the scores of the cells; from time to time move the shares."""
        cells = self._cells.index_select(0, answers.rows)
        weight = self._groups.weight.index_select(0, answers.rows)
        n = self._base.numel()
        counts = torch.bincount(cells, weight.double(), n).view_as(self._base)
        now = torch.bincount(cells, (weight * answers.scores).double(), n).view_as(self._base) / counts
        mixed = torch.where(self._mean.isnan(), now, MEMORY * self._mean + (1 - MEMORY) * now)
        self._mean = torch.where(counts > 0, mixed, self._mean)
        self._batches += 1
        if self._batches % EVERY == 0:
            self._theta = (self._theta + STEP * setting * self._signs()).clamp(-MOST, MOST)
            self._composed = self._compose()
        return Effect()

    def forget(self) -> None:
        """Return to the shares that the rows have."""
        self._theta, self._mean, self._batches = self._fresh()
        self._composed = self._compose()

    def state_dict(self) -> dict[str, Any]:
        """Return the shares' logarithms, the running means, and how many batches were seen."""
        return {"theta": self._theta, "mean": self._mean, "batches": self._batches}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._theta, self._mean, self._batches = state["theta"], state["mean"], state["batches"]
        self._composed = self._compose()

    def _compose(self) -> Composition:
        wanted = self._base * self._theta.exp()
        within = self._base.sum(1, keepdim=True) / wanted.sum(1, keepdim=True).clamp_min(1e-300)
        return Composition(self._cells, tuple((wanted * within).reshape(-1).tolist()))

    def _fresh(self) -> tuple[Tensor, Tensor, int]:
        return torch.zeros_like(self._base), torch.full_like(self._base, torch.nan), 0

    def _signs(self) -> Tensor:
        """Return whether each cell is to become more (1) or less (-1), [2, G + 1]; strata that disagree cancel."""
        signs, known = torch.zeros_like(self._base), self._groups.count
        mean, base = self._mean[:, :known], self._base[:, :known]
        for label in self._strata:
            rates = (mean.nan_to_num(0.0) * base).sum(0) / base.sum(0) if label is None else mean[label]
            seen = ~(mean.isnan() & (base > 0)).any(0) & (base.sum(0) > 0) if label is None else ~rates.isnan()
            low = torch.where(seen, torch.sign(rates[seen].mean() - rates), 0.0).nan_to_num(0.0)
            for one in (0, 1) if label is None else (label,):
                signs[one, :known] += low if one == 1 else -low
        return signs.clamp(-1.0, 1.0)
