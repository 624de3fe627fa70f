"""The verb `frontier`: one training under a budget, and from it the whole curve of what could be had."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.pipeline._claim import claimed
from efficienttrust.pipeline._fit import Training
from efficienttrust.pipeline._memory_check import needed
from efficienttrust.pipeline._progress import ProgressEvent, Tell
from efficienttrust.pipeline._request import Request, make_request, refuse_memory
from efficienttrust.pipeline._session import single_thread, warm_up
from efficienttrust.pipeline.frontier._axes import Axes, parse_axes
from efficienttrust.pipeline.frontier._curve import Point, curve
from efficienttrust.pipeline.frontier._document import frontier_document
from efficienttrust.pipeline.frontier._measure import Measured, measure_points
from efficienttrust.pipeline.frontier._store import check_frontier_folder, read_frontier, read_network, write_frontier
from efficienttrust.pipeline.limits import limit_document, raised
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Candidates, Settings, clear_stop
from efficienttrust.training._distributed import processes

POLICY = "conditional(wide=1, least=1)"  # draws stay anywhere to the end: the whole range is what is wanted
SETTINGS = 24  # of the network that are tried, at most,
FEWEST_SETTINGS = 6  # and at least
POINTS = 20
CURVE_SHARE = 0.3  # of what is left when training begins: the most that the search for rules may take
TRIAL_EFFORT = 0.2  # share of the rows on which the first model's rules are sought, which tells what the rest may cost
LEAST_EFFORT = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Frontier:
    """A trade-off curve.

    Attributes:
        document: frontier.json as plain values.
        axes: What is traded for what.
        points: The points, by falling utility on calibrate, measured on test.
        candidates: The models; of a curve that was loaded, the weights of the network alone.
    """

    document: Mapping[str, Any]
    axes: Axes
    points: tuple[Measured, ...]
    candidates: Candidates

    def __repr__(self) -> str:
        name = self.document["problem"]["name"]
        return f"Frontier({name!r}, {len(self.document['points'])} points over {', '.join(self.axes.keys)})"

    def table(self) -> Any:
        """Return the points as a frame: one row each, values on calibrate and on test with their intervals."""
        return points_table(self.document)

    def save(self, folder: Path | str, *, overwrite: bool = False, show_small_cells: bool = False) -> Path:
        """Write the curve, its picture and the network, atomically; return the folder.

        Args:
            folder: Where to.
            overwrite: Replace an earlier curve.
            show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.

        Raises:
            UsageError: The folder exists (without `overwrite`), or the disk is full or read-only.
        """
        return write_frontier(
            Path(folder), self.document, self.candidates, overwrite=overwrite, show_small_cells=show_small_cells
        )


def frontier(
    problem: Problem,
    *,
    budget: Budget | str,
    axes: Sequence[str] = (),
    policy: Policy | str = POLICY,
    model: str | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    points: int = POINTS,
    use_groups_at_prediction: bool = False,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    progress: Callable[[ProgressEvent], None] | None = None,
) -> Frontier:
    """Train one network for all settings of the dials, and measure the curve of what it can be made to do.

    The budget covers everything up to the rules of all points; measuring them on the test split is not charged.

    Args:
        problem: From `load_problem` or `load_image_problem`.
        budget: E.g. `"time=60s"`.
        axes: What is traded for utility, as `dpd` or `robust_accuracy(pgd, eps=0.1)`; by default what the data show.
        policy: Who steers; one that is not conditional gives the points of its own candidates.
        model: The network, as for `fit`.
        settings: Device, precision and augmentation.
        seed: Seed of everything random in training.
        points: Points kept, at most.
        use_groups_at_prediction: Let the models read the sensitive columns.
        out: Folder for the curve; None keeps it in memory.
        overwrite: Replace an earlier curve in `out`.
        show_small_cells: Do not withhold figures about fewer than ten people from the pages of clinical data.
        progress: Called with signs of life.

    Raises:
        UsageError: Wrong names or values, nothing to trade, or a folder that cannot be used.
        InfeasibleError: The budget is less than one step.
        RunInterrupted: A stop was requested.
    """
    found = parse_axes(problem, axes)
    request = make_request(
        problem, budget=budget, targets=found.targets, policy=policy, trainer="network", model=model,
        settings=replace(settings or Settings(), quantize="none"), seed=seed, aware=use_groups_at_prediction,
    )  # fmt: skip
    _refuse(request, points)
    folder = None if out is None else Path(out)
    check_frontier_folder(folder, overwrite=overwrite)
    clear_stop()
    warm_up(**needed(problem, request))
    refuse_memory(request.budget)
    with claimed(folder), single_thread():
        ledger = Ledger(request.budget)
        tell = Tell(progress, ledger)
        ledger.add_prior("data", **problem.preparation)
        source = Training(settings_kept=_settings_kept(problem))
        capacity = source.capacity(problem, request, ledger)
        candidates = source.candidates(problem, request, ledger, capacity, None, tell)
        tell("calibrate")
        with ledger.phase("calibrate"):
            made = _curve(problem, request, ledger, candidates, found, points)
        ledger.close()
        tell("evaluate")
        scorers = [member.scorer for member in candidates.members]
        with ledger.phase("evaluate"):
            measured = measure_points(problem, scorers, made, found, seed=seed)
        if measured:
            ledger.measured("size", float(max(one.size_bytes for one in measured)))
        limit = None
        if folder is not None:
            tell("limit")
            with ledger.phase("limit"):
                limit = limit_document(problem, found.targets, aware=request.aware, seed=seed)
        document = frontier_document(problem, request, ledger, capacity, candidates, found, measured, points)
        document["limit"] = None if limit is None else raised(limit, _placed(limit, document))
        result = Frontier(document, found, tuple(measured), candidates)
        if folder is not None:
            tell("report")
            result.save(folder, overwrite=overwrite, show_small_cells=show_small_cells)
    return result


def _placed(limit: Mapping[str, Any], document: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return name, gap and utility of the points of a curve."""
    return [
        (one["name"], *(float(one["test"][key]["value"]) for key in (limit["metric"], limit["utility_metric"])))
        for one in document["points"]
        if "metric" in limit
    ]


def load_frontier(folder: Path | str) -> Frontier:
    """Load a curve from its folder.

    Raises:
        UsageError: The folder holds no curve, or one of its files is missing or damaged.
    """
    document = read_frontier(Path(folder))
    axes, state = Axes.from_document(document["axes"]), read_network(Path(folder), document)
    kept = Candidates((), document["model"]["architecture"], None, (), (), (), network_state=state)
    return Frontier(document, axes, (), kept)


def points_table(document: Mapping[str, Any]) -> Any:
    """Return the points of a document as a frame."""
    import pandas as pd

    rows = []
    for one in document["points"]:
        row: dict[str, Any] = {"point": one["name"], **(one["setting"] or {})}
        for key, value in one["calibrate"].items():
            cell = one["test"][key]
            row |= {
                f"{key} (calibrate)": value,
                key: cell["value"],
                f"{key} low": cell["low"],
                f"{key} high": cell["high"],
            }
        rows.append({**row, "size_bytes": one["size_bytes"]})
    return pd.DataFrame(rows)


def _refuse(request: Request, points: int) -> None:
    """Refuse what a curve cannot be made with.

    Raises:
        UsageError: No network is to be trained, no point is asked for, or several processes would each make one.
    """
    if request.trainer != "network":
        raise UsageError(f"--model {request.trainer}: a curve is that of one network; name one, as mlp or tabular")
    if points < 1:
        raise UsageError(f"--points {points}: ask for one or more")
    if processes() > 1:
        raise UsageError("frontier runs in one process: start it without torchrun")


def _settings_kept(problem: Problem) -> int:
    return SETTINGS if problem.kind == "table" else FEWEST_SETTINGS + 2


def _curve(
    problem: Problem, request: Request, ledger: Ledger, candidates: Candidates, axes: Axes, most: int
) -> list[Point]:
    """Seek the rules of all models on as many rows as the budget affords."""
    scorers = [member.scorer for member in candidates.members]
    limited = ledger.clock in ("wall", "cpu") and math.isfinite(ledger.limit)
    effort = 1.0
    if limited:
        before = ledger.used()
        curve(
            problem,
            scorers[:1],
            axes,
            candidates.head,
            aware=request.aware,
            seed=request.seed,
            most=most,
            effort=TRIAL_EFFORT,
        )
        each = max(ledger.used() - before, 1e-6)
        affordable = max(ledger.remaining(), 0.0) / (1.2 * each)  # models at the trial's effort
        effort = float(np.clip(TRIAL_EFFORT * affordable / len(scorers), LEAST_EFFORT, 1.0))

    def affordable_next(_: int) -> bool:
        return not limited or ledger.remaining() > 0

    return curve(
        problem, scorers, axes, candidates.head, aware=request.aware, seed=request.seed, most=most, effort=effort,
        affordable=affordable_next,
    )  # fmt: skip
