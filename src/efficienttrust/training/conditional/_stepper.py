"""Steps of a conditional network: each batch draws its setting, and is a step of the plain network of that setting."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.compression import Scorer
from efficienttrust.training._batches import Composition
from efficienttrust.training._stepping import Adoptable
from efficienttrust.training.conditional._dialled import DialRange, Setting
from efficienttrust.training.conditional._modulation import Modulation

SETTLING_BATCHES = 20  # on which the means of batch norms are taken anew for a setting


class ConditionalStepper:
    """Wraps the stepper of a plain network; the loop sees a stepper whose weights are those of the centre.

    Args:
        inner: The stepper of the plain network.
        dials: Which dials the network is told.
        seed: Seed of the draws and of the side network.
    """

    def __init__(self, inner: Adoptable, dials: DialRange, seed: int) -> None:
        self.inner, self.dials = inner, dials
        self.learning_rate = inner.learning_rate
        self.held = (inner.held - {"spread"}) | {"sparsity"}  # which weights are small depends on the setting
        self._generator = torch.Generator().manual_seed(seed)
        self.modulation = Modulation(inner.network, inner.decays(), seed)
        self._optimizer = torch.optim.AdamW(self.modulation.groups, lr=inner.learning_rate, fused=True)
        inner.adopt(_Steered(self))
        self.centre = Setting(0.0, 0.0)
        self._network = _Centred(self)

    @property
    def network(self) -> nn.Module:
        """Return the network at the centre; its state is everything that is trained."""
        return self._network

    @property
    def n_rows(self) -> int:
        """Return the number of training rows."""
        return self.inner.n_rows

    @property
    def robust(self) -> bool:
        """Return whether there is something to attack."""
        return self.inner.robust

    def drawn(self, action: TrustAction) -> TrustAction:
        """Draw the setting of the step that follows, and become its plain network."""
        self.centre = Setting(action.lambda_fair, action.adversarial_share)
        setting = self.dials.draw(self.centre, action.spread, self._generator)
        self.modulation.tell(self.dials.told(setting))
        return self.inner.drawn(setting.on(action))

    def composition(self, action: TrustAction) -> Composition | None:
        """Return how the next batch is to be composed; None draws it from all rows alike."""
        return self.inner.composition(action)

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the inputs of training rows; the caller may write to them."""
        return self.inner.batch(rows, action)

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its adversarial share attacked."""
        return self.inner.attack(x, rows, action)

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached."""
        return self.inner.step(x, rows, action, learning_rate)

    def advance(self, progress: float) -> None:
        """Do what is due at a share of the training, in [0, 1], before the step that follows."""
        self.inner.advance(progress)

    def as_deployed(self) -> AbstractContextManager[None]:
        """Let the body see the weights as they will be deployed."""
        return self.inner.as_deployed()

    def scorer(self) -> Scorer:
        """Return the plain network at the centre, frozen."""
        return self.scorer_at(self.centre)

    def scorer_at(self, setting: Setting) -> Scorer:
        """Return the plain network of a setting, frozen; batch norms take their means anew."""
        self.modulation.tell(self.dials.told(setting))
        norms = [one for one in self.inner.network.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
        if norms:
            self._settle(norms)
        return self.inner.scorer()

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        return self.inner.forward_flops()

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step; of a mixture of settings those of the mean."""
        share = action.adversarial_share
        if self.dials.robustness:
            share = action.spread * 0.5 + (1.0 - action.spread) * share
        trained = sum(one.numel() for one in self.modulation.weights.values())
        mean = dataclasses.replace(action, adversarial_share=share, spread=0.0)
        return self.inner.flops(n_rows, mean) + 6.0 * trained

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a step changes."""
        return {
            "inner": self.inner.state_dict(),
            "modulation": self.modulation.state_dict(),
            "told": self.modulation.told,
            "optimizer": self._optimizer.state_dict(),
            "generator": self._generator.get_state(),
            "centre": dataclasses.asdict(self.centre),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.inner.load_state_dict(state["inner"])
        self.modulation.told = state["told"]
        self.modulation.load_state_dict(state["modulation"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._generator.set_state(state["generator"])
        self.centre = Setting(**state["centre"])

    def _settle(self, norms: list[nn.modules.batchnorm._BatchNorm]) -> None:
        """Take the means of batch norms anew at the present setting, without a trace in random numbers."""
        before = [one.momentum for one in norms]
        for one in norms:
            one.reset_running_stats()
            one.momentum = None
        rows = torch.arange(self.n_rows)
        size = max(self.n_rows // SETTLING_BATCHES, 1)
        network = self.inner.network
        for module in network.modules():
            module.training = isinstance(module, nn.modules.batchnorm._BatchNorm)
        neutral = TrustAction(augmentation=0.0)
        with torch.no_grad(), self.as_deployed():
            for start in range(0, min(size * SETTLING_BATCHES, self.n_rows), size):
                network(self.inner.batch(rows[start : start + min(size, 128)], neutral))
        for one, momentum in zip(norms, before, strict=True):
            one.momentum = momentum
        network.train()


class _Steered:
    """Stands in the place of the plain network's optimiser: its step is one of everything that is trained."""

    def __init__(self, stepper: ConditionalStepper) -> None:
        self._stepper = stepper
        self.param_groups: list[dict[str, Any]] = [{"lr": stepper.learning_rate}]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the plain network."""
        self._stepper.inner.network.zero_grad(set_to_none)

    def step(self) -> None:
        """Take the gradients of the plain network and step."""
        self._stepper.modulation.take_gradients()
        for group in self._stepper._optimizer.param_groups:
            group["lr"] = self.param_groups[0]["lr"]
        self._stepper._optimizer.step()
        self._stepper.modulation.changed()

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the conditional stepper keeps the state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing: the conditional stepper keeps the state."""


class _Centred(nn.Module):
    """The network as the loop sees it: it answers as the plain network of the centre."""

    def __init__(self, stepper: ConditionalStepper) -> None:
        super().__init__()
        self._held = (stepper,)  # not a submodule
        self.plain = stepper.inner.network

    def forward(self, x: Tensor) -> Tensor:
        """Return the answers of the plain network of the centre."""
        stepper = self._held[0]
        stepper.modulation.tell(stepper.dials.told(stepper.centre))
        answer: Tensor = stepper.inner.network(x)
        return answer

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return what is trained, and the buffers of the plain network."""
        stepper = self._held[0]
        buffers = {f"buffer.{name}": one.clone() for name, one in stepper.inner.network.named_buffers()}
        return {**stepper.modulation.state_dict(), **buffers}

    def load_state_dict(self, state: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Take what was trained, and the buffers."""
        stepper = self._held[0]
        for name, one in stepper.inner.network.named_buffers():
            one.copy_(state[f"buffer.{name}"])
        stepper.modulation.load_state_dict({name: one for name, one in state.items() if name[:7] != "buffer."})
