"""What an accumulator counts: groups, task, classes, whether rows are weighted, and into how many bins scores go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.values import TASKS

BINS = 4096
"""Bins of a score histogram over [0, 1]: a power of two, so that the edges are exact in every float format."""
MOST_CELLS = 1 << 26
"""Cells that an accumulator may hold, half a gigabyte a table."""


@dataclass(frozen=True)
class Schema:
    """The shape of what is counted; accumulators merge only where theirs are the same.

    Attributes:
        attributes: Sensitive attribute -> names of its groups, by code; rows may also be of unknown group, code -1.
        task: One of `TASKS`.
        classes: Names of the K classes (multiclass) or labels (multilabel), by code.
        weighted: Whether every row has a weight.
        bins: Bins of the score histograms over [0, 1]; 0 keeps no scores.
    """

    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    task: str = "binary"
    classes: tuple[str, ...] = ()
    weighted: bool = False
    bins: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", {name: tuple(groups) for name, groups in self.attributes.items()})
        object.__setattr__(self, "classes", tuple(self.classes))
        if self.task not in TASKS:
            raise unknown_name("task", self.task, TASKS)
        for name, groups in self.attributes.items():
            if len(groups) == 0 or len(set(groups)) < len(groups):
                raise UsageError(f"attribute {name!r} needs the names of its groups, each once, not {list(groups)}")
        if self.task in ("multiclass", "multilabel") and len(self.classes) < 2:
            raise UsageError(f"a {self.task} accumulator needs the names of at least 2 classes: pass classes=(…)")
        if self.bins < 0 or (self.bins and self.task == "regression"):
            raise UsageError(f"bins={self.bins}: give 0 or more, and 0 for regression, which has no scores in [0, 1]")
        if (cells := self.slots * max(prod(self.cells), prod(self.histogram))) > MOST_CELLS:
            raise UsageError(
                f"{cells} cells a table, above {MOST_CELLS}: give fewer attributes, groups or classes, or fewer bins"
            )

    @property
    def slots(self) -> int:
        """Intersections of the attributes, where each attribute may also be unknown."""
        return prod(len(groups) + 1 for groups in self.attributes.values())

    @property
    def outputs(self) -> int:
        """Scores that a row has: one, or one per class or label."""
        return 1 if self.task in ("binary", "regression") else len(self.classes)

    @property
    def cells(self) -> tuple[int, ...]:
        """Shape of the counts of one group: [tables, labels, decisions], one table per label of a multilabel task."""
        if self.task == "regression":
            return (1, 1, 1)
        return (1, self.outputs, self.outputs) if self.task == "multiclass" else (self.outputs, 2, 2)

    @property
    def histogram(self) -> tuple[int, int, int]:
        """Shape of the score counts of one group: [scores, missed or hit, bins].

        The scores are those of the classes, each against the rest, and for many classes also that of the decided one,
        which calibration is about.
        """
        return self.outputs + (self.task == "multiclass"), 2, self.bins

    def state(self) -> dict[str, Any]:
        """Return the schema as values that JSON can hold."""
        return {**asdict(self), "attributes": {name: list(groups) for name, groups in self.attributes.items()}}

    def difference(self, other: Schema) -> str:
        """Return what differs from another schema, or an empty text."""
        ours, theirs = asdict(self), asdict(other)
        # the order of attributes and groups is what codes mean, so it counts; a dict alone would not compare it
        ours["attributes"], theirs["attributes"] = list(self.attributes.items()), list(other.attributes.items())
        unlike = [f"{name} {ours[name]} against {theirs[name]}" for name in ours if ours[name] != theirs[name]]
        return "; ".join(unlike)
