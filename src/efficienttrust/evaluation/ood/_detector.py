"""What a detector is, and what it is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.registry import Registry

Array = NDArray[Any]
Floats = NDArray[np.float64]

NEEDS: Final = ("logits", "features", "labels")
"""What a detector may ask for."""
BLOCK = 4096
"""Rows scored at a time, which bounds the memory of a detector."""


@dataclass(frozen=True, eq=False)
class Representation:
    """What a model makes of n rows: one forward pass, which serves all detectors.

    Attributes:
        features: Input of the last layer [n, d], or None.
        logits: Output of the last layer [n, K], or [n] for a model with one logit; None for a model without classes.
        y: Class code of each row [n], or None; used only while fitting.
        notes: What a reader must know about where these come from, one sentence each.
    """

    features: Array | None = None
    logits: Array | None = None
    y: Array | None = None
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of rows."""
        return next((len(part) for part in (self.features, self.logits, self.y) if part is not None), 0)

    @property
    def has(self) -> frozenset[str]:
        """Which of `NEEDS` are there."""
        parts = zip(NEEDS, (self.logits, self.features, self.y), strict=True)
        return frozenset(name for name, part in parts if part is not None)


class Detector(ABC):
    """Scores rows: higher means more in-distribution.

    A subclass declares `name`, `definition`, `needs` and implements `_fit` and `_score`, which see checked arrays:
    finite float features [n, d], float64 logits [n, K] with K >= 2, integer labels [n]; empty ones for what it does not
    need.

    Attributes:
        name: Name in targets and reports.
        definition: One sentence for reports, with the source.
        needs: What `fit` and `score` must be given, of `NEEDS`; labels only while fitting.
        notes: What a reader must know about the fit, one sentence each.
    """

    name: ClassVar[str]
    definition: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    notes: tuple[str, ...] = ()
    _width: tuple[int, int] | None = None

    def fit(self, features: ArrayLike | None, logits: ArrayLike | None, y: ArrayLike | None = None) -> Self:
        """Learn what in-distribution rows look like, preferably from rows of training.

        Args:
            features: [n, d], or None where not needed.
            logits: [n, K] or [n], or None where not needed; a single logit z is read as the two logits (−z/2, z/2).
            y: [n] class codes, or None where not needed.

        Raises:
            UsageError: Something needed is missing, empty, of the wrong shape or not finite.
        """
        x, z = self._checked(features, logits, "fit rows")
        labels = as_labels(y, self.name) if "labels" in self.needs else np.zeros(0, dtype=np.int64)
        lengths = {len(x)} if "features" in self.needs else set()
        lengths |= {len(z)} if "logits" in self.needs else set()
        lengths |= {len(labels)} if "labels" in self.needs else set()
        if len(lengths) > 1:
            raise UsageError(
                f"{self.name}: features, logits and labels of the fit rows differ in length: {sorted(lengths)}"
            )
        if lengths == {0}:
            raise UsageError(f"{self.name}: there are no fit rows to learn from")
        self._width, self.notes = (x.shape[1], z.shape[1]), ()
        self._fit(x, z, labels)
        return self

    def score(self, features: ArrayLike | None, logits: ArrayLike | None) -> Floats:
        """Return how in-distribution each row looks [m], in blocks of rows.

        Raises:
            UsageError: Not fitted, or something needed is missing, of another width than the fit rows or not finite.
        """
        if self._width is None:
            raise UsageError(f"{self.name} scores nothing before it is fitted: call fit on in-distribution rows first")
        x, z = self._checked(features, logits, "rows to score")
        if (x.shape[1], z.shape[1]) != self._width:
            raise UsageError(
                f"{self.name}: rows to score have {x.shape[1]} features and {z.shape[1]} logits, "
                f"the fit rows {self._width[0]} and {self._width[1]}"
            )
        n = len(x) if "features" in self.needs else len(z)
        blocks = [self._score(x[start : start + BLOCK], z[start : start + BLOCK]) for start in range(0, n, BLOCK)]
        return np.concatenate([np.zeros(0), *blocks])

    @abstractmethod
    def _fit(self, features: Array, logits: Floats, labels: NDArray[np.int64]) -> None: ...

    @abstractmethod
    def _score(self, features: Array, logits: Floats) -> Floats: ...

    def _checked(self, features: ArrayLike | None, logits: ArrayLike | None, rows: str) -> tuple[Array, Floats]:
        nothing = np.zeros((0, 0))
        x = as_features(features, f"{self.name}: features of the {rows}") if "features" in self.needs else nothing
        z = as_logits(logits, f"{self.name}: logits of the {rows}") if "logits" in self.needs else nothing
        if self.needs >= {"features", "logits"} and len(x) != len(z):
            raise UsageError(f"{self.name}: {rows} have {len(x)} features and {len(z)} logits: give one of each a row")
        return x, z


detectors: Registry[type[Detector]] = Registry("OOD detector", "efficienttrust.evaluation.ood.catalogue")
"""All detectors, by name; each can be built without arguments."""


def as_features(values: ArrayLike | None, what: str) -> Array:
    """Return features as floats [n, d], float32 kept as it is; raises `UsageError` for anything else."""
    if values is None:
        raise UsageError(f"{what} are missing: give the input of the last layer, [n, d]")
    x = np.asarray(values)
    if x.ndim != 2 or x.shape[1] == 0:
        raise UsageError(f"{what} have the shape {list(x.shape)}: give [n, d], flattened or pooled")
    x = x if x.dtype == np.float32 else x.astype(np.float64)
    return _finite(x, what)


def as_logits(values: ArrayLike | None, what: str) -> Floats:
    """Return logits as float64 [n, K] with K >= 2: one logit z becomes (−z/2, z/2), the same probabilities by softmax.

    Energy and maximum logit depend on that choice; this one treats both classes alike.
    """
    if values is None:
        raise UsageError(f"{what} are missing: give the output of the last layer, [n, K]")
    z = np.asarray(values, dtype=np.float64)
    if z.ndim == 1:
        z = z[:, None]
    if z.ndim != 2 or z.shape[1] == 0:
        raise UsageError(f"{what} have the shape {list(z.shape)}: give [n, K], or [n] for one logit")
    z = _finite(z, what)
    return np.concatenate([-z / 2, z / 2], axis=1) if z.shape[1] == 1 else z


def as_labels(values: ArrayLike | None, name: str) -> NDArray[np.int64]:
    """Return class codes [n]; raises `UsageError` for missing, fractional or nested ones."""
    if values is None:
        raise UsageError(f"{name} needs the labels of the fit rows")
    y = np.asarray(values)
    if y.ndim != 1 or y.dtype.kind not in "biuf" or not (y == np.floor(y)).all():
        raise UsageError(f"{name} needs one class code a row, whole numbers [n], as labels of the fit rows")
    return y.astype(np.int64)


def _finite(values: Array, what: str) -> Array:
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise UsageError(f"{what} are not finite in {bad.any(axis=1).sum()} rows (first: row {row}, column {column})")
    return values
