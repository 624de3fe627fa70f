"""What torchrun starts in the tests: one process of a training with a teacher; process 0 writes the weights."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from efficienttrust.atats import make_policy
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import TrainingTask, trainers
from efficienttrust.training._distributed import team_of
from efficienttrust.training._team_step import follow
from tests.small_problems import FAIR, weighted_loans
from tests.training.distillation.cases import distilled, teacher_of
from tests.training.module_cases import HERE, PLAIN


def train(file: Path) -> None:
    """Train in as many processes as there are."""
    problem, network = weighted_loans(), f"{HERE}:dropless"
    distillation = distilled(teacher_of(problem), alpha=0.8, balanced=True)
    task = TrainingTask((parse_target(FAIR),), seed=0, network=network, settings=PLAIN, distillation=distillation)
    with team_of(network, {"wall": 0.0, "cpu": 0.0}) as team:
        if team is not None and team.share.rank > 0:
            follow(problem, task, team)
            assert team.ask() is None
            return
        ledger = Ledger(Budget.parse("steps=30"), clock_override=None if team is None else team.clocks())
        made = trainers.get("network")(task).fit(problem, ledger, make_policy("plan"))
        if team is not None:
            team.leave()
    np.save(file, made.members[0].scorer.score(problem.splits["test"].x))


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(Path(sys.argv[1]))
