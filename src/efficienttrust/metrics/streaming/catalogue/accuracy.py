"""Accuracy: of all rows, of the worst group, and its gap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.confusion import divide
from efficienttrust.metrics.gaps import gap_estimate
from efficienttrust.metrics.rates import Rates, lowest_rate
from efficienttrust.metrics.streaming._streamed import Streamed, Value, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally, cell_rates
from efficienttrust.metrics.values import Estimate, Floats

RIGHT, EVERY = np.array([False, True]), np.array([True, True])


def _rates(tally: Tally, by: str | None) -> Rates:
    names, regroup = tally.groups(by)
    return cell_rates(names, tally.right(regroup), RIGHT, EVERY, "rows")


def _overall(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    right = tally.right(tally.everyone)
    return lowest_rate(cell_rates(("all rows",), right, RIGHT, EVERY, "rows"), level)


def _worst(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(_rates(tally, arguments["by"]), level)


def _gap(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return gap_estimate(_rates(tally, arguments["by"]), level, arguments["corrected"])


def _shares(tables: Floats) -> Floats:
    """Return the share of right rows in tables [..., 1, labels, decisions]."""
    return divide(np.trace(tables[..., 0, :, :], axis1=-2, axis2=-1), tables.sum(axis=(-3, -2, -1)))


def _over_groups(together: Callable[[Floats], Floats]) -> Value:
    return lambda groups, everyone, many: together(_shares(groups))


streamed_metrics.register("accuracy")(Streamed(_overall, lambda groups, everyone, many: _shares(everyone)))
streamed_metrics.register("worst_group_accuracy")(Streamed(_worst, _over_groups(lambda rates: rates.min(axis=1))))
streamed_metrics.register("accuracy_gap")(
    Streamed(_gap, _over_groups(lambda rates: np.asarray(rates.max(axis=1) - rates.min(axis=1))))
)
