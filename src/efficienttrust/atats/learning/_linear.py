"""Linear rules, many at once, trained by SGD with momentum on finite rows: logistic loss, attacked share, penalty.

The attack moves every row by eps against its label in each coordinate, which is exact for a linear rule; the penalty is
lambda_F times the absolute gap between groups of the mean score, as `demographic_parity` of `losses`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats.learning._tasks import MOST_FEATURES, MOST_ROWS, Task

MOMENTUM = 0.9
GAP_MEMORY = 0.9  # of the running gap, whose sign steers the penalty: a batch holds few rows of a group

Array = NDArray[np.float32]


class LinearRules:
    """n rules, each with its task's rows.

    Args:
        n: Slots.
        batch: Rows of a step.
    """

    def __init__(self, n: int, batch: int) -> None:
        self.batch = batch
        self._w, self._b = np.zeros((n, MOST_FEATURES), np.float32), np.zeros(n, np.float32)
        self._moved_w, self._moved_b = np.zeros_like(self._w), np.zeros_like(self._b)
        self._x = np.zeros((n, MOST_ROWS, MOST_FEATURES), np.float32)
        self._y, self._group = np.zeros((n, MOST_ROWS), np.float32), np.zeros((n, MOST_ROWS), np.float32)
        self._rows, self._next = np.ones(n, np.int64), np.zeros(n, np.int64)
        self._eps, self._rate, self._gap = np.zeros(n, np.float32), np.zeros(n), np.zeros(n, np.float32)

    def begin(self, slot: int, task: Task) -> None:
        """Draw the rows and the first weights of a task."""
        rng, n, d = np.random.default_rng(task.seed), task.rows, task.features
        group = (rng.random(n) < task.group_share).astype(np.int64)
        label = (rng.random(n) < task.base_rates[group]).astype(np.int64)
        x = np.zeros((n, MOST_FEATURES), np.float32)
        x[:, :d] = task.means[group, label, :d] + rng.standard_normal((n, d))
        recorded = np.where(rng.random(n) < task.label_noise, 1 - label, label)
        self._x[slot, :n], self._y[slot, :n], self._group[slot, :n] = x, 2 * recorded - 1, group
        self._rows[slot], self._next[slot], self._eps[slot], self._rate[slot] = n, 0, task.eps, task.rate
        self._w[slot], self._b[slot], self._gap[slot] = 0.0, 0.0, 0.0
        self._w[slot, :d] = 0.1 * rng.standard_normal(d) / np.sqrt(d)
        self._moved_w[slot], self._moved_b[slot] = 0.0, 0.0

    def weights(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights [n, d] and intercepts [n]."""
        return self._w[slots].astype(np.float64), self._b[slots].astype(np.float64)

    def train(
        self,
        slots: NDArray[np.int64],
        counts: NDArray[np.int64],
        progress: NDArray[np.float64],
        actions: Sequence[TrustAction],
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Take so many steps with each rule and return the mean losses, [n] (NaN without a step).

        Args:
            slots: Which rules.
            counts: Steps of each.
            progress: Progress at the first step and after the last one, [n, 2]; the learning rate falls with it.
            actions: Of each.
            rng: Of random noise, the cheap stand-in of an attack.
        """
        share = np.array([action.adversarial_share for action in actions], np.float32)
        weight = np.array([action.lambda_fair for action in actions], np.float32)
        noisy = np.array([action.attack == "noise" for action in actions])
        attacked = (np.arange(self.batch) < np.round(share * self.batch)[:, None]).astype(np.float32)
        losses = np.zeros(len(slots))
        for step in range(int(counts.max(initial=0))):
            places = np.flatnonzero(counts > step)
            part = step / counts[places]
            left = 1.0 - progress[places, 0] * (1 - part) - progress[places, 1] * part
            losses[places] += self._step(slots[places], attacked[places], weight[places], noisy[places], left, rng)
        means: NDArray[np.float64] = np.divide(losses, counts, out=np.full(len(slots), np.nan), where=counts > 0)
        return means

    def _step(
        self, slots: NDArray[np.int64], attacked: Array, weight: Array, noisy: NDArray[np.bool_],
        left: NDArray[np.float64], rng: np.random.Generator,
    ) -> NDArray[np.float64]:  # fmt: skip
        rows = (self._next[slots, None] + np.arange(self.batch)) % self._rows[slots, None]
        self._next[slots] += self.batch
        x, y, group = (one[slots[:, None], rows] for one in (self._x, self._y, self._group))
        w, eps = self._w[slots], np.where(noisy, 0.0, self._eps[slots]).astype(np.float32)
        if noisy.any():
            radius = np.where(noisy, self._eps[slots], 0.0).astype(np.float32)[:, None, None] * attacked[..., None]
            x = x + radius * rng.uniform(-1.0, 1.0, x.shape).astype(np.float32)
        against = attacked * y * eps[:, None]  # how far an attacked row is moved along -sign(w)
        z = np.einsum("sbd,sd->sb", x, w) + self._b[slots, None] - against * np.abs(w).sum(axis=1)[:, None]
        score = 1.0 / (1.0 + np.exp(-np.clip(z, -30.0, 30.0)))
        by_row = (score - (y > 0)) / self.batch
        in_one = group / np.maximum(group.sum(axis=1), 1.0)[:, None]
        in_zero = (1.0 - group) / np.maximum((1.0 - group).sum(axis=1), 1.0)[:, None]
        contrast = in_one - in_zero
        gap = GAP_MEMORY * self._gap[slots] + (1 - GAP_MEMORY) * (score * contrast).sum(axis=1)
        self._gap[slots] = gap
        by_row = by_row + (weight * np.sign(gap))[:, None] * score * (1.0 - score) * contrast
        gradient = np.einsum("sb,sbd->sd", by_row, x) - np.sign(w) * (by_row * against).sum(axis=1)[:, None]
        rate = (self._rate[slots] * left).astype(np.float32)
        self._moved_w[slots] = MOMENTUM * self._moved_w[slots] - rate[:, None] * gradient
        self._moved_b[slots] = MOMENTUM * self._moved_b[slots] - rate * by_row.sum(axis=1)
        self._w[slots] += self._moved_w[slots]
        self._b[slots] += self._moved_b[slots]
        return np.asarray(np.logaddexp(0.0, -y * z).mean(axis=1), dtype=np.float64)
