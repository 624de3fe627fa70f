"""Accuracy on training images as they are: with that on the monitor split it tells what is learned by heart."""

from __future__ import annotations

import numpy as np

from efficienttrust.compression import Scorer
from efficienttrust.data import Split
from efficienttrust.evaluation.splits import score_rows

MOST_ROWS = 300


class Fitted:
    """Scores some training images, evenly chosen.

    Args:
        train: The training split.

    Attributes:
        n_rows: How many images one call scores.
    """

    def __init__(self, train: Split) -> None:
        self._train = train
        self._rows = np.linspace(0, len(train) - 1, min(len(train), MOST_ROWS)).astype(np.int64)
        self.n_rows = len(self._rows)

    def __call__(self, scorer: Scorer) -> float:
        """Return the share that is decided right, without a threshold."""
        z = score_rows(scorer, self._train, self._rows)
        decided = z > 0 if z.ndim == 1 else z.argmax(axis=1)
        return float((decided == self._train.y[self._rows]).mean())
