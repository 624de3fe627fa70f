"""ATATS in the Trainer of Hugging Face: a callback for budget and looks, a mixin for the loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from efficienttrust.atats import Policy
from efficienttrust.data import Domain
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.integrations._atats import ATATS
from efficienttrust.integrations._batches import unpacked
from efficienttrust.integrations._result import TrustResult
from efficienttrust.resources import Budget

try:
    from transformers import Trainer, TrainerCallback
except ImportError:
    raise UsageError("transformers is not installed: pip install 'efficienttrust[transformers]'") from None


class TrustTrainerCallback(TrainerCallback):  # type: ignore[misc]
    """Steers a Trainer with `TrustTrainerMixin` towards targets inside a budget.

    Batches hold `labels` and, for fairness targets, `groups` (TrainingArguments with remove_unused_columns=False keep
    that column). Token inputs cannot be moved a little, so that robustness targets are for models of pixels alone.

    Args:
        budget: As of `ATATS`; begins with the first step. The trainer's own number of epochs or steps still holds.
        targets: As of `ATATS`.
        validation: A mapping of tensors with `labels` and `groups`, a tuple (x, y, groups), or a loader of either.
        policy: As of `ATATS`.
        domain: As of `ATATS`.
        schedule: As of `ATATS`; None keeps the scheduler of the Trainer.
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
        policy: Policy | str = "plan",
        domain: Domain | Literal["images"] | None = None,
        schedule: Literal["linear"] | None = "linear",
        seed: int = 0,
        checkpoint: Path | str | None = None,
        test: Any = None,
        out: Path | str | None = None,
    ) -> None:
        self.atats: ATATS | None = None
        self.result: TrustResult | None = None
        self._options: dict[str, Any] = {
            "budget": budget, "targets": targets, "policy": policy, "domain": domain, "schedule": schedule,
            "seed": seed, "checkpoint": checkpoint, "out": out,
        }  # fmt: skip
        self._validation, self._test = validation, test

    def on_train_begin(self, args: Any, state: Any, control: Any, **about: Any) -> None:
        """Take over the optimiser.

        Raises:
            UsageError: The arguments of the Trainer contradict what is done here.
        """
        if args.load_best_model_at_end:
            raise UsageError("load_best_model_at_end contradicts the choice among candidates at the end: leave it out")
        if args.n_gpu > 1:
            raise UsageError(
                "the Trainer spreads batches over several GPUs, ATATS steers one: set CUDA_VISIBLE_DEVICES"
            )
        optimizer = about["optimizer"]
        while hasattr(optimizer, "optimizer"):  # that of accelerate wraps the one that steps
            optimizer = optimizer.optimizer
        self.atats = ATATS(about["model"], optimizer, **self._options)

    def on_step_end(self, args: Any, state: Any, control: Any, **about: Any) -> None:
        """Charge the step, look when that is due, and stop the Trainer when the budget ends."""
        assert self.atats is not None
        self.atats.step(self._validation)
        if self.atats.action.stop or not self.atats.admits():
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **about: Any) -> None:
        """Calibrate, export, certify and judge."""
        assert self.atats is not None
        self.result = self.atats.finish(self._test)


class TrustTrainerMixin:
    """Gives a Trainer the loss of its `TrustTrainerCallback`: `class MyTrainer(TrustTrainerMixin, Trainer)`.

    The model is asked without labels, and its log loss, attacks and penalties are computed as in `ATATS.loss`; a label
    smoother or a `compute_loss_func` of the Trainer is not used in training. Evaluation is that of the Trainer.
    """

    loss_is_scaled_for_ga = False  # a mean over the batch, which the Trainer divides when it accumulates gradients

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch, and what the model answered if that is asked for."""
        trust = self._trust()
        if not model.training or trust.atats is None:
            plain = {name: value for name, value in inputs.items() if name != "groups"}
            above: Any = super()
            return above.compute_loss(model, plain, return_outputs, num_items_in_batch)
        x, y, groups = unpacked(inputs)
        outputs = model(**trust.atats.attack(model, x, y))
        loss = trust.atats.compute_loss(outputs, y, groups, x=x)
        return (loss, outputs) if return_outputs else loss

    def train(self, *args: Any, **named: Any) -> Any:
        """Train; after an error the state is saved, and the error goes on unchanged."""
        trainer: Any = self
        trust = self._trust()
        if trainer.args.gradient_accumulation_steps > 1 and not hasattr(Trainer, "loss_is_scaled_for_ga"):
            raise UsageError("this version of transformers scales accumulated losses by itself: accumulate one batch")
        above: Any = super()
        try:
            return above.train(*args, **named)
        except BaseException:
            if trust.atats is not None and trust.result is None:
                trust.atats.interrupted()
                trust.atats.close()
            raise

    def _trust(self) -> TrustTrainerCallback:
        trainer: Any = self
        found = [one for one in trainer.callback_handler.callbacks if isinstance(one, TrustTrainerCallback)]
        if len(found) != 1:
            raise UsageError(f"the Trainer has {len(found)} TrustTrainerCallback: give it one, in callbacks=[...]")
        return found[0]
