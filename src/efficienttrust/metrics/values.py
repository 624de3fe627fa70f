"""The values metrics work with: what a model said on one split, and what was measured, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError, unknown_name

Array = NDArray[Any]
Floats = NDArray[np.float64]

TASKS: Final = ("binary", "multiclass", "multilabel", "regression")
"""What a model may be asked to do with a row."""


@dataclass(frozen=True)
class Measurement:
    """One measured number with its interval: no naked floats leave an evaluation.

    Attributes:
        name: The metric with its arguments, e.g. `demographic_parity_difference(by=sex)`.
        value: The point estimate; NaN where it cannot be estimated, and then `note` says why.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Rows the number rests on.
        how: Method and level of the interval, e.g. `Newcombe 95%`.
        definition: What the metric is, in one sentence.
        note: What a reader must know: small groups, empty cells. Empty when there is nothing to say.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    how: str
    definition: str
    note: str = ""


@dataclass(frozen=True)
class Estimate:
    """What a metric computes: a `Measurement` that does not yet carry the name and definition of its metric."""

    value: float
    low: float
    high: float
    n: int
    how: str
    note: str = ""

    @classmethod
    def missing(cls, n: int, note: str) -> Estimate:
        """Return the estimate of a number that cannot be estimated, for the reason given in `note`."""
        return cls(np.nan, np.nan, np.nan, n, "not estimated", note)


@dataclass(frozen=True)
class Limit:
    """A one-sided confidence limit on a metric, in the direction in which the metric gets worse.

    Attributes:
        value: Upper limit where lower is better, lower limit where higher is better; NaN where there is none.
        best: The same limit had these n rows shown the best possible estimate: what this n could prove at most.
        n: Rows the limit rests on.
        method: How it was obtained.
        note: Why there is no limit, or what weakens it.
    """

    value: float
    best: float
    n: int
    method: str
    note: str = ""

    @classmethod
    def missing(cls, n: int, note: str) -> Limit:
        """Return the absent limit of a number that cannot be estimated, for the reason given in `note`."""
        return cls(np.nan, np.nan, n, "not estimated", note)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything a metric may need about one split of n rows, K classes or labels.

    | task | y, prediction | score |
    |---|---|---|
    | binary | 0 or 1, [n] | probability of 1, [n] |
    | multiclass | 0 … K-1, [n] | probabilities that add up to 1, [n, K] |
    | multilabel | 0 or 1, [n, K] | probabilities, [n, K] |
    | regression | numbers, [n] | the prediction itself, [n] |

    Attributes:
        y: Labels.
        prediction: Decisions.
        score: What the decisions were made from; NaN in every cell where a model says decisions only.
        groups: Code of the intersection of all sensitive attributes; -1 = unknown, left out of group metrics.
        group_names: Names of the intersections, by code.
        attributes: Attribute name -> (codes, names), for metrics asked `by=` one attribute.
        robust: Robustness key (see `robust_key`) -> whether each attacked row is still right under attack.
        robust_rows: Robustness key -> positions of those rows in this split.
        weight: Weight of each row, or None.
        task: One of `TASKS`.
        classes: Names of the classes or labels, by code; numbers where they have none.
        corrupted: Corruption key (see `corruption_key`) -> whether each row [n] is right on its corrupted features.
        ood: Detector -> (scores of these rows, NaN where one was not scored; scores of rows from elsewhere); higher =
            more like the training data.
    """

    y: Array
    prediction: Array
    score: Array
    groups: Array
    group_names: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[Array, tuple[str, ...]]] = field(default_factory=dict)
    robust: Mapping[str, Array] = field(default_factory=dict)
    robust_rows: Mapping[str, Array] = field(default_factory=dict)
    weight: Array | None = None
    task: str = "binary"
    classes: tuple[str, ...] = ()
    corrupted: Mapping[str, Array] = field(default_factory=dict)
    ood: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"unknown task {self.task!r}: one of {', '.join(TASKS)}")
        columns = {name: getattr(self, name) for name in ("prediction", "score", "groups", "weight")}
        columns |= dict(self.corrupted) | {f"ood[{name!r}]": scores[0] for name, scores in self.ood.items()}
        for name, column in columns.items():
            if column is not None and len(column) != len(self.y):
                raise ValueError(f"{name} has {len(column)} rows, y has {len(self.y)}: give one value a row")
        for key, right in self.robust.items():
            if len(right) != (rows := len(self.robust_rows.get(key, self.y))):
                raise ValueError(f"{key} has {len(right)} rows where {rows} were attacked: give one value a row")
        wide = {"multiclass": {"score"}, "multilabel": {"y", "prediction", "score"}}.get(self.task, set())
        shapes = {name: np.shape(getattr(self, name)) for name in ("y", "prediction", "score")}
        for name, shape in shapes.items():
            if len(shape) != 1 + (name in wide):
                wanted = "[n, K]" if name in wide else "[n]"
                raise ValueError(f"{name} of a {self.task} outcome has the shape {wanted}, not {list(shape)}")
        k = {shapes[name][1] for name in wide} | ({len(self.classes)} if wide and self.classes else set())
        if len(k) > 1:
            raise ValueError(f"y, prediction, score and classes of a {self.task} outcome speak of {sorted(k)} classes")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the K classes or labels; numbers where none were given, `0` and `1` for a binary outcome."""
        if self.classes or self.task == "regression":
            return self.classes
        return tuple(str(code) for code in range(2 if self.task == "binary" else self.score.shape[1]))

    @property
    def right(self) -> Array:
        """Whether each row [n] is right; several labels are right when all of them are."""
        same = np.asarray(self.prediction == self.y)
        rows: Array = np.asarray(np.all(same, axis=tuple(range(1, same.ndim))))
        return rows

    def partition(self, by: str | None) -> tuple[Array, tuple[str, ...]]:
        """Return (codes, names) of the groups of one sensitive attribute, or of the intersections for None."""
        if by is None:
            return self.groups, self.group_names
        if by not in self.attributes:
            raise unknown_name("sensitive attribute", by, self.attributes)
        return self.attributes[by]

    def attacked(self, key: str) -> tuple[Array, Array]:
        """Return (still right, positions of the rows) for the attack behind a robustness key."""
        if key not in self.robust:
            measured = ", ".join(sorted(self.robust)) or "none"
            raise UsageError(f"{key} was not measured on these rows; attacks measured: {measured}")
        right = np.asarray(self.robust[key], dtype=bool)
        return right, self.robust_rows.get(key, np.arange(len(right)))

    def right_under(self, key: str) -> Array:
        """Return whether each row [n] is right under the corruption behind a corruption key."""
        if key not in self.corrupted:
            measured = ", ".join(sorted(self.corrupted)) or "none"
            raise UsageError(f"{key} was not measured on these rows; corruptions measured: {measured}")
        return np.asarray(self.corrupted[key], dtype=bool)
