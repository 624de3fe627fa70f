"""The memory watch: notices that a network learns its training rows by heart, and keeps the weights from before.

Twenty passes are little for some tables and far too much for others, where labels are noisy. Two signs together count:
the log loss on monitor rows lies well above that on as many training rows, and it has risen significantly, row by row,
since it was lowest. A penalty or an attack that is turned up raises both losses, so neither sign alone suffices.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.training._labels import Unit

APART = 0.2  # of the monitor loss: how far below it the loss on training rows must lie
AT_ONCE = 256  # rows scored at a time: what a wide network holds for a row is not small
SIGNIFICANT = 3.0  # standard errors of the paired difference


def row_losses(z: Tensor, y: Tensor, *, squared: bool = False) -> Tensor:
    """Return the log loss of each row: logits [n] of two classes with labels 0 and 1, or [n, K] with class codes.

    With `squared` both are numbers [n], and the loss is their squared difference.
    """
    if squared:
        return functional.mse_loss(z, y, reduction="none")
    if z.ndim == 1:
        return functional.binary_cross_entropy_with_logits(z, y.to(z.dtype), reduction="none")
    return functional.cross_entropy(z, y.long(), reduction="none")


class MemoryWatch:
    """Compares losses at monitor points.

    Args:
        x: [m, d] all training rows.
        y: [m] their labels, as the network learns them.
        y_monitor: [n] labels of the monitor rows.
        unit: In what a label that is a number is learned.
    """

    def __init__(self, x: Tensor, y: Tensor, y_monitor: Tensor, unit: Unit | None = None) -> None:
        rows = torch.linspace(
            0, len(y) - 1, min(len(y), len(y_monitor))
        ).long()  # evenly: a source may be in some order
        self._x, self._y, self._y_monitor = x[rows], y[rows], y_monitor
        self._unit, self._squared = unit, unit is not None
        self.best: dict[str, Tensor] = {}
        self.used_at_best = math.inf
        self._lowest: Tensor | None = None
        self.fired = 0

    @property
    def n_rows(self) -> int:
        """Training rows scored by one look."""
        return len(self._y)

    def look(self, network: nn.Module, z_monitor: Tensor, used: float) -> str | None:
        """Return why training should go back to `best`, or None while the network still learns.

        Args:
            network: The network.
            z_monitor: [n] or [n, K], its logits on the monitor rows; numbers in the unit of the source.
            used: Used so far, remembered with the best weights.
        """
        if self._unit is not None:
            z_monitor = (z_monitor - self._unit.shift) / self._unit.scale
        losses = row_losses(z_monitor, self._y_monitor, squared=self._squared)
        if self._lowest is None or float(losses.mean()) < float(self._lowest.mean()):
            self._lowest, self.used_at_best = losses, used
            self.best = {key: value.clone() for key, value in network.state_dict().items()}
            return None
        learning = network.training
        with torch.no_grad():
            device = next(network.parameters()).device
            network.eval()
            z = torch.cat([network(part.to(device)).float().cpu() for part in torch.split(self._x, AT_ONCE)])
            on_train = float(row_losses(z, self._y, squared=self._squared).mean())
        network.train(learning)
        now, rise = float(losses.mean()), losses - self._lowest
        error = float(rise.std()) / math.sqrt(len(rise)) if len(rise) > 1 else math.inf
        if now - on_train <= APART * now or float(rise.mean()) <= SIGNIFICANT * error:
            return None
        self.fired += 1
        loss = "squared error" if self._squared else "log loss"
        return (
            f"memory watch: {loss} {now:.3f} on monitor rows, {on_train:.3f} on training rows, "
            f"{float(self._lowest.mean()):.3f} on monitor rows at best"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state, for a checkpoint."""
        return {"best": self.best, "used": self.used_at_best, "lowest": self._lowest, "fired": self.fired}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.best, self.used_at_best = state["best"], state["used"]
        self._lowest, self.fired = state["lowest"], state["fired"]
