"""One training step: attack a share of the batch, take the losses, step the optimiser.

L = mean over the batch of the clean loss on a share 1 − q and of the adversarial loss on a share q, plus
lambda_F × the fairness penalties. With q of the batch attacked *in place* a step costs about 1 + q plain steps,
where L + lambda_R L_adv on a doubled batch costs nearly three, for the same trade-off. With TRADES the attacked rows
follow the clean ones: L = mean over the batch of the clean loss plus beta × KL(clean ‖ attacked) on the share q.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.compression import NetworkScorer, Projection, Scorer
from efficienttrust.losses import FairnessPenalty, trades_distances, trades_gradients
from efficienttrust.models import MLP
from efficienttrust.threats import Objective, Reach
from efficienttrust.threats.catalogue.n_fgsm import n_fgsm_shift
from efficienttrust.training._attacked import passes_of, training_pgd
from efficienttrust.training._batches import Composition, TrainingData
from efficienttrust.training._free import FreeShift
from efficienttrust.training._sparsity import DynamicSparsity
from efficienttrust.training.interventions import NOTHING, Answers, Groups, Interventions, effect_of, weighed

NONE = torch.zeros(0)


class Stepper:
    """Holds what a step changes: weights, optimiser state and what the interventions remember.

    Args:
        network: The network.
        data: The training split.
        penalties: (penalty, attribute) pairs that share lambda_F.
        learning_rate: Peak learning rate of Adam.
        weight_decay: Decoupled weight decay.
        generator: Source of the attack's noise.
        groups: What the interventions beside the penalties level out; None leaves them out.

    Attributes:
        held: Dials that it does not carry out.
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
        groups: Groups | None = None,
    ) -> None:
        self.network, self.data = network, data
        self.learning_rate, self._generator = learning_rate, generator
        self._interventions = Interventions(penalties, data.members, groups)
        self.held = self._interventions.held | {"spread"}
        # One flat parameter: the optimiser's fused kernel runs once a step, not once a layer.
        self.optimizer = torch.optim.AdamW([network.flatten()], lr=learning_rate, weight_decay=weight_decay, fused=True)
        self._group = self.optimizer.param_groups[0]
        self._projection = Projection()
        self._sparsity = DynamicSparsity(self._projection, network)
        self._free = FreeShift()

    @property
    def n_rows(self) -> int:
        """Number of training rows."""
        return len(self.data.y)

    @property
    def robust(self) -> bool:
        """Whether there is something to attack."""
        return self.data.radius is not None

    def drawn(self, action: TrustAction) -> TrustAction:
        """Return the action: nothing is drawn here."""
        return action

    def decays(self) -> dict[nn.Parameter, float]:
        """Return the weight decay of every parameter."""
        return dict.fromkeys(self.network.parameters(), float(self._group["weight_decay"]))

    def adopt(self, optimizer: Any) -> None:
        """Let another optimiser take the steps."""
        self.optimizer, self._group = optimizer, optimizer.param_groups[0]

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the inputs of training rows, a copy."""
        self._sparsity.turn(action.sparsity)
        return self.data.x.index_select(0, rows)

    def scorer(self) -> Scorer:
        """Return the present network, frozen."""
        with self.as_deployed():
            return NetworkScorer(self.network.layers())

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        return self.network.flops_per_row()

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its first share q attacked; with TRADES the attacked rows follow the batch as it is."""
        attacked = round(action.adversarial_share * len(rows))
        if action.attack != "free":
            self._free.forget()
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
        elif action.attack == "free":
            moved = origin + inside.clip(self._free.of(radius) * radius)
        else:
            with self.as_deployed():
                score = self.network.bind(x[:attacked], p)
                ball = Reach(origin, torch.minimum(radius, inside.down), torch.minimum(radius, inside.up), inside.step)
                if action.attack == "pgd":
                    pgd = training_pgd(round(action.attack_steps))
                    moved, _ = pgd.run(Objective(score, self.data.y[chosen].long()), ball, self._generator)
                else:
                    sign = 2.0 * self.data.y[chosen] - 1.0
                    moved = origin + inside.clip(n_fgsm_shift(lambda n: sign * score(n), ball, self._generator))
        if action.trades > 0:
            return torch.cat([x, torch.cat([moved, x[:attacked, p:]], dim=1)])
        # The batch was gathered for this step alone, so it may be written to.
        x[:attacked, :p] = moved
        return x

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached."""
        if self._projection:
            with self.as_deployed():
                loss = self._write_gradients(x, rows, action)
        else:
            loss = self._write_gradients(x, rows, action)
        self._group["lr"] = learning_rate
        self.optimizer.step()
        return loss

    def composition(self, action: TrustAction) -> Composition | None:
        """Return how the next batch is to be composed; None draws it from all rows alike."""
        return self._interventions.composition(action)

    def advance(self, progress: float) -> None:
        """Do nothing: sparsity is a dial, and follows no schedule."""
        del progress

    def as_deployed(self) -> contextlib.AbstractContextManager[None]:
        """Let the body see the weights as they will be deployed."""
        return self._projection.applied(self.network) if self._projection else contextlib.nullcontext()

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step: forward, backward, the attack's passes, interventions."""
        forward = self.network.flops_per_row()
        passes = sum(passes_of(action)) + (3.0 if action.trades > 0 and self.robust else 0.0)
        return n_rows * (forward * (3.0 + passes * action.adversarial_share) + self._interventions.row_flops(action))

    def state_dict(self) -> dict[str, object]:
        """Return everything that a step changes."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "interventions": self._interventions.state_dict(),
            "generator": self._generator.get_state(),
            "sparsity": self._sparsity.state_dict(),
            "projection": self._projection.state_dict(),
            "free": self._free.state_dict(),
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Take the state of a checkpoint."""
        self.network.load_state_dict(state["network"])  # type: ignore[arg-type]
        self.optimizer.load_state_dict(state["optimizer"])  # type: ignore[arg-type]
        self._group = self.optimizer.param_groups[0]  # loading has put a new one in its place
        self._interventions.load_state_dict(state["interventions"])  # type: ignore[arg-type]
        self._generator.set_state(state["generator"])  # type: ignore[arg-type]
        self._sparsity.load_state_dict(state["sparsity"])  # type: ignore[arg-type]
        self._projection.load_state_dict(state["projection"])  # type: ignore[arg-type]
        self._free.load_state_dict(state["free"])  # type: ignore[arg-type]

    def _write_gradients(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Write the gradient of the loss of a batch into the network; return the loss."""
        n = len(rows)
        y = self.data.y.index_select(0, rows)
        learned = y if self.data.soft is None else self.data.soft.index_select(0, rows)
        activations = self.network.activations(x)
        z, attacked, apart = activations[-1], NONE, NONE
        if len(z) > n:  # attacked copies of the first rows follow: TRADES
            z, attacked = z[:n], z[n:]
            apart = action.trades * trades_distances(z[: len(attacked)], attacked)
        own = None if self.data.weight is None else self.data.weight.index_select(0, rows)
        scores = torch.sigmoid(z)

        def losses() -> Tensor:
            each = functional.binary_cross_entropy_with_logits(z, learned, weight=own, reduction="none")
            each[: len(apart)] += apart if own is None else apart * own[: len(apart)]
            return each

        active = self._interventions.at(action)
        effect = effect_of(active, Answers(rows, y, z, losses, scores)) if active else NOTHING
        weight = weighed(effect.factor, own)
        loss = functional.binary_cross_entropy_with_logits(z, learned, weight=weight)
        gradient = (scores - learned).div_(n)  # of the loss with respect to the logits
        if weight is not None:
            gradient.mul_(weight)
        if effect.gradient is not None:
            gradient.add_(effect.gradient)
            loss = loss + effect.value
        if len(attacked):
            counted = torch.full_like(attacked, action.trades / n)
            if weight is not None:
                counted *= weight[: len(attacked)]
            by_clean, by_attacked = trades_gradients(z[: len(attacked)], attacked)
            gradient[: len(attacked)].addcmul_(counted, by_clean)
            gradient = torch.cat([gradient, counted.mul_(by_attacked)])
            loss = loss + torch.dot(apart, torch.ones_like(apart) if weight is None else weight[: len(apart)]) / n
        flowing = self.network.write_gradients(activations, gradient)
        if action.attack == "free" and self.data.radius is not None:
            first, count = n if len(x) > n else 0, round(action.adversarial_share * n)
            self._free.take(self.network.by_inputs(flowing[first : first + count], self.data.radius.shape[1]))
        return loss
