"""ATATS in a training loop of the user's own: she keeps model, loader and optimiser; it keeps budget and targets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from efficienttrust.atats import Policy, TrustAction, make_policy
from efficienttrust.data import Domain
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target, check_targets, parse_target
from efficienttrust.integrations._answers import ask, logits_of
from efficienttrust.integrations._batches import Batch, Stream
from efficienttrust.integrations._embark import check_optimizer, checked_budget
from efficienttrust.integrations._rates import Rate
from efficienttrust.integrations._result import TrustResult, check_folder
from efficienttrust.integrations._session import Session
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training._checkpoint import load_checkpoint, save_checkpoint

NOTICEABLE = 1e-4  # seconds; what a loader takes less than is charged to the training step


class ATATS:
    """Steers a training loop towards targets inside a budget.

    Every batch of the loop passes `loss`, every step `step`. The first steps are plain; then the rest of the budget is
    planned, and from there on the policy sets the weight of the fairness penalty, the share of the batch that is
    attacked, the learning rate and the sparsity. `batches` ends when the budget does, less what calibration and export
    will need. The same ledger, planner, policies, projector and guard as in `fit` are at work.

    Args:
        model: Classifier: rows to logits [n], [n, 1] or [n, K], or to something that holds them as `.logits`.
        optimizer: Its optimiser.
        budget: As of `fit`, with a time limit: `"time=10min"`, `"time=2000 steps"`.
        targets: As of `fit`.
        policy: Name of a policy, with options in parentheses, or a policy of your own.
        domain: What an attack may change: a `Domain` for rows of a table; None or `images` for pixels in [0, 1].
        schedule: `linear`: the learning rate of every parameter group falls from its value to zero over the budget.
            None: a scheduler of your own sets it; the policy's factor comes on top.
        seed: Seed of attacks and of how validation rows are dealt.
        checkpoint: File to keep the state in: written at looks and on errors, removed by `finish`, and read here, so
            that the same script goes on where it was.
        out: Folder that `finish` writes to; given here, the cost of the export is measured ahead and kept back.

    Raises:
        UsageError: Wrong names or values, a model without gradients, or an optimiser of another model.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        budget: Budget | str,
        targets: Sequence[Target | str],
        policy: Policy | str = "plan",
        domain: Domain | Literal["images"] | None = None,
        schedule: Literal["linear"] | None = "linear",
        seed: int = 0,
        checkpoint: Path | str | None = None,
        out: Path | str | None = None,
    ) -> None:
        parsed = [parse_target(one) if isinstance(one, str) else one for one in targets]
        self.targets, dropped = check_targets(parsed)
        limits = checked_budget(Budget.parse(budget) if isinstance(budget, str) else budget, model)
        chosen = make_policy(policy) if isinstance(policy, str) else policy
        if schedule not in ("linear", None):
            raise UsageError(f"schedule {schedule!r} is unknown: give 'linear', or None with a scheduler of your own")
        check_optimizer(model, optimizer)
        self.out = None if out is None else Path(out)
        if self.out is not None:
            check_folder(self.out)
        self.model = model
        self.result: TrustResult | None = None
        self._session = Session(model, self.targets, limits, chosen, domain, seed, self.out)
        self._session.notes += dropped
        self._session.rate = Rate(optimizer, self, self._session.sparsity, scheduled=schedule == "linear")
        self._stream: Stream | None = None
        self._place: Mapping[str, Any] | None = None
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        if self._checkpoint is not None:
            saved = load_checkpoint(self._checkpoint, self._identity())
            if saved is not None:
                self.load_state_dict(saved)

    @property
    def action(self) -> TrustAction:
        """Return the setting of every dial; all are neutral before the plan is made."""
        return self._session.action

    @property
    def steps(self) -> int:
        """Return the number of steps taken."""
        return self._session.steps

    @property
    def ledger(self) -> Ledger:
        """Return the account."""
        return self._session.ledger

    @property
    def taken(self) -> int:
        """Return how often the optimiser has taken a step since this was made."""
        return self._session.rate.taken

    def batches(self, loader: Iterable[Any]) -> Iterator[Batch]:
        """Yield batches until the budget ends, less what calibration and export need.

        The loader is started again whenever it is exhausted. When the loop is left before the end, the state is saved.

        Args:
            loader: Yields (x, y, groups), (x, y), or mappings with `labels` and perhaps `groups`.

        Raises:
            UsageError: The loader is empty, or yields something else.
        """
        self._refuse_finished("batches")
        self._stream, session = Stream(loader, self._place), self._session
        session.epoch = float(len(loader)) if isinstance(loader, Sized) else session.epoch
        session.mark()
        ended = False
        try:
            exact = session.ledger.clock in ("samples", "flops")  # known when the batch is
            while not session.action.stop and (exact or session.admits()):
                begun = time.perf_counter()
                batch = self._stream.draw()
                if time.perf_counter() - begun > NOTICEABLE:
                    session.ledger.lap("data")
                if batch is None:
                    session.notes.append(
                        f"the loader can be read once only: training ended with it, at step {self.steps}, and "
                        f"{max(1 - session.ledger.fraction(), 0):.0%} of the budget was left"
                    )
                    break
                if exact and not session.admits(len(batch[1])):
                    break
                yield batch
            ended = True
        finally:
            if not ended:
                self.interrupted()

    def admits(self, rows: int | None = None) -> bool:
        """Return whether another batch fits into the budget: exactly on the counted clocks, by its p90 on the others.

        Args:
            rows: Rows of the batch; None takes the most that a batch had so far.
        """
        return self._session.admits(rows)

    def loss(self, model: nn.Module, x: Any, y: Tensor, groups: Any = None) -> Tensor:
        """Return the loss of a batch, to call `backward` on.

        It is the mean log loss, on a batch of which the policy's share is attacked, plus the weighted fairness
        penalties (without the part that the groups a batch lacks add, as that has no gradient).

        Args:
            model: The model, or what wraps it (compiled, cast).
            x: Inputs, or a mapping of them by name.
            y: [n] class numbers.
            groups: [n] group codes, -1 unknown; a mapping of such by attribute; or None.

        Raises:
            UsageError: The batch does not fit the targets, or the loss is no number.
        """
        return self.compute_loss(ask(model, self.attack(model, x, y)), y, groups, x=x)

    def attack(self, model: nn.Module, x: Any, y: Tensor) -> Any:
        """Return the inputs with the policy's share of them attacked; for loops that ask the model themselves."""
        session = self._session
        session.sparsity.project()
        if session.loss is None or session.action.adversarial_share == 0:
            return x
        session.ledger.lap("train")
        moved = session.loss.attacked(model, x, y, session.action)
        session.ledger.lap("attack")
        return moved

    def compute_loss(
        self, outputs: Any, y: Tensor, groups: Any = None, *, x: Any = None, own: Tensor | None = None
    ) -> Tensor:
        """Return the loss of outputs that the model has given already, and count the batch.

        Args:
            outputs: Logits, or what holds them.
            y: [n] class numbers.
            groups: As in `loss`.
            x: The inputs that it answered to; needed with the first batch.
            own: A loss of your own, in place of the mean log loss.

        Raises:
            UsageError: As in `loss`.
        """
        self._refuse_finished("loss")
        z, session = logits_of(outputs), self._session
        if session.loss is None:
            session.begin(x, y, z, groups)
        assert session.loss is not None
        if len(z) != len(y):
            raise UsageError(
                f"the model gave {len(z)} answers to a batch of {len(y)} rows: let it answer each row once"
            )
        if not z.requires_grad:
            raise UsageError("the model's answer carries no gradient: it is detached, or made under torch.no_grad()")
        loss = session.loss.of(z, y, groups, session.action, own)
        session.count(x, y, loss.detach())
        return loss

    def step(self, validation: Any) -> None:
        """Charge the step just taken, look at the model when that is due, and let the policy act.

        Args:
            validation: (x, y, groups) as tensors, or a loader of such batches. It is read once, and dealt by a fixed
                seed into rows that the policy sees, rows that calibrate and rows that certify.

        Raises:
            UsageError: There was no `loss` since the last step; or validation does not fit.
            InfeasibleError: The budget is less than what was used and what has to be kept back.
        """
        self._refuse_finished("step")
        if not self._session.pending:
            raise UsageError(
                "step without loss: call atats.loss(...), backward and optimizer.step() before atats.step(validation)"
            )
        self._session.charge()
        if self._stream is not None:
            self._stream.commit()
        if self._session.steer(validation):
            self._save()

    def finish(self, test: Any = None, out: Path | str | None = None) -> TrustResult:
        """Calibrate, choose among the candidates, export, certify and judge; the model gets the chosen weights.

        Args:
            test: Rows for the point estimates, as in `step`; None estimates on the certify rows, and says so.
            out: Folder for `result.json`, `model.safetensors` and `model.onnx`; None takes the one given before.

        Raises:
            UsageError: It was called before; or no step was taken.
        """
        self._refuse_finished("finish")
        folder = self.out if out is None else Path(out)
        if folder is not None:
            check_folder(folder)
        self.result = self._session.finish(test, export=folder is not None, close=self.close)
        if folder is not None:
            self.result.save(folder)
        if self._checkpoint is not None:
            self._checkpoint.unlink(missing_ok=True)
        return self.result

    def release(self) -> None:
        """Bring dense weights back: for optimisers whose step contains forward and backward, called between both."""
        self._session.sparsity.restore()

    def close(self) -> None:
        """Leave model and optimiser alone from here on; weights stay as they are deployed."""
        self._session.sparsity.forget()
        self._session.rate.close()

    def interrupted(self) -> None:
        """Save the state, if there is a checkpoint to save it to, and a state worth saving."""
        if self.result is None and self.steps > 0 and not self._session.spoilt:
            self._save()

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the loop changes, weights and optimiser included, as plain values and tensors."""
        return {
            "identity": self._identity(),
            "model": {key: value.detach().clone() for key, value in self.model.state_dict().items()},
            "optimizer": self._session.rate.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "place": None if self._stream is None else self._stream.place,
            "session": self._session.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any], *, weights: bool = True) -> None:
        """Take a state, before the first batch; the loop then goes on where it was.

        Args:
            state: From `state_dict`.
            weights: Take weights, optimiser and random state too; False where something else restores them.
        """
        if weights:
            self.model.load_state_dict(state["model"])
            self._session.rate.optimizer.load_state_dict(state["optimizer"])
            torch.set_rng_state(state["random"])
        self._place = state["place"]
        self._session.load_state_dict(state["session"])

    def __enter__(self) -> ATATS:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Save the state after an error in the body, which goes on unchanged; let go of the optimiser."""
        if error is not None:
            self.interrupted()
        self.close()

    def _refuse_finished(self, what: str) -> None:
        if self.result is not None:
            raise UsageError(f"{what} after finish: the result is in `result`; make a new ATATS to train again")

    def _save(self) -> None:
        if self._checkpoint is not None:
            with self.ledger.phase("checkpoint"):
                save_checkpoint(self._checkpoint, self.state_dict())

    def _identity(self) -> str:
        """Return what a checkpoint must have been made by."""
        shapes = [(name, tuple(value.shape)) for name, value in self.model.state_dict().items()]
        session = self._session
        told = [
            str(session.ledger.budget),
            [one.text for one in self.targets],
            session.policy.name,
            session.seed,
            shapes,
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()
