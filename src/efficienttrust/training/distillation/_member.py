"""One teacher: a scorer that is asked for its answers, and for its features where it is a network."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.compression import ModuleScorer, NetworkScorer, Scorer, TreeScorer, mlp_of, parent_of, score_encoded
from efficienttrust.errors import UsageError
from efficienttrust.models.counting import count_flops
from efficienttrust.training.distillation._features import LinearWatch, last_linear


@dataclass(frozen=True, eq=False)
class Member:
    """A teacher.

    Attributes:
        scorer: What it is.
        module: The same as a frozen module on the device of the training; None of trees and of quantised networks.
        head: Weight of its last linear layer where features are asked for.
        n_features: Number of those features; 0 where none are asked for.
        flops: Of an answer, a row.
    """

    scorer: Scorer
    module: nn.Module | None
    head: Tensor | None
    n_features: int
    flops: float

    def answer(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return its logits, or numbers in the unit of the label, and its features [n, F] of length 1."""
        if self.module is None:
            return torch.from_numpy(score_encoded(self.scorer, x.cpu().numpy())).float().to(x.device), None
        with torch.no_grad(), LinearWatch(self.head) as watch:
            z = self.module(x).float()
        if isinstance(self.scorer, ModuleScorer) and (self.scorer.shift, self.scorer.scale) != (0.0, 1.0):
            z = self.scorer.shift + self.scorer.scale * z
        return z, None if self.head is None else functional.normalize(watch.features(), dim=1)


def member_of(
    scorer: Scorer, shape: tuple[int, ...], outputs: int, device: torch.device, *, features: bool
) -> Member:  # fmt: skip
    """Return a teacher, ready to be asked.

    Args:
        scorer: What it is.
        shape: Shape of a row of the problem.
        outputs: Number of logits of the problem.
        device: Where the training runs.
        features: Whether its features will be asked for.

    Raises:
        UsageError: It takes other rows or gives other answers than the problem has, or has no features.
    """
    parent = parent_of(scorer)
    takes = parent.shape if isinstance(parent, ModuleScorer) else (parent.n_features,)
    gives = 1 if isinstance(parent, NetworkScorer) else parent.outputs
    if (takes, gives) != (shape, outputs):
        raise UsageError(
            f"distillation: the teacher maps rows of shape {takes} to {gives} outputs, the problem has rows of shape "
            f"{shape} and {outputs}; take a teacher of the same data"
        )
    module: nn.Module | None = None
    if isinstance(scorer, NetworkScorer):
        module = mlp_of(scorer)
    elif isinstance(scorer, ModuleScorer):
        module = copy.deepcopy(scorer.module)
    if module is None:
        if features:
            raise UsageError("distillation: feature needs a network in floating point as the teacher; leave it out")
        return Member(scorer, None, None, 0, _flops(parent, shape))
    module = module.eval().requires_grad_(False).to(device)
    head, size = last_linear(module, shape, "the teacher") if features else (None, 0)
    return Member(scorer, module, head, size, _flops(parent, shape))


def _flops(parent: NetworkScorer | TreeScorer | ModuleScorer, shape: tuple[int, ...]) -> float:
    if isinstance(parent, TreeScorer):  # at full depth: a comparison a level, and the sum
        return float(len(parent.roots) * (parent.depth + 1))
    module = mlp_of(parent) if isinstance(parent, NetworkScorer) else parent.module
    return count_flops(module, [torch.zeros(1, *shape)]).per_row
