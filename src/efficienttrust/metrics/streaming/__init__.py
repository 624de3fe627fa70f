"""Streaming: metrics of rows that never have to be in memory together, or on one machine.

An `Accumulator` counts chunks of rows in one pass: by group, label and decision, and, where scores are kept, by bins of
the score. What it holds does not grow with the rows, accumulators add up, and what was counted answers for the rows:
every metric of counts or of means (rates and gaps, accuracy, F1, MCC, log loss, Brier score, errors of a regression) is
the measurement that `metrics.measure` gives on the rows, interval and notes included. Areas under the ROC curve and
calibration errors come from histograms; `how` says how far the bins can have moved them at most, and their intervals
are that much wider.

Resampling n rows with replacement draws the counts of cells from a multinomial law, so `bootstrap_interval` gives what
a bootstrap of the rows gives at a cost that does not depend on n.

Example:
    Two workers count their rows and send their counts, as JSON, to a third, who merges and measures.

    >>> import json
    >>> import numpy as np
    >>> from efficienttrust.metrics.streaming import Accumulator
    >>> def work(seed):
    ...     rng, accumulator = np.random.default_rng(seed), Accumulator({"sex": ("Female", "Male")})
    ...     for _ in range(3):
    ...         sex, y = rng.integers(0, 2, 10_000), rng.integers(0, 2, 10_000)
    ...         accumulator.update(y, rng.random(10_000) < 0.4 + 0.1 * sex, groups={"sex": sex})
    ...     return json.dumps(accumulator.state())
    >>> first, second = (Accumulator.from_state(json.loads(sent)) for sent in (work(0), work(1)))
    >>> both = first.merge(second)
    >>> both.n
    60000
    >>> gap = both.measure("demographic_parity_difference", by="sex")
    >>> gap.low < 0.1 < gap.high, gap.how
    (True, 'Newcombe 95%')
"""

from __future__ import annotations

from efficienttrust.metrics.streaming._accumulator import Accumulator as Accumulator
from efficienttrust.metrics.streaming._accumulator import Chunk as Chunk
from efficienttrust.metrics.streaming._files import read_groups as read_groups
from efficienttrust.metrics.streaming._files import read_predictions as read_predictions
from efficienttrust.metrics.streaming._gathered import gathered as gathered
from efficienttrust.metrics.streaming._schema import BINS as BINS
from efficienttrust.metrics.streaming._schema import Schema as Schema
from efficienttrust.metrics.streaming._streamed import Streamed as Streamed
from efficienttrust.metrics.streaming._streamed import streamed_metrics as streamed_metrics

__all__ = [
    "BINS",
    "Accumulator",
    "Chunk",
    "Schema",
    "Streamed",
    "gathered",
    "read_groups",
    "read_predictions",
    "streamed_metrics",
]
