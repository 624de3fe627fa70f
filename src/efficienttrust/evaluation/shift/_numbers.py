"""Natural shift of a regression: the mean absolute error in each environment, and how far it rises above the others'.

Letters: m is the mean absolute error in one environment, m0 that in all others. The rise is m - m0: above 0 the
environment is worse. Intervals of m are formed on the log scale; that of the rise adds their distances in squares.

References:
    Zou and Donner 2008 (see `metrics.spreads`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.shift._environments import environments_of
from efficienttrust.metrics import Measurement, Outcome
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import LOG_SCALE, Means, group_means
from efficienttrust.metrics.rates import SMALL
from efficienttrust.metrics.row_losses import absolute_errors
from efficienttrust.metrics.spreads import Spread, spread_worst

if TYPE_CHECKING:
    import pandas as pd

ERROR = "Mean distance of prediction and label among the rows of the environment, in units of the label."
RISE = "Mean absolute error here, minus that in all other environments; above 0 is worse here."
WORST_GROUP = "Highest mean absolute error among the groups of the environment."
WORST = "Highest mean absolute error among the environments."

Codes = NDArray[np.int64]


def shift_of_numbers(outcome: Outcome, frame: pd.DataFrame, column: str, *, level: float = 0.95) -> dict[str, Any]:
    """Measure how much farther off a model of numbers is in each environment.

    Args:
        outcome: The model's answers on n rows of a regression; rows that it was not trained on.
        frame: The same n rows, with the column.
        column: The column that names the environment.
        level: Level of the intervals.

    Returns:
        The `shift` part of an audit document: `environments` with `name`, `n`, `error`, `rise`, `worst_group` and
        `groups`, `worst`, `worst_error` and `notes`; numbers that cannot be estimated are NaN.

    Raises:
        UsageError: An unknown column, or one without values or with too many; another number of rows.
    """
    if len(frame) != len(outcome.y):
        raise UsageError(f"the table has {len(frame)} rows, the answers {len(outcome.y)}. Give the same rows.")
    found = environments_of(frame, column)
    codes, names = found.codes, found.names
    missed = absolute_errors(outcome)
    kinds = outcome.group_names if len(outcome.group_names) > 1 else ()
    notes = [f"{missing} rows have no {column!r} and are left out"] if (missing := int((codes < 0).sum())) else []
    notes.append(f"the training environments are not known: each {column!r} is compared with the rest")
    listed = []
    for place, name in enumerate(names):
        where = f"{column}={name}"
        side = np.where(codes < 0, -1, (codes != place).astype(np.int64))
        both = group_means(side, 2, missed, outcome.weight)
        inside = np.where(codes == place, outcome.groups, -1)
        of_group = group_means(inside, len(kinds), missed, outcome.weight) if kinds else None
        listed.append(
            {
                "name": name,
                "n": int(both.n[0]),
                "trained_on": None,
                "error": asdict(_error(both, 0, f"mean_absolute_error({where})", ERROR, level)),
                "rise": asdict(_rise(both, f"error_rise({where})", level)),
                "worst_group": None
                if of_group is None
                else asdict(
                    _worst(of_group, kinds, f"worst_group_mean_absolute_error({where})", WORST_GROUP, level)[1]
                ),
                "groups": [
                    _group(missed, outcome, side, code, group, f"{where}, group={group}", level)
                    for code, group in enumerate(kinds)
                ],
            }
        )
    everywhere = group_means(codes, len(names), missed, outcome.weight)
    worst, worst_error = _worst(everywhere, names, "worst_environment_mean_absolute_error", WORST, level)
    if small := [f"{name!r} ({n})" for name, n in zip(names, everywhere.n, strict=True) if n < SMALL]:
        notes.append(f"fewer than {SMALL} rows in {', '.join(small)}: too few to judge the environment by")
    if len(names) == 1:
        notes.append(f"column {column!r} has one environment only here, {names[0]!r}: no rise can be measured")
    if len(names) > 2:
        notes.append("each rise has its own interval; the largest of several looks larger than it is")
    return {"column": column, "environments": listed, "worst": worst, "worst_error": asdict(worst_error),
            "notes": notes}  # fmt: skip


def _group(
    missed: NDArray[Any], outcome: Outcome, side: Codes, code: int, group: str, where: str, level: float
) -> dict[str, Any]:
    both = group_means(np.where(outcome.groups == code, side, -1), 2, missed, outcome.weight)
    return {
        "group": group,
        "n": int(both.n[0]),
        "error": asdict(_error(both, 0, f"mean_absolute_error({where})", ERROR, level)),
        "rise": asdict(_rise(both, f"error_rise({where})", level)),
    }


def _error(means: Means, place: int, name: str, definition: str, level: float) -> Measurement:
    n = int(means.n[place])
    if not n:
        return _missing(name, definition, 0, "no rows here")
    if n < 2:
        note = "one row has no spread to form an interval from"
        return Measurement(name, float(means.value[place]), np.nan, np.nan, n, "no interval", definition, note)
    low, high = (float(end[place]) for end in means.log_ends(level))
    note = f"fewer than {SMALL} rows ({n})" if n < SMALL else ""
    return Measurement(name, float(means.value[place]), low, high, n, f"{LOG_SCALE} {percent(level)}", definition, note)


def _rise(means: Means, name: str, level: float) -> Measurement:
    """Return the first of two means minus the second."""
    here, others = (int(n) for n in means.n)
    if not here or not others:
        return _missing(name, RISE, here + others, "no rows in all other environments" if here else "no rows here")
    value = float(means.value[0] - means.value[1])
    if min(here, others) < 2:
        note = "one row has no spread to form an interval from"
        return Measurement(name, value, np.nan, np.nan, here + others, "no interval", RISE, note)
    low, high = means.log_ends(level)
    below = float(np.hypot(means.value[0] - low[0], high[1] - means.value[1]))
    above = float(np.hypot(high[0] - means.value[0], means.value[1] - low[1]))
    few = f"fewer than {SMALL} rows ({here})" if here < SMALL else ""
    if others < SMALL and not few:
        few = f"fewer than {SMALL} rows in all other environments ({others})"
    how = f"{LOG_SCALE} {percent(level)}, distances added in squares"
    return Measurement(name, value, value - below, value + above, here + others, how, RISE, few)


def _worst(means: Means, names: tuple[str, ...], name: str, definition: str, level: float) -> tuple[str, Measurement]:
    """Return the highest of several means, with an interval that allows for its being picked, and whose it is."""
    present = np.flatnonzero(means.n > 0)
    if not len(present):
        return "", _missing(name, definition, 0, "no rows of a known group here")
    kept = Means(means.value[present], means.error[present], means.n[present])
    whose, value, n = names[int(present[kept.value.argmax()])], float(kept.value.max()), int(kept.n.sum())
    absent = [names[place] for place in range(len(names)) if place not in present]
    note = f"no rows of {', '.join(map(repr, absent))} here" if absent else ""
    if kept.n.min() < 2:
        note = "; ".join(filter(None, (note, "a group of one row has no spread to form an interval from")))
        return whose, Measurement(name, value, np.nan, np.nan, n, "no interval", definition, note)
    found = spread_worst(Spread(kept.value, kept.log_ends, kept.best, n, LOG_SCALE, note), level, "lower")
    return whose, Measurement(name, found.value, found.low, found.high, found.n, found.how, definition, found.note)


def _missing(name: str, definition: str, n: int, note: str) -> Measurement:
    return Measurement(name, np.nan, np.nan, np.nan, n, "not estimated", definition, note)
