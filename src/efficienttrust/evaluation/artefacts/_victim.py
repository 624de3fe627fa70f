"""A subject as something to attack: what it answers, as it is shipped, when some cells of its rows have moved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.data import Encoder
from efficienttrust.evaluation.file_victims import FileVictim
from efficienttrust.evaluation.subjects import Answer as Said
from efficienttrust.evaluation.subjects import Rows, Subject
from efficienttrust.evaluation.subjects._deployed import OurModel
from efficienttrust.evaluation.subjects._outputs import Raw
from efficienttrust.evaluation.subjects._subject import CHUNK
from efficienttrust.threats import Victim
from efficienttrust.threats._objective import Answer

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float32]

DECIDED = 1.0
"""Margin of a decision without a score: a search sees nothing but the sign."""
LEAST = 1e-6
"""Margin by which a decision stands above the scores it goes against."""


def subject_victim(subject: Subject, rows: Rows) -> Victim:
    """Return a subject on fixed rows as a victim without a gradient; our own files skip the detour through a frame."""
    if isinstance(subject.model, OurModel):
        file, problem = subject.model.file, rows.problem
        return FileVictim(file, file.prepare(rows.inputs), rows.x, problem.encoder)
    return SubjectVictim(subject, rows)


class SubjectVictim:
    """What a subject answers to moved rows: margins of a binary model, logits [m, K] of any other.

    Points of a table are its encoded numeric columns. They are decoded to raw units (whole numbers where a column
    counts things) unless the subject takes the encoded matrix; a cell that did not move keeps its raw value, a missing
    one included. Where decision and score have no threshold in common, the decision gives the sign and the score the
    size. An answer that is not a number is handed on: attacks count it as wrong.

    Args:
        subject: The model.
        rows: The rows.
    """

    differentiable = False

    def __init__(self, subject: Subject, rows: Rows) -> None:
        self._subject, self._rows = subject, rows
        self._binary = subject.task == "binary"

    def bind(self, rows: Tensor) -> Answer:
        """Return the answers to these rows as a function of images, or of encoded numeric columns."""
        moved = self._moved(rows.numpy())

        def answer(points: Tensor) -> Tensor:
            raw = self._ask(moved(points.detach().numpy()))
            said = self._subject.reading.answer(raw)
            found = margins(said) if self._binary else logits(said)
            if raw.values is not None:
                found[np.isnan(raw.values.astype(np.float64)).reshape(len(found), -1).any(axis=1)] = np.nan
            return torch.from_numpy(np.float32(found))

        return answer

    def _ask(self, inputs: Any) -> Raw:
        model, parts = self._subject.model, []
        for start in range(0, len(inputs), CHUNK):
            stop = start + CHUNK
            part = inputs.iloc[start:stop] if hasattr(inputs, "iloc") else inputs[start:stop]
            parts.append(model.run(model.prepare(part)))
        return Raw.joined(parts)

    def _moved(self, index: NDArray[np.int64]) -> Callable[[Floats], Any]:
        """Return what turns points into inputs, with everything else about these rows held."""
        if self._rows.kind == "image":
            return lambda points: points
        clean = self._rows.x[index]
        if self._subject.encoded:
            return lambda points: np.concatenate([points, clean[:, points.shape[1] :]], axis=1)
        return partial(_written, self._rows.inputs.iloc[index], clean, self._rows.problem.encoder)


def _written(frame: pd.DataFrame, clean: Floats, encoder: Encoder, points: Floats) -> pd.DataFrame:
    """Return a frame of raw columns with the cells that moved written into it."""
    frame, raw = frame.copy(deep=False), encoder.raw_numeric(points)
    for position, feature in enumerate(encoder.numeric):
        moved = points[:, position] != clean[:, position]
        if not moved.any():
            continue
        known = frame[feature.column]
        column = known.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        column[moved] = raw[moved, position]
        whole = known.dtype.kind in "iu"
        frame[feature.column] = np.rint(column).astype(np.int64) if whole else column
    return frame


def margins(said: Said) -> NDArray[np.float64]:
    """Return a number [n] that is above 0 exactly where a binary model decides 1, and grows with its score."""
    if said.margin is not None:
        return said.margin
    size = np.where(np.isnan(said.score), DECIDED / 2, said.score)
    return np.where(said.prediction == 1, size + LEAST, size - 1 - LEAST)


def logits(said: Said) -> NDArray[np.float64]:
    """Return numbers [n, K] whose largest is the decision, and which follow the scores."""
    rows = np.arange(len(said.prediction))
    tiny = float(np.finfo(np.float32).tiny)
    found = np.log(np.maximum(said.score, tiny)) if said.logits is None else said.logits.copy()
    unsaid = np.isnan(said.score).any(axis=1)
    found[unsaid] = 0.0
    found[rows[unsaid], said.prediction[unsaid]] = DECIDED
    against = found.argmax(axis=1) != said.prediction
    found[rows[against], said.prediction[against]] = found[against].max(axis=1) + LEAST * (
        1 + np.abs(found[against]).max(axis=1)
    )
    return found
