"""Calibration approaches the fair-Bayes frontier where it has a closed form.

X | Y ~ N(±1, 1) in both groups of equal size, P(Y = 1 | group) = .3 and .6: see Menon and Williamson (2018) for the
rule. The accuracies were found by a one-dimensional convex dual and by brute force.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from efficienttrust.evaluation.calibration import calibrate
from efficienttrust.evaluation.rule_data import CalibrationData
from efficienttrust.evaluation.splits import one_hot
from efficienttrust.evaluation.targets import parse_target


def population(n: int) -> CalibrationData:
    """Return n rows at quantiles of the population, with the true log-odds."""
    z, y, groups = [], [], []
    for group, base_rate in enumerate((0.3, 0.6)):
        for label, share in ((1, base_rate), (0, 1 - base_rate)):
            m = round(0.5 * share * n)
            x = norm.ppf((np.arange(m) + 0.5) / m) + (2 * label - 1)
            z.append(2 * x + np.log(base_rate / (1 - base_rate)))
            y.append(np.full(m, label))
            groups.append(np.full(m, group))
    codes = np.concatenate(groups)
    return CalibrationData(
        np.concatenate(z).astype(np.float32), np.concatenate(y).astype(np.int8), {"": (codes, 2)}, one_hot(codes, 2), {}
    )


@pytest.mark.parametrize(
    ("bound", "accuracy"), [(0.5, 0.853734), (0.2, 0.841942), (0.1, 0.822004), (0.05, 0.809082), (0.01, 0.7974)]
)
def test_the_accuracy_given_parity_approaches_the_closed_form(bound, accuracy):
    target = parse_target(f"dpd <= {bound}")
    found = calibrate(population(6000), [target], {})
    assert found.values[target.key] <= bound + 1e-9
    assert found.utility == pytest.approx(accuracy, abs=0.003)
    assert found.utility <= accuracy + 5e-4, "better than the optimum of the population"


def test_the_thresholds_are_those_of_the_closed_form():
    found = calibrate(population(6000), [parse_target("dpd <= 0.1")], {})
    cuts = [found.threshold + found.offsets[g] for g in (0, 1)]
    assert cuts[0] < -0.1 < 0.1 < cuts[1], "the group with the lower base rate gets the lower cut, symmetrically"
    assert cuts[0] == pytest.approx(-cuts[1], abs=0.2)


def test_inferred_groups_cannot_do_better_than_given_ones():
    aware = population(4000)
    rng = np.random.default_rng(0)
    blurred = np.clip(aware.posterior * 0.8 + 0.1 + rng.normal(0, 0.02, aware.posterior.shape), 0.01, 0.99)
    blurred = (blurred / blurred.sum(axis=1, keepdims=True)).astype(np.float32)
    blind = CalibrationData(aware.z, aware.y, aware.codes, blurred, {})
    target = parse_target("dpd <= 0.05")
    best, inferred = calibrate(aware, [target], {}), calibrate(blind, [target], {})
    assert inferred.values[target.key] <= 0.05 + 1e-9
    assert inferred.utility <= best.utility + 0.003
