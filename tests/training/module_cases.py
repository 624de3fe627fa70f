"""Networks, images and trainings of torch modules that the tests of their steps share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from efficienttrust.atats import make_policy
from efficienttrust.data import Problem, load_image_problem
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Candidates, Settings, TrainingTask, trainers
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training._module_step import ModuleStepper

IMAGE_ROBUST = "robust_accuracy(pgd, eps=0.03) >= 0.5"
PLAIN = Settings(device="cpu", precision="fp32")


class OneLogit(nn.Sequential):
    """A sequence of layers whose last has one unit."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(1)


def plain(inputs: Any, outputs: int) -> nn.Module:
    return OneLogit(nn.Linear(inputs.shape[0], 16), nn.ReLU(), nn.Linear(16, 1))


def normed(inputs: Any, outputs: int) -> nn.Module:
    # No bias before the norm: its gradient is zero but for rounding, which Adam would blow up to whole steps.
    return OneLogit(nn.Linear(inputs.shape[0], 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))


def dropping(inputs: Any, outputs: int) -> nn.Module:
    return OneLogit(nn.Linear(inputs.shape[0], 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))


def frozen(inputs: Any, outputs: int) -> nn.Module:
    network = OneLogit(nn.Linear(inputs.shape[0], 16), nn.ReLU(), nn.Linear(16, 1))
    return network[0].requires_grad_(False) and network


HERE = __name__


def write_images(folder: Path, classes: int, n: int = 160) -> Path:
    """Write 8x8 grey images whose brightness leans on the class."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, n)
    pixels = np.clip(rng.normal(80 + 60 * y[:, None, None], 40, (n, 8, 8)), 0, 255).astype(np.uint8)
    sex = rng.choice(["F", "M"], n)
    path = folder / f"squares{classes}.npz"
    np.savez(path, images=pixels, labels=y, sex=sex)
    return path


@cache
def images(path: Path) -> Problem:
    return load_image_problem(str(path), sensitive="sex")


def stepper_of(
    problem: Problem,
    network: str,
    targets: tuple[str, ...] = (),
    *,
    settings: Settings = PLAIN,
    seed: int = 0,
    **options: Any,
) -> ModuleStepper:
    """Return a new stepper, as a training makes it."""
    parsed = tuple(parse_target(text) for text in targets)
    task = TrainingTask(targets=parsed, seed=seed, network=network, options=options, settings=settings)
    made = Bench(problem, task, levers_of(parsed, problem.task)).stepper()
    assert isinstance(made, ModuleStepper)
    return made


def train_module(
    problem: Problem,
    budget: str,
    network: str,
    targets: tuple[str, ...] = (),
    *,
    settings: Settings = PLAIN,
    checkpoint: Path | None = None,
    on_progress: Any = None,
    ledger: Ledger | None = None,
    policy: str = "plan",
    **options: Any,
) -> tuple[Candidates, Ledger]:
    """Train a torch module without calibration, export and proof."""
    ledger = ledger or Ledger(Budget.parse(budget))
    task = TrainingTask(
        targets=tuple(parse_target(text) for text in targets),
        seed=0,
        network=network,
        options=options,
        settings=settings,
        checkpoint=checkpoint,
        identity="this run",
        on_progress=on_progress,
    )
    return trainers.get("network")(task).fit(problem, ledger, make_policy(policy)), ledger


def weights(candidates: Candidates) -> list[dict[str, Tensor]]:
    return [dict(member.scorer.module.state_dict()) for member in candidates.members]


def print_of(candidates: Candidates) -> list[Any]:
    """Everything that a seed and a counted budget must determine."""
    history = [{k: repr(v) for k, v in row.items() if k not in ("wall", "cpu")} for row in candidates.history]
    said = [(member.name, member.note) for member in candidates.members]
    bits = [{key: value.numpy().tobytes() for key, value in one.items()} for one in weights(candidates)]
    return [bits, said, history, candidates.decisions, candidates.fallbacks]


def gradients(network: nn.Module) -> dict[str, Tensor]:
    return {name: one.grad.clone() for name, one in network.named_parameters() if one.grad is not None}


def closest(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return the largest difference between two sets of tensors of the same names."""
    assert one.keys() == other.keys()
    return max(float(torch.max(torch.abs(one[name].double() - other[name].double()))) for name in one)


def dropless(inputs: Any, outputs: int) -> nn.Module:
    return OneLogit(nn.Linear(inputs.shape[0], 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 1))


def dropping_and_normed(inputs: Any, outputs: int) -> nn.Module:
    layers = (nn.Linear(inputs.shape[0], 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))
    return OneLogit(*layers)
