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

from efficienttrust.atats import DecisionRecord, DialLimits, Guard, Plan, Policy, TrustAction, TrustState, project
from efficienttrust.errors import RunInterrupted
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._fitted import Fitted
from efficienttrust.training._interrupt import stop_requested
from efficienttrust.training._memory import MemoryWatch
from efficienttrust.training._monitor import Monitor, Reading, constraint_states
from efficienttrust.training._stepping import Stepping
from efficienttrust.training._trainer import TrainingTask

ANNEALING = 0.5  # of what it took to reach the best weights: how long they are annealed after going back to them
ANNEALING_START = 0.7  # of the schedule: the learning rate falls from 30 % of its peak to 0
DIALS = ("lambda_fair", "adversarial_share", "attack", "learning_rate_factor", "augmentation", "stop")
RING = 3  # checkpoints kept of the last half, besides the last


@dataclass
class LoopState:
    """What changes while training besides weights, optimiser and dials; all of it goes into a checkpoint.

    Attributes:
        step: Optimiser steps taken.
        next_look: Progress of the next monitor point.
        guarded: Whether the guard has taken over the attack and the learning rate.
        smoothed: Target key -> smoothed gap.
        history: One row per monitor point.
        decisions: Every change of a dial.
        fallbacks: What the budget did not buy, as far as the policy followed the plan.
        ring: Best snapshots of the last half: (objective on the monitor split, step, weights).
        good: Weights at the last monitor point that the guard found sound.
    """

    step: int = 0
    next_look: float = 0.0
    guarded: bool = False
    smoothed: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[DecisionRecord] = field(default_factory=list)
    fallbacks: list[str] = field(default_factory=list)
    ring: list[tuple[float, int, dict[str, Tensor]]] = field(default_factory=list)
    good: dict[str, Tensor] = field(default_factory=dict)


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
    ) -> None:
        self.task, self.stepper, self.shuffler, self.monitor = task, stepper, shuffler, monitor
        self.policy, self.plan, self.ledger, self.costs = policy, plan, ledger, costs
        self.guard, self.limits, self.state = Guard(), DialLimits(), LoopState()
        self.action = TrustAction()
        self.memory, self.fitted = memory, fitted
        self._losses = torch.zeros(())
        self._since_look = 0

    def run(self, save: Callable[[], None]) -> None:
        """Train until the plan ends, the policy stops, or a stop is requested.

        Args:
            save: Writes a checkpoint; called after every monitor point and before an interruption.
        """
        if self.state.step == 0:
            self._start()
        ledger = self.ledger
        used = ledger.used()
        step_cost = self.costs.predict("step")
        while used + step_cost <= self.plan.end and not self.action.stop:
            progress = self.plan.progress(used)
            if progress >= self.state.next_look and self._fits("monitor"):
                self._look(progress)
                save()
                used = ledger.used()
                step_cost = self.costs.predict("step")
                continue
            self._step(progress)
            now = ledger.used()
            self.costs.observe("step", now - used)
            used = now
            if self.state.step % 16 == 0:
                step_cost = self.costs.predict("step")
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
            cost = self.costs.predict("step")
            self.state.decisions.append(DecisionRecord(0, 0.0, "plan", "", text.partition(":")[0], text, cost))
        self.state.fallbacks.extend(texts)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that training changes, as plain values and tensors."""
        state = {field.name: getattr(self.state, field.name) for field in dataclasses.fields(self.state)}
        return {
            "state": {**state, "decisions": [dataclasses.asdict(record) for record in self.state.decisions]},
            "action": {**dataclasses.asdict(self.action), "reasons": dict(self.action.reasons)},
            "losses": self._losses,
            "since_look": self._since_look,
            "guard": self.guard.state_dict(),
            "memory": None if self.memory is None else self.memory.state_dict(),
            "margins": self.monitor.margins,
            "policy": self.policy.state_dict(),
            "stepper": self.stepper.state_dict(),
            "shuffler": self.shuffler.state_dict(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        decisions = [DecisionRecord(**record) for record in saved["state"]["decisions"]]
        self.state = LoopState(**{**saved["state"], "decisions": decisions})
        self.action = TrustAction(**saved["action"])
        self._losses, self._since_look = saved["losses"], saved["since_look"]
        self.guard.load_state_dict(saved["guard"])
        if self.memory is not None:
            self.memory.load_state_dict(saved["memory"])
        self.monitor.margins = saved["margins"]
        self.policy.load_state_dict(saved["policy"])
        self.stepper.load_state_dict(saved["stepper"])
        self.shuffler.load_state_dict(saved["shuffler"])

    def _start(self) -> None:
        limits = self.limits
        anywhere = dataclasses.replace(limits, lambda_floor=limits.lambda_max, share_slew=1.0)  # no present setting yet
        self.action, clipped = project(self.policy.reset(self.plan), TrustAction(), anywhere)
        self.state.next_look = self.action.next_monitor_in
        cost = self.costs.predict("step")
        planned = {"adversarial_share": self.plan.start_share, "attack": self.plan.attack}
        for knob, text in self.plan.fallbacks.items():
            if getattr(self.action, knob) == planned[knob]:  # a policy may have plans of its own
                self.state.fallbacks.append(text)
                self.state.decisions.append(DecisionRecord(0, 0.0, "plan", "", "fall-back", text, cost))
        notes = {note.partition(":")[0]: note for note in clipped}
        for knob in ("lambda_fair", "adversarial_share", "attack"):
            reason = "; ".join(filter(None, (f"start of policy {self.policy.name}", notes.get(knob, ""))))
            value = _text(getattr(self.action, knob))
            self.state.decisions.append(DecisionRecord(0, 0.0, knob, "", value, reason, cost))

    def _fits(self, action: str) -> bool:
        return self.ledger.used() + self.costs.predict(action) <= self.plan.end

    def _step(self, progress: float) -> None:
        self.stepper.advance(progress)
        rows = self.shuffler.next()
        x = self.stepper.batch(rows, self.action)
        if self.action.adversarial_share > 0:
            self.ledger.lap("train")
            x = self.stepper.attack(x, rows, self.action)
            self.ledger.lap("attack")
        rate = self.stepper.learning_rate * self.action.learning_rate_factor * (1.0 - progress)
        self._losses += self.stepper.step(x, rows, self.action, rate)
        self._since_look += 1
        self.state.step += 1
        self.ledger.count(steps=1, samples=len(rows), flops=self.stepper.flops(len(rows), self.action))
        self.ledger.lap("train")

    def _look(self, progress: float, *, final: bool = False) -> None:
        before = self.ledger.used()
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
        self.costs.observe("monitor", self.ledger.used() - before)
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
            lambda_fair=self.action.lambda_fair,
            adversarial_share=self.action.adversarial_share,
            learning_rate_factor=self.action.learning_rate_factor,
            adversarial_cost_ratio=max(self.costs.mean("adversarial step") / plain, 1.0),
            monitor_cost_ratio=self.costs.mean("monitor") / plain,
            overfitting=0.0 if np.isnan(reading.fgsm) else reading.fgsm - reading.pgd,
            augmentation=self.action.augmentation,
            generalisation_gap=gap,
        )
        wanted = self.policy.act(state)
        if self.state.guarded:
            wanted = dataclasses.replace(wanted, attack="pgd", learning_rate_factor=self.action.learning_rate_factor)
        allowed, notes = project(wanted, self.action, self.limits)
        self._record(progress, allowed, dict(allowed.reasons), notes)
        self.action = allowed
        self.state.next_look = progress + allowed.next_monitor_in

    def _go_back(self, progress: float, reason: str) -> None:
        """Return to the weights from before: the first time to anneal them with what is left, then to stop."""
        assert self.memory is not None
        self.stepper.network.load_state_dict(self.memory.best)
        self.state.ring = []  # snapshots of a network that had begun to memorise
        again = self.memory.fired > 1
        text = f"{reason}; back to those weights, " + (
            "stop" if again else "and a short end at a falling learning rate"
        )
        cost = self.costs.predict("step")
        self.state.decisions.append(DecisionRecord(self.state.step, progress, "plan", "", "go back", text, cost))
        self.action = dataclasses.replace(self.action, stop=again)
        now = self.ledger.used()
        end = min(self.plan.end, now + ANNEALING * (self.memory.used_at_best - self.plan.start))
        horizon = (end - now) / (1.0 - ANNEALING_START)
        self.plan = dataclasses.replace(self.plan, start=end - horizon, end=end)
        self.state.next_look = ANNEALING_START + self.action.next_monitor_in

    def _roll_back(self, progress: float, reason: str) -> None:
        if self.state.good:
            self.stepper.network.load_state_dict(self.state.good)
        self.state.guarded = True
        careful = dataclasses.replace(
            self.action, attack="pgd", learning_rate_factor=max(0.5 * self.action.learning_rate_factor, 0.1)
        )
        text = f"guard: {reason}; back to the last sound weights"
        self._record(progress, careful, {"attack": text, "learning_rate_factor": text}, ())
        self.action = careful
        self.state.next_look = progress + self.action.next_monitor_in

    def _record(self, progress: float, action: TrustAction, reasons: dict[str, str], notes: tuple[str, ...]) -> None:
        cost = self.costs.predict("step")
        clipped = {note.partition(":")[0]: note for note in notes}
        for knob in DIALS:
            before, after = _text(getattr(self.action, knob)), _text(getattr(action, knob))
            if before != after or knob in clipped:
                reason = "; ".join(filter(None, (reasons.get(knob, ""), clipped.get(knob, ""))))
                record = DecisionRecord(self.state.step, progress, knob, before, after, reason, cost)
                self.state.decisions.append(record)

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


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
