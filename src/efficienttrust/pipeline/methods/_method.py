"""What a method is, what it leaves behind, and the registry of methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline._fit import fit
from efficienttrust.pipeline._run import Run
from efficienttrust.registry import Registry
from efficienttrust.resources import Budget

Stage = Literal["deployed", "trained, before calibration"]
BEFORE: Stage = "trained, before calibration"


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What a method left behind.

    Attributes:
        method: Its name.
        seed: Seed of the training.
        budget: The budget that was asked for.
        run: The run, whose file is the method's model.
        clock: The declared clock.
        spent: On that clock, everything up to the file: loading, every training of a search, calibration, export.
        description: What was done, in one sentence.
        stage: Which stage of the run is the method's model: as deployed, or as trained, before calibration.
    """

    method: str
    seed: int
    budget: Budget
    run: Run
    clock: str
    spent: float
    description: str
    stage: Stage = "deployed"


Method = Callable[[Problem, Budget, Sequence[Target], int], MethodResult]
"""Called with (problem, budget, targets, seed)."""

methods: Registry[Method] = Registry("method", "efficienttrust.pipeline.methods.catalogue")


def fitted(
    method: str,
    description: str,
    problem: Problem,
    budget: Budget,
    targets: Sequence[Target],
    seed: int,
    *,
    stage: Stage = "deployed",
    asked: Budget | None = None,
    **arguments: Any,
) -> MethodResult:
    """Fit by fixed arguments and account for it.

    Args:
        method: Name of the method.
        description: What is done, in one sentence.
        problem: The problem.
        budget: What the run gets.
        targets: The targets.
        seed: Seed of the training.
        stage: Which stage of the run is the method's model.
        asked: The budget that the method was asked to keep, where it gets another.
        **arguments: Further arguments of `fit`.

    Raises:
        UsageError: A dial that the method rests on is not carried out by what is trained here: the figures would be
            those of another method.
    """
    run = fit(problem, budget=budget, targets=targets, seed=seed, **arguments)
    if held := _held(run):
        raise UsageError(
            f"{method} rests on {', '.join(held)}, which nothing carries out in the training of "
            f"{run.document['model']['architecture']}: choose another method, or another network"
        )
    time = run.ledger["time"]
    return MethodResult(method, seed, asked or budget, run, str(time["clock"]), float(time["used"]), description, stage)


def fixed(**dials: float | str) -> str:
    """Return the static policy with these dials, all others neutral."""
    settings: dict[str, float | str] = {"lambda_fair": 0.0, "adversarial_share": 0.0, **dials}
    return f"static({', '.join(f'{name}={value}' for name, value in settings.items())})"


def _held(run: Run) -> list[str]:
    """Return the dials that the policy asked for and nothing carried out, by the record of the first decision."""
    if not len(run.decisions):
        return []
    start = run.decisions[run.decisions["step"] == 0]
    reasons = zip(start["knob"].astype(str), start["reason"].astype(str), strict=True)
    return [knob for knob, reason in reasons if " held, as nothing " in reason]
