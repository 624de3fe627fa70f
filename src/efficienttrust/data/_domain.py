"""The domain: what a perturbation of an encoded row may change, and how far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._encoder import Encoder
from efficienttrust.data._relations import LinearRelation, encoded_relations


@dataclass(frozen=True, eq=False)
class Domain:
    """What a perturbation may change, in encoded units; arrays have one entry per numeric column (p).

    A perturbation moves mutable numeric cells inside [lower, upper], whole numbers in whole steps. It never touches the
    one-hot blocks, nor a cell whose missing indicator is set.

    Attributes:
        lower: float32 [p], smallest value in train.
        upper: float32 [p], largest value in train.
        step: float32 [p], encoded size of one unit for whole-number columns, 0 for continuous ones.
        mutable: bool [p].
        indicator: int64 [p], feature index of the missing indicator, -1 without one.
        blocks: [start, stop) of every one-hot block.
        n_features: Number of features d.
        relations: float32 [r, p], float32 [r], bool [r]: `coefficients @ numeric <= bound`, or `== bound` where the
            last is True; a perturbed row may not break one further than the clean row does.
    """

    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    step: NDArray[np.float32]
    mutable: NDArray[np.bool_]
    indicator: NDArray[np.int64]
    blocks: tuple[tuple[int, int], ...]
    n_features: int
    relations: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]] | None = None


def domain_of(encoder: Encoder, immutable: Collection[str] = (), relations: Sequence[LinearRelation] = ()) -> Domain:
    """Return the domain of an encoder's features; the columns named immutable may not be perturbed."""
    features = encoder.numeric
    has_indicator = np.array([feature.indicator for feature in features], dtype=bool)
    return Domain(
        lower=np.array([(f.lower - f.mean) / f.scale for f in features], dtype=np.float32),
        upper=np.array([(f.upper - f.mean) / f.scale for f in features], dtype=np.float32),
        step=np.array([1.0 / f.scale if f.integer else 0.0 for f in features], dtype=np.float32),
        mutable=np.array([f.column not in immutable for f in features], dtype=bool),
        indicator=np.where(has_indicator, len(features) + np.cumsum(has_indicator) - 1, -1).astype(np.int64),
        blocks=encoder.blocks,
        n_features=encoder.n_features,
        relations=encoded_relations(relations, encoder) if relations else None,
    )
