"""The loop: draws a batch, attacks a share of it, steps, charges; at monitor points it looks and lets the policy act.

It stops before the plan's end: a step is taken only if its predicted p90 cost still fits.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from efficienttrust.atats import STATE_VERSION, Guard, Landscape, Plan, Policy, Scheduler, TrustAction, TrustState
from efficienttrust.errors import RunInterrupted
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.resources.process_memory import peak_bytes
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._fitted import Fitted
from efficienttrust.training._interrupt import stop_requested
from efficienttrust.training._landscape import LossLandscape
from efficienttrust.training._memory import MemoryWatch
from efficienttrust.training._monitor import Monitor, Reading, constraint_states
from efficienttrust.training._stepping import Stepping
from efficienttrust.training._trainer import TrainingTask

ANNEALING = 0.5  # of what it took to reach the best weights: how long they are annealed after going back to them
ANNEALING_START = 0.7  # of the schedule: the learning rate falls from 30 % of its peak to 0
LANDSCAPE_SHARE = 0.03  # of what is spent between two looks
UNPRICED_STEPS = 32  # after a dial was moved
RING = 3  # checkpoints kept of the last half, besides the last


@dataclass
class LoopState:
    """What changes while training besides weights, optimiser and dials; all of it goes into a checkpoint.

    Attributes:
        step: Optimiser steps taken.
        next_look: Progress of the next monitor point.
        smoothed: Target key -> smoothed gap.
        history: One row per monitor point.
        states: What the policy saw, once per decision.
        ring: Best snapshots of the last half: (objective on the monitor split, step, weights).
        good: Weights at the last monitor point that the guard found sound.
        rows: Rows of the last batch.
        replays: How often they are still to be replayed by free adversarial training.
    """

    step: int = 0
    next_look: float = 0.0
    smoothed: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    ring: list[tuple[float, int, dict[str, Tensor]]] = field(default_factory=list)
    good: dict[str, Tensor] = field(default_factory=dict)
    rows: Tensor | None = None
    replays: int = 0


class Loop:
    """Runs one network from its present state to the end of the plan.

    Args:
        task: Targets, seed and callbacks.
        stepper: Weights, optimiser and data.
        shuffler: Source of batches.
        monitor: How to look.
        policy: Who decides.
        plan: Where to start and when to end.
        ledger: The account.
        costs: The cost model, already fed by the probe.
        memory: Notices when training rows are learned by heart; None where augmentation sees to that.
        fitted: Returns the accuracy on training rows as they are, which the augmentation is steered by; or None.
        landscape: Measures the losses and their gradients as they are now; or None.
    """

    def __init__(
        self,
        task: TrainingTask,
        stepper: Stepping,
        shuffler: Shuffler,
        monitor: Monitor,
        policy: Policy,
        plan: Plan,
        ledger: Ledger,
        costs: CostModel,
        memory: MemoryWatch | None,
        fitted: Fitted | None = None,
        landscape: LossLandscape | None = None,
    ) -> None:
        self.task, self.stepper, self.shuffler, self.monitor = task, stepper, shuffler, monitor
        self.plan, self.ledger, self.costs = plan, ledger, costs
        self.guard, self.state = Guard(), LoopState()
        self.scheduler = Scheduler(policy, plan, self._step_cost, stepper.held)
        self.memory, self.fitted, self.landscape = memory, fitted, landscape
        self._losses = torch.zeros(())
        self._since_look = 0
        self._around = 0.0  # cost of the landscape at the last look
        self._dearer = (0.0, 0)  # predicted cost of a step since a dial was moved, and the step up to which it counts

    def run(self, save: Callable[[], None]) -> None:
        """Train until the plan ends, the policy stops, or a stop is requested.

        Args:
            save: Writes a checkpoint; called after every monitor point and before an interruption.
        """
        if self.state.step == 0:
            self._start()
        ledger = self.ledger
        used = ledger.used()
        step_cost = self._next_cost()
        while used + step_cost <= self.plan.end and not self.action.stop:
            progress = self.plan.progress(used)
            if progress >= self.state.next_look and self._fits("monitor"):
                self._look(progress)
                save()
                used = ledger.used()
                step_cost = self._next_cost()
                continue
            self._step(progress)
            now = ledger.used()
            self.costs.observe("step", now - used)
            used = now
            if self.state.step % 16 == 0:
                step_cost = self._next_cost()
            if stop_requested():
                save()
                raise RunInterrupted(
                    f"interrupted after {self.state.step} steps"
                    + ("; run the same command again to go on" if self.task.checkpoint else "")
                )
        self.stepper.advance(1.0)
        if self._fits("monitor"):
            self._look(self.plan.progress(ledger.used()), final=True)

    def note(self, texts: Sequence[str]) -> None:
        """Put on record what was decided before the first step."""
        for text in texts:
            self.scheduler.note("plan", text.partition(":")[0], text)
        self.scheduler.fallbacks.extend(texts)

    def trajectory(self) -> dict[str, Any]:
        """Return what a replay of the decisions needs: the plan, what the policy saw, and what was held."""
        return {
            "state_version": STATE_VERSION,
            "plan": dataclasses.asdict(self.scheduler.plan),
            "held": sorted(self.stepper.held),
            "states": self.state.states,
            "projected": self.scheduler.projected,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that training changes, as plain values and tensors."""
        return {
            "state": {field.name: getattr(self.state, field.name) for field in dataclasses.fields(self.state)},
            "scheduler": self.scheduler.state_dict(),
            "losses": self._losses,
            "since_look": self._since_look,
            "dearer": self._dearer,
            "guard": self.guard.state_dict(),
            "memory": None if self.memory is None else self.memory.state_dict(),
            "margins": self.monitor.margins,
            "stepper": self.stepper.state_dict(),
            "shuffler": self.shuffler.state_dict(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.state = LoopState(**saved["state"])
        self.scheduler.load_state_dict(saved["scheduler"])
        self._losses, self._since_look = saved["losses"], saved["since_look"]
        self._dearer = tuple(saved["dearer"])
        self.guard.load_state_dict(saved["guard"])
        if self.memory is not None:
            self.memory.load_state_dict(saved["memory"])
        self.monitor.margins = saved["margins"]
        self.stepper.load_state_dict(saved["stepper"])
        self.shuffler.load_state_dict(saved["shuffler"])

    @property
    def action(self) -> TrustAction:
        """Return the setting of every dial."""
        return self.scheduler.action

    def _start(self) -> None:
        self.scheduler.start()
        self.state.next_look = self.action.next_monitor_in if self.plan.looks else math.inf

    def _step_cost(self, action: TrustAction) -> float:
        """Predict the cost of a step: as measured, or by counted operations right after a dial was moved."""
        present = self.scheduler.action
        cost = self.costs.predict("step")
        if action == present or cost == 0:
            return cost
        n = self.shuffler.batch_size
        return cost * self.stepper.flops(n, action) / max(self.stepper.flops(n, present), 1.0)

    def _next_cost(self) -> float:
        cost, until = self._dearer
        measured = self.costs.predict("step")
        return max(measured, cost) if self.state.step < until else measured

    def _fits(self, action: str) -> bool:
        return self.ledger.used() + self.costs.predict(action) <= self.plan.end

    def _step(self, progress: float) -> None:
        self.stepper.advance(progress)
        action = self.stepper.drawn(self.action)
        rows = self._next_rows(action)
        x = self.stepper.batch(rows, action)
        if action.adversarial_share > 0:
            self.ledger.lap("train")
            x = self.stepper.attack(x, rows, action)
            self.ledger.lap("attack")
        rate = self.stepper.learning_rate * action.learning_rate_factor * (1.0 - progress)
        self._losses += self.stepper.step(x, rows, action, rate)
        self._since_look += 1
        self.state.step += 1
        self.ledger.count(steps=1, samples=len(rows), flops=self.stepper.flops(len(rows), action))
        self.ledger.lap("train")

    def _next_rows(self, action: TrustAction) -> Tensor:
        """Return the rows of the next batch: of free adversarial training the last ones, until they are replayed."""
        state = self.state
        if action.attack == "free" and action.adversarial_share > 0 and state.replays > 0 and state.rows is not None:
            state.replays -= 1
            return state.rows
        rows = self.shuffler.next(self.stepper.composition(action))
        state.rows, state.replays = rows, max(round(action.attack_steps), 1) - 1
        return rows

    def _look(self, progress: float, *, final: bool = False) -> None:
        before, self._around = self.ledger.used(), 0.0
        with self.ledger.phase("monitor"):
            state = self.state
            network, scorer = self.stepper.network, self.stepper.scorer()
            z = self.monitor.score(scorer)
            robust = self.stepper.robust and self.action.adversarial_share > 0
            reading = self.monitor.look(scorer, z, guard=robust)
            watched = sum(one.n_rows for one in (self.memory, self.fitted) if one is not None)
            self.ledger.count(flops=self.stepper.forward_flops() * (self.monitor.forward_rows + watched))
            with self.stepper.as_deployed():
                heard = None if self.memory is None else self.memory.look(network, torch.from_numpy(z), before)
            gap = math.nan if self.fitted is None else self.fitted(scorer) - reading.accuracy
            constraints = constraint_states(self.task.targets, reading, state.smoothed, self.monitor.task)
            state.smoothed = {c.key: c.smoothed_gap for c in constraints}
            loss = float(self._losses) / max(self._since_look, 1)
            self._losses, self._since_look = torch.zeros(()), 0
            self._remember(progress, reading, loss)
            weights = {key: value.clone() for key, value in network.state_dict().items()}
            if heard:
                self._go_back(progress, heard)
            elif robust and (reason := self.guard.check(reading.fgsm, reading.pgd)):
                self._roll_back(progress, reason)
            else:
                state.good = weights
                if progress >= 0.5 and not final:
                    state.ring.append((reading.objective, state.step, weights))
                    state.ring = sorted(state.ring, key=lambda kept: (-kept[0], kept[1]))[:RING]
                if not final:
                    self._act(progress, reading, loss, constraints, gap)
        self.costs.observe("monitor", self.ledger.used() - before - self._around)
        if self.task.on_progress:
            metrics = {self.monitor.utility: reading.calibrated_accuracy, **reading.calibrated}
            share, weight = self.action.adversarial_share, self.action.lambda_fair
            self.task.on_progress(state.step, metrics, f"λ_F {weight:.2f}, adversarial share {share:.2f}")

    def _act(self, progress: float, reading: Reading, loss: float, constraints: tuple[Any, ...], gap: float) -> None:
        plain = max(self.costs.mean("plain step"), 1e-12)
        state = TrustState(
            progress=progress,
            budget_used=self.ledger.fraction() if math.isfinite(self.ledger.limit) else 0.0,
            step=self.state.step,
            utility=reading.accuracy,
            calibrated_utility=reading.calibrated_accuracy,
            loss=loss,
            constraints=constraints,
            dials=self.action,
            adversarial_cost_ratio=max(self.costs.mean("adversarial step") / plain, 1.0),
            monitor_cost_ratio=self.costs.mean("monitor") / plain,
            overfitting=0.0 if np.isnan(reading.fgsm) else reading.fgsm - reading.pgd,
            step_cost_ratio=max(self.costs.mean("step") / plain, 0.0),
            generalisation_gap=gap,
            spent=self._spent(),
            landscape=self._surroundings(),
            sparsity=self.action.sparsity,
        )
        self.state.states.append(dataclasses.asdict(state))
        before = self.action
        self.scheduler.decide(state)
        self._price(before)
        self.state.next_look = progress + self.action.next_monitor_in

    def _surroundings(self) -> Landscape:
        """Measure the losses around the weights, where that is next to nothing of what training costs meanwhile."""
        affordable = LANDSCAPE_SHARE * self.plan.interval * self.plan.horizon
        if self.landscape is None or self.costs.mean("landscape") > affordable:
            return Landscape()
        before = self.ledger.used()
        found = self.landscape()
        self.ledger.count(flops=self.landscape.flops)
        self._around = self.ledger.used() - before
        self.costs.observe("landscape", self._around)
        return found

    def _price(self, before: TrustAction) -> None:
        """Predict the cost of the steps that follow by counted operations, until enough of them are measured."""
        n = self.shuffler.batch_size
        ratio = self.stepper.flops(n, self.action) / max(self.stepper.flops(n, before), 1.0)
        self._dearer = self.costs.predict("step") * ratio, self.state.step + UNPRICED_STEPS

    def _spent(self) -> dict[str, float]:
        """Return what share of its limit each resource has used."""
        spent = {"time": self.ledger.fraction()} if math.isfinite(self.ledger.limit) else {}
        limit = self.ledger.budget.memory
        return spent if limit is None else {**spent, "memory": peak_bytes() / limit}

    def _go_back(self, progress: float, reason: str) -> None:
        """Return to the weights from before: the first time to anneal them with what is left, then to stop."""
        assert self.memory is not None
        self.stepper.network.load_state_dict(self.memory.best)
        self.state.ring = []  # snapshots of a network that had begun to memorise
        again = self.memory.fired > 1
        text = f"{reason}; back to those weights, " + (
            "stop" if again else "and a short end at a falling learning rate"
        )
        self.scheduler.note("plan", "go back", text, step=self.state.step, progress=progress)
        self.scheduler.stop(now=again)
        now = self.ledger.used()
        end = min(self.plan.end, now + ANNEALING * (self.memory.used_at_best - self.plan.start))
        horizon = (end - now) / (1.0 - ANNEALING_START)
        self.plan = dataclasses.replace(self.plan, start=end - horizon, end=end)
        self.state.next_look = ANNEALING_START + self.action.next_monitor_in

    def _roll_back(self, progress: float, reason: str) -> None:
        if self.state.good:
            self.stepper.network.load_state_dict(self.state.good)
        before = self.action
        self.scheduler.guard(self.state.step, progress, reason)
        self._price(before)
        self.state.next_look = progress + self.action.next_monitor_in

    def _remember(self, progress: float, reading: Reading, loss: float) -> None:
        rate = self.stepper.learning_rate * self.action.learning_rate_factor * (1.0 - progress)
        self.state.history.append(
            {
                "step": self.state.step,
                "progress": self.ledger.fraction() if math.isfinite(self.ledger.limit) else progress,
                "used": self.ledger.used(),
                "wall": self.ledger.used("wall"),
                "cpu": self.ledger.used("cpu"),
                self.monitor.utility: reading.accuracy,
                f"{self.monitor.utility} (calibrated)": reading.calibrated_accuracy,
                **reading.values,
                **{f"{key} (calibrated)": value for key, value in reading.calibrated.items()},
                "lambda_fair": self.action.lambda_fair,
                "adversarial_share": self.action.adversarial_share,
                **({} if self.fitted is None else {"augmentation": self.action.augmentation}),
                "learning_rate": rate,
                "loss": loss,
                "cost_step": self.costs.mean("step"),
                "monitor_rows": self.monitor.n_rows,
            }
        )
