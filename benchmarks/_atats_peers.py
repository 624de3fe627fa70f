"""Peers of ATATS, as installed, each with the loop that its own pages show: what they reach on the data that we get.

    python benchmarks/_atats_peers.py [--data adult] [--seconds 5] [--seed 0]

Each peer gets the arrays of our splits, a network of the width that `fit` takes, Adam at 1e-3, batches of 256 from a
DataLoader, one thread, and so many CPU seconds for its loop and its search; building network and loader is not counted.
It has one setting, that of its pages, and aims at four fifths of the bound, as new rows are not the training rows. What
comes out is judged by our evaluator, under the same attacks, twice: as it is, and after our calibration, whose cost is
counted on top and reported.

Peers: Cooper (nuPI on the multipliers), humancompatible-train (augmented Lagrangian), fairret (its norm loss at a fixed
weight), OxonFair (plain training with a second head for the group, thresholds by OxonFair, heads merged), and training
on attacks by torchattacks' PGD. The first four know no robustness, the last no fairness.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from efficienttrust import load_problem
from efficienttrust.compression import NetworkScorer, Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.choice import choose
from efficienttrust.evaluation.group_head import head_of
from efficienttrust.evaluation.proof import prove
from efficienttrust.evaluation.rule_data import attribute_of
from efficienttrust.evaluation.splits import one_hot, steering_codes
from efficienttrust.evaluation.targets import Target, parse_target
from efficienttrust.models import MLP, build_mlp
from efficienttrust.pipeline._file import export_file, open_file
from efficienttrust.training._levers import PENALTY_OF, levers_of

RATE, BATCH = 1e-3, 256
TIGHTER = 0.8  # of the bound: what the constraints aim at
WEIGHT = 0.3  # of fairret's loss
STEPS = 7  # of torchattacks' PGD
GROUP_WEIGHT = 1.0  # of OxonFair's second head

Peer = Callable[[Problem, float, Sequence[Target], int], Scorer]
"""Called with (problem, CPU seconds, targets, seed)."""


def peers() -> dict[str, Peer | None]:
    """Return the peers by name; None where the package is not installed."""
    return {
        "Cooper nuPI": _cooper if find_spec("cooper") else None,
        "humancompatible ALM": _humancompatible if find_spec("humancompatible") else None,
        "fairret": _fairret if find_spec("fairret") else None,
        "OxonFair": _oxonfair if find_spec("oxonfair") else None,
        "torchattacks PGD-AT": _pgd_at if find_spec("torchattacks") else None,
    }


@dataclass(frozen=True, eq=False)
class Rows:
    """The training rows, and the fairness target in terms of rates."""

    x: Tensor
    y: Tensor
    members: Tensor
    bound: float
    labels: tuple[int | None, ...]

    def violations(self, z: Tensor, y: Tensor, members: Tensor) -> Tensor:
        """Return [2 G K] soft violations: each group's rate within half the bound of all rows, on either side."""
        scores, found = torch.sigmoid(z), []
        for label in self.labels:
            counted = torch.ones_like(y) if label is None else (y == label).float()
            each = members * counted[:, None]
            rates = each.t().mv(scores) / each.sum(0).clamp_min(1.0)
            overall = (scores * counted).sum() / counted.sum().clamp_min(1.0)
            apart = torch.where(each.sum(0) > 0, rates - overall, 0.0)
            found += [apart - self.bound / 2, -apart - self.bound / 2]
        return torch.cat(found)


def rows_of(problem: Problem, targets: Sequence[Target]) -> Rows:
    """Lay out the training rows for the first fairness target."""
    fair = next(target for target in targets if target.metric in PENALTY_OF)
    train = problem.splits["train"]
    members = one_hot(*steering_codes(problem, train, attribute_of(fair)))
    labels = {"demographic_parity": (None,), "equal_opportunity": (1,), "equalized_odds": (0, 1)}
    bound = TIGHTER * fair.bound if fair.relation == "<=" else TIGHTER * (1 - fair.bound)
    return Rows(
        torch.from_numpy(train.x),
        torch.from_numpy(train.y.astype(np.float32)),
        torch.from_numpy(members),
        bound,
        labels[PENALTY_OF[fair.metric]],
    )


def batches(tensors: Sequence[Tensor], seconds: float, seed: int) -> Iterator[tuple[Tensor, ...]]:
    """Yield shuffled batches, epoch after epoch, until the process has used so many CPU seconds more."""
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*tensors), batch_size=BATCH, shuffle=True, drop_last=True, generator=generator)
    end = time.process_time() + seconds
    while True:
        for batch in loader:
            if time.process_time() >= end:
                return
            yield tuple(batch)


def network_for(problem: Problem, seed: int) -> MLP:
    """Return the network that `fit` begins with."""
    n = len(problem.splits["train"])
    widths = (256, 128) if n >= 8000 else (128, 64) if n >= 2000 else (64, 32)
    return build_mlp(n_features=problem.encoder.n_features, widths=widths, seed=seed)


def _cooper(problem: Problem, seconds: float, targets: Sequence[Target], seed: int) -> Scorer:
    import cooper

    rows, network = rows_of(problem, targets), network_for(problem, seed)
    n = 2 * rows.members.shape[1] * len(rows.labels)

    class Parity(cooper.ConstrainedMinimizationProblem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.gap = cooper.Constraint(
                constraint_type=cooper.ConstraintType.INEQUALITY,
                formulation_type=cooper.formulations.Lagrangian,
                multiplier=cooper.multipliers.DenseMultiplier(num_constraints=n),
            )

        def compute_cmp_state(self, x: Tensor, y: Tensor, members: Tensor) -> Any:
            z = network(x)
            state = cooper.ConstraintState(violation=rows.violations(z, y, members))
            loss = functional.binary_cross_entropy_with_logits(z, y)
            return cooper.CMPState(loss=loss, observed_constraints={self.gap: state})

    cmp = Parity()
    primal = torch.optim.Adam(network.parameters(), lr=RATE)
    dual = cooper.optim.nuPI(cmp.dual_parameters(), lr=0.01, Kp=torch.tensor(10.0), ema_nu=0.9, maximize=True)
    optimiser = cooper.optim.SimultaneousOptimizer(cmp=cmp, primal_optimizers=primal, dual_optimizers=dual)
    for x, y, members in batches((rows.x, rows.y, rows.members), seconds, seed):
        optimiser.roll(compute_cmp_state_kwargs={"x": x, "y": y, "members": members})
    return NetworkScorer(network.layers())


def _humancompatible(problem: Problem, seconds: float, targets: Sequence[Target], seed: int) -> Scorer:
    from humancompatible.train.dual_optim import ALM

    rows, network = rows_of(problem, targets), network_for(problem, seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    dual = ALM(m=2 * rows.members.shape[1] * len(rows.labels), lr=0.01, penalty=1.0, is_ineq=True)
    for x, y, members in batches((rows.x, rows.y, rows.members), seconds, seed):
        z = network(x)
        loss = functional.binary_cross_entropy_with_logits(z, y)
        dual.forward_update(loss, rows.violations(z, y, members)).backward()
        optimiser.step()
        optimiser.zero_grad()
    return NetworkScorer(network.layers())


def _fairret(problem: Problem, seconds: float, targets: Sequence[Target], seed: int) -> Scorer:
    from fairret.loss import NormLoss
    from fairret.statistic import FalsePositiveRate, PositiveRate, TruePositiveRate

    rows, network = rows_of(problem, targets), network_for(problem, seed)
    statistics = {None: PositiveRate, 1: TruePositiveRate, 0: FalsePositiveRate}
    losses = [(NormLoss(statistics[label]()), label is not None) for label in rows.labels]
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    for x, y, members in batches((rows.x, rows.y, rows.members), seconds, seed):
        z = network(x)[:, None]
        loss = functional.binary_cross_entropy_with_logits(z[:, 0], y)
        for fair, labelled in losses:
            loss = loss + WEIGHT * (fair(z, members, y[:, None]) if labelled else fair(z, members))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return NetworkScorer(network.layers())


def _oxonfair(problem: Problem, seconds: float, targets: Sequence[Target], seed: int) -> Scorer:
    """Train two heads for nine tenths of the time; OxonFair searches thresholds on calibrate and merges the heads."""
    from oxonfair import DeepFairPredictor
    from oxonfair import group_metrics as gm

    fair = next(target for target in targets if target.metric in PENALTY_OF)
    rows, first = rows_of(problem, targets), network_for(problem, seed)
    metrics = {
        "demographic_parity": gm.demographic_parity,
        "equal_opportunity": gm.equal_opportunity,
        "equalized_odds": gm.equalized_odds,
    }
    n_groups = rows.members.shape[1]
    extra = 1 if n_groups == 2 else n_groups  # what merge_heads_pytorch reads of two groups: one head, near 0 or 1
    seen = rows.members[:, :1] if n_groups == 2 else rows.members
    sizes = (rows.x.shape[1], *first.widths)
    backbone = nn.Sequential(*(part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())))
    heads = nn.Linear(sizes[-1], 1 + extra)
    optimiser = torch.optim.Adam([*backbone.parameters(), *heads.parameters()], lr=RATE)
    for x, y, members in batches((rows.x, rows.y, seen), 0.9 * seconds, seed):
        said = heads(backbone(x))
        loss = functional.binary_cross_entropy_with_logits(said[:, 0], y)
        loss = loss + GROUP_WEIGHT * functional.mse_loss(said[:, 1:], members)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    split = problem.splits["calibrate"]
    codes, _ = steering_codes(problem, split, attribute_of(fair))
    known = np.flatnonzero(codes >= 0)
    with torch.no_grad():
        said = heads(backbone(torch.from_numpy(split.x[known]))).numpy()
    # Head 1 says how likely the first group is; OxonFair counts groups by the head, so the first one is group 1.
    groups = 1 - codes[known] if n_groups == 2 else codes[known]
    predictor = DeepFairPredictor(split.y[known].astype(np.int64), said, groups=groups)
    predictor.fit(gm.accuracy, metrics[PENALTY_OF[fair.metric]], TIGHTER * fair.bound)
    merged = predictor.merge_heads_pytorch(heads)
    layers = [part for part in backbone if isinstance(part, nn.Linear)] + [merged]
    return NetworkScorer(tuple((one.weight.detach().numpy().T.copy(), one.bias.detach().numpy()) for one in layers))


class _UnitCube(nn.Module):
    """The network as torchattacks wants it: numeric columns scaled to [0, 1] in, two logits out; the rest is fixed."""

    def __init__(self, network: MLP, low: Tensor, span: Tensor) -> None:
        super().__init__()
        self.network, self.low, self.span = network, low, span
        self.rest = torch.empty(0)

    def forward(self, unit: Tensor) -> Tensor:
        z: Tensor = self.network(torch.cat([self.low + unit * self.span, self.rest], dim=1))
        return torch.stack([torch.zeros_like(z), z], dim=1)


def _pgd_at(problem: Problem, seconds: float, targets: Sequence[Target], seed: int) -> Scorer:
    """Attack every batch by torchattacks' PGD; its radius differs by column, as a unit of each is another range."""
    import torchattacks

    train, domain, network = problem.splits["train"], problem.domain, network_for(problem, seed)
    x, y = torch.from_numpy(train.x), torch.from_numpy(train.y.astype(np.int64))
    low = torch.from_numpy(domain.lower)
    span = (torch.from_numpy(domain.upper) - low).clamp_min(1e-6)
    p, eps = len(low), levers_of(targets).eps
    radius = torch.from_numpy(domain.mutable).float() * eps / span
    wrapped = _UnitCube(network, low, span)
    attack = torchattacks.PGD(wrapped, eps=radius, alpha=2.5 * radius / STEPS, steps=STEPS, random_start=False)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    for rows, labels in batches((x, y), seconds, seed):
        wrapped.rest = rows[:, p:]
        moved = attack(((rows[:, :p] - low) / span).clamp(0.0, 1.0), labels)
        optimiser.zero_grad()
        functional.cross_entropy(wrapped(moved), labels).backward()
        optimiser.step()
    return NetworkScorer(network.layers())


def row_of_peer(problem: Problem, name: str, seconds: float, targets: Sequence[Target], seed: int) -> dict[str, Any]:
    """Run a peer and judge it by our evaluator: with our calibration, and as it is (`before`)."""
    peer = peers()[name]
    if peer is None:
        return {"method": name, "seed": seed, "error": "not installed"}
    begin = time.process_time()
    scorer = peer(problem, seconds, targets, seed)
    own = time.process_time() - begin
    levers = levers_of(targets)
    head = head_of(problem, robust=levers.eps > 0, seed=seed)
    choice, _ = choose(problem, [scorer], targets, head, aware=False, seed=seed, affordable=lambda _: 1.0)
    spent = time.process_time() - begin
    file = open_file(problem, export_file(problem, scorer, choice.decision, {}))
    proof = prove(problem, targets, file, scorer, choice.decision, seed=seed)
    before = {key: one.value for key, one in proof.stages[1].metrics.items()}
    deployed = {key: one.value for key, one in proof.measurements.items()}
    return {
        "method": name,
        "seed": seed,
        "problem": problem.name,
        "budget": f"time={seconds:g}s cpu",
        "clock": "cpu",
        "spent": spent,
        "spent_by_the_peer": own,
        "metrics": deployed,
        "verdicts": {one.target.text: one.status for one in proof.verdicts},
        **_judged(deployed, targets),
        "before": _judged(before, targets),
    }


def _judged(values: dict[str, float], targets: Sequence[Target]) -> dict[str, Any]:
    gaps = [target.gap(values[target.key]) for target in targets]
    return {
        "hit": all(gap <= 0 for gap in gaps),
        "violation": sum(max(gap, 0.0) for gap in gaps),
        "utility": values["accuracy"],
        **{target.key: values[target.key] for target in targets},
    }


def main() -> None:
    """Print one line per peer, after our calibration and before it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="adult")
    parser.add_argument("--sensitive", default="sex")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    texts = ("dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80", "accuracy >= 0.83")
    targets = [parse_target(text) for text in texts]
    problem = load_problem(arguments.data, sensitive=arguments.sensitive, seed=arguments.seed)
    for name in peers():
        row = row_of_peer(problem, name, arguments.seconds, targets, arguments.seed)
        if "error" in row:
            print(f"{name:22s} {row['error']}")
            continue
        for stage, one in (("calibrated", row), ("as it is", row["before"])):
            figures = " ".join(f"{one[target.key]:.4f}" for target in targets)
            spent = row["spent"] if stage == "calibrated" else row["spent_by_the_peer"]
            print(
                f"{name:22s} {stage:10s} dpd, robust, accuracy: {figures}  hit {one['hit']}  {spent:.1f} s", flush=True
            )


if __name__ == "__main__":
    main()
