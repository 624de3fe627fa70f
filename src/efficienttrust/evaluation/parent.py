"""The float parent of an exported file as something to attack, and its worst logits on a split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from efficienttrust.compression import (
    Decision,
    ModuleScorer,
    NetworkScorer,
    QuantisedScorer,
    Scorer,
    TreeScorer,
    cut_encoded,
    parent_of,
    score_encoded,
)
from efficienttrust.data import Problem
from efficienttrust.evaluation.rule_data import Attacked
from efficienttrust.threats import (
    Attack,
    ModuleVictim,
    Objective,
    Reach,
    Region,
    Victim,
    attacks,
    ball,
    lower_margins,
    reach,
)
from efficienttrust.threats.catalogue.pgd import SHORT_PGD

CHUNK = 2048
CELLS = 2**18  # of a chunk: images are larger than rows of a table, and activations are to stay in the cache
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
    """Answers of any scorer on fixed rows, without a gradient (trees, whole numbers).

    Args:
        scorer: The scorer.
        x: [n, ...] encoded rows or images.
        n_numeric: p, the number of leading numeric columns, which may move; None where all pixels may.
    """

    differentiable = False

    def __init__(self, scorer: Scorer, x: NDArray[np.float32], n_numeric: int | None) -> None:
        self._scorer, self._x, self._p = scorer, x, n_numeric

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the logits of these rows as a function of what may move of them."""
        moved = self._x[rows.numpy()].copy()

        def logit(points: Tensor) -> Tensor:
            if self._p is None:
                return torch.from_numpy(score_encoded(self._scorer, points.detach().numpy()))
            moved[:, : self._p] = points.detach().numpy()
            return torch.from_numpy(score_encoded(self._scorer, moved))

        return logit


class ModuleRowsVictim:
    """Margins of a torch module on fixed rows of a table as a differentiable function of their numeric columns.

    Args:
        module: Maps encoded rows [m, d] to logits [m, K], or to one logit [m]; in evaluation mode, on any device.
        x: [n, d] encoded rows.
        n_numeric: p, the number of leading numeric columns.
        decision: The rule whose margin is attacked (of two classes); None attacks the logits themselves.
        groups: [n] group codes, for a rule that uses them.
    """

    differentiable = True

    def __init__(
        self,
        module: nn.Module,
        x: NDArray[np.float32],
        n_numeric: int,
        decision: Decision | None = None,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        self._module, self._x, self._p = module, torch.from_numpy(x), n_numeric
        self._cut: Tensor | None = None
        self._head: tuple[Tensor, Tensor, Tensor] | None = None
        if decision is None:
            return
        if decision.head is not None and np.any(decision.head[0][:n_numeric] != 0):
            weight, bias = decision.head
            offsets = (decision.group_offsets + decision.threshold).astype(np.float32)
            self._head = (torch.from_numpy(weight), torch.from_numpy(bias), torch.from_numpy(offsets))
        else:
            self._cut = torch.from_numpy(np.asarray(cut_encoded(decision, x, groups), dtype=np.float32))

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the answers to these rows as a function of their numeric columns."""
        fixed, device = self._x[rows][:, self._p :], device_of(self._module)
        cut, head = None if self._cut is None else self._cut[rows], self._head

        def answer(numeric: Tensor) -> Tensor:
            x = torch.cat([numeric, fixed], dim=1)
            z: Tensor = self._module(x.to(device)).to(x.device)
            if head is not None:
                return z - torch.softmax(x @ head[0] + head[1], dim=1) @ head[2]
            return z if cut is None else z - cut

        return answer


class _Lowered(nn.Module):
    """A module whose one logit is lowered by its threshold, so that its sign decides."""

    def __init__(self, module: nn.Module, threshold: float) -> None:
        super().__init__()
        self.module, self.threshold = module, threshold

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.module(x)
        return z - self.threshold


class _Elsewhere(nn.Module):
    """A module on another device than its inputs and answers."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.module, self.device = module, device

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.module(x.to(self.device))
        return z.to(x.device)


def device_of(module: nn.Module) -> torch.device:
    """Return where a module is."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def lowered(scorer: Scorer, decision: Decision | None) -> nn.Module:
    """Return the module of a scorer of images for points on the CPU, its one logit lowered so that the sign decides."""
    scorer = parent_of(scorer)
    assert isinstance(scorer, ModuleScorer)
    device = device_of(scorer.module)
    module = scorer.module if device.type == "cpu" else _Elsewhere(scorer.module, device)
    if decision is None or scorer.outputs > 1:
        return module
    return _Lowered(module, decision.threshold)


def region_of(problem: Problem, x: Tensor, eps: float, norm: str = "linf") -> Region:
    """Return where rows may be moved: a ball around images, the reach of the numeric columns of a table."""
    return ball(x, eps, norm) if problem.kind == "image" else reach(problem.domain, x, eps, norm)


def victim_of(
    problem: Problem,
    scorer: Scorer,
    x: NDArray[np.float32],
    decision: Decision | None = None,
    groups: NDArray[np.int64] | None = None,
) -> Victim:
    """Return a scorer on fixed rows as something to attack.

    Args:
        problem: The problem.
        scorer: The scorer.
        x: [n, ...] encoded rows or images.
        decision: The rule whose margin is attacked; None attacks the logits themselves.
        groups: [n] group codes, for a rule that uses them.

    Returns:
        Of a quantised network its float parent.
    """
    p = len(problem.domain.lower)
    scorer = parent_of(scorer)  # whole numbers have no gradient
    if isinstance(scorer, NetworkScorer):
        return NetworkVictim(scorer, x, p, decision, groups)
    if isinstance(scorer, TreeScorer):
        return ScorerVictim(scorer, x, p)
    if problem.kind == "image":
        return ModuleVictim(lowered(scorer, decision))
    return ModuleRowsVictim(scorer.module, x, p, None if scorer.outputs > 1 else decision, groups)


def short_attack(name: str, scorer: Scorer, n_numeric: int) -> Attack:
    """Return what stands in for an attack while training and calibrating: short PGD, or a search for trees.

    Args:
        name: The attack.
        scorer: What is attacked.
        n_numeric: Columns that may move; where they are too many for the coordinate search, random points stand in.
    """
    attack = attacks.get(name)
    if isinstance(scorer, TreeScorer):
        search = attacks.get("coordinate")
        wide = search.most_cells is not None and n_numeric > search.most_cells
        return attacks.get("random_points") if wide else search
    return attack if attack.name in CHEAP else SHORT_PGD


def worst_logits(
    problem: Problem,
    scorer: Scorer,
    x: NDArray[np.float32],
    y: NDArray[Any],
    rows: NDArray[np.int64],
    *,
    attack: str,
    eps: float,
    norm: str = "linf",
    seed: int = 0,
) -> Attacked:
    """Attack the logit of every row away from its label, right or wrong, so that the result serves all thresholds.

    Args:
        problem: The problem.
        scorer: What is attacked.
        x: [m, ...] the rows to attack, encoded rows or images.
        y: [m] their labels.
        rows: [m] their positions, for the record.
        attack: Name of the attack.
        eps: Its radius.
        norm: Its norm.
        seed: Seed of random starts.

    Returns:
        Logits, or margins where there are more than two classes.
    """
    victim = victim_of(problem, scorer, x)
    p = len(problem.domain.lower)
    # The stand-in finds the points; what they are worth, the model says.
    whole = isinstance(scorer, QuantisedScorer)
    moving = None if problem.kind == "image" else p
    exact = ScorerVictim(scorer, x, moving).bind if whole else getattr(victim, "bind_exact", None)
    method = short_attack(attack, scorer, p)
    labels = torch.from_numpy(y.astype(np.int64))
    where = region_of(problem, torch.from_numpy(x), eps, norm)
    generator = torch.Generator().manual_seed(seed)
    z = np.empty(len(rows), np.float32)
    step = min(CHUNK, max(1, CELLS // max(1, where.origin[:1].numel())))
    for start in range(0, len(rows), step):
        part = torch.arange(start, min(start + step, len(rows)))
        region = where.rows(part)
        points, margin = method.run(Objective(victim.bind(part), labels[part]), region, generator)
        if exact is not None:
            judged = Objective(exact(part), labels[part])
            with torch.no_grad():
                margin = judged.margin(judged.answer(points))
                if whole:  # rounding may make the point that is worse for the parent no worse than the row
                    margin = torch.minimum(margin, judged.margin(judged.answer(region.origin)))
        sign = 2 * labels[part] - 1 if problem.task == "binary" else torch.ones_like(labels[part])
        z[part.numpy()] = (sign * margin).numpy()
    return Attacked(rows, z)
