"""What a method is, what it leaves behind, and the registry of methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline._fit import fit
from efficienttrust.pipeline._run import Run
from efficienttrust.registry import Registry
from efficienttrust.resources import Budget
from efficienttrust.training import Settings

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


@dataclass(frozen=True, eq=False)
class MethodRequest:
    """What a method is asked for.

    Attributes:
        problem: The problem.
        budget: Pays for all of the method, its search included.
        targets: The targets.
        seed: Seed of the training.
        model: Network by name with options, where the method leaves it open; None is the usual one.
        settings: How it is trained, as far as the method leaves it open.
    """

    problem: Problem
    budget: Budget
    targets: Sequence[Target]
    seed: int = 0
    model: str | None = None
    settings: Settings = field(default_factory=Settings)


Method = Callable[[MethodRequest], MethodResult]

methods: Registry[Method] = Registry("method", "efficienttrust.pipeline.methods.catalogue")


def fitted(
    method: str,
    description: str,
    request: MethodRequest,
    *,
    stage: Stage = "deployed",
    budget: Budget | None = None,
    settings: Settings | None = None,
    **arguments: Any,
) -> MethodResult:
    """Fit by fixed arguments and account for it.

    Args:
        method: Name of the method.
        description: What is done, in one sentence.
        request: What was asked for.
        stage: Which stage of the run is the method's model.
        budget: What the run gets, where that is not what was asked for.
        settings: What of the training the method fixes.
        **arguments: Further arguments of `fit`.

    Raises:
        UsageError: A dial that the method rests on is not carried out by what is trained here: the figures would be
            those of another method. Or model or settings were asked for that the method does not leave open.
    """
    trainer = arguments.get("trainer", "network")
    if trainer != "network" and request.model is not None:
        raise UsageError(f"{method} chooses its own model: leave out the model {request.model}")
    run = fit(
        request.problem,
        budget=budget or request.budget,
        targets=request.targets,
        seed=request.seed,
        model=request.model,
        settings=_together(method, settings or Settings(), request.settings),
        **arguments,
    )
    if held := _held(run):
        raise UsageError(
            f"{method} rests on {', '.join(held)}, which nothing carries out in the training of "
            f"{run.document['model']['architecture']}: choose another method, or another network"
        )
    time = run.ledger["time"]
    return MethodResult(
        method, request.seed, request.budget, run, str(time["clock"]), float(time["used"]), description, stage
    )


def fixed(**dials: float | str) -> str:
    """Return the static policy with these dials, all others neutral."""
    settings: dict[str, float | str] = {"lambda_fair": 0.0, "adversarial_share": 0.0, **dials}
    return f"static({', '.join(f'{name}={value}' for name, value in settings.items())})"


def _together(method: str, own: Settings, asked: Settings) -> Settings:
    """Return what was asked for with what the method fixes; raises `UsageError` where both say the same otherwise."""
    usual = Settings()
    fixed_by_it = {one.name: getattr(own, one.name) for one in fields(own)}
    fixed_by_it = {name: value for name, value in fixed_by_it.items() if value != getattr(usual, name)}
    for name, value in fixed_by_it.items():
        if getattr(asked, name) not in (getattr(usual, name), value):
            raise UsageError(f"{method} fixes {name} at {value}: leave out {name} {getattr(asked, name)}")
    return replace(asked, **fixed_by_it)


def _held(run: Run) -> list[str]:
    """Return the dials that the policy asked for and nothing carried out, by the record of the first decision."""
    if not len(run.decisions):
        return []
    start = run.decisions[run.decisions["step"] == 0]
    reasons = zip(start["knob"].astype(str), start["reason"].astype(str), strict=True)
    return [knob for knob, reason in reasons if " held, as nothing " in reason]
