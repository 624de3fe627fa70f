"""Hypervolume of the curve that a total budget buys: one network for all settings, against grids, paths and `plan`.

All methods get the same number of points by the same code: the rules of their models are sought on calibrate, the
points that add most hypervolume there are kept, and they are scored on test against a fixed reference. Seeking rules
is the same work for each model and is not charged here, which favours the methods with many models.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from _atats_cases import CASES, ORACLE_GRID, problem_of

POINTS = 20
REFERENCE = {"adult": (0.75, -0.25, 0.60), "compas": (0.50, -0.40, 0.30), "german": (0.60, -0.40, 0.40),
             "diabetes130": (0.50, -0.20, 0.40)}  # fmt: skip
PICK = {"adult": (-0.045, 0.80), "compas": (-0.18, 0.58), "german": (-0.09, 0.70), "diabetes130": (-0.018, 0.85)}
METHODS = ("conditional", "plan", "grid", "path", "halving", "grid at full cost")


def frontier_row(job: dict[str, Any]) -> dict[str, Any]:
    """Run one method on one case, budget and seed."""
    import moocore

    from efficienttrust.pipeline.frontier import curve, measure_points, parse_axes

    problem = problem_of(job["case"], job["seed"])
    metric, robust = (text.split(" ")[0] if "(" not in text else text.split(" >=")[0] for text in
                      CASES[job["case"]]["targets"])  # fmt: skip
    axes = parse_axes(problem, [metric, robust])
    scorers, head, spent = _models(job, problem, axes)
    points = curve(problem, scorers, axes, head, aware=False, seed=job["seed"], most=POINTS)
    measured = measure_points(problem, scorers, points, axes, seed=job["seed"])
    signs = np.array([1.0, -1.0, 1.0])
    values = np.array([[one.test[key].value for key in axes.keys] for one in measured]) * signs
    reference = np.array(REFERENCE[job["case"]])
    above = values[(values > reference).all(axis=1)]
    volume = float(moocore.hypervolume(above, ref=reference, maximise=True)) if len(above) else 0.0
    fair, hard = PICK[job["case"]]
    able = [index for index, point in enumerate(points) if point.values[1] >= fair and point.values[2] >= hard]
    pick = values[max(able, key=lambda index: points[index].values[0])] * signs if able else None
    return {"hypervolume": volume, "points": len(points), "models": len(scorers), "spent": spent,
            "pick": None if pick is None else [float(one) for one in pick]}  # fmt: skip


def _models(job: dict[str, Any], problem: Any, axes: Any) -> tuple[list[Any], Any, float]:
    seconds, seed, method = job["seconds"], job["seed"], job["method"]
    loading = problem.preparation["cpu"]
    if method == "conditional":
        found, spent = _train(problem, axes, seconds, "conditional(wide=1, least=1)", seed, 24)
        return [member.scorer for member in found.members], found.head, spent
    if method == "plan":
        found, spent = _train(problem, axes, seconds, "plan", seed, 0)
        return [found.members[0].scorer], found.head, spent
    if method in ("grid", "grid at full cost", "path"):
        share = 1.0 if method == "grid at full cost" else 1.0 / len(ORACLE_GRID)
        each = loading + share * (seconds - loading)
        return _grid(problem, axes, [(weight, q, each) for weight, q in ORACLE_GRID], seed, warm=method == "path")
    return _halving(problem, axes, seconds - loading, seed)


def _grid(
    problem: Any, axes: Any, points: list[tuple[float, float, float]], seed: int, *, warm: bool = False
) -> tuple[list[Any], Any, float]:
    scorers, head, spent, start = [], None, 0.0, None
    for weight, share, seconds in points:
        policy = f"static(lambda_fair={weight}, adversarial_share={share})"
        found, used = _train(problem, axes, seconds, policy, seed, 0, start=start)
        scorers.append(found.members[0].scorer)
        head, spent = found.head, spent + used - (problem.preparation["cpu"] if spent else 0.0)
        if warm:
            start = found.members[0].scorer
    return scorers, head, spent


def _halving(problem: Any, axes: Any, seconds: float, seed: int) -> tuple[list[Any], Any, float]:
    """Successive halving: twelve, six and three points at twice the time each round, by hypervolume contribution."""
    from efficienttrust.pipeline.frontier import curve

    loading, kept = problem.preparation["cpu"], list(ORACLE_GRID)
    scorers: list[Any] = []
    head, spent = None, 0.0
    for _ in range(3):
        each = seconds / 3 / len(kept)
        made, head, used = _grid(problem, axes, [(weight, q, loading + each) for weight, q in kept], seed)
        spent += used - (loading if spent else 0.0)
        points = curve(problem, made, axes, head, aware=False, seed=seed, most=POINTS, effort=0.3)
        order = sorted(range(len(kept)), key=lambda index: -sum(point.model == index for point in points))
        scorers += made
        kept = [kept[index] for index in order[: max(len(kept) // 2, 1)]]
    return scorers, head, spent


def _train(
    problem: Any, axes: Any, seconds: float, policy: str, seed: int, settings: int, *, start: Any = None
) -> tuple[Any, float]:
    from efficienttrust.compression import workpiece_of
    from efficienttrust.pipeline._fit import Training
    from efficienttrust.pipeline._progress import Tell
    from efficienttrust.pipeline._request import make_request
    from efficienttrust.resources import Ledger
    from efficienttrust.training import Settings

    request = make_request(problem, budget=f"time={seconds}s cpu", targets=axes.targets, policy=policy,
                           trainer="network", model=None, settings=Settings(), seed=seed, aware=False)  # fmt: skip
    ledger = Ledger(request.budget)
    ledger.add_prior("data", **problem.preparation)
    changes: dict[str, Any] = {"settings_kept": settings, "reserve": False}
    if start is not None:
        changes["start"] = lambda _: workpiece_of(start)
    source = Training(**changes)
    capacity = source.capacity(problem, request, ledger)
    found = source.candidates(problem, request, ledger, capacity, None, Tell(None, ledger))
    return found, ledger.used()
