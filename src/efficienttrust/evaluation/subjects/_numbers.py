"""Models that answer a label that is a number: one number a row, in the unit of the label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects._outputs import Answer, Raw, Reading, refuse_not_finite


class NumberReading(Reading):
    """Reads numbers as they are: the prediction is the score, and there is no margin."""

    def answer(self, raw: Raw) -> Answer:
        """Return the predicted numbers, float64 [n]; raises `UsageError` where one is none."""
        found = _numbers_in(raw)
        return Answer(found, found)

    def nothing(self) -> Answer:
        """Return the answer to no rows."""
        return Answer(np.zeros(0), np.zeros(0))


def number_reading(raw: Raw, label: str) -> NumberReading:
    """Settle that a model answers with numbers, from what it says on the rows under audit.

    Args:
        raw: What it says there.
        label: Name of the label.

    Raises:
        UsageError: It names classes, gives several numbers a row, or something that is no number.
    """
    if raw.classes is not None:
        shown = ", ".join(map(repr, raw.classes[:4])) + (", …" if len(raw.classes) > 4 else "")
        raise UsageError(f"the model decides between classes {shown}, but {label!r} is a number: give a regressor")
    if raw.values is not None and raw.labels is not None:
        raise UsageError(f"the model gives decisions and scores, but {label!r} is a number: give a regressor")
    _numbers_in(raw)
    facts = {"outputs": f"one number a row, in the unit of {label!r}"}
    return NumberReading("numbers", 0, (), raw.values is None, {}, facts)


def _numbers_in(raw: Raw) -> NDArray[np.float64]:
    """Return the one number of each row, whichever way a model says it."""
    said: NDArray[Any] = np.asarray(raw.values if raw.values is not None else raw.labels)
    if said.ndim > 1:
        if said.size != len(said):
            raise UsageError(
                f"the model gives {said[0].size} numbers a row; one prediction a row is needed for a label that is "
                "a number"
            )
        said = said.reshape(len(said))
    if said.dtype.kind not in "fiubO":
        raise UsageError(f"the model answers {said[0].item()!r}, which is no number, as the label is")
    try:
        found = said.astype(np.float64)
    except (TypeError, ValueError):
        odd = next(cell for cell in said.tolist() if not isinstance(cell, int | float))
        raise UsageError(f"the model answers {odd!r}, which is no number, as the label is") from None
    refuse_not_finite(found)
    return found
