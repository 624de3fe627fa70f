"""One training step of any torch module: read a batch, augment it, attack a share of it, take the losses, step.

The loss is that of `_step`, by autograd: L = the mean over a batch of which a share q is attacked, plus lambda_F × the
fairness penalties. Adversarial examples are crafted in evaluation mode, so that they leave no trace in batch norms.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.compression import ModuleScorer, Scorer
from efficienttrust.data import Pixels, Problem
from efficienttrust.losses import FairnessPenalty
from efficienttrust.models import Inputs
from efficienttrust.models.counting import count_flops
from efficienttrust.threats import Objective, Reach, ball, reach
from efficienttrust.threats.catalogue.n_fgsm import n_fgsm_shift
from efficienttrust.threats.catalogue.pgd import TRAINING_PGD, TRAINING_PGD_STEPS
from efficienttrust.training._batches import NOISE_REACH
from efficienttrust.training._inputs import described
from efficienttrust.training._memory import row_losses
from efficienttrust.training.augmentation import augment


@dataclass(frozen=True, eq=False)
class ModuleSetup:
    """What stays the same from step to step.

    Attributes:
        problem: The problem.
        inputs: What the network was told of its inputs.
        outputs: Number of logits.
        network: Name of the network.
        options: Its options.
        eps: Radius of the training attack; 0 without a robustness target.
        members: Membership [n, G] per attribute that a penalty needs.
        strengths: Strength of each augmentation of images.
        device: Where the training runs.
        half: Whether forward and backward passes run in bfloat16.
    """

    problem: Problem
    inputs: Inputs
    outputs: int
    network: str
    options: Mapping[str, Any]
    eps: float
    members: Mapping[str, Tensor]
    strengths: Mapping[str, float]
    device: torch.device
    half: bool


class ModuleStepper:
    """Holds what a step changes: weights, optimiser state, the running means of the penalties, random numbers.

    Args:
        setup: What stays the same.
        network: The network.
        penalties: (penalty, attribute) pairs that share lambda_F; of two classes only.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: Decoupled weight decay of matrices and filters; biases and norms have none.
        seed: Seed of the augmentation and of the attack's noise.
    """

    def __init__(
        self,
        setup: ModuleSetup,
        network: nn.Module,
        penalties: Sequence[tuple[FairnessPenalty, str]],
        *,
        learning_rate: float,
        weight_decay: float,
        seed: int,
    ) -> None:
        train = setup.problem.splits["train"]
        self.setup, self.penalties, self.learning_rate = setup, tuple(penalties), learning_rate
        self._flops = count_flops(network, [torch.zeros(1, *setup.inputs.shape)]).per_row
        memory_format = torch.channels_last if setup.inputs.kind == "image" else torch.contiguous_format
        self._network: nn.Module = network.to(setup.device, memory_format=memory_format)  # type: ignore[call-overload]
        self._network.train()
        self._pixels: Pixels | None = train.pixels
        self._x = None if train.pixels is not None else torch.from_numpy(train.x)
        self._y = torch.from_numpy(np.asarray(train.y).astype(np.int64))
        self._weight = None if train.weight is None else torch.from_numpy(train.weight / train.weight.mean())
        self._generator = torch.Generator().manual_seed(seed)  # one draws the same on every device,
        self._noise = torch.Generator(setup.device).manual_seed(seed + 1)  # one draws where it is needed
        decayed = [one for one in network.parameters() if one.ndim > 1]
        plain = [one for one in network.parameters() if one.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=learning_rate,
            fused=True,
        )
        self._mixed: tuple[Tensor, Tensor] | None = None  # partners and weights of the batch drawn last

    @property
    def network(self) -> nn.Module:
        """Return the network in training."""
        return self._network

    @property
    def n_rows(self) -> int:
        """Return the number of training rows."""
        return len(self._y)

    @property
    def robust(self) -> bool:
        """Return whether there is something to attack."""
        return self.setup.eps > 0

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the inputs of training rows on the device, images as new variants of themselves."""
        self._mixed = None
        if self._x is not None:
            return self._x.index_select(0, rows).to(self.setup.device)
        assert self._pixels is not None
        levels = torch.from_numpy(self._pixels.levels(rows.numpy())).to(self.setup.device)
        images = levels.to(torch.float32).div_(255).contiguous(memory_format=torch.channels_last)
        strengths = {name: one * action.augmentation for name, one in self.setup.strengths.items()}
        made = augment(images, strengths, self._generator)
        if made.partners is not None and made.weights is not None:
            self._mixed = made.partners, made.weights
        return made.images

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its first share q attacked."""
        attacked = round(action.adversarial_share * len(rows))
        if attacked == 0 or not self.robust:
            return x
        y = self._y[rows[:attacked]].to(x.device)
        with self._unmoved():
            if self.setup.inputs.kind == "image":
                moved = self._attacked_images(x[:attacked], y, action.attack)
                return torch.cat([moved, x[attacked:]]).contiguous(memory_format=torch.channels_last)
            p = self.setup.inputs.n_numeric
            if p:
                x[:attacked, :p] = self._attacked_rows(x[:attacked], y, action.attack)
        return x

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached."""
        y = self._y[rows].to(x.device)
        with self._precision(x.device):
            z = self._network(x)
        z = z.float()
        losses = row_losses(z, y)
        if self._mixed is not None:
            partners, share = self._mixed
            losses = share * losses + (1 - share) * row_losses(z, y[partners])
        loss = losses.mean() if self._weight is None else (losses * self._weight[rows].to(x.device)).mean()
        if action.lambda_fair > 0 and self.penalties:
            scores = torch.sigmoid(z)
            for penalty, name in self.penalties:
                members = self.setup.members[name][rows]
                value, pull = penalty.value_and_gradient(scores.detach().cpu(), y.float().cpu(), members)
                pulled = torch.dot(pull.to(x.device), scores - scores.detach())  # 0, with the gradient of the penalty
                loss = loss + action.lambda_fair * (value.to(x.device) + pulled)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        return loss.detach().cpu()

    def scorer(self) -> Scorer:
        """Return the present network, frozen."""
        twin = copy.deepcopy(self._network).eval()
        for parameter in twin.parameters():
            parameter.requires_grad_(False)
        setup = self.setup
        return ModuleScorer(
            twin, setup.inputs.shape, setup.outputs, setup.network, setup.options, described(setup.inputs)
        )

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        return self._flops

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step: forward, backward (twice), and the attack's passes."""
        passes = {"noise": 0.0, "n_fgsm": 3.0, "pgd": 3.0 * TRAINING_PGD_STEPS + 1.0}[action.attack]
        return n_rows * self._flops * (3.0 + passes * action.adversarial_share)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a step changes."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "penalties": [penalty.state_dict() for penalty, _ in self.penalties],
            "generator": self._generator.get_state(),
            "noise": self._noise.get_state(),
            "torch": torch.get_rng_state(),  # of dropout
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for (penalty, _), saved in zip(self.penalties, state["penalties"], strict=True):
            penalty.load_state_dict(saved)
        self._generator.set_state(state["generator"])
        self._noise.set_state(state["noise"])
        torch.set_rng_state(state["torch"])

    def _attacked_images(self, images: Tensor, y: Tensor, attack: str) -> Tensor:
        where = ball(images, self.setup.eps)
        if attack == "noise":
            return where.points(where.start(self._noise))
        if attack == "pgd":
            return TRAINING_PGD.run(Objective(self._answer, y), where, self._noise)[0]
        radius = torch.full_like(images, self.setup.eps)
        reached = Reach(images, radius, radius, radius.new_zeros(1))
        shift = n_fgsm_shift(lambda points: -row_losses(self._answer(points), y), reached, self._noise)
        return (images + shift).clamp_(0.0, 1.0)

    def _attacked_rows(self, x: Tensor, y: Tensor, attack: str) -> Tensor:
        p, domain, eps = self.setup.inputs.n_numeric, self.setup.problem.domain, self.setup.eps
        origin, fixed = x[:, :p], x[:, p:]

        def answer(numeric: Tensor) -> Tensor:
            return self._answer(torch.cat([numeric, fixed], dim=1))

        where = reach(domain, x, eps)
        if attack == "pgd":
            return TRAINING_PGD.run(Objective(answer, y), where, self._noise)[0]
        room = reach(domain, x, NOISE_REACH * eps, whole_units=False)
        if attack == "noise":
            noise = torch.empty_like(origin).uniform_(-1.0, 1.0, generator=self._noise)
            return origin + room.clip(noise * where.radius)
        shift = n_fgsm_shift(lambda numeric: -row_losses(answer(numeric), y), where, self._noise)
        return origin + room.clip(shift)

    def _answer(self, points: Tensor) -> Tensor:
        with self._precision(points.device):
            z: Tensor = self._network(points)
        return z.float()

    @contextlib.contextmanager
    def _unmoved(self) -> Iterator[None]:
        """Run in evaluation mode, without gradients of the weights."""
        self._network.eval().requires_grad_(False)
        try:
            yield
        finally:
            self._network.requires_grad_(True).train()

    def _precision(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        if not self.setup.half:
            return contextlib.nullcontext()
        return torch.autocast(device.type, torch.bfloat16)
