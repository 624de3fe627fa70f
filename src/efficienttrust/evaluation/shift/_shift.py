"""Accuracy per environment, its drop against the environments trained on, and the same per group.

Letters: p is the accuracy in one environment, p0 that in the reference: the training environments, or all others where
these are not known, in both cases without the environment itself, so that the two rates are independent. The drop is
p0 - p: above 0 the environment is worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._text import cell_text
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.shift._environments import Environments, environments_of
from efficienttrust.evaluation.shift._tally import Cell, Tally, tally
from efficienttrust.metrics import Measurement, Outcome
from efficienttrust.metrics.rates import SMALL

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class GroupResult:
    """One group in one environment.

    Attributes:
        group: Name of the group.
        n: Its rows in the environment.
        accuracy: Accuracy there.
        drop: Accuracy of the same group in the reference, minus accuracy here.
    """

    group: str
    n: int
    accuracy: Measurement
    drop: Measurement


@dataclass(frozen=True)
class EnvironmentResult:
    """One environment.

    Attributes:
        name: Its name.
        n: Its rows.
        trained_on: Whether the model was trained in it; `None` where that is not known.
        accuracy: Accuracy there.
        drop: Accuracy in the reference minus accuracy here.
        worst_group: Lowest accuracy among the groups that occur; `None` without groups.
        groups: One result per group.
    """

    name: str
    n: int
    trained_on: bool | None
    accuracy: Measurement
    drop: Measurement
    worst_group: Measurement | None
    groups: tuple[GroupResult, ...]


@dataclass(frozen=True)
class Shift:
    """How a model does across environments.

    Attributes:
        column: The column that names the environment.
        environments: One result per environment, in the order of their names.
        worst: Name of the environment with the lowest accuracy.
        worst_accuracy: Accuracy there, with an interval that allows for its being picked.
        notes: What a reader must know, one line each.
    """

    column: str
    environments: tuple[EnvironmentResult, ...]
    worst: str
    worst_accuracy: Measurement
    notes: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """Return the `shift` part of an audit document; numbers that cannot be estimated are NaN."""
        return asdict(self)


def natural_shift(
    outcome: Outcome,
    frame: pd.DataFrame,
    column: str,
    *,
    trained_on: Sequence[object] | None = None,
    by: str | None = None,
    level: float = 0.95,
) -> Shift:
    """Measure how much worse a model is in each environment.

    Args:
        outcome: The model's answers on n rows, binary or multiclass; rows that it was not trained on.
        frame: The same n rows, with the column.
        column: The column that names the environment.
        trained_on: The training environments; where `None`, each environment is compared with all others.
        by: A sensitive attribute of the outcome to take the groups from; by default their intersections.
        level: Level of the intervals.

    Raises:
        UsageError: An unknown column, no rows, a task without right answers, or no row of a training environment.
    """
    if outcome.task not in ("binary", "multiclass"):
        raise UsageError(f"natural shift compares accuracies, a {outcome.task} task has none. Leave out {column!r}.")
    if len(frame) != len(outcome.y):
        raise UsageError(f"the table has {len(frame)} rows, the answers {len(outcome.y)}. Give the same rows.")
    environments = environments_of(frame, column)
    notes = _missing_rows(environments)
    reference = _reference(environments, trained_on, notes)
    groups, names = outcome.partition(by)
    counts = tally(outcome.prediction == outcome.y, environments, groups, names, outcome.weight)
    results = tuple(
        _environment(counts, place, reference, trained_on is not None, level)
        for place in range(len(environments.names))
    )
    if small := [f"{result.name!r} ({result.n})" for result in results if result.n < SMALL]:
        notes.append(f"fewer than {SMALL} rows in {', '.join(small)}: too few to judge the environment by")
    if len(results) == 1:
        notes.append(f"column {column!r} has one environment only here, {results[0].name!r}: no drop can be measured")
    if len(results) > 2:
        notes.append("each drop has its own interval; the largest of several looks larger than it is")
    lowest, worst_accuracy = counts.lowest_environment(level)
    return Shift(column, results, lowest, worst_accuracy, tuple(notes))


def _missing_rows(environments: Environments) -> list[str]:
    missing = int(np.count_nonzero(environments.codes < 0))
    return [f"{missing} rows have no {environments.column!r} and are left out"] if missing else []


def _reference(environments: Environments, trained_on: Sequence[object] | None, notes: list[str]) -> NDArray[np.bool_]:
    """Return which environments (bool [e]) a drop is measured against."""
    names = environments.names
    if trained_on is None:
        notes.append(f"the training environments are not known: each {environments.column!r} is compared with the rest")
        return np.ones(len(names), dtype=bool)
    if isinstance(trained_on, str):
        trained_on = [trained_on]
    texts = [text for text in map(cell_text, trained_on) if text is not None]
    absent = [text for text in texts if text not in names]
    if len(absent) == len(texts):
        hint = did_you_mean(absent[0], names) if absent else ""
        raise UsageError(
            f"no row is from a training environment ({', '.join(texts) or 'none named'}).{hint} "
            f"Add rows of one, to measure the drop against."
        )
    if absent:
        notes.append(f"no rows here from the training environments {', '.join(map(repr, absent))}")
    return np.isin(names, texts)


def _environment(
    counts: Tally, place: int, reference: NDArray[np.bool_], known: bool, level: float
) -> EnvironmentResult:
    others = reference.copy()
    others[place] = False
    against = "the other training environments" if known else "all other environments"
    name = counts.environments[place]
    where = f"{counts.column}={name}"
    groups = tuple(
        GroupResult(
            group=group,
            n=(cell := counts.cell(place, code)).n,
            accuracy=cell.accuracy(f"{where}, group={group}", level),
            drop=_drop(cell, counts.pooled(others, code), f"{where}, group={group}", against, level),
        )
        for code, group in enumerate(counts.groups)
    )
    cell = counts.cell(place)
    return EnvironmentResult(
        name=name,
        n=cell.n,
        trained_on=bool(reference[place]) if known else None,
        accuracy=cell.accuracy(where, level),
        drop=_drop(cell, counts.pooled(others), where, against, level),
        worst_group=counts.worst_group(place, where, level) if groups else None,
        groups=groups,
    )


def _drop(cell: Cell, reference: Cell, where: str, against: str, level: float) -> Measurement:
    definition = f"Accuracy in {against}, minus accuracy here; above 0 is worse here."
    return reference.minus(cell, f"accuracy_drop({where})", definition, against, level)
