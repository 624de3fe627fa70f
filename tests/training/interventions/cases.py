"""Both steppers, as a training makes them, and what their tests do with them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from efficienttrust.atats import TrustAction
from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.training import TrainingTask
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training.interventions import Groups
from tests.small_problems import FAIR, ROBUST
from tests.training.module_cases import HERE, PLAIN

BY_HAND, BY_AUTOGRAD = "mlp", f"{HERE}:plain"
STEPPERS = (BY_HAND, BY_AUTOGRAD)
ROWS = torch.arange(5, 69)
TARGETS = (FAIR, ROBUST)


def stepper_of(problem: Problem, network: str, targets: tuple[str, ...] = TARGETS) -> Any:
    """Return a new stepper; its last layer is large, so that scores lie apart."""
    parsed = tuple(parse_target(text) for text in targets)
    options = {"widths": (16,)} if network == BY_HAND else {}
    task = TrainingTask(targets=parsed, seed=0, network=network, options=options, settings=PLAIN)
    stepper = Bench(problem, task, levers_of(parsed, problem.task)).stepper()
    with torch.no_grad():
        list(stepper.network.parameters())[-2].mul_(10)
    return stepper


def twin_of(stepper: Any, problem: Problem, network: str, targets: tuple[str, ...] = TARGETS) -> Any:
    """Return a new stepper with weights, optimiser and random numbers of another, and nothing else of it."""
    twin = stepper_of(problem, network, targets)
    never = twin.state_dict()
    fresh = {key: never[key] for key in ("interventions", "sparsity", "projection", "free")}
    twin.load_state_dict({**copy.deepcopy(stepper.state_dict()), **fresh})  # an optimiser takes tensors as they are
    return twin


def taken(stepper: Any, action: TrustAction, rows: Tensor = ROWS, rate: float = 1e-3) -> Tensor:
    """Take a step; return its loss."""
    x = stepper.batch(rows, action)
    if action.adversarial_share > 0:
        x = stepper.attack(x, rows, action)
    loss: Tensor = stepper.step(x, rows, action, rate)
    return loss


def some_steps(stepper: Any, action: TrustAction, first: int, count: int) -> None:
    for index in range(first, first + count):
        taken(stepper, action, (torch.arange(48) + 41 * index) % stepper.n_rows)


def weights(stepper: Any) -> list[Tensor]:
    return [one.clone() for one in stepper.network.state_dict().values()]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def made_groups(n: int = 400, *, notions: tuple[str, ...] = (), unknown: bool = True, seed: int = 0) -> Groups:
    """Three groups of unequal size and weight, some rows without one."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    y = (rng.random(n) < np.array([0.6, 0.3, 0.5])[codes]).astype(np.int64)
    if unknown:
        codes = np.where(rng.random(n) < 0.1, -1, codes)
    weight = rng.choice([0.5, 1.0, 3.0], n)
    as_tensor = torch.from_numpy
    return Groups(as_tensor(codes), 3, as_tensor(y), as_tensor((weight / weight.mean()).astype(np.float32)), notions)
