"""What torchrun starts in the tests: one process of a training, or of an audit of the joint batch norm."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import torch
from torch import distributed, nn

from efficienttrust.errors import EfficientTrustError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import TrainingTask
from efficienttrust.training._distributed import team_of
from efficienttrust.training._joint_norm import join_norms
from efficienttrust.training._team_step import follow
from tests.small_problems import loans
from tests.training.module_cases import PLAIN, train_module, weights


def train(case: dict, folder: Path) -> None:
    """Train one case; process 0 writes weights, decisions and the account."""
    problem = loans()
    targets = tuple(case["targets"])
    checkpoint = folder / "state.pt" if case.get("checkpoint") else None
    with team_of(case["network"], {"wall": 1.0, "cpu": 0.5}) as team:
        if team is not None and team.share.rank > 0:
            task = TrainingTask(
                tuple(parse_target(text) for text in targets), seed=0, network=case["network"], settings=PLAIN
            )
            if case.get("dies"):
                os.kill(os.getpid(), signal.SIGKILL)
            follow(problem, task, team)
            assert team.ask() is None
            return
        ledger = Ledger(Budget.parse(case["budget"]), clock_override=None if team is None else team.clocks())
        ledger.add_prior("data", **({"wall": 1.0, "cpu": 0.5} if team is None else team.preparation))
        candidates, _ = train_module(
            problem, "", case["network"], targets, ledger=ledger, checkpoint=checkpoint,
            policy=case.get("policy", "plan"), **case.get("options", {}),
        )  # fmt: skip
        if team is not None:
            team.leave()
    others = 0.0 if team is None else team.others_cpu
    torch.save(
        {
            "weights": weights(candidates),
            "decisions": [vars(one) for one in candidates.decisions],
            "ledger": ledger.to_dict(),
            "others": others,
        },
        folder / f"{case['name']}.pt",
    )


def norm(folder: Path) -> None:
    """Run joint batch norms on this process's rows; write values, gradients and buffers."""
    distributed.init_process_group("gloo")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    rows = torch.load(folder / "rows.pt")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 1))
    join_norms(network)
    mine = rows[rank::size].requires_grad_(True)
    network(mine).pow(2).sum().backward()
    found = {name: one.grad for name, one in network.named_parameters()}
    for one in found.values():
        distributed.all_reduce(one)
    torch.save(
        {"gradients": found, "inputs": mine.grad, "buffers": dict(network.named_buffers())}, folder / f"norm{rank}.pt"
    )
    distributed.destroy_process_group()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    torch.set_num_threads(1)
    try:
        if sys.argv[2] == "norm":
            norm(place)
        else:
            for case in json.loads(sys.argv[2]):
                train(case, place)
    except EfficientTrustError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
