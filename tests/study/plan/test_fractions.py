"""Regular fractions have the resolution that was asked for, by counting combinations, and are refused where none is."""

from __future__ import annotations

import itertools

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.plan import regular_fraction


@pytest.mark.parametrize(
    ("factors", "resolution", "share"),
    [
        (dict.fromkeys("ABCD", 2), 4, 1 / 2),
        (dict.fromkeys("ABCDE", 2), 5, 1 / 2),
        (dict.fromkeys("ABCDEFGH", 2), 4, 1 / 16),
        ({"A": 4, "B": 2, "C": 2, "D": 2}, 4, 1 / 2),
    ],
)
def test_every_few_factors_are_balanced(factors, resolution, share):
    """Strength, by brute force: in any resolution - 1 factors all combinations occur equally often."""
    found = regular_fraction(factors, resolution)
    runs = [
        run
        for run in itertools.product(*(range(count) for count in factors.values()))
        if found.holds(dict(zip(factors, run, strict=True)))
    ]
    assert found.share == share
    assert found.resolution >= resolution
    for columns in itertools.combinations(range(len(factors)), resolution - 1):
        counts = {tuple(run[one] for one in columns): 0 for run in itertools.product(*map(range, factors.values()))}
        for run in runs:
            counts[tuple(run[one] for one in columns)] += 1
        assert len(set(counts.values())) == 1


@pytest.mark.parametrize(
    ("factors", "says"), [({"A": 3, "B": 2}, "A has 3 levels"), (dict.fromkeys("ABC", 2), "no fraction of resolution")]
)
def test_what_cannot_be_is_refused(factors, says):
    with pytest.raises(UsageError, match=says):
        regular_fraction(factors, 4)
