"""Whether a model is still right on corrupted rows: what `Outcome.corrupted` holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.metrics import corruption_key
from efficienttrust.threats.corruptions.tables._corruption import (
    SEVERITIES,
    corrupt_table,
    corruption_note,
    table_corruptions,
)
from efficienttrust.threats.corruptions.tables._scale import TableScale

if TYPE_CHECKING:
    import pandas as pd


def corrupted_answers(
    predict: Callable[[pd.DataFrame], ArrayLike],
    frame: pd.DataFrame,
    y: NDArray[Any],
    names: Sequence[str] | None = None,
    severities: Sequence[int] = SEVERITIES,
    *,
    columns: TableScale,
    seed: int = 0,
) -> dict[str, NDArray[np.bool_]]:
    """Ask a model about corrupted rows and return where it is right.

    Args:
        predict: Raw rows -> decisions [n], coded as `y`.
        frame: Raw rows, n.
        y: Labels [n].
        names: Corruptions by name or alias; all by default.
        severities: Severities from 1 to 5.
        columns: Scales of the input columns, from `table_scale`.
        seed: Seed of the corruptions.

    Returns:
        Corruption key -> bool [n]. A corruption that leaves this table as it is (see `corruption_note`) is not in it:
        its accuracy would be the clean one under another name.

    Raises:
        UsageError: An unknown name or severity, labels or decisions of another length, or a model that fails on
            corrupted rows.
    """
    asked = [table_corruptions.get(name) for name in (table_corruptions.names() if names is None else names)]
    for corruption in asked:
        for severity in severities:
            corruption.level(severity)
    if len(y) != len(frame):
        raise UsageError(f"there are {len(y)} labels for {len(frame)} rows. Give one label a row.")
    right: dict[str, NDArray[np.bool_]] = {}
    for corruption in asked:
        if corruption_note(corruption.name, columns):
            continue
        for severity in severities:
            key = corruption_key(corruption.name, severity)
            worse = corrupt_table(frame, corruption.name, severity, columns=columns, seed=seed)
            right[key] = _decide(predict, worse, key) == y
    return right


def _decide(predict: Callable[[pd.DataFrame], ArrayLike], frame: pd.DataFrame, key: str) -> NDArray[Any]:
    try:
        decisions = np.asarray(predict(frame))
    except Exception as error:  # a foreign model may raise anything, e.g. on missing cells
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{key}: the model fails on corrupted rows: {type(error).__name__}: {reason}. "
            "Leave this corruption out or let the model take such rows."
        ) from error
    if decisions.shape != (len(frame),):
        raise UsageError(
            f"{key}: the model returned decisions of shape {decisions.shape} for {len(frame)} rows. "
            "Return one decision a row."
        )
    return decisions
