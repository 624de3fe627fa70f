"""The interval of a change between models on the same rows: published values, coverage, and what pairing gains."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.evaluation.harm import paired_change
from efficienttrust.metrics.intervals import newcombe


def test_published_example():
    """Newcombe 1998, Statistics in Medicine 17:2635, method 10."""
    low, high = paired_change(36, 12, 2, 0, 1.959964)
    assert (float(low), float(high)) == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_swapping_the_models_mirrors_the_interval():
    low, high = paired_change(20, 9, 4, 67, 1.96)
    swapped = paired_change(20, 4, 9, 67, 1.96)
    assert (float(low), float(high)) == pytest.approx((-float(swapped[1]), -float(swapped[0])))


@pytest.mark.parametrize("n", [30, 200, 1000])
@pytest.mark.parametrize("cells", [(0.1, 0.05, 0.02, 0.83), (0.25, 0.02, 0.02, 0.71), (0.3, 0.15, 0.05, 0.5)])
def test_covers_the_truth(n, cells):
    a, b, c, d = np.random.default_rng(n).multinomial(n, cells, 4000).T
    low, high = paired_change(a, b, c, d, 1.959964)
    covered = ((low <= cells[1] - cells[2]) & (cells[1] - cells[2] <= high)).mean()
    assert covered > 0.93


def test_pairing_narrows_where_few_rows_flip():
    low, high = paired_change(190, 8, 5, 797, 1.96)
    apart = newcombe(198, 1000, 195, 1000, 1.96)
    assert float(high - low) < 0.35 * float(apart[1] - apart[0])
