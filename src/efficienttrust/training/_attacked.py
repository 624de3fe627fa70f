"""Adversarial examples for a training step of any torch module: random noise, N-FGSM, or short PGD."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.data import Domain
from efficienttrust.threats import Attack, Objective, Reach, ball, reach
from efficienttrust.threats._objective import Answer
from efficienttrust.threats.catalogue.n_fgsm import n_fgsm_shift
from efficienttrust.threats.catalogue.pgd import PGD, TRAINING_PGD, TRAINING_PGD_STEPS
from efficienttrust.training._batches import NOISE_REACH
from efficienttrust.training._memory import row_losses
from efficienttrust.training._module_setup import ModuleSetup


@cache
def training_pgd(steps: int = TRAINING_PGD_STEPS) -> Attack:
    """Return PGD of so many steps, from a random start."""
    return dataclasses.replace(TRAINING_PGD, definition=f"PGD, {steps} steps", iteration=PGD(steps=steps))


def passes_of(action: TrustAction) -> tuple[float, float]:
    """Return how many forward and how many backward passes the attack of an action takes on an attacked row."""
    steps = round(action.attack_steps)
    return {"noise": (0.0, 0.0), "free": (0.0, 0.0), "n_fgsm": (1.0, 1.0), "pgd": (steps + 1.0, float(steps))}[
        action.attack
    ]


@contextlib.contextmanager
def unmoved(network: nn.Module) -> Iterator[None]:
    """Let a network in training answer in evaluation mode, without gradients of its weights."""
    learning = [one for one in network.parameters() if one.requires_grad]  # an own network may freeze some
    network.eval().requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        network.train()


def attacked_batch(
    answer: Answer,
    x: Tensor,
    y: Tensor,
    pieces: Sequence[slice],
    setup: ModuleSetup,
    action: TrustAction,
    generator: torch.Generator,
    *,
    apart: bool,
) -> Tensor:
    """Return a batch whose first rows are attacked.

    Args:
        answer: From inputs to logits.
        x: [m, ...] the batch; numbers of a table are written to, unless `apart`.
        y: Labels of the rows that are attacked.
        pieces: In which pieces they are, one after the other.
        setup: Says what the inputs are, and how far they may be moved.
        action: Says which attack.
        generator: Source of noise.
        apart: Whether the attacked rows follow the batch as it is, in place of taking its first places.
    """
    eps, domain, p = setup.eps, setup.problem.domain, setup.inputs.n_numeric
    if setup.inputs.kind == "image":
        moved = torch.cat([attacked_images(answer, x[piece], y[piece], eps, action, generator) for piece in pieces])
    elif p == 0:
        return x
    else:
        moved = torch.cat(
            [attacked_numbers(answer, x[piece], y[piece], domain, eps, action, generator) for piece in pieces]
        )
    return placed(x, moved, apart=apart)


def placed(x: Tensor, moved: Tensor, *, apart: bool) -> Tensor:
    """Return a batch with its first rows moved: in their places, or behind the batch as it is.

    Args:
        x: [m, ...] the batch; numbers of a table are written to, unless `apart`.
        moved: [attacked, ...] images, or the numeric columns of rows.
        apart: Whether the moved rows follow the batch.
    """
    attacked = len(moved)
    if x.ndim > 2:
        whole = [x, moved] if apart else [moved, x[attacked:]]
        return torch.cat(whole).contiguous(memory_format=torch.channels_last)
    p = moved.shape[1]
    if apart:
        return torch.cat([x, torch.cat([moved, x[:attacked, p:]], dim=1)])
    x[:attacked, :p] = moved
    return x


def attacked_images(
    answer: Answer, images: Tensor, y: Tensor, eps: float, action: TrustAction, generator: torch.Generator
) -> Tensor:
    """Return attacked images, in [0, 1].

    Args:
        answer: From images to logits.
        images: [m, C, H, W] clean images.
        y: [m] labels.
        eps: Radius in L∞.
        action: Says which attack: `noise`, `n_fgsm` (which may leave the ball by its noise) or `pgd` of some steps.
        generator: Source of noise, on the device of the images.
    """
    where = ball(images, eps)
    if action.attack == "noise":
        return where.points(where.start(generator))
    if action.attack == "pgd":
        return training_pgd(round(action.attack_steps)).run(Objective(answer, y), where, generator)[0]
    radius = torch.full_like(images, eps)
    reached = Reach(images, radius, radius, radius.new_zeros(1))
    shift = n_fgsm_shift(lambda points: -row_losses(answer(points), y), reached, generator)
    return (images + shift).clamp_(0.0, 1.0)


def attacked_numbers(
    answer: Answer, x: Tensor, y: Tensor, domain: Domain, eps: float, action: TrustAction, generator: torch.Generator
) -> Tensor:
    """Return the attacked numeric columns of encoded rows, inside the domain.

    Args:
        answer: From encoded rows to logits.
        x: [m, d] clean rows.
        y: [m] labels.
        domain: What may be perturbed.
        eps: Radius in L∞.
        action: Says which attack: `noise`, `n_fgsm` (which may leave the reach by its noise) or `pgd` of some steps.
        generator: Source of noise, on the device of the rows.
    """
    p = len(domain.lower)
    origin, fixed = x[:, :p], x[:, p:]

    def of_numbers(numeric: Tensor) -> Tensor:
        return answer(torch.cat([numeric, fixed], dim=1))

    where = reach(domain, x, eps)
    if action.attack == "pgd":
        return training_pgd(round(action.attack_steps)).run(Objective(of_numbers, y), where, generator)[0]
    room = reach(domain, x, NOISE_REACH * eps, whole_units=False)
    if action.attack == "noise":
        noise = torch.empty_like(origin).uniform_(-1.0, 1.0, generator=generator)
        return origin + room.clip(noise * where.radius)
    shift = n_fgsm_shift(lambda numeric: -row_losses(of_numbers(numeric), y), where, generator)
    return origin + room.clip(shift)
