"""The memory watch goes back when training rows are learned by heart, and lets a network alone that still learns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from efficienttrust.data import load_problem
from efficienttrust.models import build_mlp
from efficienttrust.pipeline import fit
from efficienttrust.training._memory import MemoryWatch

D = 40


def noisy(n: int, seed: int) -> pd.DataFrame:
    """Labels that only two columns tell, and badly: everything else can be learned by heart."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, D))
    y = rng.random(n) < 1 / (1 + np.exp(-(x[:, 0] + x[:, 1])))
    return pd.DataFrame({**{f"c{i}": x[:, i] for i in range(D)}, "y": y.astype(int)})


def test_a_network_that_memorises_is_taken_back_and_one_that_learns_is_not():
    frame = noisy(400, 0)
    x, y = torch.tensor(frame.iloc[:, :D].to_numpy(np.float32)), torch.tensor(frame.y.to_numpy(np.float32))
    new = noisy(1000, 1)
    x_new, y_new = torch.tensor(new.iloc[:, :D].to_numpy(np.float32)), torch.tensor(new.y.to_numpy(np.float32))
    network = build_mlp(n_features=D, widths=(64,), seed=0)
    watch = MemoryWatch(x, y, y_new)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    reasons = []
    for step in range(400):
        if step % 10 == 0:
            reasons.append(watch.look(network, network(x_new).detach(), float(step)))
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(network(x), y).backward()
        optimiser.step()
    fired = [step for step, reason in enumerate(reasons) if reason]
    assert fired, "400 rows are learned by heart in 400 steps"
    assert fired[0] > 2, "the first steps only learn"
    assert watch.used_at_best < 10 * fired[0]
    at_end = float(functional.binary_cross_entropy_with_logits(network(x_new).detach(), y_new))
    network.load_state_dict(watch.best)
    at_best = float(functional.binary_cross_entropy_with_logits(network(x_new).detach(), y_new))
    assert at_best < 0.8 * at_end, "the weights kept are from before"


def test_a_run_that_memorises_goes_back_and_says_so():
    problem = load_problem(noisy(9000, 2), label="y", positive="1")
    run = fit(problem, budget="epochs=100", targets=["auc >= 0.7"])
    short = fit(problem, budget="epochs=3", targets=["auc >= 0.7"])
    told = run.decisions[run.decisions.after == "go back"]
    assert len(told) >= 1
    assert told.reason.str.contains("memory watch").all()
    assert run.metrics["auc"]["value"] > short.metrics["auc"]["value"] - 0.03


def test_the_watch_survives_a_checkpoint():
    x, y = torch.randn(50, D), (torch.rand(50) > 0.5).float()
    one, other = MemoryWatch(x, y, y), MemoryWatch(x, y, y)
    network = build_mlp(n_features=D, widths=(8,), seed=0)
    assert one.look(network, network(x).detach(), 1.0) is None
    other.load_state_dict(one.state_dict())
    worse = network(x).detach() * 0 + 5 * (1 - 2 * y)
    assert (one.look(network, worse, 2.0) is None) == (other.look(network, worse, 2.0) is None)
    assert other.used_at_best == 1.0
