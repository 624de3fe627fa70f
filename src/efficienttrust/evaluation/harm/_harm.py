"""The comparison of a dense and a compressed model on the same rows, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Answers, pair_of
from efficienttrust.evaluation.harm._effects import (
    MOST_CELLS,
    Effect,
    Effects,
    Partition,
    classes_of,
    partition_of,
)
from efficienttrust.evaluation.harm._evenness import Evenness, evenness_of
from efficienttrust.evaluation.harm._exemplars import Exemplars, exemplars_of
from efficienttrust.evaluation.harm._groups import group_rows, partitions_asked
from efficienttrust.evaluation.harm._margins import Margins, margins_of
from efficienttrust.evaluation.harm._tail import Tail, tail_of
from efficienttrust.evaluation.harm._trust import CalibrationRow, calibration_rows
from efficienttrust.evaluation.harm._worst import Worst, worst_of


@dataclass(frozen=True)
class Harm:
    """Whom a compression hurt, on the rows of one split.

    Attributes:
        task: `binary`, `multiclass` or `regression`.
        split: Name of the split.
        n: Rows.
        level: Level of the intervals; each holds by itself, except that of `hurt_most`.
        weighted: Whether rows were weighted. Rates, errors, calibration and the sign of a flip count weights; quantiles
            of margins, tests and shares of training rows do not.
        exemplars: Rows that the compressed model decides unlike the dense ones.
        overall: What happened to all rows.
        classes: What happened to each class; empty for a regression.
        partitions: What happened to the groups of each sensitive attribute, and of all together where there are several
            (`by` is "" then); empty without groups.
        hurt_most: The group whose error rose most; None without groups.
        evenness: Whether flips fall on groups alike, one test per partition.
        tail: Cells by their share of the training rows.
        margins: Margins before and after; None for a regression.
        calibration: Calibration errors before and after; empty for a regression.
        notes: What a reader must know, one sentence each.
    """

    task: str
    split: str
    n: int
    level: float
    weighted: bool
    exemplars: Exemplars
    overall: Effect
    classes: tuple[Effect, ...]
    partitions: tuple[Partition, ...]
    hurt_most: Worst | None
    evenness: tuple[Evenness, ...]
    tail: Tail
    margins: Margins | None
    calibration: tuple[CalibrationRow, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: mappings, lists, texts, numbers (NaN among them), truth values and None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def compare(
    problem: Problem, split: str, dense: Sequence[Answers], compressed: Answers, level: float = 0.95
) -> Harm:  # fmt: skip
    """Compare what dense models and a compressed one said on the rows of a split.

    Args:
        problem: The problem.
        split: Name of the split that was answered; rows that the models were not trained on.
        dense: Answers of the dense models: first the one that was compressed, which errors, flips and margins are
            compared with; the exemplars are compared with the most frequent decision of all.
        compressed: Answers of the compressed model.
        level: Level of the intervals.

    Raises:
        ValueError: There is no dense model, or answers for another number of rows.
    """
    pair = pair_of(problem, split, dense, compressed)
    effects, asked = Effects(pair, level), partitions_asked(problem)
    partitions = tuple(partition_of(problem, pair, effects, by) for by in asked)
    rows = {(by, name): part for by in asked for name, part in group_rows(problem, pair, by)}
    return Harm(
        task=problem.task,
        split=split,
        n=len(pair),
        level=level,
        weighted=pair.split.weight is not None,
        exemplars=exemplars_of(problem, pair, level),
        overall=effects.of(np.arange(len(pair))),
        classes=classes_of(problem, pair, effects),
        partitions=partitions,
        hurt_most=worst_of(rows, effects),
        evenness=evenness_of(problem, pair, asked),
        tail=tail_of(problem, pair, effects),
        margins=margins_of(problem, pair, asked, level) if pair.decides else None,
        calibration=calibration_rows(problem, pair, asked, level),
        notes=tuple(_notes(problem, pair.decides, partitions)),
    )


def _notes(problem: Problem, decides: bool, partitions: tuple[Partition, ...]) -> list[str]:
    notes = []
    if not decides:
        notes.append("a regression decides nothing, so no row flips: exemplars are the rows whose number moved most")
    for partition in partitions:
        name = partition.by or "all attributes together"
        if partition.unknown:
            notes.append(f"{partition.unknown} rows have no known group of {name} and are left out of its groups")
        if decides and not partition.cells and len(partition.groups) * len(problem.classes) > MOST_CELLS:
            notes.append(f"{name} has more than {MOST_CELLS} cells of group and class: they are not listed")
    return notes


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
