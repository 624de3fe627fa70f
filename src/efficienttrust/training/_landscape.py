"""The loss landscape at a monitor point: losses, their gradients and a sharpness, on a batch that stays the same."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from efficienttrust.atats import Landscape, TrustAction
from efficienttrust.data import Problem
from efficienttrust.evaluation.splits import one_hot, steering_codes
from efficienttrust.losses import penalties as registry
from efficienttrust.training._attacked import attacked_images, attacked_numbers
from efficienttrust.training._labels import as_labels, unit_of
from efficienttrust.training._levers import Levers
from efficienttrust.training._memory import row_losses
from efficienttrust.training._stepping import Stepping

MOST_ROWS = {"table": 256, "image": 64}
RHO = 0.01  # length of the step up the gradient, of the norm of the weights

Gradient = tuple[Tensor, ...]


class LossLandscape:
    """Measures losses and gradients of a network in training; calling it leaves no trace.

    All is of the weights as deployed, in evaluation mode and float32, on the labels as they are: the weighted mean log
    loss (squared error of a number), the penalties of the targets on this batch alone, and the loss on the rows after
    N-FGSM at the training radius.

    Args:
        stepper: Holds the network.
        problem: The problem.
        levers: What its targets call for.
        seed: Seed of the choice of rows and of the attack's noise.
        most_rows: At most so many rows, where memory is short; None takes `MOST_ROWS`.

    Attributes:
        flops: Floating-point operations of a call.
    """

    def __init__(
        self, stepper: Stepping, problem: Problem, levers: Levers, *, seed: int, most_rows: int | None = None
    ) -> None:
        train, usual = problem.splits["train"], MOST_ROWS[problem.kind]
        count = min(usual, len(train), usual if most_rows is None else most_rows)
        rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:count])
        self._stepper, self._problem, self._seed, self._eps = stepper, problem, seed, levers.eps
        self._device = next(stepper.network.parameters()).device
        self._x = torch.from_numpy(np.ascontiguousarray(train.inputs(rows), dtype=np.float32)).to(self._device)
        unit = unit_of(problem)
        self._y, self._squared = as_labels(train.y[rows], unit).to(self._device), unit is not None
        weight = np.ones(len(train), np.float32) if train.weight is None else train.weight / train.weight.mean()
        self._weight = torch.from_numpy(weight[rows].astype(np.float32)).to(self._device)
        self._penalties: Sequence[tuple[str, Tensor]] = [
            (
                name,
                torch.from_numpy(one_hot(*steering_codes(problem, train, attribute))[rows])
                * self._weight.cpu()[:, None],
            )
            for name, attribute in (levers.penalties if problem.task == "binary" else ())
        ]
        attacked = levers.eps > 0 and (problem.kind == "image" or len(problem.domain.lower) > 0)
        self._attacked = attacked
        passes = 3.0 + 1.0 + (2.0 if self._penalties else 0.0) + (6.0 if attacked else 0.0)
        self.flops = count * stepper.forward_flops() * passes

    def __call__(self) -> Landscape:
        """Return the landscape around the present weights."""
        network = self._stepper.network
        weights = [one for one in network.parameters() if one.requires_grad]
        with self._stepper.as_deployed(), _without_trace(network, self._device):
            z = network(self._x).float()
            loss = self._loss(z)
            gradient = _gradient(loss, weights, keep=bool(self._penalties))
            penalty, pulled = self._penalty(z, weights)
            robust, pushed = self._robust(network, weights)
            sharpness = self._rise(network, weights, gradient) - float(loss.detach())
        return Landscape(
            loss_utility=float(loss.detach()),
            loss_fairness=penalty,
            loss_robust=robust,
            norm_utility=_norm(gradient),
            norm_fairness=_norm(pulled),
            norm_robust=_norm(pushed),
            cosine_fairness=_cosine(gradient, pulled),
            cosine_robust=_cosine(gradient, pushed),
            sharpness=sharpness,
        )

    def _loss(self, z: Tensor) -> Tensor:
        return (row_losses(z, self._y, squared=self._squared) * self._weight).mean()

    def _penalty(self, z: Tensor, weights: Sequence[Tensor]) -> tuple[float, Gradient]:
        if not self._penalties:
            return math.nan, ()
        scores = torch.sigmoid(z)
        seen, y = scores.detach().cpu(), self._y.cpu().float()
        # New penalties: the running means of those in training are not of this batch.
        found = [registry.get(name)().value_and_gradient(seen, y, members) for name, members in self._penalties]
        pull = torch.stack([one for _, one in found]).sum(0).to(z.device)
        return sum(float(value) for value, _ in found), _gradient(torch.dot(pull, scores), weights)

    def _robust(self, network: nn.Module, weights: Sequence[Tensor]) -> tuple[float, Gradient]:
        if not self._attacked:
            return math.nan, ()
        generator = torch.Generator(self._device).manual_seed(self._seed)
        action, eps = TrustAction(attack="n_fgsm"), self._eps

        def answer(points: Tensor) -> Tensor:
            z: Tensor = network(points)
            return z.float()

        if self._problem.kind == "image":
            moved = attacked_images(answer, self._x, self._y, eps, action, generator)
        else:
            domain = self._problem.domain
            moved = self._x.clone()
            moved[:, : len(domain.lower)] = attacked_numbers(answer, self._x, self._y, domain, eps, action, generator)
        loss = self._loss(answer(moved.detach()))
        return float(loss.detach()), _gradient(loss, weights)

    def _rise(self, network: nn.Module, weights: Sequence[Tensor], gradient: Gradient) -> float:
        """Return the loss after a step of RHO × |w| up the gradient; NaN where there is no gradient."""
        norm = _norm(gradient)
        if not norm > 0:
            return math.nan
        before = [one.detach().clone() for one in weights]
        step = RHO * _norm(tuple(before)) / norm
        with torch.no_grad():
            for one, slope in zip(weights, gradient, strict=True):
                one.add_(slope, alpha=step)
            risen = float(self._loss(network(self._x).float()))
            for one, value in zip(weights, before, strict=True):
                one.copy_(value)
        return risen


@contextlib.contextmanager
def _without_trace(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Let a network answer in evaluation mode; modes, buffers and random numbers are afterwards what they were."""
    modes = [(module, module.training) for module in network.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    recurrent = device.type == "cuda" and any(isinstance(module, nn.RNNBase) for module, _ in modes)
    # cuDNN has no backward pass of recurrent layers in evaluation mode.
    kernels = torch.backends.cudnn.flags(enabled=False) if recurrent else contextlib.nullcontext()
    with kernels, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        network.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)


def _gradient(loss: Tensor, weights: Sequence[Tensor], *, keep: bool = False) -> Gradient:
    found = torch.autograd.grad(loss, list(weights), retain_graph=keep, allow_unused=True)
    return tuple(torch.zeros_like(one) if slope is None else slope for one, slope in zip(weights, found, strict=True))


def _dot(one: Gradient, other: Gradient) -> float:
    return sum(float(torch.sum(a.double() * b.double())) for a, b in zip(one, other, strict=True))


def _norm(gradient: Gradient) -> float:
    return math.sqrt(_dot(gradient, gradient)) if gradient else math.nan


def _cosine(one: Gradient, other: Gradient) -> float:
    length = _norm(one) * _norm(other)
    return _dot(one, other) / length if length > 0 else math.nan
