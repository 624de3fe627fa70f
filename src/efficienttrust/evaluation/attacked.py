"""Accuracy under attack of a torch module on arrays: one call, one `Measurement`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Measurement, Outcome, measure, robust_key
from efficienttrust.threats import ModuleVictim, ball, evaluate_robustness


def accuracy_under_attack(
    model: nn.Module,
    x: ArrayLike | Tensor,
    y: ArrayLike | Tensor,
    *,
    eps: float,
    attack: str = "standard",
    norm: str = "linf",
    lower: float = 0.0,
    upper: float = 1.0,
    restarts: int = 1,
    seconds: float | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> Measurement:
    """Attack every row and return the share that is still right, an upper bound, with its Wilson interval.

    Args:
        model: Maps [m, ...] float32 inputs to logits [m, K], or to one logit [m] or [m, 1], normalisation included.
        x: [n, ...] inputs within [lower, upper].
        y: [n] labels, class numbers.
        eps: Radius in the units of x.
        attack: An attack by name, or `standard`, the worst of a cascade per row.
        norm: `linf` or `l2`.
        lower: Least value of an input cell.
        upper: Largest value of an input cell.
        restarts: How often a randomised attack is run on what stands.
        seconds: Wall time after which no further block of rows is begun; n is then the rows that were done.
        seed: Seed of random starts and of the order of the rows.
        level: Level of the interval.

    Raises:
        UsageError: Inputs outside the box, labels that the model has no logit for, an unknown attack or norm.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> x = torch.full((3, 1, 2, 2), 0.5)
        >>> accuracy_under_attack(model, x, model(x).argmax(1), eps=1e-6, attack="pgd").value
        1.0
    """
    points = torch.as_tensor(np.asarray(x) if not isinstance(x, Tensor) else x, dtype=torch.float32)
    labels = torch.as_tensor(np.asarray(y) if not isinstance(y, Tensor) else y).to(torch.int64)
    if len(points) != len(labels):
        raise UsageError(f"{len(points)} inputs and {len(labels)} labels: give one label a row")
    victim = ModuleVictim(model)
    _refuse_labels(victim, points, labels)
    found = evaluate_robustness(
        victim, ball(points, eps, norm, lower=lower, upper=upper), labels, attack=attack, restarts=restarts,
        seconds=seconds, seed=seed,
    )  # fmt: skip
    rows: Any = found.rows.cpu().numpy()
    key = robust_key(attack, eps, norm)
    truth = labels.cpu().numpy()
    outcome = Outcome(
        y=truth,
        prediction=truth,
        score=truth.astype(np.float64),
        groups=np.zeros(len(truth), dtype=np.int64),
        group_names=("all rows",),
        robust={key: found.right.cpu().numpy()},
        robust_rows={key: rows},
    )
    return measure("robust_accuracy", outcome, {"attack": attack, "eps": eps, "norm": norm}, level)


def _refuse_labels(victim: ModuleVictim, x: Tensor, y: Tensor) -> None:
    if not len(x):
        raise UsageError("there are no rows to attack")
    with torch.no_grad():
        answer = victim.bind(torch.zeros(1, dtype=torch.int64))(x[:1])
    classes = 2 if answer.ndim == 1 else answer.shape[1]
    if int(y.min()) < 0 or int(y.max()) >= classes:
        raise UsageError(
            f"labels run from {int(y.min())} to {int(y.max())}, the model has {classes} classes: 0 to {classes - 1}"
        )
