"""What is checked before anything is measured: the same rows twice, the same rows in other company.

References:
    Carlini et al. 2019, "On evaluating adversarial robustness"; Pintor et al. 2022, "Indicators of attack failure": a
    model that answers at random or in training mode makes every figure below wrong, and none of them looks it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.subjects._outputs import Raw
from efficienttrust.evaluation.subjects._rows import Rows
from efficienttrust.evaluation.subjects._subject import Check, Model, run_in_chunks, sample_rows

PROBED = 256
TOLERANCE = 1e-4
"""Relative difference between two answers that rounding explains."""


def check_answers(model: Model, rows: Rows) -> tuple[Check, ...]:
    """Return the checks that hold for a model of any kind, on a few of the rows."""
    probe = rows.take(sample_rows(len(rows), PROBED)).inputs
    first = run_in_chunks(model, probe)
    again = run_in_chunks(model, probe)
    halves = run_in_chunks(model, probe, size=max(1, len(probe) // 2 - 1))
    random, moved = _difference(first, again)
    checks = [
        Check(
            name="random_answers",
            fired=random > 0,
            value=random,
            threshold=0.0,
            meaning="The model answers the same rows differently each time: every figure is that of one draw, and an "
            "attack's success may be luck.",
            detail=f"two passes over {len(probe)} rows differ by up to {moved:.3g}"
            if random
            else f"two passes over {len(probe)} rows agree",
        )
    ]
    if not random:
        company, moved = _difference(first, halves)
        checks.append(
            Check(
                name="answers_depend_on_the_batch",
                fired=company > 0,
                value=company,
                threshold=0.0,
                meaning="The answer to a row changes with the rows beside it, as batch normalisation in training mode "
                "does: figures depend on how rows were batched.",
                detail=f"answers to {len(probe)} rows in two batches differ by up to {moved:.3g} from those in one"
                if company
                else f"{len(probe)} rows in one batch and in two agree",
            )
        )
    return tuple(checks)


def _difference(one: Raw, other: Raw) -> tuple[float, float]:
    """Return the share of rows that differ beyond rounding, and the largest difference."""
    if one.values is None or other.values is None:
        differ = np.asarray(one.labels) != np.asarray(other.labels)
        return float(differ.mean()), float(differ.any())
    a, b = _rows_of(one.values), _rows_of(other.values)
    gap = np.abs(a - b).max(axis=1)
    differ = gap > TOLERANCE * np.maximum(np.abs(a).max(axis=1), 1.0)
    return float(differ.mean()), float(gap.max())


def _rows_of(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
