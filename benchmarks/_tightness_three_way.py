"""T15: the exact front of linear models over steps, beside small networks trained on rows of the same mixture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from efficienttrust.theory.catalogue.trust_front import EXAMPLE, linear_trust_front

SEEDS = (0, 1, 2, 3, 4)
STEPS = (1, 4, 16, 64, 256)
EPS, NORM = 0.2, "linf"
PENALTIES, SHARES = (0.0, 1.0, 3.0, 10.0, 30.0), (0.0, 0.5, 1.0)
TRAIN, TEST, WIDTH, RATE, ATTACK_STEPS = 2000, 20_000, 16, 0.5, 10
GAP = 0.10
ABOUT = """## Accuracy, robustness, fairness and steps: linear models exact, networks measured (T15)

The mixture of the worked example, linf attacks of {eps}. *Linear*: exact, gradient descent on the population's logistic
loss over {settings} settings of fairness penalty and attack share. *Network*: {width} ReLU units, full-batch gradient
descent (step size {rate}) on {train:,} rows over {few} settings, {test:,} fresh rows, {attack}-step PGD (so its robust
accuracy may be overstated); mean and 95% t-interval over seeds {seeds}. The best accuracy and the best robust accuracy
of any setting whose demographic parity difference is at most {gap:.2f} on the same rows (— where none is, which is
where some seed has none for networks), the smallest difference, and, in linear models, the share of rules from which no
direction improves all three (*conflict*)."""


def run() -> str:
    """Return the section."""
    front = linear_trust_front(*EXAMPLE, EPS, NORM, steps=STEPS)
    per_step = int((front.steps == STEPS[0]).sum())
    lines = [
        ABOUT.format(
            eps=EPS, settings=per_step, width=WIDTH, rate=RATE, train=TRAIN, test=TEST,
            few=len(PENALTIES) * len(SHARES),
            attack=ATTACK_STEPS, seeds=", ".join(map(str, SEEDS)), gap=GAP,
        ),
        "",
        "| steps | linear: accuracy | robust | least gap | conflict | network: accuracy | robust | least gap |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    networks = np.array([[_best(points) for points in train_networks(seed)] for seed in SEEDS])
    for place, count in enumerate((*STEPS, np.inf)):
        here = front.steps == count
        linear = _best(np.column_stack([front.accuracy.value, front.robust_accuracy.value, front.dpd.value])[here])
        cells = [*map(_shown, linear), f"{front.conflict[here].mean():.2f}"]
        cells += [_interval(networks[:, place, metric]) if place < len(STEPS) else "" for metric in range(3)]
        lines.append(f"| {'improved to the end' if np.isinf(count) else count} | {' | '.join(cells)} |")
    return "\n".join(lines)


def train_networks(seed: int) -> list[np.ndarray]:
    """Return accuracy, robust accuracy and gap of every setting after each number of steps."""
    rng = np.random.default_rng(seed)
    train, test = draw(rng, TRAIN), draw(rng, TEST)
    found: list[list[tuple[float, float, float]]] = [[] for _ in STEPS]
    for penalty in PENALTIES:
        for share in SHARES:
            torch.manual_seed(seed)
            network = nn.Sequential(nn.Linear(2, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))
            for step in range(1, STEPS[-1] + 1):
                _descend(network, train, penalty, share)
                if step in STEPS:
                    found[STEPS.index(step)].append(measure(network, test))
    return [np.array(points) for points in found]


Rows = tuple[Tensor, Tensor, Tensor]
"""x [n, 2], y [n] in {0, 1}, group [n]."""


def draw(rng: np.random.Generator, n: int) -> Rows:
    """Return rows of the example's mixture."""
    means, covariance, pi, p = (np.array(part) for part in EXAMPLE)
    a = rng.choice(len(pi), n, p=pi)
    y = (rng.uniform(size=n) < p[a]).astype(np.int64)
    x = means[a, y] + rng.multivariate_normal(np.zeros(2), covariance, n)
    return torch.from_numpy(x).float(), torch.from_numpy(y).float(), torch.from_numpy(a)


def _descend(network: nn.Sequential, rows: Rows, penalty: float, share: float) -> None:
    x, y, a = rows
    z = network(x)[:, 0]
    loss = (1 - share) * nn.functional.binary_cross_entropy_with_logits(z, y)
    if share:
        attacked = network(attack(network, x, y, steps=3))[:, 0]
        loss = loss + share * nn.functional.binary_cross_entropy_with_logits(attacked, y)
    gap = z.sigmoid()[a == 1].mean() - z.sigmoid()[a == 0].mean()
    network.zero_grad()
    (loss + penalty * gap**2).backward()
    with torch.no_grad():
        for parameter in network.parameters():
            assert parameter.grad is not None
            parameter -= RATE / (1 + penalty) ** 0.5 * parameter.grad


def attack(network: nn.Sequential, x: Tensor, y: Tensor, steps: int) -> Tensor:
    """Return the rows after projected sign descent on the margin inside the linf ball."""
    sign, shift = 2 * y - 1, torch.zeros_like(x)
    for _ in range(steps):
        shift.requires_grad_(True)
        slope = torch.autograd.grad((sign * network(x + shift)[:, 0]).sum(), shift)[0]
        shift = (shift.detach() - 2 * EPS / steps * slope.sign()).clamp(-EPS, EPS)
    return x + shift


def measure(network: nn.Sequential, rows: Rows) -> tuple[float, float, float]:
    """Return accuracy, robust accuracy by attack, and demographic parity difference."""
    x, y, a = rows
    moved = attack(network, x, y, ATTACK_STEPS)
    with torch.no_grad():
        clean, attacked = (network(points)[:, 0] > 0 for points in (x, moved))
    right = clean == (y > 0)
    stands = right & (attacked == (y > 0))
    gap = (clean[a == 1].float().mean() - clean[a == 0].float().mean()).abs()
    return right.float().mean().item(), stands.float().mean().item(), gap.item()


def _best(points: np.ndarray) -> tuple[float, float, float]:
    """Return the best accuracy and robust accuracy among points whose gap is small enough, and the smallest gap."""
    even = points[points[:, 2] <= GAP]
    return *(even[:, :2].max(axis=0) if len(even) else (np.nan, np.nan)), points[:, 2].min()


def _shown(value: float) -> str:
    return "—" if np.isnan(value) else f"{value:.4f}"


def _interval(values: Sequence[float] | np.ndarray) -> str:
    if np.isnan(values).any():
        return "—"
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.4f} ± {half:.4f}"
