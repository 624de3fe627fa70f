"""The network trainer: ATATS on a table network without autograd (`mlp`), or on any torch module."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch

from efficienttrust.atats import Lever, Plan, Policy, make_plan
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.choice import CALIBRATION_ROWS, LEAST_EFFORT, calibration_rows
from efficienttrust.evaluation.group_head import NO_HEAD, NO_HEAD_OF_IMAGES, Head, head_of, informativeness
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.training._batches import Shuffler
from efficienttrust.training._bench import Bench
from efficienttrust.training._checkpoint import load_checkpoint, save_checkpoint
from efficienttrust.training._levers import Levers, levers_of
from efficienttrust.training._loop import Loop, LoopState
from efficienttrust.training._module_step import ModuleStepper
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._probe import probe
from efficienttrust.training._stepping import Stepping
from efficienttrust.training._teacher import Lesson, lesson_of
from efficienttrust.training._trainer import Candidate, Candidates, TrainingTask, trainers
from efficienttrust.training.conditional import (
    ConditionalStepper,
    DialRange,
    Setting,
    candidates_at,
    refuse_conditional,
    spread_settings,
    surveyed_settings,
)

LIGHT_SEARCH, HEAVY_SEARCH = 5.0, 1.5  # cost of a calibration in looks at as many rows
RESERVE_FACTOR = 1.5  # on the predicted cost of calibration and export
CALIBRATION_SHARE = 0.3  # of what is left: the most kept back for calibration beyond its least effort
WIDE_EPOCHS = 3.0  # times as many passes are worth while for a network of all settings
RESERVE_SHARE = 0.005  # of the limit, for what nobody foresaw


@trainers.register("network")
class NetworkTrainer:
    """Trains a network under a policy.

    Args:
        task: What to train for.
    """

    def __init__(self, task: TrainingTask) -> None:
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Probe, plan, train; return the last network and the best snapshots of the last half."""
        saved = load_checkpoint(self.task.checkpoint, self.task.identity) if self.task.checkpoint else None
        if saved is not None:  # a latency limit is measured: it may fit another width today
            self.task = dataclasses.replace(self.task, options=saved["options"])
        task = self.task
        levers = levers_of(task.targets, problem.task)
        costs = CostModel()
        lesson = lesson_of(problem, task, ledger) if saved is None else _lesson(saved)
        with ledger.phase("prepare"):
            head = self._head(problem, levers)
            bench = Bench(problem, task, levers, None if lesson is None else lesson.soft)
            plain = bench.stepper()
            stepper: Stepping = plain
            flops = stepper.forward_flops()
            monitor = Monitor(problem, task.targets, head, aware=task.aware, seed=task.seed, flops=flops)
        bench.ask_teachers(ledger)
        told = bool(getattr(policy, "conditional", False))
        dials = DialRange(fairness=bool(levers.penalties), robustness=levers.eps > 0)
        if told:
            refuse_conditional(task, dials)
        if saved is None:
            notes = bench.fit_memory(stepper, bench.stepper, ledger)
            probed = ConditionalStepper(bench.stepper(), dials, task.seed) if told else stepper
            probe(
                probed, monitor, ledger, costs, batch_size=bench.batch_size, robust=probed.robust,
                landscape=bench.landscape(plain),
            )  # fmt: skip
            del probed  # the optimiser of another network holds twice its weights
            if not told:
                stepper, more = bench.compiled(stepper, ledger, costs)
                notes += more
            plan = self._plan(ledger, costs, levers, monitor, problem, head, bench, wide=told)
        else:
            plan = Plan(**saved["plan"])
        if told:
            stepper = ConditionalStepper(plain, dials, task.seed)
        shuffler = Shuffler(stepper.n_rows, bench.batch_size, torch.Generator().manual_seed(task.seed))
        loop = Loop(
            task,
            stepper,
            shuffler,
            monitor,
            policy,
            plan,
            ledger,
            costs,
            bench.memory(monitor),
            bench.fitted(),
            bench.landscape(stepper.inner if isinstance(stepper, ConditionalStepper) else stepper),
        )
        if saved is None:
            loop.note(notes)
        else:
            policy.reset(plan)
            ledger.load_state_dict(saved["ledger"])
            costs.load_state_dict(saved["costs"])
            loop.load_state_dict(saved["loop"])
            if task.on_progress:
                task.on_progress(loop.state.step, {}, f"continuing from step {loop.state.step}")
        loop.run(self._saver(loop, ledger, costs, lesson))
        members = _members(loop.state, stepper)
        calibration = _calibration_cost(costs, problem, monitor)
        settings: tuple[Setting, ...] = ()
        if isinstance(stepper, ConditionalStepper):
            settings = self._settings(stepper, monitor, ledger, costs.predict("monitor") + calibration)
            members = candidates_at(stepper, settings)
        taught = () if lesson is None else (lesson.said,)
        return Candidates(
            members=members,
            architecture=bench.title(stepper),
            head=head,
            history=tuple(loop.state.history),
            decisions=tuple(loop.scheduler.decisions),
            trajectory=loop.trajectory(),
            trained=(*bench.trained(stepper), *taught),
            fallbacks=(*loop.scheduler.fallbacks, *self._without_head(problem, head, levers)),
            calibration_cost=calibration,
            settings=settings,
            network_state=stepper.network.state_dict() if settings else {},
            projection=stepper.projection if isinstance(stepper, ModuleStepper) else None,
            means=bench.means(stepper),
        )

    def _settings(
        self, stepper: ConditionalStepper, monitor: Monitor, ledger: Ledger, kept: float
    ) -> tuple[Setting, ...]:
        if self.task.settings_kept:
            return spread_settings(stepper.dials, self.task.settings_kept)
        with ledger.phase("survey"):
            limit = ledger.limit - kept - self.task.export_cost
            return surveyed_settings(stepper, monitor, lambda: ledger.used() <= limit)

    def _head(self, problem: Problem, levers: Levers) -> Head | None:
        if self.task.aware or not levers.penalties:
            return None
        return head_of(problem, robust=levers.eps > 0, seed=self.task.seed)

    def _without_head(self, problem: Problem, head: Head | None, levers: Levers) -> tuple[str, ...]:
        if head is not None or self.task.aware or not levers.penalties:
            return ()
        return (NO_HEAD_OF_IMAGES if problem.kind == "image" else NO_HEAD,)

    def _calibration(self, problem: Problem, head: Head | None) -> float:
        if self.task.aware:
            return 1.0
        split = problem.splits["monitor"]
        return informativeness(head, split.x, split.groups)

    def _plan(
        self, ledger: Ledger, costs: CostModel, levers: Levers, monitor: Monitor, problem: Problem, head: Head | None,
        bench: Bench, *, wide: bool,
    ) -> Plan:  # fmt: skip
        plain = costs.mean("plain step")
        adversarial = costs.mean("adversarial step", default=plain)
        for _ in range(3):
            costs.observe("step", plain)
        reserve = 0.0
        if self.task.reserve and ledger.clock not in ("steps", "samples") and math.isfinite(ledger.limit):
            calibration = RESERVE_FACTOR * _calibration_cost(costs, problem, monitor)
            calibration *= max(self.task.settings_kept, 1)
            affordable = CALIBRATION_SHARE * max(ledger.remaining(), 0.0)
            exporting = RESERVE_FACTOR * self.task.export_cost + RESERVE_SHARE * ledger.limit
            least = RESERVE_FACTOR * _least_calibration_cost(costs, problem, monitor)
            reserve = max(min(calibration, affordable), least) + exporting
        n_rows = len(problem.splits["train"].y)
        plan = make_plan(
            Lever(bool(levers.penalties), bench.robust, self._calibration(problem, head)),
            used=ledger.used(),
            limit=ledger.limit,
            reserve=reserve,
            plain_step=plain,
            adversarial_step=adversarial,
            monitor=costs.predict("monitor"),
            steps_per_epoch=max(n_rows / bench.batch_size, 1.0),
            enough_epochs=bench.enough_epochs * (WIDE_EPOCHS if wide else 1.0),
        )
        if plan.horizon < plain:
            unit = "s" if ledger.clock in ("wall", "cpu") else ledger.clock
            raise InfeasibleError(
                f"budget: {ledger.limit:.4g} {unit} is less than preparation, one training step (≈ {plain:.2g} {unit} "
                f"here) and the reserve for calibration and export (≈ {reserve:.2g} {unit}) after {ledger.used():.2g} "
                f"{unit} already used; ask for at least {ledger.used() + reserve + 100 * plain:.2g} {unit}"
            )
        return plan

    def _saver(self, loop: Loop, ledger: Ledger, costs: CostModel, lesson: Lesson | None) -> Callable[[], None]:
        path = self.task.checkpoint
        if path is None:
            return lambda: None

        def save() -> None:
            with ledger.phase("checkpoint"):
                about = {"identity": self.task.identity, "options": dict(self.task.options)}
                run = {
                    "plan": dataclasses.asdict(loop.plan),
                    "ledger": ledger.state_dict(),
                    "costs": costs.state_dict(),
                }
                taught = None if lesson is None else dataclasses.asdict(lesson)
                save_checkpoint(path, {**about, **run, "lesson": taught, "loop": loop.state_dict()})

        return save


def _lesson(saved: dict[str, Any]) -> Lesson | None:
    return None if saved["lesson"] is None else Lesson(**saved["lesson"])


def _members(state: LoopState, stepper: Stepping) -> tuple[Candidate, ...]:
    last = Candidate("last", stepper.scorer(), f"after the last step ({state.step})")
    earlier = []
    for objective, step, weights in state.ring:
        stepper.network.load_state_dict(weights)
        note = f"snapshot at step {step}, objective {objective:.4f} on the monitor split"
        earlier.append(Candidate(f"step {step}", stepper.scorer(), note))
    return (last, *earlier)


def _calibration_cost(costs: CostModel, problem: Problem, monitor: Monitor) -> float:
    # A look is a small calibration; the real one sees more rows and searches about five times finer. What a heavy
    # network costs is its answers, which are asked for once.
    rows = calibration_rows(problem) / max(monitor.n_rows, 1)
    finer = HEAVY_SEARCH + (LIGHT_SEARCH - HEAVY_SEARCH) * monitor.lightness
    return costs.predict("monitor") * max(rows, 1.0) * finer


def _least_calibration_cost(costs: CostModel, problem: Problem, monitor: Monitor) -> float:
    # At its least effort it searches about as finely as a look; only of a heavy network do more rows cost more.
    rows = min(calibration_rows(problem), LEAST_EFFORT * CALIBRATION_ROWS) / max(monitor.n_rows, 1)
    return costs.predict("monitor") * (monitor.lightness + (1.0 - monitor.lightness) * max(rows, 1.0))
