"""Training runs of micro-tasks, side by side in numpy: the loop of `fit` in small, with metrics that are exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import Policy
from efficienttrust.atats._scheduler import Scheduler
from efficienttrust.atats._state import ConstraintState, TrustState
from efficienttrust.atats.learning import _metrics as metrics
from efficienttrust.atats.learning._episodes import VIOLATION_PRICE, Outcome
from efficienttrust.atats.learning._linear import LinearRules
from efficienttrust.atats.learning._metrics import Curves
from efficienttrust.atats.learning._tasks import MOST_FEATURES, Task, draw_task

BATCH = 32
ATTACKED_PART = 4  # one of so many monitor rows is attacked
SMOOTHING = 0.6  # weight of the newest gap, as in real runs
HELD = ("learning_rate_factor", "attack_steps", "trades", "augmentation", "reweighing", "fair_batch", "group_dro",
        "debias", "sparsity")  # fmt: skip
KEYS = ("demographic_parity_difference", "robust_accuracy(pgd, norm=linf)")


class MicroRuns:
    """Runs in slots, as `Episodes`.

    Args:
        tasks: One task per slot.
        policies: One policy per slot.
        seed: Of what is random besides the tasks: samples of the monitor, measured costs, later tasks.
        draw: Draws the task of a slot that is begun anew; by default `draw_task`.

    Attributes:
        tasks: The task of each slot.
        schedulers: Who holds the action in force.
        exact: Utility, parity difference and robust accuracy at the last look, after calibration, exactly, [n, 3].
        spent: Of the budget, in plain steps, [n].
        steps: Optimiser steps, [n].
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        policies: Sequence[Policy],
        seed: int,
        draw: Callable[[np.random.Generator], Task] = draw_task,
    ) -> None:
        n = len(tasks)
        self.rng, self._draw = np.random.default_rng(seed), draw
        self.tasks, self.policies = list(tasks), list(policies)
        self.rules = LinearRules(n, BATCH)
        self.plans: list[Plan] = [None] * n  # type: ignore[list-item]
        self.schedulers: list[Scheduler] = [None] * n  # type: ignore[list-item]
        self.states: list[TrustState] = [None] * n  # type: ignore[list-item]
        self.outcomes: list[Outcome | None] = [None] * n
        self.finished = np.zeros(n, dtype=bool)
        self.spent, self.exact = np.zeros(n), np.zeros((n, 3))
        self.steps = np.zeros(n, dtype=np.int64)
        self._next_look, self._potential, self._loss = np.zeros(n), np.zeros(n), np.zeros(n)
        self._smoothed = np.full((n, 2), np.nan)
        self._means, self._eps = np.zeros((n, 2, 2, MOST_FEATURES)), np.zeros(n)
        self._cells, self._bounds, self._aware = np.zeros((n, 2, 2, 2)), np.zeros((n, 2)), np.zeros(n, dtype=bool)
        self._monitor_rows = np.zeros((n, 2, 2, 2), dtype=np.int64)
        self._attacked_rows = np.zeros((n, 2, 2, 2), dtype=np.int64)
        self._begin(np.arange(n))

    def begin_anew(self, slots: Sequence[int]) -> None:
        """Start other runs in these slots."""
        for slot in slots:
            self.tasks[slot] = self._draw(self.rng)
        self._begin(np.asarray(slots, dtype=np.int64))

    def decide(self) -> NDArray[np.float64]:
        """Let every policy of a run that is not finished decide, and go on; see `Episodes`."""
        live = np.flatnonzero(~self.finished)
        for slot in live:
            scheduler = self.schedulers[slot]
            scheduler.decide(self.states[slot])
            self._next_look[slot] = self.states[slot].progress + scheduler.action.next_monitor_in
        before = self._potential.copy()
        self._go_on(live)
        rewards = np.zeros(len(self.tasks))
        for slot in live:
            outcome = self.outcomes[slot]
            rewards[slot] = (self._potential[slot] if outcome is None else outcome.score) - before[slot]
        return rewards

    def _begin(self, slots: NDArray[np.int64]) -> None:
        for slot in slots:
            task = self.tasks[slot]
            cells = metrics.weights_of(task.group_share, task.base_rates, task.label_noise)
            self._means[slot], self._eps[slot], self._cells[slot] = task.means, task.eps, cells
            self._bounds[slot], self._aware[slot] = (task.fairness_bound, task.robustness_bound), task.aware
            for rows, n in (
                (self._monitor_rows, task.monitor_rows),
                (self._attacked_rows, max(task.monitor_rows // ATTACKED_PART, 1)),
            ):
                rows[slot] = self.rng.multinomial(n, cells.ravel()).reshape(2, 2, 2)
            self.rules.begin(int(slot), task)
            plan = task.plan(task.rows / BATCH)
            scheduler = Scheduler(self.policies[slot], plan, _cost_of(task), HELD)
            scheduler.start()
            self.plans[slot], self.schedulers[slot], self.outcomes[slot] = plan, scheduler, None
            self._next_look[slot] = scheduler.action.next_monitor_in
        self.finished[slots], self.spent[slots], self.steps[slots] = False, 0.0, 0
        self._smoothed[slots] = np.nan
        self._go_on(slots)

    def _go_on(self, slots: NDArray[np.int64]) -> None:
        """Train up to the next looks, then look; where none fits any more, train to the end and settle the run."""
        counts, rates = np.zeros(len(slots), dtype=np.int64), np.zeros((len(slots), 2))
        looks = np.zeros(len(slots), dtype=bool)
        for place, slot in enumerate(slots):
            task, plan, action = self.tasks[slot], self.plans[slot], self.schedulers[slot].action
            cost = _cost_of(task)(action)
            due = plan.start + self._next_look[slot] * plan.horizon
            looks[place] = due + task.monitor_cost < plan.end and not action.stop
            most = int((plan.end - (task.monitor_cost if looks[place] else 0.0) - self.spent[slot]) / cost)
            wanted = math.ceil((due - self.spent[slot]) / cost) if looks[place] else most
            counts[place] = 0 if action.stop else max(min(wanted, most), 0)
            started = plan.progress(self.spent[slot])
            self.spent[slot] += counts[place] * cost * math.exp(task.cost_jitter * self.rng.standard_normal())
            rates[place] = started, plan.progress(self.spent[slot])
        self.steps[slots] += counts
        actions = [self.schedulers[slot].action for slot in slots]
        self._loss[slots] = self.rules.train(slots, counts, rates, actions, self.rng)
        self._look(slots[looks])
        self._settle(slots[~looks])

    def _look(self, slots: NDArray[np.int64]) -> None:
        if not len(slots):
            return
        seen = self._sample(slots)
        bounds = self._bounds[slots]
        chosen = metrics.calibrated(seen, bounds, self._aware[slots], VIOLATION_PRICE)
        self._measure(slots, chosen)
        self._potential[slots] = -metrics.violations(self.exact[slots, 1], self.exact[slots, 2], bounds).sum(axis=1)
        present = metrics.at(seen, np.full((len(slots), 2), metrics.MIDDLE))
        after = metrics.at(seen, chosen)
        gaps, gaps_after = (
            np.stack([one[1] - bounds[:, 0], bounds[:, 1] - one[2]], axis=1) for one in (present, after)
        )
        last = np.where(np.isnan(self._smoothed[slots]), gaps, self._smoothed[slots])
        self._smoothed[slots] = SMOOTHING * gaps + (1 - SMOOTHING) * last
        slopes = self._smoothed[slots] - last
        errors = self._errors(slots, seen)
        for place, slot in enumerate(slots):
            task, plan = self.tasks[slot], self.plans[slot]
            progress = plan.progress(self.spent[slot])  # as in real runs: the look itself comes after
            self.spent[slot] += task.monitor_cost
            tolerances = (task.fairness_bound, 1.0 - task.robustness_bound)
            constraints = tuple(
                ConstraintState(
                    key, lever, tolerances[index], float(gaps[place, index]), float(errors[place, index]),
                    float(self._smoothed[slot, index]), float(slopes[place, index]), float(gaps_after[place, index]),
                )
                for index, (key, lever) in enumerate(zip(KEYS, ("fairness", "robustness"), strict=True))
                if not math.isnan(bounds[place, index])
            )  # fmt: skip
            action = self.schedulers[slot].action
            self.states[slot] = TrustState(
                progress=progress,
                budget_used=float(self.spent[slot]) / task.budget,
                step=int(self.steps[slot]),
                utility=float(present[0][place]),
                calibrated_utility=float(after[0][place]),
                loss=float(self._loss[slot]),
                constraints=constraints,
                dials=action,
                adversarial_cost_ratio=task.cost_ratio,
                monitor_cost_ratio=task.monitor_cost,
                overfitting=0.0,
                step_cost_ratio=_cost_of(task)(action),
                spent={"time": float(self.spent[slot]) / task.budget},
            )

    def _settle(self, slots: NDArray[np.int64]) -> None:
        """Calibrate on rows of their own, and measure exactly."""
        if not len(slots):
            return
        bounds = self._bounds[slots]
        self._measure(slots, metrics.calibrated(self._sample(slots), bounds, self._aware[slots], VIOLATION_PRICE))
        missed = metrics.violations(self.exact[slots, 1], self.exact[slots, 2], bounds).sum(axis=1)
        for place, slot in enumerate(slots):
            over = max(float(self.spent[slot]) / self.tasks[slot].budget - 1.0, 0.0)
            violation = float(missed[place])
            self.outcomes[slot] = Outcome(float(self.exact[slot, 0]), violation, over, hit=violation == 0.0)
        self.finished[slots] = True

    def _sample(self, slots: NDArray[np.int64]) -> Curves:
        return metrics.sampled_curves(
            *self.rules.weights(slots), self._means[slots], self._eps[slots], self._monitor_rows[slots],
            self._attacked_rows[slots], self.rng,
        )  # fmt: skip

    def _measure(self, slots: NDArray[np.int64], thresholds: NDArray[np.int64]) -> None:
        exact = metrics.curves_of(*self.rules.weights(slots), self._means[slots], self._eps[slots], self._cells[slots])
        self.exact[slots] = np.stack(metrics.at(exact, thresholds), axis=1)

    def _errors(self, slots: NDArray[np.int64], seen: Curves) -> NDArray[np.float64]:
        """Return the standard errors of parity difference and robust accuracy, [n, 2]."""
        rates = seen.rates[:, :, metrics.MIDDLE]
        by_group = np.maximum(self._monitor_rows[slots].sum(axis=(2, 3)), 1)
        robust = seen.robust[:, :, metrics.MIDDLE].sum(axis=1)
        attacked = self._attacked_rows[slots].sum(axis=(1, 2, 3))
        squares = np.stack([(rates * (1 - rates) / by_group).sum(axis=1), robust * (1 - robust) / attacked], axis=1)
        return np.asarray(np.sqrt(squares))


def _cost_of(task: Task) -> Callable[[TrustAction], float]:
    """Return what a step costs by its action, in plain steps; random noise costs nothing extra."""

    def cost(action: TrustAction) -> float:
        attacked = 0.0 if action.attack == "noise" else action.adversarial_share
        return 1.0 + attacked * (task.cost_ratio - 1.0)

    return cost
