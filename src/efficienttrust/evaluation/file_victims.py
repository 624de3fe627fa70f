"""Exported files as something to attack, through onnxruntime: what they answer, without a gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.compression import DeployedImages, DeployedModel, DeployedOutput, Feeds
from efficienttrust.data import Encoder
from efficienttrust.threats import Victim

LEAST = 1e-38  # probability below which the logarithm is not taken


class FileVictim:
    """What an exported file says to fixed rows: its margin of two classes, log-probabilities [m, K] of more.

    Args:
        file: The exported file.
        feeds: Its prepared rows.
        x: [n, d] the same rows, encoded.
        encoder: Turns encoded numeric columns back into raw ones.
    """

    differentiable = False

    def __init__(self, file: DeployedModel, feeds: Feeds, x: NDArray[np.float32], encoder: Encoder) -> None:
        self._file, self._feeds, self._x, self._encoder = file, feeds, x, encoder

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the file's answer to these rows as a function of their encoded numeric columns."""
        index = rows.numpy()
        moved, raw = self._x[index].copy(), self._feeds.numeric[index]

        def answer(numeric: Tensor) -> Tensor:
            values = numeric.detach().numpy()
            p = values.shape[1]
            # Only what moved is decoded: an untouched cell (a missing one among them) keeps its raw value.
            touched = values != self._x[index, :p]
            moved[:, :p] = values
            decoded = np.where(touched, self._encoder.raw_numeric(moved), raw)
            return _answer(self._file.run_feeds(self._feeds, numeric=decoded, rows=index))

        return answer


class ImageFileVictim:
    """What an exported file of images says: its margin of two classes, log-probabilities [m, K] of more.

    Args:
        file: The exported file.
    """

    differentiable = False

    def __init__(self, file: DeployedImages) -> None:
        self._file = file

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the file's answer as a function of the images; which rows are asked about does not matter."""
        del rows

        def answer(images: Tensor) -> Tensor:
            return _answer(self._file.run(images.detach().numpy()))

        return answer


class RoundedVictim:
    """Fixed rows of a file of whole numbers: the gradient is its float parent's, what counts is the file's answer.

    Args:
        file: The exported file on all rows of a split.
        parent: The float network on the rows that are attacked; what can be proven of it does not hold for the file.
        rows: [m] positions of those rows in the split.
    """

    differentiable = True

    def __init__(self, file: Victim, parent: Victim, rows: Tensor) -> None:
        self.bind = parent.bind
        self._file, self._rows = file, rows

    def bind_exact(self, index: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the file's answer to these of the attacked rows."""
        return self._file.bind(self._rows[index])


def _answer(said: DeployedOutput) -> Tensor:
    if said.score.ndim == 1:
        return torch.from_numpy(said.margin)
    return torch.from_numpy(np.log(np.maximum(said.score, LEAST)))
