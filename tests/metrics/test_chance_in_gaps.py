"""What a gap owes to chance is named where it matters, and the corrected estimate is free of it."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Outcome, measure, metrics
from efficienttrust.metrics.chance import corrected_gap, expected_larger_gap, expected_rate_gap
from efficienttrust.metrics.gaps import gap_estimate
from efficienttrust.metrics.rates import Rates


def rates_of(hits: np.ndarray, n: np.ndarray) -> Rates:
    return Rates(tuple(str(code) for code in range(len(n))), hits / n, n, n.astype(float), "rows", False)


@pytest.mark.parametrize(("groups", "expected"), [(2, 0.03455), (5, 0.0712)])
def test_expected_gap_is_the_published_one(groups: int, expected: float) -> None:
    n = np.full(groups, 200)
    assert expected_rate_gap(rates_of(np.full(groups, 50), n)) == pytest.approx(expected, abs=5e-4)


def test_expected_larger_of_two_gaps_agrees_with_drawing_rows() -> None:
    rng, n, m = np.random.default_rng(0), np.array([100, 300]), np.array([80, 200])
    drawn = np.maximum(
        np.ptp(rng.binomial(n, 0.4, (4000, 2)) / n, axis=1), np.ptp(rng.binomial(m, 0.1, (4000, 2)) / m, axis=1)
    )
    found = expected_larger_gap(rates_of(0.4 * n, n), rates_of(0.1 * m, m))
    assert found == pytest.approx(drawn.mean(), rel=0.05)


@pytest.mark.parametrize(
    ("p", "n"),
    [
        ((0.3, 0.3), (200, 200)),
        ((0.3, 0.35), (200, 200)),
        ((0.3, 0.5), (200, 60)),
        ((0.25,) * 5, (200,) * 5),
        ((0.2, 0.25, 0.3, 0.35, 0.4), (200,) * 5),
    ],
)
def test_corrected_gap_is_nearer_to_the_truth_in_the_median(p: tuple[float, ...], n: tuple[int, ...]) -> None:
    rng, size = np.random.default_rng(1), np.array(n)
    samples = [rates_of(rng.binomial(size, p), size) for _ in range(150)]
    corrected = [corrected_gap(rates) for rates in samples]
    plain = [float(np.ptp(rates.rate)) for rates in samples]
    truth, margin = np.ptp(p), 3 * 1.25 * np.std(corrected) / np.sqrt(150)
    assert abs(np.median(corrected) - truth) <= max(0.5 * abs(np.median(plain) - truth), margin)
    assert all(0 <= less <= gap for less, gap in zip(corrected, plain, strict=True))


def test_large_gaps_are_left_alone() -> None:
    rates = rates_of(np.array([6000, 3000]), np.array([10_000, 10_000]))
    assert corrected_gap(rates) == pytest.approx(0.3, abs=1e-3)
    assert gap_estimate(rates, 0.95).note == ""


def test_the_note_says_how_much_is_chance_and_the_correction_keeps_the_interval() -> None:
    rates = rates_of(np.array([50, 55, 45, 52, 48]), np.full(5, 200))
    plain, corrected = gap_estimate(rates, 0.95), gap_estimate(rates, 0.95, corrected=True)
    assert plain.note == "about 0.071 of this is expected by chance with samples of this size"
    assert corrected.value == 0
    assert corrected.note == "without correction 0.05"
    assert (plain.low, plain.high) == (corrected.low, corrected.high)


OFFERED = [
    name
    for name in metrics.names()
    if "corrected" in metrics.get(name).parameters and "by" in metrics.get(name).parameters
]


@pytest.mark.parametrize("name", sorted(set(OFFERED) - {"robust_accuracy_gap", "corruption_accuracy_gap"}))
def test_every_gap_of_rates_offers_it(name: str) -> None:
    rng = np.random.default_rng(2)
    y, prediction, groups = rng.integers(0, 2, (3, 300))
    outcome = Outcome(y=y, prediction=prediction, score=prediction, groups=groups, group_names=("a", "b"))
    plain, corrected = (measure(name, outcome, {"corrected": asked}) for asked in (None, True))
    assert corrected.value < plain.value
    assert corrected.name == f"{name}(corrected=True)"
    assert measure(name, outcome, {"corrected": "false"}) == plain
    with pytest.raises(UsageError, match="true or false, not 'perhaps'"):
        measure(name, outcome, {"corrected": "perhaps"})
