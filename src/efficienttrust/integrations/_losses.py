"""The loss of somebody else's step: log loss, a share of the batch attacked, and the fairness penalties."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.data import Domain
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.integrations._answers import ask, logits_of, unmoved
from efficienttrust.integrations._groups import Membership
from efficienttrust.integrations._validation import unit_domain
from efficienttrust.losses import FairnessPenalty, penalties
from efficienttrust.metrics import metrics
from efficienttrust.training._attacked import attacked_images, attacked_numbers, passes_of
from efficienttrust.training._levers import levers_of


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the first batch tells about the model and its rows; plain values.

    Attributes:
        task: `binary` or `multiclass`.
        classes: Number of classes.
        shape: Shape of a row; empty where it consists of several tensors.
        numbers: Whether rows are floating-point numbers, which can be moved a little.
        key: Name under which the model takes its one tensor; None where it takes it by position, or several.
    """

    task: str
    classes: int
    shape: tuple[int, ...]
    numbers: bool
    key: str | None

    @classmethod
    def of(cls, x: Any, z: Tensor) -> Kind:
        """Look at inputs and logits of a batch."""
        key = next(iter(x)) if isinstance(x, Mapping) and len(x) == 1 else None
        rows = x[key] if key is not None else x
        several = isinstance(rows, Mapping)
        numbers = not several and rows.is_floating_point()
        classes = 2 if z.ndim == 1 else z.shape[1]
        shape = () if several else tuple(rows.shape[1:])
        return cls("binary" if classes == 2 else "multiclass", classes, shape, numbers, key)

    @property
    def table(self) -> bool:
        """Whether rows are numbers in columns, which a domain describes."""
        return self.numbers and len(self.shape) == 1


class TrustLoss:
    """What a step learns from, and what of it outlasts a kill.

    Args:
        targets: The targets.
        kind: Of model and rows.
        domain: As given by the user.
        seed: Seed of the attack's noise.

    Attributes:
        levers: What the targets call for.
        domain: What an attack may move in rows of a table; None elsewhere.
        membership: Who belongs to which group; None until validation was seen, or without fairness targets.
    """

    def __init__(self, targets: Sequence[Target], kind: Kind, domain: Domain | str | None, seed: int) -> None:
        self.kind, self.levers = kind, levers_of(targets, kind.task)
        self.membership: Membership | None = None
        self.domain = self._checked(domain, targets)
        self._compares = [target.text for target in targets if "by" in metrics.get(target.metric).parameters]
        binary = kind.task == "binary"
        self._penalties: list[tuple[FairnessPenalty, str]] = [
            (penalties.get(name)(), attribute) for name, attribute in (self.levers.penalties if binary else ())
        ]
        self._awake = False
        self._seed, self._noise = seed, torch.Generator().manual_seed(seed)

    def check_batch(self, x: Any, y: Tensor, groups: Any) -> None:
        """Refuse a batch that the targets cannot be trained on.

        Raises:
            UsageError: Groups or pixels are not what the targets need.
        """
        if self._compares and groups is None:
            raise UsageError(
                f"target {self._compares[0]} compares groups, and a batch has none: let the loader yield (x, y, groups)"
            )
        rows = x[self.kind.key] if self.kind.key is not None and isinstance(x, Mapping) else x
        if self.levers.eps > 0 and self.domain is None and (rows.min() < 0 or rows.max() > 1):
            raise UsageError(
                f"pixels run from {float(rows.min()):.3g} to {float(rows.max()):.3g}: an attack needs them in [0, 1]; "
                "let the model normalise them"
            )
        if int(y.min()) < 0 or int(y.max()) >= self.kind.classes or y.ndim != 1:
            raise UsageError(
                f"labels of shape {list(y.shape)} run from {float(y.min()):g} to {float(y.max()):g}: give class "
                f"numbers [rows] from 0 to {self.kind.classes - 1}"
            )

    def attacked(self, model: nn.Module, x: Any, y: Tensor, action: TrustAction) -> Any:
        """Return inputs of which the first share q is attacked; what was given is not written to.

        Raises:
            UsageError: No gradient reaches the inputs.
        """
        count = round(action.adversarial_share * len(y))
        if count == 0 or self.levers.eps == 0:
            return x
        key = self.kind.key
        rows: Tensor = x[key] if key is not None else x
        part, labels = rows[:count].detach(), y[:count].long()
        with unmoved(model):
            try:
                moved = self._moved(model, part, labels, action)
            except RuntimeError as error:
                if "grad" not in str(error):
                    raise
                raise UsageError(
                    "no gradient reaches the model's inputs, which an attack needs: it detaches or rounds them, or "
                    "runs under no_grad; drop the robustness target, or let gradients through"
                ) from error
        joined = torch.cat([moved.to(rows.dtype), rows[count:]])
        return joined if key is None else {key: joined}

    def of(self, z: Tensor, y: Tensor, groups: Any, action: TrustAction, utility: Tensor | None) -> Tensor:
        """Return the loss of a batch: the user's own or the log loss, plus the weighted penalties.

        Args:
            z: [n] or [n, K], logits.
            y: [n] class codes.
            groups: Of the rows.
            action: The dials.
            utility: The user's own loss of the batch; None takes the mean log loss.
        """
        loss = utility
        if loss is None:
            loss = (
                functional.binary_cross_entropy_with_logits(z, y.to(z.dtype))
                if z.ndim == 1
                else functional.cross_entropy(z, y.long())
            )
        if action.lambda_fair > 0 and self._penalties and self.membership is not None:
            self._awake = True
            return loss + action.lambda_fair * self._penalty(torch.sigmoid(z), y, groups)
        if self._awake:  # turned off: what it knew of the groups will be stale when it is turned on again
            self._awake = False
            for penalty, _ in self._penalties:
                penalty.forget()
        return loss

    def flops(self, forward: float, n_rows: int, action: TrustAction) -> float:
        """Return the operations of a step: forward and backward of all rows, and the passes of the attacked ones."""
        return forward * n_rows * self.relative_cost(action)

    def relative_cost(self, action: TrustAction) -> float:
        """Return the cost of a step in forward passes."""
        share = action.adversarial_share if self.levers.eps > 0 else 0.0
        forward, backward = passes_of(action)
        return 3.0 + (forward + 2.0 * backward) * share

    def state_dict(self) -> dict[str, Any]:
        """Return running means, noise and groups, for a checkpoint."""
        who = self.membership
        return {
            "penalties": [penalty.state_dict() for penalty, _ in self._penalties],
            "awake": self._awake,
            "noise": self._noise.get_state(),
            "membership": None if who is None else {"sizes": dict(who.sizes), "tables": dict(who.tables)},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state of a checkpoint."""
        for (penalty, _), saved in zip(self._penalties, state["penalties"], strict=True):
            penalty.load_state_dict(saved)
        self._awake = bool(state["awake"])
        self._noise.set_state(state["noise"])
        self.membership = None if state["membership"] is None else Membership(**state["membership"])

    def _penalty(self, scores: Tensor, y: Tensor, groups: Any) -> Tensor:
        """Return the penalties of a batch, with their gradient by the scores [n]."""
        assert self.membership is not None
        seen, labels = scores.detach().float().cpu(), y.float().cpu()
        pull = torch.zeros(())
        for penalty, attribute in self._penalties:
            pull = pull + penalty.value_and_gradient(seen, labels, self.membership.rows(groups, attribute))[1]
        return torch.dot(pull.to(scores), scores)

    def _moved(self, model: nn.Module, rows: Tensor, y: Tensor, action: TrustAction) -> Tensor:
        def answer(points: Tensor) -> Tensor:
            return logits_of(ask(model, points.to(rows.device, rows.dtype), self.kind.key)).float()

        if self._noise.device != rows.device and self.domain is None:
            self._noise = torch.Generator(rows.device).manual_seed(self._seed)
        eps = self.levers.eps
        if self.domain is None:
            return attacked_images(answer, rows.float(), y, eps, action, self._noise)
        # What a table may reach is laid out on the CPU, and so are its points.
        numbers = rows.float().cpu()
        shown = attacked_numbers(lambda at: answer(at).cpu(), numbers, y.cpu(), self.domain, eps, action, self._noise)
        return torch.cat([shown, numbers[:, shown.shape[1] :]], dim=1).to(rows.device)

    def _checked(self, domain: Domain | str | None, targets: Sequence[Target]) -> Domain | None:
        kind, eps = self.kind, self.levers.eps
        if isinstance(domain, str) and domain != "images":
            raise UsageError(
                f"domain {domain!r} is unknown: give a Domain for a table, or 'images' for pixels in [0, 1]"
            )
        if isinstance(domain, Domain):
            if not kind.table:
                raise UsageError(
                    f"a Domain describes rows [n, d] of a table, the loader yields rows of shape {kind.shape}"
                )
            if domain.n_features != kind.shape[0]:
                raise UsageError(
                    f"the domain describes rows of {domain.n_features} features, the loader yields {kind.shape[0]}"
                )
            return domain
        if eps == 0:
            return None
        text = next(target.text for target in targets if "eps" in dict(target.arguments))
        if kind.table and domain == "images":
            return unit_domain(kind.shape[0])
        if kind.table:
            raise UsageError(
                f"target {text}: say with domain=Domain(...) which columns of the rows may move, and how far"
            )
        if not kind.numbers:
            raise UsageError(
                f"target {text}: these inputs are tokens or several tensors, which no attack moves a little; drop the "
                "target (fairness targets and the budget work)"
            )
        return None
