"""Resamples of counts have the law of resamples of rows, at a cost that does not depend on the rows."""

from __future__ import annotations

import time

import fairlearn.metrics as fl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score
from streams import counted, make

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Outcome, metrics
from efficienttrust.metrics.streaming import Accumulator, streamed_metrics

REPEATS = 600


def gap(outcome: Outcome, rows: np.ndarray, event: np.ndarray, given: np.ndarray) -> float:
    """The largest difference of a weighted share between the groups of `sex`, on some rows."""
    codes = outcome.attributes["sex"][0]
    w = np.ones(len(codes)) if outcome.weight is None else outcome.weight
    rates = []
    for code in (0, 1):
        here = rows[(codes[rows] == code) & given[rows]]
        rates.append(np.average(event[here], weights=w[here]))
    return float(np.ptp(rates))


BRUTE = {
    "demographic_parity_difference": lambda o, r: gap(o, r, o.prediction == 1, np.ones(len(o.y), dtype=bool)),
    "equal_opportunity_difference": lambda o, r: gap(o, r, o.prediction == 1, o.y == 1),
    "predictive_parity_difference": lambda o, r: gap(o, r, o.y == 1, o.prediction == 1),
    "equalized_odds_difference_max": lambda o, r: max(
        gap(o, r, o.prediction == 1, o.y == 1), gap(o, r, o.prediction == 1, o.y == 0)
    ),
    "accuracy_gap": lambda o, r: gap(o, r, o.y == o.prediction, np.ones(len(o.y), dtype=bool)),
    "accuracy": lambda o, r: float(
        np.average((o.y == o.prediction)[r], weights=None if o.weight is None else o.weight[r])
    ),
    "f1": lambda o, r: _f1(o, r),
}


def _f1(outcome: Outcome, rows: np.ndarray) -> float:
    w = np.ones(len(rows)) if outcome.weight is None else outcome.weight[rows]
    y, prediction = outcome.y[rows], outcome.prediction[rows]
    return float(2 * w[(y == 1) & (prediction == 1)].sum() / (w[y == 1].sum() + w[prediction == 1].sum()))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "within_groups"),
    [
        (name, within)
        for name in sorted(BRUTE)
        for within in (False, True)
        if not within or name not in ("accuracy", "f1")
    ],
)
def test_same_law_as_resampling_rows(name: str, within_groups: bool, weighted: bool) -> None:
    outcome, rng, n = make(n=800, weighted=weighted), np.random.default_rng(1), 800
    codes = outcome.attributes["sex"][0]
    strata = [np.flatnonzero(codes == code) for code in (0, 1, -1)] if within_groups else [np.arange(n)]
    brute = [
        BRUTE[name](outcome, np.concatenate([rng.choice(rows, len(rows)) for rows in strata])) for _ in range(REPEATS)
    ]
    by = "sex" if "by" in metrics.get(name).parameters else None
    drawn = counted(outcome).bootstrap_values(name, 4 * REPEATS, by=by, within_groups=within_groups)
    assert stats.ks_2samp(brute, drawn).pvalue > 1e-3
    assert np.std(drawn) == pytest.approx(np.std(brute), rel=0.12)


def test_groups_keep_their_size_where_they_are_resampled_by_themselves() -> None:
    y, codes = np.tile([0, 1], 60), np.repeat([0, 1], [30, 90])
    accumulator = Accumulator({"g": ("right", "wrong")}).update(y, np.where(codes == 0, y, 1 - y), groups=codes)
    assert np.all(accumulator.bootstrap_values("accuracy", 100, within_groups=True) == 0.25)
    assert np.std(accumulator.bootstrap_values("accuracy", 100)) > 0.02


def test_interval_agrees_with_metric_frame() -> None:
    outcome = make(n=300, unknown=False)
    sex = outcome.attributes["sex"][0]
    theirs = {"demographic_parity_difference": fl.selection_rate, "accuracy_gap": accuracy_score}
    frame = fl.MetricFrame(
        metrics=theirs,
        y_true=outcome.y,
        y_pred=outcome.prediction,
        sensitive_features=sex,
        n_boot=60,
        ci_quantiles=[0.1, 0.5, 0.9],
        random_state=0,
    )
    low, middle, high = frame.difference_ci()
    for name in theirs:
        draws = counted(outcome).bootstrap_values(name, 4000, by="sex")
        # a quantile q of 60 resamples has the standard error sqrt(q (1 - q) / 60) in rank: 4 of them either way
        for q, quantile in ((0.1, low), (0.5, middle), (0.9, high)):
            slack = 4 * np.sqrt(q * (1 - q) / 60)
            least, most = np.quantile(draws, [max(0, q - slack), min(1, q + slack)])
            assert least - 1e-9 <= quantile[name] <= most + 1e-9


def test_interval_is_made_of_the_values_and_repeatable() -> None:
    accumulator = counted(make())
    values = accumulator.bootstrap_values("dpd", 500, seed=3, by="sex")
    assert accumulator.bootstrap_interval("dpd", 500, 0.9, seed=3, by="sex") == pytest.approx(
        np.quantile(values, [0.05, 0.95])
    )
    assert accumulator.bootstrap_interval("dpd", 500, seed=4) != accumulator.bootstrap_interval("dpd", 500, seed=3)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_values_centre_on_the_metric(task: str) -> None:
    accumulator = counted(make(task, unknown=False), bins=0)
    for _ in range(8):  # so many rows that the bias of the largest and the smallest does not show
        accumulator = accumulator.merge(accumulator)
    for name in streamed_metrics.names():
        if streamed_metrics.get(name).value is None or task not in metrics.get(name).tasks:
            continue
        by = "sex" if "by" in metrics.get(name).parameters else None
        draws = accumulator.bootstrap_values(name, 400, by=by)
        assert np.median(draws) == pytest.approx(
            accumulator.measure(name, **({"by": by} if by else {})).value, abs=0.01
        )


def test_cost_does_not_depend_on_the_rows() -> None:
    accumulator = counted(make())
    for _ in range(16):
        accumulator = accumulator.merge(accumulator)
    assert accumulator.n == 1500 * 2**16
    start = time.process_time()
    low, high = accumulator.bootstrap_interval("dpd", 2000, by="age")
    assert time.process_time() - start < 1.0  # a few milliseconds on a quiet machine
    assert 0 < high - low < 1e-3


def test_groups_that_vanish_in_a_resample_are_left_out() -> None:
    y, codes = np.array([1, 0, 0, 0] * 3), np.array([0, 0, 1, 1] * 3)
    accumulator = Accumulator({"g": ("a", "b")}).update(y, y, groups=codes)
    assert np.isnan(accumulator.bootstrap_interval("eopp", 50)).all()
    assert np.isfinite(accumulator.bootstrap_interval("dpd", 50)).all()
    assert np.isnan(accumulator.bootstrap_values("balanced_accuracy", 5000)).any()


def test_what_is_no_metric_of_counts_is_refused() -> None:
    accumulator = counted(make())
    with pytest.raises(UsageError, match="auc is no metric of counts"):
        accumulator.bootstrap_interval("auc")
    with pytest.raises(UsageError, match="repeats=0"):
        accumulator.bootstrap_interval("dpd", 0)
    with pytest.raises(UsageError, match="labels of one row"):
        counted(make("multilabel")).bootstrap_interval("dpd")
