"""Deploy a model from a curve: choose among the settings of its network for targets that are named now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline._capacity import Capacity
from efficienttrust.pipeline._deliver import deliver
from efficienttrust.pipeline._progress import ProgressEvent, Tell
from efficienttrust.pipeline._request import Request, make_request
from efficienttrust.pipeline._run import Run, problem_of
from efficienttrust.pipeline.frontier._axes import Axes
from efficienttrust.pipeline.frontier._store import read_frontier, read_network
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Candidates, Settings, TrainingTask
from efficienttrust.training._distributed import Team
from efficienttrust.training.conditional import restored_candidates


def deploy(
    folder: Path | str,
    *,
    targets: Sequence[Target | str],
    problem: Problem | None = None,
    budget: Budget | str | None = None,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    progress: Callable[[ProgressEvent], None] | None = None,
) -> Run:
    """Choose, calibrate, export and prove a model of a curve, without training again.

    Args:
        folder: Folder of the curve.
        targets: What the model is to meet.
        problem: The data of the curve; None loads them as recorded.
        budget: What choosing and exporting may cost, and limits on the file; None limits nothing.
        out: Folder for the run; None keeps it in memory.
        overwrite: Replace an earlier run in `out`.
        show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.
        progress: Called with signs of life.

    Raises:
        UsageError: The folder holds no curve, the data are others, or its network was trained for other attacks.
    """
    path = Path(folder)
    document = read_frontier(path)
    axes, spec = Axes.from_document(document["axes"]), document["spec"]
    state = read_network(path, document)
    if not state:
        raise UsageError(
            f"{path}: its curve was made by policy {spec['policy']}, which leaves no network of all settings"
        )
    problem = _data_of(document["problem"], path, problem)
    request = make_request(
        problem, budget=Budget() if budget is None else budget, targets=targets, policy=str(spec["policy"]),
        trainer="network", model=str(spec["network"]),
        settings=Settings(device=spec["device"], precision=spec["precision"], augmentation=spec["augmentation"]),
        seed=int(spec["seed"]), aware=bool(spec["use_groups_at_prediction"]),
    )  # fmt: skip
    return deliver(
        problem, request, _Stored(axes, state, document), out=None if out is None else Path(out), overwrite=overwrite,
        show_small_cells=show_small_cells, progress=progress,
    )  # fmt: skip


def _data_of(recorded: Mapping[str, Any], path: Path, problem: Problem | None) -> Problem:
    """Load the data of a curve again, or check those that are given."""
    if problem is None:
        if recorded["source"].startswith("<"):
            said = recorded["source"].strip("<>")
            raise UsageError(f"{path} was made from data in memory ({said}): call deploy(folder, problem=…) with them")
        problem = problem_of(recorded)
    if problem.fingerprint != recorded["fingerprint"]:
        raise UsageError(
            f"the data at {recorded['source']} are not those of the curve {path} (hash {problem.fingerprint[:12]}, "
            f"recorded {recorded['fingerprint'][:12]}): make the curve anew"
        )
    return problem


class _Stored:
    """Candidates of a network that was trained before."""

    def __init__(self, axes: Axes, state: Mapping[str, Any], document: Mapping[str, Any]) -> None:
        self._axes, self._state, self._document = axes, state, document

    def capacity(self, problem: Problem, request: Request, ledger: Ledger) -> Capacity:
        """Return the network's own width."""
        return Capacity(dict(self._document["spec"]["options"]), "that of the curve", 0.0)

    def candidates(
        self, problem: Problem, request: Request, ledger: Ledger, capacity: Capacity, out: Path | None, tell: Tell
    ) -> Candidates:
        """Survey the settings for the targets."""
        tell("train")
        task = TrainingTask(
            targets=request.targets, seed=request.seed, aware=request.aware, network=request.network,
            options=capacity.options, settings=request.settings, identity=request.identity(problem),
        )  # fmt: skip
        found = restored_candidates(
            problem, task, self._axes.targets, self._state, ledger, lambda: ledger.remaining() > 0
        )
        return replace(found, fallbacks=(*found.fallbacks, *_beyond(self._axes, request)))

    def follow(self, problem: Problem, request: Request, team: Team) -> None:
        """Refuse: there is nothing to share."""
        raise UsageError("a model of a curve is chosen in one process: start without torchrun")


def _beyond(axes: Axes, request: Request) -> tuple[str, ...]:
    """Return one sentence for each target that the network was not trained for."""
    known = {target.metric for target in axes.targets}
    return tuple(
        f"{target.text}: the network of the curve was not trained for it; it is met by calibration alone, if at all"
        for target in request.targets
        if target.metric not in known and target.metric != "accuracy"
    )
