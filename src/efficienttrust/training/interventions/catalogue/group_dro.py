"""GroupDRO: the groups that lose most count most (Sagawa et al. 2020)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch

from efficienttrust.training.interventions._groups import Groups
from efficienttrust.training.interventions._intervention import Answers, Effect, interventions

MEMORY = 0.9  # of the running mean loss of a group: about ten batches
LEAST = 1e-4  # weight of a group, so that none is lost for good


@interventions.register("group_dro")
class GroupDRO:
    """Learns sum over groups of q_g L_g, where q_g grows as exp(step × loss of the group) with every batch.

    Letters: p_g share of group g in the training rows; q_g its weight, p_g at first; m_g running mean of its loss.

    q_g <- q_g exp(step m_g), scaled to sum to 1, at least `LEAST`; a row of group g counts q_g / p_g. Differs from the
    paper in both: the loss that drives q is smoothed over batches, so that a group that a batch lacks is judged by what
    it lost before (and, before it was ever seen, by the mean of the others); and rows are weighed by the share of their
    group in all rows, not in the batch, so that a single row of a small group never carries a whole batch. Rows without
    a group count 1.

    Args:
        groups: Groups and labels of the training rows.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass", "regression"})
    needs_answers: ClassVar[bool] = True
    row_flops = 3.0

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._shares: list[float] = groups.shares.tolist()
        self._q, self._mean = self._fresh()

    def take(self, answers: Answers, setting: float) -> Effect:
        """Move the weights of the groups by the losses of a batch; return those of its rows."""
        groups, rows = self._groups, answers.rows
        codes = groups.codes.index_select(0, rows)
        weights: list[float] = groups.sums(codes, groups.weight.index_select(0, rows)).tolist()
        losses: list[float] = groups.sums(codes, answers.losses).tolist()
        for group, (weight, loss) in enumerate(zip(weights, losses, strict=True)):
            if weight > 0 and math.isfinite(loss):
                before, now = self._mean[group], loss / weight
                self._mean[group] = now if math.isnan(before) else MEMORY * before + (1 - MEMORY) * now
        seen = [mean for mean in self._mean if not math.isnan(mean)]
        centre = math.fsum(seen) / len(seen) if seen else 0.0
        rises = [0.0 if math.isnan(mean) else mean - centre for mean in self._mean]  # a common factor cancels
        top = max(rises)
        grown = [q * math.exp(setting * (rise - top)) for q, rise in zip(self._q, rises, strict=True)]
        total = math.fsum(grown)
        self._q = [max(q / total, LEAST) for q in grown]
        ratios = [q / p if p > 0 else 1.0 for q, p in zip(self._q, self._shares, strict=True)]
        return Effect(torch.tensor([*ratios, 1.0])[codes])  # code -1 takes the last

    def forget(self) -> None:
        """Let every group count as many rows as it has, and forget what it lost."""
        self._q, self._mean = self._fresh()

    def state_dict(self) -> dict[str, Any]:
        """Return the weights and the running losses of the groups."""
        return {"q": list(self._q), "mean": list(self._mean)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._q, self._mean = list(state["q"]), list(state["mean"])

    def _fresh(self) -> tuple[list[float], list[float]]:
        return list(self._shares), [math.nan] * self._groups.count
