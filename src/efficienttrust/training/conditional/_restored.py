"""Candidates made again from the saved network of a curve, for targets that are named later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.group_head import head_of
from efficienttrust.evaluation.targets import Target
from efficienttrust.resources import Ledger
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._trainer import Candidates, TrainingTask
from efficienttrust.training.conditional._candidates import candidates_at, surveyed_settings
from efficienttrust.training.conditional._dialled import DialRange
from efficienttrust.training.conditional._stepper import ConditionalStepper


def restored_candidates(
    problem: Problem,
    task: TrainingTask,
    trained_for: Sequence[Target],
    state: Mapping[str, Tensor],
    ledger: Ledger,
    affordable: Callable[[], bool],
) -> Candidates:
    """Survey the settings of a saved conditional network for the targets of a task; return the best as candidates.

    Args:
        problem: The data that it was trained on.
        task: The targets to meet, and the network's options, seed and settings.
        trained_for: The targets that it was trained with.
        state: Its weights.
        ledger: The account.
        affordable: Asked before each setting.

    Raises:
        UsageError: The weights are not those of this network on these data.
    """
    levers = levers_of(trained_for, problem.task)
    with ledger.phase("prepare"):
        head = None if task.aware or not levers.penalties else head_of(problem, robust=levers.eps > 0, seed=task.seed)
        bench = Bench(problem, task, levers)
        dials = DialRange(fairness=bool(levers.penalties), robustness=levers.eps > 0)
        stepper = ConditionalStepper(bench.stepper(), dials, task.seed)
        try:
            stepper.network.load_state_dict(dict(state))
        except (KeyError, RuntimeError) as error:
            raise UsageError(
                f"the network of the curve does not fit these data or options ({error}); make the curve anew"
            ) from error
        monitor = Monitor(problem, task.targets, head, aware=task.aware, seed=task.seed, flops=stepper.forward_flops())
    with ledger.phase("survey"):
        settings = surveyed_settings(stepper, monitor, affordable)
        members = candidates_at(stepper, settings)
    return Candidates(
        members=members,
        architecture=bench.title(stepper),
        head=head,
        history=(),
        decisions=(),
        fallbacks=(),
        trained=("one network for all settings, trained for a curve",),
        settings=settings,
        network_state=stepper.network.state_dict(),
    )
