"""Holm's adjustment agrees with statsmodels and closed forms; p-values belong to the certificates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from efficienttrust.metrics import Outcome, holm, metrics, p_value


@pytest.mark.parametrize("seed", range(8))
def test_holm_agrees_with_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.beta(0.3, 1, rng.integers(1, 12)).round(2)  # small ones, and ties
    found = holm({str(code): float(value) for code, value in enumerate(values)})
    assert list(found.values()) == pytest.approx(list(multipletests(values, method="holm")[1]))


def test_holm_by_hand() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({}) == {}


def test_what_cannot_be_tested_still_counts() -> None:
    found = holm({"a": 0.02, "b": float("nan")})
    assert found["a"] == pytest.approx(0.04)
    assert np.isnan(found["b"])


def test_impossible_p_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"between 0 and 1, not 1\.5"):
        holm({"a": 1.5})


def outcome_of(right: int, n: int) -> Outcome:
    y, prediction = np.ones(n), (np.arange(n) < right).astype(float)
    return Outcome(y=y, prediction=prediction, score=prediction, groups=np.arange(n) % 2, group_names=("a", "b"))


@pytest.mark.parametrize(("right", "bound"), [(90, 0.8), (85, 0.8), (80, 0.75)])
def test_p_value_of_a_rate_is_the_exact_binomial_one(right: int, bound: float) -> None:
    expected = stats.binomtest(right, 100, bound, alternative="greater").pvalue
    assert p_value("accuracy", outcome_of(right, 100), bound) == pytest.approx(expected, rel=0.02)


def test_p_value_turns_where_the_certificate_does() -> None:
    outcome, metric = outcome_of(300, 400), metrics.get("dpd")
    p = p_value("dpd", outcome, 0.1)
    limits = [metric.limit(outcome, metric.resolve({}), alpha).value for alpha in (1.05 * p, p / 1.05)]
    assert limits[0] <= 0.1 < limits[1]


def test_p_value_of_what_is_missed_or_unknown() -> None:
    assert p_value("accuracy", outcome_of(50, 100), 0.9) == 1.0
    assert p_value("accuracy", outcome_of(1000, 1000), 0.5) == 1e-4
    assert np.isnan(p_value("auc", outcome_of(50, 100), 0.9))
