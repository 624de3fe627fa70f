"""ATATS in the Trainer of Lightning: a callback, for modules whose batches are (x, y, groups)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from efficienttrust.atats import Policy
from efficienttrust.data import Domain
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.integrations._atats import ATATS
from efficienttrust.integrations._batches import unpacked
from efficienttrust.integrations._result import TrustResult
from efficienttrust.resources import Budget

try:
    from lightning.pytorch import Callback
except ImportError:
    raise UsageError("lightning is not installed: pip install 'efficienttrust[lightning]'") from None


class TrustCallback(Callback):  # type: ignore[misc]
    """Steers the training of a `LightningModule`, which stays as it is, towards targets inside a budget.

    Around every `training_step` the policy's share of the batch is attacked, and the weighted fairness penalties are
    added to the loss that the module returns, computed from what its network answered. The callback sets the learning
    rate, looks at the model when that is due, and stops the trainer when the budget ends. Automatic optimisation with
    one optimiser, in one process.

    Args:
        budget: As of `ATATS`; begins with the first step. The trainer's own `max_epochs` or `max_steps` still holds.
        targets: As of `ATATS`.
        validation: (x, y, groups) as tensors, or a loader of such batches.
        network: Attribute of the module that maps inputs to logits; None where the module itself does.
        policy: As of `ATATS`.
        domain: As of `ATATS`.
        schedule: As of `ATATS`; None where the module configures a scheduler of its own.
        seed: As of `ATATS`.
        checkpoint: As of `ATATS`.
        test: Rows for the point estimates.
        out: Folder for the result.

    Attributes:
        atats: What steers; None before the training.
        result: What is left of it; None before its end.
    """

    def __init__(
        self,
        *,
        budget: Budget | str,
        targets: Sequence[Target | str],
        validation: Any,
        network: str | None = None,
        policy: Policy | str = "plan",
        domain: Domain | Literal["images"] | None = None,
        schedule: Literal["linear"] | None = "linear",
        seed: int = 0,
        checkpoint: Path | str | None = None,
        test: Any = None,
        out: Path | str | None = None,
    ) -> None:
        super().__init__()
        self.atats: ATATS | None = None
        self.result: TrustResult | None = None
        self._options: dict[str, Any] = {
            "budget": budget, "targets": targets, "policy": policy, "domain": domain, "schedule": schedule,
            "seed": seed, "checkpoint": checkpoint, "out": out,
        }  # fmt: skip
        self._validation, self._test, self._name = validation, test, network
        self._outputs: Any = None
        self._saved: Mapping[str, Any] | None = None
        self._undo: list[Any] = []
        self._taken = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Take over the loss and the optimiser.

        Raises:
            UsageError: The trainer or the module is not of the kind described above.
        """
        if not pl_module.automatic_optimization or len(trainer.optimizers) != 1:
            raise UsageError("TrustCallback steers automatic optimisation with one optimiser; use ATATS in other loops")
        if trainer.min_steps or (trainer.min_epochs or 0) > 1:
            raise UsageError("min_steps and min_epochs of the trainer contradict the budget: leave them out")
        network: Any = pl_module if self._name is None else getattr(pl_module, self._name, None)
        if not isinstance(network, nn.Module):
            raise UsageError(f"network={self._name!r} is no network of {type(pl_module).__name__}")
        self.atats = ATATS(network, trainer.optimizers[0], **self._options)
        if self._saved is not None:
            self.atats.load_state_dict(self._saved, weights=False)
            self._saved = None
        self._taken = 0
        self._undo = [network.register_forward_hook(self._listen)]
        pl_module.training_step = self._wrapped(network, pl_module.training_step)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Let the optimiser see dense weights: Lightning runs forward and backward inside of its step."""
        if self.atats is not None:
            self.atats.release()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Charge the step, look when that is due, and stop the trainer when the budget ends."""
        atats = self.atats
        if atats is None or atats.taken == self._taken:  # gradients are being accumulated
            return
        self._taken = atats.taken
        atats.step(self._validation)
        if atats.action.stop or not atats.admits():
            trainer.should_stop = True

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Calibrate, export, certify and judge."""
        self._let_go(pl_module)
        if self.atats is not None:
            self.result = self.atats.finish(self._test)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Save the state, and leave module and optimiser as they were."""
        self._let_go(pl_module)
        if self.atats is not None and self.result is None:
            self.atats.interrupted()
            self.atats.close()

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint of Lightning keeps besides weights and optimiser."""
        if self.atats is None:
            return {}
        return {key: value for key, value in self.atats.state_dict().items() if key not in ("model", "optimizer")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back; it is used when the training starts."""
        self._saved = state_dict or None

    def _wrapped(self, network: nn.Module, training_step: Any) -> Any:
        @functools.wraps(training_step)
        def steered(batch: Any, *args: Any, **named: Any) -> Any:
            assert self.atats is not None
            x, y, groups = unpacked(batch)
            moved = self.atats.attack(network, x, y)
            self._outputs = None
            said = training_step(batch if moved is x else _with_inputs(batch, moved), *args, **named)
            own = said["loss"] if isinstance(said, Mapping) else said
            if self._outputs is None or not isinstance(own, Tensor):
                raise UsageError(
                    "training_step returned no loss, or did not call the network: name the attribute that it calls "
                    "with TrustCallback(network=...)"
                )
            loss = self.atats.compute_loss(self._outputs, y, groups, x=x, own=own)
            return {**said, "loss": loss} if isinstance(said, Mapping) else loss

        return steered

    def _listen(self, module: nn.Module, given: Any, outputs: Any) -> None:
        self._outputs = outputs

    def _let_go(self, pl_module: Any) -> None:
        for handle in self._undo:
            handle.remove()
        if self._undo:
            del pl_module.training_step  # that of the class comes back
        self._undo = []


def _with_inputs(batch: Any, x: Any) -> Any:
    """Return a batch with other inputs."""
    if isinstance(batch, Mapping):
        return {**batch, **x}
    return type(batch)([x, *batch[1:]])
