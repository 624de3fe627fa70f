"""Random micro-tasks: two groups, two labels, Gaussian rows, a budget, costs and targets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._planner import MONITOR_SPACING, Lever, Plan, make_plan
from efficienttrust.atats.learning._metrics import curves_of, weights_of

MOST_FEATURES = 32
MOST_ROWS = 1024
RESERVE = 0.05  # of the budget


@dataclass(frozen=True, eq=False)
class Task:
    """A micro-task: rows are x | a, y ~ N(means[a, y], I) in the first `features` coordinates.

    Attributes:
        features: Number of features; the other coordinates are 0.
        means: Means of the rows, [group, label, MOST_FEATURES].
        group_share: Probability of group 1.
        base_rates: P(y = 1) by group, [2], before the labels are flipped.
        label_noise: Probability that a label is flipped, in training and at every measurement.
        eps: Radius in the maximum norm of what an attack may do to a row.
        rows: Training rows.
        budget: In the cost of a plain step.
        cost_ratio: Cost of a step whose whole batch is attacked.
        monitor_cost: Of one look.
        monitor_rows: Rows looked at; a quarter of them is attacked.
        fairness_bound: Largest demographic parity difference allowed, NaN without that target.
        robustness_bound: Least robust accuracy demanded, NaN without that target.
        aware: Calibration sets one threshold per group instead of one for all.
        rate: Peak learning rate.
        cost_jitter: Standard deviation of the logarithm of measured costs.
        seed: Of the training rows and of the first weights.
    """

    features: int
    means: NDArray[np.float64]
    group_share: float
    base_rates: NDArray[np.float64]
    label_noise: float
    eps: float
    rows: int
    budget: float
    cost_ratio: float
    monitor_cost: float
    monitor_rows: int
    fairness_bound: float
    robustness_bound: float
    aware: bool
    rate: float
    cost_jitter: float
    seed: int

    def plan(self, steps_per_epoch: float) -> Plan:
        """Return the plan of the run, by the planner of real runs."""
        return make_plan(
            Lever(not math.isnan(self.fairness_bound), not math.isnan(self.robustness_bound), float(self.aware)),
            used=0.0,
            limit=self.budget,
            reserve=RESERVE * self.budget,
            plain_step=1.0,
            adversarial_step=self.cost_ratio,
            monitor=self.monitor_cost,
            steps_per_epoch=steps_per_epoch,
        )


def draw_tasks(seed: int, n: int, *, shifted: bool = False) -> list[Task]:
    """Return n tasks; the same seed gives the same tasks. See `draw_task`."""
    rng = np.random.default_rng(seed)
    return [draw_task(rng, shifted=shifted) for _ in range(n)]


def draw_task(rng: np.random.Generator, *, shifted: bool = False) -> Task:
    """Return a random task.

    The targets lie between what a rule that ignores them reaches and what one that obeys them could, so that they are
    neither free nor hopeless.

    Args:
        rng: Source of chance.
        shifted: Draw from another distribution, to test on: 2.5 times the budget, 1.3 times the radius, and a third of
            the validation rows.
    """
    features = int(rng.integers(8, MOST_FEATURES + 1))
    strong = int(rng.integers(2, 6))
    direction = rng.uniform(0.05, 0.35) * rng.standard_normal(features)
    direction[:strong] += rng.choice([-1.0, 1.0], strong) * rng.uniform(0.5, 1.0, strong)
    signal = direction * rng.uniform(0.8, 1.7) / np.linalg.norm(direction)
    aside = rng.standard_normal(features)
    along = rng.uniform(0.0, 0.9)
    apart = along * signal / np.linalg.norm(signal) + np.sqrt(1 - along**2) * aside / np.linalg.norm(aside)
    apart = apart * rng.uniform(0.1, 1.3)
    means = np.zeros((2, 2, MOST_FEATURES))
    for group in (0, 1):
        for label in (0, 1):
            means[group, label, :features] = (2 * label - 1) * signal + (group - 0.5) * apart
    group_share = rng.uniform(0.15, 0.5)
    low = rng.uniform(0.2, 0.6)
    base_rates = np.array([low, low + rng.uniform(0.0, 0.25)])
    noise = rng.uniform(0.0, 0.1)
    eps = rng.uniform(0.15, 0.5) * float(np.abs(signal).max()) * (1.3 if shifted else 1.0)
    wants_fairness, wants_robustness = [(True, True), (True, False), (False, True)][rng.choice(3, p=[0.7, 0.15, 0.15])]
    fairness_bound, robustness_bound = _bounds(
        rng,
        means,
        signal,
        eps,
        weights_of(group_share, base_rates, noise),
        np.array([wants_fairness, wants_robustness]),
    )
    budget = float(np.exp(rng.uniform(np.log(120), np.log(800)))) * (2.5 if shifted else 1.0)
    monitor_rows = int(np.exp(rng.uniform(np.log(100), np.log(3000)))) // (3 if shifted else 1)
    counted = rng.random() < 0.15  # a clock that counts steps, on which an attack costs nothing
    cost_ratio = 1.0 if counted else float(np.exp(rng.uniform(np.log(1.3), np.log(8.0))))
    looks = rng.uniform(12.0, 22.0) if rng.random() < 0.75 else rng.uniform(4.0, 12.0)
    return Task(
        features=features,
        means=means,
        group_share=group_share,
        base_rates=base_rates,
        label_noise=noise,
        eps=eps,
        rows=int(np.exp(rng.uniform(np.log(256), np.log(MOST_ROWS)))),
        budget=budget,
        cost_ratio=cost_ratio,
        monitor_cost=(1 - RESERVE) * budget / (MONITOR_SPACING * looks),
        monitor_rows=monitor_rows,
        fairness_bound=fairness_bound,
        robustness_bound=robustness_bound,
        aware=bool(rng.random() < 0.5),
        rate=float(np.exp(rng.uniform(np.log(0.03), np.log(0.15)))),
        cost_jitter=rng.uniform(0.0, 0.05),
        seed=int(rng.integers(2**31)),
    )


def _bounds(
    rng: np.random.Generator,
    means: NDArray[np.float64],
    signal: NDArray[np.float64],
    eps: float,
    weights: NDArray[np.float64],
    wanted: NDArray[np.bool_],
) -> tuple[float, float]:
    """Return the bounds on the parity difference and on robust accuracy; NaN where there is no target."""
    padded = np.zeros((2, MOST_FEATURES))
    padded[0, : len(signal)] = signal  # the best direction for the rows as they are
    padded[1, : len(signal)] = np.sign(signal) * np.maximum(np.abs(signal) - eps, 0.0)  # and under attack
    curves = curves_of(padded, np.zeros(2), np.stack([means, means]), np.full(2, eps), np.stack([weights, weights]))
    middle = curves.rates.shape[-1] // 2
    gap = float(abs(curves.rates[0, 0, middle] - curves.rates[0, 1, middle]))
    plain, robust = (float(curves.robust[row, :, middle].sum()) for row in (0, 1))
    fairness = max(0.02, gap * rng.uniform(0.15, 0.9))
    robustness = plain + (robust - plain) * rng.uniform(0.2, 1.0)
    return (fairness if wanted[0] else float("nan")), (robustness if wanted[1] else float("nan"))
