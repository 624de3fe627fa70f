"""A function of one's own becomes a metric: measured with an interval, targeted, certified."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from metric_outcomes import make_outcome

from efficienttrust.evaluation.certification import certify, verdict
from efficienttrust.evaluation.targets import check_targets, parse_target
from efficienttrust.metrics import measure, metric_from_function, metrics


def own_refused(y, prediction, score, groups, weight) -> float:
    return float(np.average(1 - prediction, weights=weight))


def precision_gap(y, prediction, score, groups, weight) -> float:
    precision = [y[(groups == g) & (prediction == 1)].mean() for g in np.unique(groups[groups >= 0])]
    return float(np.ptp(precision))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.names()
    monkeypatch.setattr(metrics, "_things", dict(metrics._things))
    monkeypatch.setattr(metrics, "_aliases", dict(metrics._aliases))
    options = {"better": "lower", "low": 0.0, "high": 1.0}
    for name, function, grouped in (("own_refused", own_refused, False), ("my_gap", precision_gap, True)):
        metric = metric_from_function(name, function, definition="Mine.", grouped=grouped, **options)
        metrics.register(name)(metric)


@pytest.mark.usefixtures("registered")
def test_it_is_measured_like_any_other() -> None:
    outcome = make_outcome(weighted=True)
    mine = measure("own_refused", outcome)
    assert mine.value == pytest.approx(1 - np.average(outcome.prediction, weights=outcome.weight))
    assert mine.low < mine.value < mine.high
    assert mine.how == "bootstrap 95%, 300 resamples"
    gap = measure("my_gap", make_outcome(), {"by": "sex"})
    assert gap.name == "my_gap(by=sex)"
    assert gap.value == pytest.approx(measure("predictive_parity_difference", make_outcome()).value)


@pytest.mark.usefixtures("registered")
def test_it_is_a_plain_function_too() -> None:
    import efficienttrust.metrics as package

    outcome = make_outcome()
    assert package.own_refused(outcome.y, outcome.prediction) == measure("own_refused", outcome)
    del package.own_refused


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("text", ["own_refused <= 0.6", "my_gap(by=sex) <= 0.3"])
def test_it_is_targeted_and_certified(text: str) -> None:
    target = parse_target(text)
    assert target.text == text
    check_targets([target], sensitive=["sex"])
    certificate = certify(target, make_outcome(n=4000), 0.05)
    assert certificate.satisfied
    assert certificate.certifiable
    assert certificate.bound > measure(target.metric, make_outcome(n=4000)).value
    assert verdict(target, measure(target.metric, make_outcome()), certificate).status == "certified"


@pytest.mark.usefixtures("registered")
def test_its_limit_holds_at_its_level() -> None:
    metric, wrong = metrics.get("own_refused"), []
    truth = 1 - make_outcome(seed=100, n=100_000).prediction.mean()
    for seed in range(100):
        outcome = make_outcome(seed=seed, n=200)
        wrong.append(metric.limit(outcome, {}, 0.1).value < truth)
    assert np.mean(wrong) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 100)


def test_what_is_not_defined_is_said() -> None:
    metric = metric_from_function("odd", lambda *columns: float("nan"), better="lower", definition="Mine.")
    assert metric.compute(make_outcome(), {}, 0.95).note == "odd is not defined on these rows"
    assert np.isnan(metric.limit(make_outcome(), {}, 0.05).value)


def test_resamples_without_spread_prove_nothing() -> None:
    outcome = make_outcome(n=60)
    constant = metric_from_function(
        "constant", lambda *columns: 0.25, better="lower", low=0.0, high=1.0, definition="Mine."
    )
    assert constant.compute(outcome, {}, 0.95).value == 0.25
    found = constant.limit(outcome, {}, 0.05)
    assert np.isnan(found.value)
    assert "all resamples have the same value" in found.note


def test_a_name_that_no_target_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores only, unlike 'my-gap'"):
        metric_from_function("my-gap", own_refused, better="lower", definition="Mine.")


def test_resamples_are_not_all_held_at_once() -> None:
    import tracemalloc

    n = 20_000
    outcome = make_outcome(n=n)
    metric = metric_from_function("mine", own_refused, better="lower", definition="Mine.", low=0.0, high=1.0)
    tracemalloc.start()
    metric.compute(outcome, {}, 0.95)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * 8 * n


def test_a_function_that_raises_says_so_and_stops_nothing() -> None:
    def largest(y, prediction, score, groups, weight) -> float:
        return max(prediction[groups == group].mean() for group in np.unique(groups[groups >= 0]))

    outcome = make_outcome()
    nobody = dataclasses.replace(outcome, groups=np.full(len(outcome.y), -1), group_names=(), attributes={})
    metric = metric_from_function("largest", largest, better="lower", definition="Mine.", grouped=True)
    estimate, limit = metric.compute(nobody, {"by": None}, 0.95), metric.limit(nobody, {"by": None}, 0.05)
    assert np.isnan([estimate.value, limit.value]).all()
    assert estimate.note == limit.note
    assert estimate.note.startswith("largest fails on these rows: ValueError: max()")
