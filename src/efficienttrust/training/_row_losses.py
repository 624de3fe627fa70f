"""The loss of each row of a step of a torch module: by its label, by its partner's where it was mixed, by teachers."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.errors import UsageError
from efficienttrust.losses import trades_distances
from efficienttrust.training._memory import row_losses
from efficienttrust.training._module_setup import ModuleSetup
from efficienttrust.training.distillation._pupil import Pupil


class RowLosses:
    """Takes the losses of parts of this process's rows.

    Args:
        setup: What stays the same from step to step.
        y: [n] labels of all training rows, as the network learns them.
        pupil: The side of the student.

    Attributes:
        mixed: Partners and own shares of the images of the batch drawn last; None where none were mixed.
    """

    def __init__(self, setup: ModuleSetup, y: Tensor, pupil: Pupil) -> None:
        weight = setup.problem.splits["train"].weight
        self._weight = None if weight is None else torch.from_numpy(weight / weight.mean())
        self._soft, self._squared = setup.soft, setup.unit is not None
        self._y, self._pupil = y, pupil
        self.mixed: tuple[Tensor, Tensor] | None = None

    def __call__(self, z: Tensor, mine: Tensor, part: slice) -> Tensor:
        """Return the weighted loss of each row of a part of this process's rows.

        Args:
            z: Logits of the part.
            mine: This process's rows of the batch.
            part: Which of them.
        """
        return self._pupil.losses(self._by_label(z, mine, part), z, part)

    def apart(self, z: Tensor, attacked: Tensor, mine: Tensor, part: slice) -> Tensor:
        """Return the weighted TRADES distance of each row of a part; 0 for the rows behind those that are attacked."""
        distances = trades_distances(z[: len(attacked)], attacked)
        if self._weight is not None:
            counted = self.of_mixed(self._weight[mine].to(z.device), part) if self.mixed else self._weight[mine[part]]
            distances = distances * counted[: len(attacked)].to(z.device)
        return torch.cat([distances, z.new_zeros(len(z) - len(attacked))])

    def of_mixed(self, values: Tensor, part: slice) -> Tensor:
        """Return values [m] of this process's rows for a part of them; those of mixed images are mixed alike."""
        if self.mixed is None:
            return values[part]
        partners, share = (one[part] for one in self.mixed)
        return share * values[part] + (1 - share) * values[partners]

    def _by_label(self, z: Tensor, mine: Tensor, part: slice) -> Tensor:
        rows = mine[part]
        learned = (self._y if self._soft is None else self._soft)[rows].to(z.device)
        losses = row_losses(z, learned, squared=self._squared)
        if self.mixed is not None:
            partners, share = (one[part] for one in self.mixed)
            own, others = share * losses, (1 - share) * row_losses(z, self._y[mine].to(z.device)[partners])
            if self._weight is None:
                return own + others
            counted = self._weight[mine].to(z.device)
            return own * counted[part] + others * counted[partners]
        return losses if self._weight is None else losses * self._weight[rows].to(z.device)


def refuse_no_number(loss: Tensor, network: str | None) -> None:
    """Refuse a first loss that is not finite.

    Args:
        loss: Loss of a step.
        network: Name of the network at the first step; None at a later one, whose loss may be anything.

    Raises:
        UsageError: It is not.
    """
    if network is not None and not torch.isfinite(loss):
        raise UsageError(
            f"network {network!r}: the loss of the first step is {float(loss):g}, as training rows get logits that are "
            "not finite: look for a division by 0, and for the root or logarithm of what is below 0"
        )
