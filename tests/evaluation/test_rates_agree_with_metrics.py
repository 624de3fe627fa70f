"""The calibrator's fast counts give the same point values as the metrics that are reported."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.evaluation.rates import RATE_METRICS, ROBUST_METRICS, count_above
from efficienttrust.metrics import Outcome, measure, robust_key

N_GROUPS = 3
KEY = robust_key("pgd", 0.1)


def draw(seed: int, *, weighted: bool, unknown: bool, empty_cell: bool, ties: bool):
    rng = np.random.default_rng(seed)
    n = 160
    y = (rng.random(n) < 0.4).astype(np.int8)
    groups = rng.integers(0, N_GROUPS, n)
    if empty_cell:
        y[groups == 2] = 0
    if unknown:
        groups[rng.random(n) < 0.15] = -1
    margin = rng.normal(y - 0.5, 1.0)
    if ties:
        margin = np.round(margin, 0)
    weight = rng.choice([0.5, 1.0, 2.5], n).astype(np.float32) if weighted else None
    return y, groups, margin, weight


def outcome_at(threshold, y, groups, margin, weight, rows=None) -> Outcome:
    prediction = (margin > threshold).astype(np.int8)
    rows = np.arange(len(y)) if rows is None else rows
    return Outcome(
        y=y,
        prediction=prediction,
        score=1 / (1 + np.exp(-margin)),
        groups=groups,
        group_names=tuple("abc"),
        robust={KEY: prediction[rows] == y[rows]},
        robust_rows={KEY: rows},
        weight=weight,
    )


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("empty_cell", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_rate_metric_agrees(weighted, unknown, empty_cell, ties):
    y, groups, margin, weight = draw(3, weighted=weighted, unknown=unknown, empty_cell=empty_cell, ties=ties)
    thresholds = np.array([-9.0, -1.0, 0.0, 0.4, 9.0])
    confusion = count_above(margin, thresholds, y, groups, N_GROUPS, weight)
    for name, compute in RATE_METRICS.items():
        fast = np.asarray(compute(confusion))
        slow = [measure(name, outcome_at(t, y, groups, margin, weight)).value for t in thresholds]
        np.testing.assert_allclose(fast, slow, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("weighted", [False, True])
def test_robust_metrics_agree_on_attacked_rows(weighted):
    y, groups, margin, weight = draw(5, weighted=weighted, unknown=True, empty_cell=False, ties=False)
    rows = np.arange(0, len(y), 2)
    part = None if weight is None else weight[rows]
    confusion = count_above(margin[rows], np.array([0.1]), y[rows], groups[rows], N_GROUPS, part)
    outcome = outcome_at(0.1, y, groups, margin, weight, rows)
    for name, compute in ROBUST_METRICS.items():
        measured = measure(name, outcome, {"attack": "pgd", "eps": 0.1})
        assert float(compute(confusion)[0]) == pytest.approx(measured.value, abs=1e-9), name


@pytest.mark.parametrize("weighted", [False, True])
def test_counts_equal_a_loop_over_rows(weighted):
    y, groups, margin, given = draw(7, weighted=weighted, unknown=True, empty_cell=False, ties=True)
    thresholds = np.array([-1.0, 0.0, 1.0, 5.0])
    found = count_above(margin, thresholds, y, groups, N_GROUPS, given)
    weight = np.ones(len(y)) if given is None else given
    for k, threshold in enumerate(thresholds):
        above = margin > threshold
        for group in range(N_GROUPS):
            member = groups == group
            assert found.tp[group, k] == pytest.approx(weight[member & above & (y == 1)].sum())
            assert found.fp[group, k] == pytest.approx(weight[member & above & (y == 0)].sum())
        assert found.other_tp[k] == pytest.approx(weight[(groups < 0) & above & (y == 1)].sum())
        assert found.other_fp[k] == pytest.approx(weight[(groups < 0) & above & (y == 0)].sum())
    tp, fp, positives, negatives = found.total()
    assert positives == pytest.approx(weight[y == 1].sum())
    assert negatives == pytest.approx(weight[y == 0].sum())
    assert tp[-1] == fp[-1] == 0
