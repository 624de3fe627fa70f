"""The network trainer: ATATS on an MLP."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch

from efficienttrust.atats import Lever, Plan, Policy, make_plan
from efficienttrust.compression import NetworkScorer
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.choice import calibration_rows
from efficienttrust.evaluation.group_head import NO_HEAD, Head, head_of, informativeness
from efficienttrust.losses import penalties
from efficienttrust.models import MLP, build
from efficienttrust.resources import CostModel, Ledger
from efficienttrust.training._batches import Shuffler, TrainingData, batch_size_for
from efficienttrust.training._checkpoint import load_checkpoint, save_checkpoint
from efficienttrust.training._levers import Levers, levers_of
from efficienttrust.training._loop import Loop, LoopState
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._probe import probe
from efficienttrust.training._step import Stepper
from efficienttrust.training._trainer import Candidate, Candidates, TrainingTask, trainers

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
RESERVE_FACTOR = 1.5  # on the predicted cost of calibration and export
CALIBRATION_SHARE = 0.3  # of what is left: the most kept back for calibration, which then does less and says so
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
            self.task = dataclasses.replace(self.task, widths=tuple(saved["widths"]))
        task = self.task
        levers = levers_of(task.targets)
        costs = CostModel()
        with ledger.phase("prepare"):
            head = self._head(problem, levers)
            data = TrainingData.of(problem, problem.splits["train"], [name for _, name in levers.penalties], levers.eps)
            monitor = Monitor(problem, task.targets, head, aware=task.aware, seed=task.seed)
            stepper = self._stepper(problem, data, levers)
        if saved is None:
            probe(self._stepper(problem, data, levers), monitor, ledger, costs, robust=levers.eps > 0)
            plan = self._plan(ledger, costs, levers, monitor, problem, head)
        else:
            plan = Plan(**saved["plan"])
        shuffler = Shuffler(len(data.y), batch_size_for(len(data.y)), torch.Generator().manual_seed(task.seed))
        loop = Loop(task, stepper, shuffler, monitor, policy, plan, ledger, costs)
        if saved is not None:
            policy.reset(plan)
            ledger.load_state_dict(saved["ledger"])
            costs.load_state_dict(saved["costs"])
            loop.load_state_dict(saved["loop"])
            if task.on_progress:
                task.on_progress(loop.state.step, {}, f"continuing from step {loop.state.step}")
        loop.run(self._saver(loop, ledger, costs))
        return Candidates(
            members=_members(loop.state, stepper.network),
            architecture=stepper.network.name,
            head=head,
            history=tuple(loop.state.history),
            decisions=tuple(loop.state.decisions),
            fallbacks=tuple(loop.state.fallbacks) + self._without_head(head, levers),
            calibration_cost=_calibration_cost(costs, problem, monitor),
        )

    def _head(self, problem: Problem, levers: Levers) -> Head | None:
        if self.task.aware or not levers.penalties:
            return None
        return head_of(problem, robust=levers.eps > 0, seed=self.task.seed)

    def _without_head(self, head: Head | None, levers: Levers) -> tuple[str, ...]:
        if head is not None or self.task.aware or not levers.penalties:
            return ()
        return (NO_HEAD,)

    def _calibration(self, problem: Problem, head: Head | None) -> float:
        if self.task.aware:
            return 1.0
        split = problem.splits["monitor"]
        return informativeness(head, split.x, split.groups)

    def _stepper(self, problem: Problem, data: TrainingData, levers: Levers) -> Stepper:
        network = build("mlp", n_features=problem.encoder.n_features, widths=self.task.widths, seed=self.task.seed)
        return Stepper(
            network,
            data,
            [(penalties.get(name)(), attribute) for name, attribute in levers.penalties],
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            generator=torch.Generator().manual_seed(self.task.seed + 1),
        )

    def _plan(
        self, ledger: Ledger, costs: CostModel, levers: Levers, monitor: Monitor, problem: Problem, head: Head | None
    ) -> Plan:
        plain = costs.mean("plain step")
        adversarial = costs.mean("adversarial step", default=plain)
        for _ in range(3):
            costs.observe("step", plain)
        reserve = 0.0
        if ledger.clock not in ("steps", "samples") and math.isfinite(ledger.limit):
            calibration = RESERVE_FACTOR * _calibration_cost(costs, problem, monitor)
            affordable = CALIBRATION_SHARE * max(ledger.remaining(), 0.0)
            exporting = RESERVE_FACTOR * self.task.export_cost + RESERVE_SHARE * ledger.limit
            reserve = min(calibration, affordable) + exporting
        n_rows = len(problem.splits["train"].y)
        plan = make_plan(
            Lever(bool(levers.penalties), levers.eps > 0, self._calibration(problem, head)),
            used=ledger.used(),
            limit=ledger.limit,
            reserve=reserve,
            plain_step=plain,
            adversarial_step=adversarial,
            monitor=costs.predict("monitor"),
            steps_per_epoch=max(n_rows / batch_size_for(n_rows), 1.0),
        )
        if plan.horizon < plain:
            unit = "s" if ledger.clock in ("wall", "cpu") else ledger.clock
            raise InfeasibleError(
                f"budget: {ledger.limit:.4g} {unit} is less than preparation, one training step (≈ {plain:.2g} {unit} "
                f"here) and the reserve for calibration and export (≈ {reserve:.2g} {unit}) after {ledger.used():.2g} "
                f"{unit} already used; ask for at least {ledger.used() + reserve + 100 * plain:.2g} {unit}"
            )
        return plan

    def _saver(self, loop: Loop, ledger: Ledger, costs: CostModel) -> Callable[[], None]:
        path = self.task.checkpoint
        if path is None:
            return lambda: None

        def save() -> None:
            with ledger.phase("checkpoint"):
                about = {"identity": self.task.identity, "widths": list(self.task.widths)}
                run = {
                    "plan": dataclasses.asdict(loop.plan),
                    "ledger": ledger.state_dict(),
                    "costs": costs.state_dict(),
                }
                save_checkpoint(path, {**about, **run, "loop": loop.state_dict()})

        return save


def _members(state: LoopState, network: MLP) -> tuple[Candidate, ...]:
    last = Candidate("last", NetworkScorer(network.layers()), f"after the last step ({state.step})")
    earlier = []
    for objective, step, weights in state.ring:
        network.load_state_dict(weights)
        note = f"snapshot at step {step}, objective {objective:.4f} on the monitor split"
        earlier.append(Candidate(f"step {step}", NetworkScorer(network.layers()), note))
    return (last, *earlier)


def _calibration_cost(costs: CostModel, problem: Problem, monitor: Monitor) -> float:
    # A look is a small calibration; the real one sees more rows and searches about five times finer.
    rows = calibration_rows(problem) / max(monitor.n_rows, 1)
    return costs.predict("monitor") * max(rows, 1.0) * 5.0
