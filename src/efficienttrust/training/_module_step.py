"""One training step of any torch module: read a batch, augment it, attack a share of it, take the losses, step.

The loss is that of `_step`, by autograd: L = the mean over a batch of which a share q is attacked, plus lambda_F × the
fairness penalties. Adversarial examples are crafted in evaluation mode, so that they leave no trace in batch norms.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.compression import ModuleScorer, NetworkScorer, Projection, Scorer
from efficienttrust.data import Pixels
from efficienttrust.errors import UsageError
from efficienttrust.losses import FairnessPenalty
from efficienttrust.models import MLP, named_failures, refuse_beyond_memory
from efficienttrust.models.counting import count_flops
from efficienttrust.threats.catalogue.pgd import TRAINING_PGD_STEPS
from efficienttrust.training._attacked import attacked_images, attacked_numbers
from efficienttrust.training._checkpointing import checkpointed, recomputed_flops
from efficienttrust.training._distributed import Share, Team
from efficienttrust.training._dropout import DropoutStream
from efficienttrust.training._inputs import described
from efficienttrust.training._joint_norm import join_norms
from efficienttrust.training._labels import as_labels
from efficienttrust.training._memory import row_losses
from efficienttrust.training._microbatch import COUNTED_ROWS, StepMemory, slices, step_memory
from efficienttrust.training._module_setup import ModuleSetup
from efficienttrust.training.augmentation import augment
from efficienttrust.training.distillation._pupil import Pupil


class ModuleStepper:
    """Holds what a step changes: weights, optimiser state, the running means of the penalties, random numbers.

    Args:
        setup: What stays the same.
        network: The network.
        penalties: (penalty, attribute) pairs that share lambda_F; of two classes only.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: Decoupled weight decay of matrices and filters; biases and norms have none.
        seed: Seed of the augmentation, of the attack's noise and of dropout.
        team: The processes that share every batch; None for one.
        projection: What the weights will be as deployed: every pass sees them so; None trains them as they are.

    Attributes:
        parts: Micro-batches that a batch is taken in.
        recomputed: FLOPs a row that each backward pass computes again to save memory; 0 keeps activations.
        compiled: Whether the training pass goes through `torch.compile`.
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
        team: Team | None = None,
        projection: Projection | None = None,
    ) -> None:
        refuse_beyond_memory(setup.network, network, setup.device)
        train = setup.problem.splits["train"]
        self.held = frozenset({"reweighing", "fair_batch", "group_dro", "debias", "attack_steps", "trades", "sparsity"})
        self.setup, self.penalties, self.learning_rate = setup, tuple(penalties), learning_rate
        self._flops = count_flops(network, [torch.zeros(1, *setup.inputs.shape)]).per_row
        memory_format = torch.channels_last if setup.inputs.kind == "image" else torch.contiguous_format
        self._network: nn.Module = network.to(setup.device, memory_format=memory_format)  # type: ignore[call-overload]
        self._network.train()
        self._pixels: Pixels | None = train.pixels
        self._x = None if train.pixels is not None else torch.from_numpy(train.x)
        self._y = as_labels(train.y, setup.unit)
        self._weight = None if train.weight is None else torch.from_numpy(train.weight / train.weight.mean())
        self._generator = torch.Generator().manual_seed(seed)  # one draws the same on every device,
        self._noise = torch.Generator(setup.device).manual_seed(seed + 1)  # one draws where it is needed
        self._dropout = DropoutStream(seed, setup.device)
        self.parts, self.compiled, self._stepped, self.recomputed = 1, False, False, 0.0
        self.projection = Projection() if projection is None else projection
        self._team, self._share = team, Share() if team is None else team.share
        self._training_pass: Any = self._network
        decayed = [one for one in network.parameters() if one.ndim > 1]
        plain = [one for one in network.parameters() if one.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=learning_rate,
            fused=True,
        )
        self._scaler = torch.amp.GradScaler(setup.device.type, enabled=setup.precision == "fp16")
        self._pupil = Pupil(setup.teaching, self._network, setup.inputs.shape, self.optimizer, seed)
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
        mine = self._share.of(rows)
        if self._x is not None:
            x = self._x.index_select(0, mine).to(self.setup.device)
            self._pupil.listen(mine, x, None, self.parts)
            return x
        assert self._pixels is not None
        levels = torch.from_numpy(self._pixels.levels(mine.numpy())).to(self.setup.device)
        images = levels.to(torch.float32).div_(255).contiguous(memory_format=torch.channels_last)
        strengths = {name: one * action.augmentation for name, one in self.setup.strengths.items()}
        made = augment(images, strengths, self._generator)
        if made.partners is not None and made.weights is not None:
            self._mixed = made.partners, made.weights
        self._pupil.listen(mine, made.images, self._mixed, self.parts)
        return made.images

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its first share q attacked."""
        attacked = self._share.among(round(action.adversarial_share * len(rows)))
        if attacked == 0 or not self.robust:
            return x
        self._pupil.attacked = attacked
        y = self._y[self._share.of(rows)[:attacked]].to(x.device)
        together = -(-len(x) // self.parts)  # rows of a micro-batch
        pieces = slices(attacked, -(-attacked // together))
        p, eps, domain = self.setup.inputs.n_numeric, self.setup.eps, self.setup.problem.domain
        with self._unmoved(), self.as_deployed():
            if self.setup.inputs.kind == "image":
                moved = [
                    attacked_images(self._answer, x[piece], y[piece], eps, action.attack, self._noise)
                    for piece in pieces
                ]
                return torch.cat([*moved, x[attacked:]]).contiguous(memory_format=torch.channels_last)
            for piece in pieces if p else ():
                x[piece, :p] = attacked_numbers(
                    self._answer, x[piece], y[piece], domain, eps, action.attack, self._noise
                )
        return x

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached.

        With micro-batches and a penalty every row passes twice, as the gap of the penalty is that of the whole batch.
        """
        n, size = len(rows), self._share.size
        mine = self._share.of(rows)
        parts = slices(len(mine), min(self.parts, n // size))
        pulled = action.lambda_fair > 0 and bool(self.penalties)
        penalty, pull = torch.zeros(()), torch.zeros(0)
        loss = torch.zeros((), device=x.device)
        self.optimizer.zero_grad(set_to_none=True)
        with self._dropout.drawn(), self.as_deployed(), self._pupil.watching():
            if pulled and len(parts) > 1:
                penalty, pull = self._pull(self._scores(x, parts), rows)
            for part in parts:
                with self._averaged(part is parts[-1]):
                    z = self._logits(self._training_pass, x[part])
                    utility = self._losses(z, mine, part).sum() / n
                    total = utility
                    if pulled:
                        scores = torch.sigmoid(z)
                        if len(parts) == 1:
                            penalty, pull = self._pull(scores.detach(), rows)
                        total = total + action.lambda_fair * torch.dot(pull[part], scores)
                    with named_failures(self.setup.network, "the backward pass"):
                        self._scaler.scale(total * size).backward()  # type: ignore[no-untyped-call]  # DDP takes the mean
                loss += utility.detach()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self._scaler.step(self.optimizer)
        self._scaler.update()
        joint = loss.cpu() if self._team is None else torch.tensor(self._team.sum(float(loss)), dtype=loss.dtype)
        if not self._stepped and not torch.isfinite(joint):
            raise UsageError(
                f"network {self.setup.network!r}: the loss of the first step is {float(joint):g}, as training rows get "
                "logits that are not finite: look for a division by 0, and for the root or logarithm of what is below 0"
            )
        self._stepped = True
        return joint + action.lambda_fair * penalty

    def advance(self, progress: float) -> None:
        """Let the projection do what is due at a share of the training, in [0, 1]."""
        self.projection.advance(self._network, progress)

    @contextlib.contextmanager
    def as_deployed(self) -> Iterator[None]:
        """Let the body see the weights as they will be deployed."""
        with self.projection.applied(self._network), checkpointed(self._network, self.recomputed > 0):
            yield

    def checkpoint(self) -> None:
        """Let blocks keep their inputs alone from here on, and compute the rest again in the backward pass."""
        row = torch.zeros(1, *self.setup.inputs.shape, device=self.setup.device)
        self.recomputed = recomputed_flops(self._network, row)

    def join(self) -> None:
        """Take up training with the other processes: weights become those of process 0, batch norms joint."""
        assert self._team is not None
        join_norms(self._network)
        parallel = nn.parallel.DistributedDataParallel
        renamed = "forward_sync_buffers" in inspect.signature(parallel).parameters  # in torch 2.13
        options: dict[str, Any] = {"forward_sync_buffers" if renamed else "broadcast_buffers": False}  # they stay equal
        device_ids = [self.setup.device] if self.setup.device.type == "cuda" else None
        self._training_pass = parallel(self._network, device_ids=device_ids, **options)
        if self.compiled:
            self.compile()  # what is compiled is the pass that averages

    def compile(self) -> None:
        """Send the training pass through `torch.compile`; the work is done at the next steps."""
        self.compiled = True
        self._training_pass = torch.compile(self._training_pass)

    def reseed(self, seed: int) -> None:
        """Draw from here on what follows from a seed and the number of this process."""
        own = seed + self._share.rank
        self._generator.manual_seed(own)
        self._noise.manual_seed(own + self._share.size)
        self._dropout.reseed(own)

    def measure_memory(self, rows: int) -> StepMemory:
        """Return what a step on so many rows of this process holds; spoils the network by a step on a few."""

        def loss_of(count: int) -> Tensor:
            few = torch.arange(count) % self.n_rows
            x = ModuleStepper.batch(self, few.repeat_interleave(self._share.size), TrustAction(augmentation=0.0))
            return self._losses(self._logits(self._network, x), few, slice(None)).mean()

        with self._dropout.drawn(), self._pupil.watching():
            self.optimizer.zero_grad(set_to_none=True)
            loss_of(min(COUNTED_ROWS, rows)).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            return step_memory(self._network, loss_of, rows, recomputed=self.recomputed > 0)

    def scorer(self) -> Scorer:
        """Return the present network, frozen."""
        twin = copy.deepcopy(self._network).eval()
        self.projection.fold(twin)
        for parameter in twin.parameters():
            parameter.requires_grad_(False)
        setup = self.setup
        if isinstance(twin, MLP) and setup.unit is None and setup.outputs == 1:
            return NetworkScorer(twin.layers())
        unit = (0.0, 1.0) if setup.unit is None else (setup.unit.shift, setup.unit.scale)
        return ModuleScorer(
            twin, setup.inputs.shape, setup.outputs, setup.network, setup.options, described(setup.inputs), *unit
        )

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        return self._flops

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step: forward, backward (twice), and the attack's passes."""
        passes = {"noise": 0.0, "n_fgsm": 3.0, "pgd": 3.0 * TRAINING_PGD_STEPS + 1.0}[action.attack]
        again = 1.0 if self.parts > 1 and self.penalties and action.lambda_fair > 0 else 0.0
        backward = {"noise": 0.0, "n_fgsm": 1.0, "pgd": float(TRAINING_PGD_STEPS)}[action.attack]
        recomputed = self.recomputed * (1.0 + backward * action.adversarial_share)
        own = self._flops * (3.0 + again + passes * action.adversarial_share)
        return n_rows * (own + recomputed + self._pupil.step_flops)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a step changes."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "penalties": [penalty.state_dict() for penalty, _ in self.penalties],
            "generator": self._generator.get_state(),
            "noise": self._noise.get_state(),
            "dropout": self._dropout.state,
            "parts": self.parts,
            "recomputed": self.recomputed,
            "precision": self.setup.precision,
            "compiled": self.compiled,
            "scaler": self._scaler.state_dict(),
            "projection": self.projection.state_dict(),
            "pupil": self._pupil.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        for (penalty, _), saved in zip(self.penalties, state["penalties"], strict=True):
            penalty.load_state_dict(saved)
        self._generator.set_state(state["generator"])
        self._noise.set_state(state["noise"])
        self._dropout.state, self.parts, self.recomputed = state["dropout"], state["parts"], state["recomputed"]
        self.setup = dataclasses.replace(self.setup, precision=state["precision"])
        self._scaler.load_state_dict(state["scaler"])
        self.projection.load_state_dict(state["projection"])
        self._pupil.load_state_dict(state["pupil"])
        if state["compiled"] and not self.compiled:
            self.compile()

    def _answer(self, points: Tensor) -> Tensor:
        if self.setup.precision == "fp16":  # an attack's gradients are not scaled, and would vanish
            z: Tensor = self._network(points)
            return z
        return self._logits(self._network, points)

    def _logits(self, network: Any, x: Tensor) -> Tensor:
        with self._precision(x.device):
            z: Tensor = network(x)
        return z.float()

    def _losses(self, z: Tensor, mine: Tensor, part: slice) -> Tensor:
        """Return the weighted loss of each row of a part of this process's rows."""
        return self._pupil.losses(self._label_losses(z, mine, part), z, part)

    def _label_losses(self, z: Tensor, mine: Tensor, part: slice) -> Tensor:
        rows, soft = mine[part], self.setup.soft
        learned = (self._y if soft is None else soft)[rows].to(z.device)
        losses = row_losses(z, learned, squared=self.setup.unit is not None)
        if self._mixed is not None:
            partners, share = (one[part] for one in self._mixed)
            own, others = share * losses, (1 - share) * row_losses(z, self._y[mine].to(z.device)[partners])
            if self._weight is None:
                return own + others
            counted = self._weight[mine].to(z.device)
            return own * counted[part] + others * counted[partners]
        return losses if self._weight is None else losses * self._weight[rows].to(z.device)

    def _pull(self, scores: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the penalties of the whole batch and their gradient by the scores [m] of this process's rows."""
        joint = scores.cpu() if self._team is None else self._team.gather(scores, len(rows))
        y, penalty, pull = self._y[rows].float(), torch.zeros(()), torch.zeros(len(rows))
        for one, name in self.penalties:
            value, gradient = one.value_and_gradient(joint, y, self.setup.members[name][rows])
            penalty, pull = penalty + value, pull + gradient
        return penalty, self._share.of(pull).to(scores.device)

    def _scores(self, x: Tensor, parts: Sequence[slice]) -> Tensor:
        """Return the scores that the parts will have in the pass that follows, and leave no trace."""
        before = {name: one.clone() for name, one in self._network.named_buffers()}
        with torch.no_grad(), self._dropout.drawn_again():
            scores = torch.cat([torch.sigmoid(self._logits(self._network, x[part])) for part in parts])
            for name, one in self._network.named_buffers():
                one.copy_(before[name])
        return scores

    def _averaged(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Let the processes' gradients be averaged after the last part."""
        if self._team is None or last:
            return contextlib.nullcontext()
        ignored: contextlib.AbstractContextManager[Any] = self._training_pass.no_sync()
        return ignored

    @contextlib.contextmanager
    def _unmoved(self) -> Iterator[None]:
        """Run in evaluation mode, without gradients of the weights."""
        learning = [one for one in self._network.parameters() if one.requires_grad]  # an own network may freeze some
        self._network.eval().requires_grad_(False)
        try:
            yield
        finally:
            for parameter in learning:
                parameter.requires_grad_(True)
            self._network.train()

    def _precision(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        if self.setup.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, torch.bfloat16 if self.setup.precision == "bf16" else torch.float16)
