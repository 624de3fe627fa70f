"""Passes over the training rows: how many a run made, and a budget of so many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from efficienttrust.pipeline.levels._budgets import with_limit
from efficienttrust.pipeline.levels._constraint import Arguments, Limited
from efficienttrust.resources import TimeLimit

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def training_rows(baseline: Baseline) -> int:
    """Return how many rows the baseline trained on."""
    return int(baseline.run.document["problem"]["splits"]["train"])


def with_epochs(share: float, epochs: float, arguments: Arguments, baseline: Baseline) -> Limited:
    """Return the arguments with a share of so many epochs as the limit on time.

    A budget rounds epochs up to whole samples. On the rows of the baseline this limit comes to the share of its
    samples, rounded to the nearest, and not to one more for the noise of a division.
    """
    rows = training_rows(baseline)
    samples = max(1, round(share * epochs * rows))
    limit = samples / rows
    while math.ceil(limit * rows) > samples:
        limit = math.nextafter(limit, 0.0)
    return with_limit(arguments, time=TimeLimit(limit, "epochs"))
