"""The float parent of an exported file as something to attack, and its worst logits on a split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.compression import Decision, NetworkScorer, Scorer, cut_encoded, score_encoded
from efficienttrust.data import Domain
from efficienttrust.evaluation.calibration import Attacked
from efficienttrust.threats import Attack, Objective, Reach, attacks, lower_margins, reach
from efficienttrust.threats.catalogue.pgd import SHORT_PGD

CHUNK = 2048
CHEAP = ("fgsm", "n_fgsm", "coordinate", "random_points")
"""Attacks that training can afford as they are."""


class NetworkVictim:
    """Margins of a network on fixed rows as a differentiable function of their numeric columns.

    Where the threshold of a row does not move with its numeric columns, `lower_margin` bounds the margin over a region.

    Args:
        scorer: The network.
        x: [n, d] encoded rows.
        n_numeric: p, the number of leading numeric columns.
        decision: The rule whose margin is attacked; None attacks the logit itself.
        groups: [n] group codes, for a rule that uses them.
    """

    differentiable = True

    def __init__(
        self,
        scorer: NetworkScorer,
        x: NDArray[np.float32],
        n_numeric: int,
        decision: Decision | None = None,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        self._layers = [(torch.from_numpy(weight), torch.from_numpy(bias)) for weight, bias in scorer.layers]
        self._x, self._p = torch.from_numpy(x), n_numeric
        self._cut: Tensor | None = None
        self._head: tuple[Tensor, Tensor, Tensor] | None = None
        if decision is None:
            return
        if decision.head is not None and n_numeric and np.any(decision.head[0][:n_numeric] != 0):
            weight, bias = decision.head
            offsets = (decision.group_offsets.astype(np.float64) + decision.threshold).astype(np.float32)
            self._head = (torch.from_numpy(weight), torch.from_numpy(bias), torch.from_numpy(offsets))
        else:
            self._cut = torch.from_numpy(np.asarray(cut_encoded(decision, x, groups), dtype=np.float32))
            self.lower_margin = self._lower_margin

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the margin of these rows as a function of their numeric columns."""
        x, p = self._x[rows], self._p
        weight, bias = self._layers[0]
        fixed = x[:, p:] @ weight[p:] + bias
        cut = None if self._cut is None else self._cut[rows]
        head = self._head
        group_logits = None if head is None else x[:, p:] @ head[0][p:] + head[1]

        def margin(numeric: Tensor) -> Tensor:
            activation = torch.addmm(fixed, numeric, weight[:p])
            for inner_weight, inner_bias in self._layers[1:]:
                activation = torch.addmm(inner_bias, torch.relu(activation), inner_weight)
            z = activation.squeeze(1)
            if head is not None and group_logits is not None:
                shares = torch.softmax(torch.addmm(group_logits, numeric, head[0][:p]), dim=1)
                return z - shares @ head[2]
            return z if cut is None else z - cut

        return margin

    def _lower_margin(self, rows: Tensor, region: Reach, y: Tensor) -> Tensor:
        assert self._cut is not None
        x, p = self._x[rows], self._p
        weight, bias = self._layers[0]
        fixed, sign = x[:, p:] @ weight[p:] + bias, (2 * y - 1).to(torch.float32)
        low, high = region.origin - region.down, region.origin + region.up
        return lower_margins(weight[:p], fixed, self._layers[1:], low, high, sign) - sign * self._cut[rows]


class ScorerVictim:
    """Margins of any scorer on fixed rows, without a gradient (trees).

    Args:
        scorer: The scorer.
        x: [n, d] encoded rows.
        n_numeric: p, the number of leading numeric columns.
    """

    differentiable = False

    def __init__(self, scorer: Scorer, x: NDArray[np.float32], n_numeric: int) -> None:
        self._scorer, self._x, self._p = scorer, x, n_numeric

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the logit of these rows as a function of their numeric columns."""
        moved = self._x[rows.numpy()].copy()

        def logit(numeric: Tensor) -> Tensor:
            moved[:, : self._p] = numeric.detach().numpy()
            return torch.from_numpy(score_encoded(self._scorer, moved))

        return logit


def short_attack(name: str, scorer: Scorer, n_numeric: int) -> Attack:
    """Return what stands in for an attack while training and calibrating: short PGD, or a search for trees.

    Args:
        name: The attack.
        scorer: What is attacked.
        n_numeric: Columns that may move; where they are too many for the coordinate search, random points stand in.
    """
    attack = attacks.get(name)
    if not isinstance(scorer, NetworkScorer):
        search = attacks.get("coordinate")
        wide = search.most_cells is not None and n_numeric > search.most_cells
        return attacks.get("random_points") if wide else search
    return attack if attack.name in CHEAP else SHORT_PGD


def worst_logits(
    scorer: Scorer,
    domain: Domain,
    x: NDArray[np.float32],
    y: NDArray[np.int8],
    rows: NDArray[np.int64],
    *,
    attack: str,
    eps: float,
    norm: str = "linf",
    seed: int = 0,
) -> Attacked:
    """Attack the logit of every row away from its label, right or wrong, so that the result serves all thresholds.

    Args:
        scorer: What is attacked.
        domain: The perturbation domain.
        x: [n, d] encoded rows of a split.
        y: [n] labels.
        rows: [m] positions to attack.
        attack: Name of the attack.
        eps: Its radius.
        norm: Its norm.
        seed: Seed of random starts.
    """
    chosen = x[rows]
    p = len(domain.lower)
    victim = NetworkVictim(scorer, chosen, p) if isinstance(scorer, NetworkScorer) else ScorerVictim(scorer, chosen, p)
    method = short_attack(attack, scorer, p)
    labels = torch.from_numpy(y[rows].astype(np.int64))
    where = reach(domain, torch.from_numpy(chosen), eps, norm)
    generator = torch.Generator().manual_seed(seed)
    z = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = torch.arange(start, min(start + CHUNK, len(rows)))
        _, margin = method.run(Objective(victim.bind(part), labels[part]), where.rows(part), generator)
        z[part.numpy()] = ((2 * labels[part] - 1) * margin).numpy()
    return Attacked(rows, z)
