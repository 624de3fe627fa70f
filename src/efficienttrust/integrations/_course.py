"""The course of a run in somebody else's loop: the plan, the looks, and what the policy decides at them.

The counterpart of `training._loop.Loop`, which owns its batches and steps; here both belong to the user.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from efficienttrust.atats import (
    DIALS,
    STATE_VERSION,
    Guard,
    Lever,
    Plan,
    Policy,
    Scheduler,
    TrustAction,
    TrustState,
    make_plan,
)
from efficienttrust.compression import Scorer
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.evaluation.choice import calibration_rows, rows_scored
from efficienttrust.evaluation.targets import Target
from efficienttrust.integrations._answers import unmoved
from efficienttrust.integrations._losses import TrustLoss
from efficienttrust.integrations._rates import Sparsity
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.resources.process_memory import peak_bytes
from efficienttrust.threats.catalogue.pgd import SHORT_PASSES
from efficienttrust.training._monitor import Monitor, Reading, constraint_states

CARRIED = {"lambda_fair", "adversarial_share", "attack_steps", "sparsity", "learning_rate_factor", "next_monitor_in"}
HELD = (frozenset(dial.name for dial in DIALS) - CARRIED) | {"free"}
"""Dials, and an attack, that nothing carries out in a loop whose batches and optimiser belong to the user."""

COUNTED = ("steps", "samples", "flops")
RESERVE_FACTOR = 1.5  # on the predicted cost of calibration and export
FINER = 5.0  # cost of a calibration in looks at as many rows
CALIBRATION_SHARE = 0.3  # of what is left: the most kept back for calibration
RESERVE_SHARE = 0.005  # of the limit, for what nobody foresaw
RING = 3  # checkpoints kept of the last half, besides the last
UNPRICED_STEPS = 32  # after a dial was moved


@dataclasses.dataclass
class CourseState:
    """What changes at looks; plain values and weights.

    Attributes:
        next_look: Progress of the next look.
        last_step: Step of the last look.
        smoothed: Target key -> smoothed gap.
        history: One row per look.
        states: What the policy saw, once per decision.
        ring: Best snapshots of the last half: (objective on the monitor rows, step, weights).
        good: Weights at the last look that the guard found sound.
        dearer: Predicted cost of a step since a dial was moved, and the step up to which it counts.
    """

    next_look: float = 0.0
    last_step: int = 0
    smoothed: dict[str, float] = dataclasses.field(default_factory=dict)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    states: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    ring: list[tuple[float, int, dict[str, Tensor]]] = dataclasses.field(default_factory=list)
    good: dict[str, Tensor] = dataclasses.field(default_factory=dict)
    dearer: tuple[float, int] = (0.0, 0)


class Course:
    """Looks, decides, and keeps what may be delivered.

    Args:
        model: The model in training.
        targets: The targets.
        policy: Who decides.
        loss: What a step learns from.
        ledger: The account.
        costs: The cost model.
        sparsity: Holds weights at zero.
        forward_flops: Operations of a forward pass of one row; 0 where they cannot be counted.

    Attributes:
        problem: The validation rows; None in a resumed run until it has seen them again.
        monitor: How to look; None as long.
    """

    def __init__(
        self, model: nn.Module, targets: Sequence[Target], policy: Policy, loss: TrustLoss, ledger: Ledger,
        costs: CostModel, sparsity: Sparsity, forward_flops: float,
    ) -> None:  # fmt: skip
        self.state, self.guard, self.ledger, self.costs = CourseState(), Guard(), ledger, costs
        self._model, self._targets, self._policy, self._loss = model, tuple(targets), policy, loss
        self._sparsity, self.forward_flops = sparsity, forward_flops
        self.problem: Problem | None = None
        self.monitor: Monitor | None = None
        self._margins: dict[str, float] | None = None
        self.scheduler: Scheduler
        self.plan: Plan

    def see(self, problem: Problem, scorer: Scorer, seed: int) -> None:
        """Take the validation rows.

        Args:
            problem: The rows.
            scorer: The model in training as something to be scored.
            seed: Seed of the selection of monitor rows.
        """
        self.problem, self._scorer = problem, scorer
        self.monitor = Monitor(problem, self._targets, None, aware=False, seed=seed, flops=self.forward_flops)
        self.monitor.margins = self._margins

    @property
    def action(self) -> TrustAction:
        """Return the setting of every dial."""
        return self.scheduler.action

    def embark(self, *, plain: float, adversarial: float, epoch: float, export: float, started: bool = True) -> None:
        """Plan the rest of the budget, and ask the policy where to start.

        Args:
            plain: Cost of a plain step.
            adversarial: Cost of a step whose whole batch is attacked.
            epoch: Steps of a pass over the training rows.
            export: Measured cost of an export.
            started: Whether there is to be training from here on.

        Raises:
            InfeasibleError: The budget is less than a step and the reserve.
        """
        ledger = self.ledger
        look = self._probe()
        reserve = self._reserve(look, export)
        plan = make_plan(
            Lever(bool(self._loss.levers.penalties), self._loss.levers.eps > 0, 0.0),
            used=ledger.used(), limit=ledger.limit, reserve=reserve, plain_step=plain, adversarial_step=adversarial,
            monitor=look, steps_per_epoch=max(epoch, 1.0), enough_epochs=math.inf,
        )  # fmt: skip
        if started and ledger.clock not in COUNTED and plan.horizon < plain:
            raise InfeasibleError(
                f"budget: {ledger.limit:.4g} s is less than was used ({ledger.used():.2g} s), a step (≈ {plain:.2g} s) "
                f"and the reserve for calibration and export (≈ {reserve:.2g} s); ask for at least "
                f"{ledger.used() + reserve + 100 * plain:.2g} s"
            )
        self.take(dataclasses.replace(plan, augmentation=1.0))
        self.scheduler.start()
        self.state.next_look = self.action.next_monitor_in

    def take(self, plan: Plan) -> None:
        """Take a plan."""
        self.plan = plan
        self.scheduler = Scheduler(self._policy, plan, self._step_cost, HELD)

    def progress(self) -> float:
        """Return the share of the horizon that is used, in [0, 1]."""
        return self.plan.progress(self.ledger.used())

    def due(self, progress: float) -> bool:
        """Return whether to look at a share of the horizon: it is time, and it fits into the plan."""
        return progress >= self.state.next_look and self.affords_a_look()

    def affords_a_look(self) -> bool:
        """Return whether a look fits into the plan."""
        return self.ledger.used() + self.costs.predict("monitor") <= self.plan.end

    def next_cost(self, step: int) -> float:
        """Return the predicted cost (p90) of the next step."""
        cost, until = self.state.dearer
        measured = self.costs.predict("step")
        return max(measured, cost) if step < until else measured

    def look(self, step: int, loss: float, rate: float, *, final: bool = False) -> None:
        """Measure the model on the monitor rows, guard it, and let the policy act.

        Args:
            step: Optimiser steps so far.
            loss: Mean training loss since the last look.
            rate: The present learning rate of the first group.
            final: Whether training is over: nothing is decided any more.
        """
        before, progress, state = self.ledger.used(), self.progress(), self.state
        with self.ledger.phase("monitor"):
            robust = self._loss.levers.eps > 0 and self.action.adversarial_share > 0
            reading = self._read(guard=robust)
            constraints = constraint_states(self._targets, reading, state.smoothed, self._loss.kind.task)
            state.smoothed = {one.key: one.smoothed_gap for one in constraints}
            state.last_step = step
            self._remember(progress, step, reading, loss, rate)
            weights = {key: value.detach().clone() for key, value in self._model.state_dict().items()}
            if robust and (reason := self.guard.check(reading.fgsm, reading.pgd)):
                self._roll_back(step, progress, reason)
            else:
                state.good = weights
                if progress >= 0.5 and not final:
                    state.ring.append((reading.objective, step, weights))
                    state.ring = sorted(state.ring, key=lambda kept: (-kept[0], kept[1]))[:RING]
                if not final:
                    self._act(progress, step, reading, loss, constraints)
        self.costs.observe("monitor", self.ledger.used() - before)

    def calibration_cost(self) -> float:
        """Predict the cost of calibrating one candidate, on the declared clock."""
        assert self.problem is not None
        assert self.monitor is not None
        clock, share = self.ledger.clock, calibration_rows(self.problem) / max(self.monitor.n_rows, 1)
        if clock == "flops":
            return rows_scored(self.problem, self._targets, SHORT_PASSES) * self.forward_flops
        return 0.0 if clock in COUNTED else self.costs.predict("monitor") * max(share, 1.0) * FINER

    def trajectory(self) -> dict[str, Any]:
        """Return what a replay of the decisions needs: the plan, what the policy saw, and what was held."""
        return {
            "state_version": STATE_VERSION,
            "plan": dataclasses.asdict(self.plan),
            "held": sorted(HELD),
            "states": self.state.states,
            "projected": self.scheduler.projected,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that looks and decisions change."""
        return {
            "plan": dataclasses.asdict(self.plan),
            "state": {field.name: getattr(self.state, field.name) for field in dataclasses.fields(self.state)},
            "scheduler": self.scheduler.state_dict(),
            "guard": self.guard.state_dict(),
            "margins": self._margins if self.monitor is None else self.monitor.margins,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.take(Plan(**saved["plan"]))
        self._policy.reset(self.plan)
        self.state = CourseState(**saved["state"])
        cost, until = self.state.dearer
        self.state.dearer = (cost, until)
        self.scheduler.load_state_dict(saved["scheduler"])
        self.guard.load_state_dict(saved["guard"])
        self._margins = saved["margins"]

    def _read(self, *, guard: bool) -> Reading:
        assert self.monitor is not None
        with unmoved(self._model):
            z = self.monitor.score(self._scorer)
            if not bool((abs(z) < math.inf).all()):
                raise UsageError("the model answers NaN on validation rows: lower the learning rate")
            self.ledger.count(flops=self.forward_flops * self.monitor.forward_rows)
            return self.monitor.look(self._scorer, z, guard=guard)

    def _probe(self) -> float:
        """Return what a look costs: counted, or measured by one."""
        clock = self.ledger.clock
        assert self.monitor is not None
        if clock in COUNTED:
            cost = self.forward_flops * self.monitor.forward_rows if clock == "flops" else 0.0
        else:
            before = self.ledger.used()
            with self.ledger.phase("probe"):
                self._read(guard=self._loss.levers.eps > 0)
            cost = self.ledger.used() - before
        self.costs.observe("monitor", cost)
        return cost

    def _reserve(self, look: float, export: float) -> float:
        clock = self.ledger.clock
        if clock in ("steps", "samples"):
            return 0.0
        if clock == "flops":
            return self.calibration_cost()
        affordable = CALIBRATION_SHARE * max(self.ledger.remaining(), 0.0)
        calibration = min(RESERVE_FACTOR * self.calibration_cost(), affordable)
        return calibration + RESERVE_FACTOR * export + RESERVE_SHARE * self.ledger.limit + look

    def _step_cost(self, action: TrustAction) -> float:
        cost, present = self.costs.predict("step"), self.scheduler.action
        if action == present or self.ledger.clock in ("steps", "samples"):
            return cost
        return cost * self._loss.relative_cost(action) / self._loss.relative_cost(present)

    def _act(self, progress: float, step: int, reading: Reading, loss: float, constraints: tuple[Any, ...]) -> None:
        costs, ledger = self.costs, self.ledger
        plain = max(costs.mean("plain step"), 1e-12)
        spent = {"time": ledger.fraction()}
        if ledger.budget.memory is not None:
            spent["memory"] = peak_bytes() / ledger.budget.memory
        state = TrustState(
            progress=progress,
            budget_used=ledger.fraction(),
            step=step,
            utility=reading.accuracy,
            calibrated_utility=reading.calibrated_accuracy,
            loss=loss,
            constraints=constraints,
            dials=self.action,
            adversarial_cost_ratio=max(costs.mean("adversarial step") / plain, 1.0),
            monitor_cost_ratio=costs.mean("monitor") / plain,
            overfitting=0.0 if math.isnan(reading.fgsm) else reading.fgsm - reading.pgd,
            step_cost_ratio=costs.mean("step") / plain,
            spent=spent,
            sparsity=self.action.sparsity,
        )
        self.state.states.append(dataclasses.asdict(state))
        before = self.action
        self.scheduler.decide(state)
        self._apply(before, step, progress)

    def _apply(self, before: TrustAction, step: int, progress: float) -> None:
        ratio = self._loss.relative_cost(self.action) / self._loss.relative_cost(before)
        self.state.dearer = self.costs.predict("step") * ratio, step + UNPRICED_STEPS
        self._sparsity.set(self.action.sparsity)
        self.state.next_look = progress + self.action.next_monitor_in

    def _roll_back(self, step: int, progress: float, reason: str) -> None:
        if self.state.good:
            self._sparsity.restore()
            self._model.load_state_dict(self.state.good)
            self._sparsity.project()
        before = self.action
        self.scheduler.guard(step, progress, reason)
        self._apply(before, step, progress)

    def _remember(self, progress: float, step: int, reading: Reading, loss: float, rate: float) -> None:
        assert self.monitor is not None
        self.state.history.append(
            {
                "step": step,
                "progress": self.ledger.fraction(),
                "used": self.ledger.used(),
                "wall": self.ledger.used("wall"),
                "cpu": self.ledger.used("cpu"),
                "accuracy": reading.accuracy,
                "accuracy (calibrated)": reading.calibrated_accuracy,
                **reading.values,
                **{f"{key} (calibrated)": value for key, value in reading.calibrated.items()},
                "lambda_fair": self.action.lambda_fair,
                "adversarial_share": self.action.adversarial_share,
                "sparsity": self.action.sparsity,
                "learning_rate": rate,
                "loss": loss,
                "cost_step": self.costs.mean("step"),
                "monitor_rows": self.monitor.n_rows,
            }
        )
