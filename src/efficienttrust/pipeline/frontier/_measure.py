"""Points of a curve measured on the test split: exported, attacked and counted as any deployed model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.compression import Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.suite import evaluate_file
from efficienttrust.metrics import Measurement, group_table, measure
from efficienttrust.pipeline._file import export_file, open_file
from efficienttrust.pipeline.frontier._axes import Axes
from efficienttrust.pipeline.frontier._curve import Point


@dataclass(frozen=True, eq=False)
class Measured:
    """A point and its measurements on test.

    Attributes:
        point: The point.
        test: Metric key -> measurement.
        size_bytes: Size of its exported file.
        groups: Rates by group there, by which is decided what of clinical data may be shown.
    """

    point: Point
    test: Mapping[str, Measurement]
    size_bytes: int
    groups: tuple[Mapping[str, object], ...] = ()


def measure_points(
    problem: Problem, scorers: Sequence[Scorer], points: Sequence[Point], axes: Axes, *, seed: int, split: str = "test"
) -> list[Measured]:
    """Export every point and measure its file.

    Args:
        problem: The problem.
        scorers: The models that the points refer to.
        points: The points.
        axes: What is measured.
        seed: Seed of the attacks.
        split: Where.
    """
    found = []
    wanted = [(axes.utility, {}), *((one.metric, dict(one.arguments)) for one in axes.targets)]
    for point in points:
        scorer = scorers[point.model]
        content = export_file(problem, scorer, point.decision, {})
        file = open_file(problem, content)
        outcome = evaluate_file(
            file, problem, split, axes.targets, scorer=scorer, decision=point.decision, seed=seed
        ).outcome
        measured = [measure(name, outcome, arguments) for name, arguments in wanted]
        found.append(Measured(point, {one.name: one for one in measured}, file.size_bytes, tuple(group_table(outcome))))
    return found
