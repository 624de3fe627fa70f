"""The distance between clean and attacked answers (TRADES, Zhang et al. 2019): KL(clean ‖ attacked) of each row."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def trades_distances(z: Tensor, attacked: Tensor) -> Tensor:
    """Return KL(clean ‖ attacked) of each row, [m]; gradients flow through both, as in the authors' code.

    Args:
        z: Logits [m] of two classes, or [m, K], at the rows as they are.
        attacked: Logits at the attacked rows.
    """
    if z.ndim == 1:  # log σ(z) - log σ(a) = softplus(-a) - softplus(-z), and softplus(a) - softplus(z) for the other
        p = torch.sigmoid(z)
        same = functional.softplus(-attacked) - functional.softplus(-z)
        return p * same + (1.0 - p) * (functional.softplus(attacked) - functional.softplus(z))
    clean, moved = torch.log_softmax(z, dim=1), torch.log_softmax(attacked, dim=1)
    return (clean.exp() * (clean - moved)).sum(1)


def trades_gradients(z: Tensor, attacked: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of `trades_distances` by the logits [m] of two classes, as they are and attacked."""
    p = torch.sigmoid(z)
    return p * (1.0 - p) * (z - attacked), torch.sigmoid(attacked) - p
