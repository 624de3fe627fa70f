"""One training step: attack a share of the batch, take the losses, step the optimiser.

L = mean over the batch of the clean loss on a share 1 − q and of the adversarial loss on a share q, plus
lambda_F × the fairness penalties. With q of the batch attacked *in place* a step costs about 1 + q plain steps,
where L + lambda_R L_adv on a doubled batch costs nearly three, for the same trade-off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.compression import NetworkScorer, Scorer
from efficienttrust.losses import FairnessPenalty
from efficienttrust.models import MLP
from efficienttrust.threats import Objective, Reach
from efficienttrust.threats.catalogue.n_fgsm import n_fgsm_shift
from efficienttrust.threats.catalogue.pgd import TRAINING_PGD, TRAINING_PGD_STEPS
from efficienttrust.training._batches import TrainingData


class Stepper:
    """Holds what a step changes: weights, optimiser state and the running means of the penalties.

    Args:
        network: The network.
        data: The training split.
        penalties: (penalty, attribute) pairs that share lambda_F.
        learning_rate: Peak learning rate of Adam.
        weight_decay: Decoupled weight decay.
        generator: Source of the attack's noise.
    """

    def __init__(
        self,
        network: MLP,
        data: TrainingData,
        penalties: Sequence[tuple[FairnessPenalty, str]],
        *,
        learning_rate: float,
        weight_decay: float,
        generator: torch.Generator,
    ) -> None:
        self.network, self.data, self.penalties = network, data, tuple(penalties)
        self.learning_rate, self._generator = learning_rate, generator
        self.held = frozenset({"reweighing", "fair_batch", "group_dro", "debias", "attack_steps", "trades", "sparsity"})
        # One flat parameter: the optimiser's fused kernel runs once a step, not once a layer.
        self.optimizer = torch.optim.AdamW([network.flatten()], lr=learning_rate, weight_decay=weight_decay, fused=True)
        self._group = self.optimizer.param_groups[0]

    @property
    def n_rows(self) -> int:
        """Number of training rows."""
        return len(self.data.y)

    @property
    def robust(self) -> bool:
        """Whether there is something to attack."""
        return self.data.radius is not None

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the inputs of training rows, a copy."""
        del action
        return self.data.x.index_select(0, rows)

    def scorer(self) -> Scorer:
        """Return the present network, frozen."""
        return NetworkScorer(self.network.layers())

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        return self.network.flops_per_row()

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its first share q attacked."""
        attacked = round(action.adversarial_share * len(rows))
        if attacked == 0 or self.data.radius is None or self.data.room is None:
            return x
        p = self.data.radius.shape[1]
        if p == 0:
            return x
        chosen = rows[:attacked]
        room = self.data.room
        origin, radius = x[:attacked, :p], self.data.radius[chosen]
        inside = Reach(origin, room.down[chosen], room.up[chosen], room.step)
        if action.attack == "noise":
            noise = torch.empty_like(radius).uniform_(-1.0, 1.0, generator=self._generator)
            moved = origin + inside.clip(noise * radius)
        else:
            score = self.network.bind(x[:attacked], p)
            sign = 2.0 * self.data.y[chosen] - 1.0
            ball = Reach(origin, torch.minimum(radius, inside.down), torch.minimum(radius, inside.up), inside.step)
            if action.attack == "pgd":
                moved, _ = TRAINING_PGD.run(Objective(score, self.data.y[chosen].long()), ball, self._generator)
            else:
                moved = origin + inside.clip(n_fgsm_shift(lambda n: sign * score(n), ball, self._generator))
        # The batch was gathered for this step alone, so it may be written to.
        x[:attacked, :p] = moved
        return x

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached."""
        y = self.data.y.index_select(0, rows)
        learned = y if self.data.soft is None else self.data.soft.index_select(0, rows)
        activations = self.network.activations(x)
        z = activations[-1]
        weight = None if self.data.weight is None else self.data.weight.index_select(0, rows)
        loss = functional.binary_cross_entropy_with_logits(z, learned, weight=weight)
        scores = torch.sigmoid(z)
        gradient = (scores - learned).div_(len(rows))  # of the loss with respect to the logits
        if weight is not None:
            gradient.mul_(weight)
        if action.lambda_fair > 0 and self.penalties:
            slope = scores * (1.0 - scores)
            for penalty, name in self.penalties:
                members = self.data.members[name].index_select(0, rows)
                value, pull = penalty.value_and_gradient(scores, y, members)
                gradient.addcmul_(pull, slope, value=action.lambda_fair)
                loss = loss.add(value, alpha=action.lambda_fair)
        self.network.write_gradients(activations, gradient)
        self._group["lr"] = learning_rate
        self.optimizer.step()
        return loss

    def advance(self, progress: float) -> None:
        """Do nothing: these weights are deployed as they are."""
        del progress

    def as_deployed(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that changes nothing."""
        return contextlib.nullcontext()

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step: forward, backward, and the attack's passes."""
        forward = self.network.flops_per_row()
        passes = {"noise": 0.0, "n_fgsm": 2.0, "pgd": 2.0 * TRAINING_PGD_STEPS + 1.0}[action.attack]
        return n_rows * forward * (3.0 + passes * action.adversarial_share)

    def state_dict(self) -> dict[str, object]:
        """Return everything that a step changes."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "penalties": [penalty.state_dict() for penalty, _ in self.penalties],
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Take the state of a checkpoint."""
        self.network.load_state_dict(state["network"])  # type: ignore[arg-type]
        self.optimizer.load_state_dict(state["optimizer"])  # type: ignore[arg-type]
        self._group = self.optimizer.param_groups[0]  # loading has put a new one in its place
        for (penalty, _), saved in zip(self.penalties, state["penalties"], strict=True):  # type: ignore[call-overload]
            penalty.load_state_dict(saved)
        self._generator.set_state(state["generator"])  # type: ignore[arg-type]
