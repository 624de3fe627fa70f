"""The side of the student: what it was told of the batch drawn last, and what it loses by answering otherwise."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.models._network import seeded
from efficienttrust.training._microbatch import slices
from efficienttrust.training.distillation._features import LinearWatch, last_linear
from efficienttrust.training.distillation._teaching import Teaching, Told

Mixed = tuple[Tensor, Tensor]


def distances(z: Tensor, answers: Tensor, temperature: float, *, squared: bool = False) -> Tensor:
    """Return T² KL(teacher ‖ student) of each row, both softened by T (Hinton et al. 2015).

    Args:
        z: The student's logits [n] of two classes, or [n, K]; numbers [n] with `squared`.
        answers: The teacher's softened probabilities, of class 1 or of all classes; numbers with `squared`.
        temperature: T > 0.
        squared: Whether both are numbers, whose distance is the squared difference.
    """
    if squared:
        return (z - answers).square()
    softened = z / temperature
    if z.ndim == 1:  # the two classes are sigmoid(z / T) and what is left
        crossed = functional.binary_cross_entropy_with_logits(softened, answers, reduction="none")
        entropy = -torch.xlogy(answers, answers) - torch.xlogy(1.0 - answers, 1.0 - answers)
    else:
        crossed = -(answers * torch.log_softmax(softened, dim=1)).sum(1)
        entropy = -torch.xlogy(answers, answers).sum(1)
    return temperature**2 * (crossed - entropy)


class Pupil:
    """A network that learns from teachers; without a teaching nothing is added to its losses.

    Its features are compared with the teachers' through a linear map (FitNets, Romero et al. 2015) that the same
    optimiser trains, both of length 1 (as in attention transfer, Zagoruyko & Komodakis 2017): the squared distance is
    in [0, 4] whatever the width. Attacked rows are pulled to the answers at the clean inputs (ARD, Goldblum et al.
    2020; RSLAD, Zi et al. 2021; differs from both in the attack, which is against the label).

    Args:
        teaching: The teachers, or None.
        network: The student.
        shape: Shape of a row.
        optimizer: Is given the map.
        seed: Seed of the map.

    Attributes:
        attacked: How many of the first rows of the batch are attacked.
    """

    def __init__(
        self,
        teaching: Teaching | None,
        network: nn.Module,
        shape: tuple[int, ...],
        optimizer: torch.optim.Optimizer,
        seed: int,
    ) -> None:
        self._teaching, self.attacked = teaching, 0
        self._told: Told | None = None
        self._counted = torch.zeros(0)
        self._map: nn.Linear | None = None
        self._watch: LinearWatch | None = None
        self.step_flops = 0.0
        if teaching is None:
            return
        self.step_flops = teaching.step_flops
        if teaching.widths:
            head, size = last_linear(network, shape, "the student")
            with seeded(seed):
                self._map = nn.Linear(size, sum(teaching.widths)).to(head.device)
            self._watch = LinearWatch(head)
            self.step_flops += 6.0 * size * sum(teaching.widths)  # forward, and backward twice
            optimizer.add_param_group({"params": list(self._map.parameters()), "weight_decay": 0.0})

    def listen(self, rows: Tensor, x: Tensor, mixed: Mixed | None, parts: int) -> None:
        """Hear what the teachers say of a batch that was drawn.

        Args:
            rows: Training rows.
            x: Their inputs, before any attack.
            mixed: (partners, own share) where rows were mixed; what they count is mixed alike.
            parts: Micro-batches that the teachers are asked in.
        """
        if self._teaching is None:
            return
        self.attacked = 0
        told = [self._teaching.told(rows[part], x[part]) for part in slices(len(rows), parts)]
        features = [one.features for one in told if one.features is not None]
        self._told = Told(torch.cat([one.answers for one in told]), torch.cat(features) if features else None)
        self._counted = self._teaching.counted[rows].to(x.device)
        if mixed is not None:
            partners, share = mixed
            self._counted = share * self._counted + (1 - share) * self._counted[partners]

    def watching(self) -> contextlib.AbstractContextManager[Any]:
        """Note the student's features in the body."""
        return contextlib.nullcontext() if self._watch is None else self._watch

    def losses(self, losses: Tensor, z: Tensor, part: slice) -> Tensor:
        """Return the loss of each row of a part of the batch.

        Args:
            losses: Losses by the labels, weighted.
            z: The student's answers, attacked where the batch is.
            part: Which rows of the batch.
        """
        if self._teaching is None:
            return losses
        assert self._told is not None
        options, counted = self._teaching.options, self._counted[part]
        followed = torch.ones_like(counted)
        followed[: max(self.attacked - (part.start or 0), 0)] = options.robust
        if options.alpha > 0:
            squared = self._teaching.is_of_numbers
            apart = distances(z, self._told.answers[part], self._teaching.temperature, squared=squared)
            share = options.alpha * followed
            losses = (1.0 - share) * losses + share * counted * apart
        if self._map is not None:
            losses = losses + options.feature * followed * counted * self._feature_distances(self._map, part)
        return losses

    def state_dict(self) -> dict[str, Any] | None:
        """Return the map, for a checkpoint."""
        return None if self._map is None else self._map.state_dict()

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Take the map of a checkpoint."""
        if self._map is not None and state is not None:
            self._map.load_state_dict(state)

    def _feature_distances(self, mapped: nn.Linear, part: slice) -> Tensor:
        assert self._watch is not None
        assert self._teaching is not None
        assert self._told is not None
        assert self._told.features is not None
        answered = self._told.features[part]
        own = torch.split(mapped(self._watch.features()[: len(answered)]), list(self._teaching.widths), dim=1)
        told = torch.split(answered, list(self._teaching.widths), dim=1)
        apart = [(functional.normalize(s, dim=1) - t).square().sum(1) for s, t in zip(own, told, strict=True)]
        return torch.stack(apart).mean(0)
