"""The verb `fit`: the best model for the data under a budget and targets, as a deployable file with proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline._capacity import Capacity, choose_each, choose_width, choose_widths
from efficienttrust.pipeline._claim import working_folder
from efficienttrust.pipeline._deliver import deliver
from efficienttrust.pipeline._document import export_metadata
from efficienttrust.pipeline._progress import ProgressEvent, Tell
from efficienttrust.pipeline._request import Request, make_request
from efficienttrust.pipeline._room import Room
from efficienttrust.pipeline._run import Run
from efficienttrust.pipeline._shaping import members_quantised, shaping
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Candidates, Settings, TrainingTask, lever_of, trainers
from efficienttrust.training._distributed import Team
from efficienttrust.training._team_step import follow
from efficienttrust.training._widths import affordable_steps

GROWN = "trees have no width; they grow until a limit is reached"
WITHOUT_WIDTH = {"trees": GROWN, "lightgbm": GROWN, "exponentiated_gradient_trees": GROWN}


def fit(
    problem: Problem,
    *,
    budget: Budget | str,
    targets: Sequence[Target | str],
    policy: Policy | str = "plan",
    trainer: str = "network",
    model: str | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    use_groups_at_prediction: bool = False,
    force: bool = False,
    progress: Callable[[ProgressEvent], None] | None = None,
    constraints: Mapping[str, Any] | None = None,
) -> Run:
    """Train the most trustworthy model that the budget buys, and prove what was delivered.

    Everything from loading the data to the exported file is charged to the budget; importing libraries and the final
    evaluation are not. With `out`, the state is saved while training: after a kill, the same call goes on from there.

    A run that held more memory than `memory=` allows is delivered all the same, and failed: `Run.failed` says so.

    Started by `torchrun`, the processes share every batch of a network; the call returns in process 0 alone, which also
    writes: the others end in it (SystemExit) when training and attacks are over.

    Args:
        problem: From `load_problem` or `load_image_problem`.
        budget: E.g. `"time=20s cpu, size=300kB, latency=2ms"`.
        targets: E.g. `["dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80"]`; may be empty.
        policy: Name of a policy, with options in parentheses, or a policy of your own.
        trainer: `network`, `trees`, `lightgbm` or `auto`.
        model: What is trained: a network by name with options, such as `resnet20(width=0.5)`, `module:function` of your
            own, or the name of another trainer, as `auto`, which tries several and lets the targets decide; by default
            `mlp` for tables and `resnet8` for images.
        settings: Device, precision and augmentation of networks other than `mlp`.
        seed: Seed of everything random in training. (The split has its own: `load_problem(seed=…)`.)
        out: Folder for the run; None keeps it in memory (see `Run.save`).
        overwrite: Replace an earlier run in `out`.
        show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.
        use_groups_at_prediction: Let the deployed model read the sensitive columns. Off: it is attribute-blind.
        force: Train even towards a target that a rigorous bound excludes.
        progress: Called with signs of life.
        constraints: What levels of a baseline made of the arguments, to be recorded: see `fit_at_levels`.

    Raises:
        UsageError: Wrong names, values, or a folder that cannot be used.
        InfeasibleError: The arithmetic of the budget, or a rigorous bound, excludes what was asked.
        RunInterrupted: A stop was requested; the state is saved.
    """
    request = make_request(
        problem,
        budget=budget,
        targets=targets,
        policy=policy,
        trainer=trainer,
        model=model,
        settings=settings or Settings(),
        seed=seed,
        aware=use_groups_at_prediction,
        force=force,
    )
    return deliver(
        problem,
        request,
        Training(),
        out=None if out is None else Path(out),
        overwrite=overwrite,
        show_small_cells=show_small_cells,
        progress=progress,
        constraints=constraints,
    )


class Training:
    """Candidates that are trained.

    Args:
        changes: Fields of the training task that are other than the request says.
    """

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def capacity(self, problem: Problem, request: Request, ledger: Ledger) -> Capacity:
        """Choose the width, or what else a trainer may vary, that meets the limits on the file."""
        if ledger.remaining() <= 0:
            raise InfeasibleError(
                f"budget: the data are loaded, and {ledger.used():.3g} s ({ledger.clock}) of {ledger.limit:.3g} s are "
                "used already; ask for more"
            )
        room = _room(problem, request)
        if request.trainer == "auto":
            return choose_each(room, ledger, seed=request.seed)
        if request.trainer != "network":
            return Capacity({}, WITHOUT_WIDTH.get(request.trainer, "each training chooses its own width"), 0.0)
        quantize = request.settings.quantize
        if request.network != "mlp" or problem.task != "binary" or request.options:
            return choose_width(
                room, ledger, network=request.network, options=request.options, seed=request.seed, quantize=quantize
            )
        robust = any(target.metric in ROBUST_METRICS for target in request.targets)
        steps = affordable_steps(len(problem.splits["train"]), ledger, robust=robust)
        return choose_widths(room, ledger, seed=request.seed, quantize=quantize, steps=steps)

    def candidates(
        self, problem: Problem, request: Request, ledger: Ledger, capacity: Capacity, out: Path | None, tell: Tell
    ) -> Candidates:
        """Train under the policy of the request."""
        tell("train")
        usual: dict[str, Any] = {
            "exceeded": None if request.trainer == "network" else _room(problem, request).exceeded,
            "export_cost": capacity.export_cost * (1 if capacity.quantisation is None else members_quantised(request)),
            "start": shaping(problem, request, capacity.quantisation),
            "checkpoint": None if out is None else working_folder(out) / "checkpoint.pt",
            "on_progress": lambda step, metrics, action: tell("train", step, metrics, action),
        }
        task = replace(_task(request, problem, capacity.options), **{**usual, **self._changes})
        return trainers.get(request.trainer)(task).fit(problem, ledger, request.policy)

    def follow(self, problem: Problem, request: Request, team: Team) -> None:
        """Share the batches of the process that leads."""
        follow(problem, _task(request, problem, request.options), team)


def _room(problem: Problem, request: Request) -> Room:
    head = any(lever_of(target, problem.task) == "fairness" for target in request.targets)
    return Room(problem, request.budget, request.aware, head, export_metadata(problem, request))


def _task(request: Request, problem: Problem, options: Mapping[str, Any]) -> TrainingTask:
    return TrainingTask(
        targets=request.targets,
        seed=request.seed,
        aware=request.aware,
        network=request.network,
        options=options,
        settings=request.settings,
        identity=request.identity(problem),
    )
