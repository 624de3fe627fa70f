"""What ATATS adds to a training loop, outside of its looks: CPU seconds a step against the same loop without it.

    python benchmarks/atats_overhead.py [--repeats 9] [--steps 300]

Both sides run in one process, in turns, on one thread and the same batches (in memory, drawn before the clock starts):
a network, Adam, and (a) the log loss with all dials at zero, against the plain loop; (b) the log loss with a fairness
penalty, against the same penalty written by hand in autograd, as users write it. Looks are left out by the ledger: what
is timed is `batches`, `loss` and `step`, with their charges, laps, checks and schedule. Printed is the median of the
ratios of the turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from efficienttrust import ATATS

Batch = tuple[Tensor, Tensor, Tensor]
Penalty = Callable[[Tensor, Tensor], Tensor]

RATE = 1e-3
LAMBDA_F = 0.5
WARM_UP = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--repeats", type=int, default=9)
    arguments.add_argument("--steps", type=int, default=300)
    asked = arguments.parse_args()
    torch.set_num_threads(1)
    print(f"{'network':24} {'dials':16} {'without':>12} {'with':>12} {'ratio':>8}")
    for name, build, size in (
        ("mlp 100-256-128, 256 rows", table_network, 256),
        ("mlp 100-64, 64 rows", small_network, 64),
        ("cnn 16x16, 64 rows", image_network, 64),
    ):
        batches = drawn(size, asked.steps + WARM_UP, images=build is image_network)
        for said, policy, penalty in (
            ("all zero", "static(lambda_fair=0, adversarial_share=0)", None),
            (f"lambda_fair {LAMBDA_F}", f"static(lambda_fair={LAMBDA_F}, adversarial_share=0)", parity),
        ):
            turns = [
                (plain(build(), batches, penalty), steered(build(), batches, policy)) for _ in range(asked.repeats)
            ]
            without, having = (statistics.median(side) * 1e6 for side in zip(*turns, strict=True))
            ratio = statistics.median(one / other for other, one in turns)
            print(f"{name:24} {said:16} {without:9.0f} µs {having:9.0f} µs {ratio:8.3f}")


def table_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(100, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 1))


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(100, 64), nn.ReLU(), nn.Linear(64, 1))


def image_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 1),
    )  # fmt: skip


def drawn(size: int, count: int, *, images: bool) -> list[Batch]:
    generator = torch.Generator().manual_seed(0)
    shape = (3, 16, 16) if images else (100,)
    return [
        (
            torch.rand(size, *shape, generator=generator),
            torch.randint(0, 2, (size,), generator=generator),
            torch.randint(0, 2, (size,), generator=generator),
        )
        for _ in range(count)
    ]


def parity(scores: Tensor, groups: Tensor) -> Tensor:
    """Demographic parity by hand: the gap between the mean scores of two groups."""
    return (scores[groups == 1].mean() - scores[groups == 0].mean()).abs()


def plain(model: nn.Module, batches: list[Batch], penalty: Penalty | None) -> float:
    """Return CPU seconds a step of the loop without ATATS."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    begun = 0.0
    for step, (x, y, groups) in enumerate(batches):
        if step == WARM_UP:
            begun = time.process_time()
        z = model(x).squeeze(1)
        loss = functional.binary_cross_entropy_with_logits(z, y.to(z.dtype))
        if penalty is not None:
            loss = loss + LAMBDA_F * penalty(torch.sigmoid(z), groups)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.process_time() - begun) / (len(batches) - WARM_UP)


def steered(model: nn.Module, batches: list[Batch], policy: str) -> float:
    """Return CPU seconds a step of the loop with ATATS, less what its ledger charges to looks and preparation."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    atats = ATATS(model, optimizer, budget=f"time={len(batches)} steps", targets=["dpd <= 0.05"], policy=policy)
    validation = tuple(torch.cat(column) for column in zip(*batches[:4], strict=True))
    begun = aside = 0.0
    for x, y, groups in atats.batches(batches):
        if atats.steps == WARM_UP:
            begun, aside = time.process_time(), looked(atats)
        loss = atats.loss(model, x, y, groups)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        atats.step(validation)
    spent = time.process_time() - begun - (looked(atats) - aside)
    assert atats.steps == len(batches)
    atats.close()
    return spent / (len(batches) - WARM_UP)


def looked(atats: ATATS) -> float:
    """Return the CPU seconds charged to looks and preparation so far."""
    cpu = 1  # position of that clock
    charged = atats.ledger.state_dict()
    return sum(charged[name][cpu] for name in ("monitor", "prepare", "probe") if name in charged)


if __name__ == "__main__":
    main()
