"""Two processes that share every batch do what one process does with the whole batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from efficienttrust.training._distributed import Share
from tests.small_problems import FAIR, ROBUST
from tests.training.module_cases import HERE, closest
from tests.training.process_of_a_team import train

SCRIPT = "tests.training.process_of_a_team"
FAIR_CASE = {"name": "fair", "network": f"{HERE}:dropless", "targets": [FAIR], "budget": "time=40 steps"}
NORM_CASE = {"name": "norm", "network": f"{HERE}:normed", "targets": [FAIR], "budget": "time=25 steps"}
MLP_CASE = {"name": "mlp", "network": "mlp", "targets": [], "budget": "time=25 steps", "options": {"widths": [16]}}
ROBUST_CASE = {"name": "robust", "network": f"{HERE}:dropping", "targets": [FAIR, ROBUST], "budget": "time=25 steps"}
DIALS_CASE = {
    **FAIR_CASE,
    "name": "dials",
    "policy": "static(lambda_fair=0.3, reweighing=1, group_dro=0.5, debias=1, sparsity=0.5)",
}
CPU_CASE = {"name": "cpu", "network": f"{HERE}:plain", "targets": [FAIR], "budget": "time=3s cpu"}


def run(root, folder, what, *, processes=2, check=True):
    words = ["-m", SCRIPT, str(folder), what if isinstance(what, str) else json.dumps(what)]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *launcher, *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=500)
    assert not check or ended.returncode == 0, ended.stderr[-3000:]
    return ended


def made(folder, name):
    return torch.load(folder / f"{name}.pt", weights_only=False)


def test_shares_cover_a_batch_and_what_is_attacked_of_it():
    rows = torch.arange(100, 137)
    for size in (1, 2, 3, 5):
        shares = [Share(rank, size) for rank in range(size)]
        assert sorted(torch.cat([share.of(rows) for share in shares]).tolist()) == rows.tolist()
        for first in (0, 1, 7, 37):
            counts = [share.among(first) for share in shares]
            assert sum(counts) == first
            assert max(counts) - min(counts) <= 1
            mine = torch.cat([share.of(rows)[:count] for share, count in zip(shares, counts, strict=True)])
            assert sorted(mine.tolist()) == rows[:first].tolist()


def test_two_processes_do_what_one_does(root, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    alone.mkdir()
    together.mkdir()
    run(root, together, [FAIR_CASE, NORM_CASE, DIALS_CASE, CPU_CASE])
    for case in (FAIR_CASE, NORM_CASE, DIALS_CASE):
        train(case, alone)
    for name in ("fair", "norm", "dials"):
        one, two = made(alone, name), made(together, name)
        for before, after in zip(one["weights"], two["weights"], strict=True):
            assert closest(before, after) < 1e-4
        assert len(one["decisions"]) >= (3 if name == "dials" else 4)
        assert one["decisions"] == two["decisions"]
        for clock in ("steps", "samples", "flops"):
            assert one["ledger"]["clocks"][clock] == two["ledger"]["clocks"][clock], "what is counted is joint"
        assert two["others"] > 0
    account = made(together, "cpu")
    assert account["ledger"]["time"]["phases"]["data"] == 1.0, "the CPU time of both"
    assert 0.5 * 3.0 < account["ledger"]["time"]["used"] <= 3.0
    assert account["others"] > 0.05


@pytest.mark.slow
def test_the_usual_network_attacks_and_dropout_in_three_processes(root, tmp_path):
    again = {**ROBUST_CASE, "name": "again"}
    run(root, tmp_path, [MLP_CASE, ROBUST_CASE, again], processes=3)
    first, second = made(tmp_path, "robust"), made(tmp_path, "again")
    assert closest(first["weights"][0], second["weights"][0]) < 1e-6, "attack and dropout follow from the seed"
    assert all(torch.isfinite(one).all() for one in made(tmp_path, "mlp")["weights"][0].values())


@pytest.mark.slow
def test_a_finished_training_resumes_to_the_same_weights(root, tmp_path):
    case = {**ROBUST_CASE, "checkpoint": True}
    run(root, tmp_path, [case])
    first = made(tmp_path, "robust")
    run(root, tmp_path, [case])
    assert closest(first["weights"][0], made(tmp_path, "robust")["weights"][0]) == 0


@pytest.mark.slow
def test_a_lost_process_ends_the_others_with_one_line(root, tmp_path):
    ended = run(root, tmp_path, [{**FAIR_CASE, "dies": True, "budget": "time=100000 steps"}], check=False)
    assert ended.returncode != 0
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) <= 1, "torchrun may end the survivor before it can say anything"
    assert all("lost another one" in line for line in lines)
    assert not (tmp_path / "fair.pt").exists()


@pytest.mark.slow
def test_joint_batch_norms_equal_one_on_the_joint_batch(root, tmp_path):
    rows = torch.randn(9, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    torch.save(rows, tmp_path / "rows.pt")
    run(root, tmp_path, "norm")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 1))
    network(rows.requires_grad_(True)).pow(2).sum().backward()
    for rank in (0, 1):
        found = made(tmp_path, f"norm{rank}")
        expected = {name: one.grad for name, one in network.named_parameters()}
        assert closest(found["gradients"], expected) < 1e-4
        assert closest(found["buffers"], dict(network.named_buffers())) < 1e-5
        assert torch.allclose(found["inputs"], rows.grad[rank::2], atol=1e-5)
