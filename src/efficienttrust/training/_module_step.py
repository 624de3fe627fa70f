"""One training step of any torch module: read a batch, augment it, attack a share of it, take the losses, step.

The loss is that of `_step`, by autograd: L = the mean over a batch of which a share q is attacked, plus lambda_F × the
fairness penalties; with TRADES as `_step` has it. Adversarial examples are crafted in evaluation mode, so that they
leave no trace in batch norms.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.compression import Projection, Scorer
from efficienttrust.data import Pixels
from efficienttrust.losses import FairnessPenalty
from efficienttrust.models import named_failures, refuse_beyond_memory
from efficienttrust.models.counting import count_flops
from efficienttrust.training._attacked import attacked_batch, passes_of, placed, unmoved
from efficienttrust.training._batches import Composition
from efficienttrust.training._checkpointing import checkpointed, recomputed_flops
from efficienttrust.training._distributed import Share, Team
from efficienttrust.training._dropout import DropoutStream
from efficienttrust.training._free import FreeShift
from efficienttrust.training._joint_norm import joined
from efficienttrust.training._labels import as_labels
from efficienttrust.training._microbatch import COUNTED_ROWS, StepMemory, slices, step_memory
from efficienttrust.training._module_setup import ModuleSetup, scorer_of
from efficienttrust.training._row_losses import RowLosses, refuse_no_number
from efficienttrust.training._sparsity import DynamicSparsity
from efficienttrust.training.augmentation import augment
from efficienttrust.training.distillation._pupil import Pupil
from efficienttrust.training.interventions import NOTHING, Groups, Interventions, joint_effect, needs_answers


class ModuleStepper:
    """Holds what a step changes: weights, optimiser state, what the interventions remember, random numbers.

    Args:
        setup: What stays the same.
        network: The network.
        penalties: (penalty, attribute) pairs that share lambda_F; of two classes only.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: Decoupled weight decay of matrices and filters; biases and norms have none.
        seed: Seed of the augmentation, of the attack's noise and of dropout.
        team: The processes that share every batch; None for one.
        projection: What the weights will be as deployed: every pass sees them so; None trains them as they are.
        groups: What the interventions beside the penalties level out; None leaves them out.

    Attributes:
        held: Dials that it does not carry out.
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
        groups: Groups | None = None,
    ) -> None:
        refuse_beyond_memory(setup.network, network, setup.device)
        train = setup.problem.splits["train"]
        self.setup, self.learning_rate = setup, learning_rate
        self._flops = count_flops(network, [torch.zeros(1, *setup.inputs.shape)]).per_row
        memory_format = torch.channels_last if setup.inputs.kind == "image" else torch.contiguous_format
        self._network: nn.Module = network.to(setup.device, memory_format=memory_format)  # type: ignore[call-overload]
        self._network.train()
        self._pixels: Pixels | None = train.pixels
        self._x = None if train.pixels is not None else torch.from_numpy(train.x)
        self._y = as_labels(train.y, setup.unit)
        self._generator = torch.Generator().manual_seed(seed)  # one draws the same on every device,
        self._noise = torch.Generator(setup.device).manual_seed(seed + 1)  # one draws where it is needed
        self._dropout = DropoutStream(seed, setup.device)
        self.parts, self.compiled, self._stepped, self.recomputed = 1, False, False, 0.0
        self.projection = Projection() if projection is None else projection
        self._sparsity = DynamicSparsity(self.projection, self._network)
        self._team, self._share = team, Share() if team is None else team.share
        self._training_pass: Any = self._network
        matrices = [one for one in network.parameters() if one.ndim > 1]
        others = [one for one in network.parameters() if one.ndim <= 1]
        parameters = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(parameters, lr=learning_rate, fused=True)
        self._scaler = torch.amp.GradScaler(setup.device.type, enabled=setup.precision == "fp16")
        self._pupil = Pupil(setup.teaching, self._network, setup.inputs.shape, self.optimizer, seed)
        self._free = FreeShift()
        self._losses = RowLosses(setup, self._y, self._pupil)
        self._interventions = Interventions(penalties, setup.members, groups)
        held = {"spread", *(["trades"] if setup.unit else []), *(["sparsity"] if self._sparsity.held else [])}
        self.held = self._interventions.held | held

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

    def drawn(self, action: TrustAction) -> TrustAction:
        """Return the action: nothing is drawn here."""
        return action

    def decays(self) -> dict[nn.Parameter, float]:
        """Return the weight decay of every parameter."""
        return {one: float(group["weight_decay"]) for group in self.optimizer.param_groups for one in group["params"]}

    def adopt(self, optimizer: Any) -> None:
        """Let another optimiser take the steps."""
        self.optimizer = optimizer

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the inputs of training rows on the device, images as new variants of themselves."""
        self._sparsity.turn(action.sparsity)
        self._losses.mixed = None
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
            self._losses.mixed = made.partners, made.weights
        self._pupil.listen(mine, made.images, self._losses.mixed, self.parts)
        return made.images

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its first share q attacked; with TRADES the attacked rows follow the batch as it is."""
        attacked = self._share.among(round(action.adversarial_share * len(rows)))
        if action.attack != "free":
            self._free.forget()
        if attacked == 0 or not self.robust:
            return x
        apart = action.trades > 0 and "trades" not in self.held
        self._pupil.attacked = 0 if apart else attacked
        y = self._y[self._share.of(rows)[:attacked]].to(x.device)
        pieces = slices(attacked, -(-attacked // -(-len(x) // self.parts)))  # as many rows as a micro-batch
        if action.attack == "free":
            return placed(x, self._free.moved(x, attacked, self.setup), apart=apart)
        with unmoved(self._network), self.as_deployed():
            return attacked_batch(self._answer, x, y, pieces, self.setup, action, self._noise, apart=apart)

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached.

        With micro-batches and an intervention that looks at the whole batch, as a gap does, every row passes twice.
        """
        n, size = len(rows), self._share.size
        mine = self._share.of(rows)
        replayed = action.attack == "free" and self.robust and action.adversarial_share > 0
        if replayed:
            x = x.detach().requires_grad_()
        many = self.parts if self.parts == 1 else -(-self.parts * len(x) // len(mine))  # attacked copies need room too
        parts = slices(len(mine), min(many, n // size))
        active = self._interventions.at(action)
        asked = needs_answers(active)
        heard = partial(joint_effect, self._team, self.setup.device, active, rows, self._y[rows] if active else rows)
        effect, loss = NOTHING, torch.zeros((), device=x.device)
        self.optimizer.zero_grad(set_to_none=True)
        with self._dropout.drawn(), self.as_deployed(), self._pupil.watching():
            if asked and len(parts) > 1:
                effect = heard(*self._foreseen(x, mine, parts, action))
            elif active and not asked:
                effect = heard()
            for part in parts:
                with self._averaged(part is parts[-1]):
                    z, losses = self._pass(self._training_pass, x, mine, part, action)
                    if asked and len(parts) == 1:
                        effect = heard(z.detach(), losses.detach())
                    if effect.factor is not None:
                        losses = losses * self._losses.of_mixed(effect.factor, part)
                    utility = losses.sum() / n
                    total = utility if effect.gradient is None else utility + torch.dot(effect.gradient[part], z)
                    with named_failures(self.setup.network, "the backward pass"):
                        self._scaler.scale(total * size).backward()  # type: ignore[no-untyped-call]  # DDP takes the mean
                loss += utility.detach()
        if replayed and x.grad is not None:
            self._move(x.grad, len(mine), self._share.among(round(action.adversarial_share * n)))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self._scaler.step(self.optimizer)
        self._scaler.update()
        joint = loss.cpu() if self._team is None else torch.tensor(self._team.sum(float(loss)), dtype=loss.dtype)
        refuse_no_number(joint, None if self._stepped else self.setup.network)
        self._stepped = True
        return joint + effect.value

    def _move(self, gradient: Tensor, n: int, attacked: int) -> None:
        """Let the gradient by the inputs move the perturbation of free adversarial training."""
        first = n if len(gradient) > n else 0  # with TRADES the attacked rows follow the batch
        moved = gradient[first : first + attacked]
        self._free.take(moved if self.setup.inputs.kind == "image" else moved[:, : self.setup.inputs.n_numeric])

    def composition(self, action: TrustAction) -> Composition | None:
        """Return how the next batch is to be composed; None draws it from all rows alike."""
        return self._interventions.composition(action)

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
        self._training_pass = joined(self._network, self.setup.device)
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
        return scorer_of(twin, self.setup)

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        return self._flops

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step: forward, backward (twice), and the attack's passes."""
        forwards, backwards = passes_of(action)
        again = 1.0 if self.parts > 1 and self._interventions.ask(action) else 0.0
        doubled = 1.0 if action.trades > 0 and self.robust and "trades" not in self.held else 0.0
        share = action.adversarial_share
        own = self._flops * ((3.0 + again) * (1.0 + doubled * share) + (forwards + 2.0 * backwards) * share)
        recomputed = self.recomputed * (1.0 + (backwards + doubled) * share)
        return n_rows * (own + recomputed + self._pupil.step_flops + self._interventions.row_flops(action))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a step changes."""
        return {
            "network": self._network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "interventions": self._interventions.state_dict(),
            "generator": self._generator.get_state(),
            "noise": self._noise.get_state(),
            "free": self._free.state_dict(),
            "dropout": self._dropout.state,
            "parts": self.parts,
            "recomputed": self.recomputed,
            "precision": self.setup.precision,
            "compiled": self.compiled,
            "scaler": self._scaler.state_dict(),
            "sparsity": self._sparsity.state_dict(),
            "projection": self.projection.state_dict(),
            "pupil": self._pupil.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._interventions.load_state_dict(state["interventions"])
        self._generator.set_state(state["generator"])
        self._noise.set_state(state["noise"])
        self._free.load_state_dict(state["free"])
        self._dropout.state, self.parts, self.recomputed = state["dropout"], state["parts"], state["recomputed"]
        self.setup = dataclasses.replace(self.setup, precision=state["precision"])
        self._scaler.load_state_dict(state["scaler"])
        self._sparsity.load_state_dict(state["sparsity"])
        self.projection.load_state_dict(state["projection"])
        self._pupil.load_state_dict(state["pupil"])
        if state["compiled"] and not self.compiled:
            self.compile()

    def _answer(self, points: Tensor) -> Tensor:
        scaled = self.setup.precision == "fp16"  # an attack's gradients are not, and would vanish
        z: Tensor = self._network(points) if scaled else self._logits(self._network, points)
        return z

    def _logits(self, network: Any, x: Tensor) -> Tensor:
        with self._precision(x.device):
            z: Tensor = network(x)
        return z.float()

    def _pass(self, network: Any, x: Tensor, mine: Tensor, part: slice, action: TrustAction) -> tuple[Tensor, Tensor]:
        """Return logits and weighted losses of a part of this process's rows; attacked copies of TRADES go along."""
        copies = x[len(mine) + part.start : len(mine) + part.stop]  # of the first rows of the part, or of none
        answers = self._logits(network, torch.cat([x[part], copies]) if len(copies) else x[part])
        z, attacked = answers[: part.stop - part.start], answers[part.stop - part.start :]
        losses = self._losses(z, mine, part)
        if len(attacked):
            losses = losses + action.trades * self._losses.apart(z, attacked, mine, part)
        return z, losses

    def _foreseen(self, x: Tensor, mine: Tensor, parts: Sequence[slice], action: TrustAction) -> tuple[Tensor, Tensor]:
        """Return logits and losses that the parts will have in the pass that follows, and leave no trace."""
        before = {name: one.clone() for name, one in self._network.named_buffers()}
        with torch.no_grad(), self._dropout.drawn_again():
            said = [self._pass(self._network, x, mine, part, action) for part in parts]
            for name, one in self._network.named_buffers():
                one.copy_(before[name])
        return torch.cat([z for z, _ in said]), torch.cat([losses for _, losses in said])

    def _averaged(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Let the processes' gradients be averaged after the last part."""
        if self._team is None or last:
            return contextlib.nullcontext()
        ignored: contextlib.AbstractContextManager[Any] = self._training_pass.no_sync()
        return ignored

    def _precision(self, device: torch.device) -> contextlib.AbstractContextManager[Any]:
        if self.setup.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(device.type, torch.bfloat16 if self.setup.precision == "bf16" else torch.float16)
