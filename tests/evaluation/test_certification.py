"""Certificates hold at their level, by enumeration and by simulation, and verdicts say what was proven."""

from __future__ import annotations

import dataclasses
import json
from functools import cache

import numpy as np
import pytest
from scipy import stats

import efficienttrust.metrics.odds as odds_module
from efficienttrust.evaluation.certification import best_case, certify, verdict
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Measurement, Outcome, measure
from efficienttrust.metrics.exact import difference_excluded, difference_upper_limit, ratio_lower_limit
from efficienttrust.metrics.gaps import gap_limit
from efficienttrust.metrics.intervals import clopper_pearson
from efficienttrust.metrics.odds import mean_gap_limit
from efficienttrust.metrics.rates import Rates, lowest_rate_limit


def rates_of(hits: np.ndarray, n: np.ndarray, weighted: bool = False) -> Rates:
    names = tuple(str(code) for code in range(len(n)))
    return Rates(names, hits / n, np.asarray(n), np.asarray(n, dtype=float), "rows", weighted)


def outcome_of(hits: list[int], n: list[int], weight: float | None = None) -> Outcome:
    """Groups of the given sizes, of which the given numbers are decided (and labelled) positive."""
    groups = np.repeat(np.arange(len(n)), n)
    decided = np.concatenate([np.arange(size) < hit for hit, size in zip(hits, n, strict=True)]).astype(int)
    return Outcome(
        y=decided,
        prediction=decided,
        score=decided.astype(float),
        groups=groups,
        group_names=tuple(f"g{code}" for code in range(len(n))),
        weight=None if weight is None else np.full(len(groups), weight),
    )


def misses(limits: np.ndarray, ps: np.ndarray, qs: np.ndarray, below: np.ndarray) -> float:
    """Largest probability, over pairs of true rates, that a limit [x_g, x_h] misses: an exact enumeration."""
    mass_g = stats.binom.pmf(np.arange(limits.shape[0]), limits.shape[0] - 1, ps[:, None])
    mass_h = stats.binom.pmf(np.arange(limits.shape[1]), limits.shape[1] - 1, qs[:, None])
    return float(np.einsum("pi,pij,pj->p", mass_g, below.astype(float), mass_h).max())


@pytest.mark.parametrize(("n_g", "n_h"), [(14, 17), (24, 9), (8, 27)])
def test_difference_limit_misses_at_most_alpha_by_enumeration(n_g: int, n_h: int) -> None:
    limits = np.array([[difference_upper_limit(x, n_g, y, n_h, 0.05) for y in range(n_h + 1)] for x in range(n_g + 1)])
    for gap in (0.0, 0.05, 0.1, 0.2, 0.4, 0.7):
        q = np.linspace(0, 1 - gap, 101)
        below = np.broadcast_to(limits < gap - 1e-12, (101, *limits.shape))
        assert misses(limits, q + gap, q, below) <= 0.0501


@pytest.mark.parametrize(("n_g", "n_h"), [(14, 17), (24, 9)])
def test_ratio_limit_misses_at_most_alpha_by_enumeration(n_g: int, n_h: int) -> None:
    def limit(x: int, y: int) -> float:
        return ratio_lower_limit(x, n_g, y, n_h, 0.05) if x else 0.0

    limits = np.array([[limit(x, y) for y in range(n_h + 1)] for x in range(n_g + 1)])
    for ratio in (0.3, 0.5, 0.8, 1.0):
        p = np.linspace(0.01, 1, 101)
        below = np.broadcast_to(limits > ratio + 1e-12, (101, *limits.shape))
        assert misses(limits, p, ratio * p, below) <= 0.0501


@pytest.mark.parametrize("counts", [(650, 3260, 300, 1620), (320, 1620, 600, 3260), (3, 100, 5, 200), (0, 50, 50, 50)])
def test_difference_limit_is_tighter_than_rigorous_alternatives(counts: tuple[int, int, int, int]) -> None:
    x_g, n_g, x_h, n_h = counts
    exact = difference_upper_limit(*counts, 0.05)
    union = clopper_pearson(x_g, n_g, 0.025)[1] - clopper_pearson(x_h, n_h, 0.025)[0]
    mcdiarmid = x_g / n_g - x_h / n_h + np.sqrt(np.log(20) / 2 * (1 / n_g + 1 / n_h))
    assert x_g / n_g - x_h / n_h < exact < min(union, mcdiarmid)
    assert difference_excluded(*counts, 0.05, exact + 0.01)
    assert not difference_excluded(*counts, 0.05, exact - 0.001)


@pytest.mark.parametrize("p", [(0.2, 0.3), (0.25, 0.2, 0.3), (0.1, 0.15, 0.15, 0.2, 0.12)])
def test_gap_certificate_holds_at_its_level(p: tuple[float, ...]) -> None:
    rng, n = np.random.default_rng(0), np.array([300, 180, 250, 120, 200])[: len(p)]
    missed = [gap_limit(rates_of(rng.binomial(n, p), n), 0.1).value < np.ptp(p) for _ in range(100)]
    assert np.mean(missed) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 100)


@pytest.mark.parametrize(
    ("p", "q", "sizes"),
    [
        ((0.8, 0.4), (0.3, 0.1), ((60, 40), (150, 100))),
        ((0.9, 0.2), (0.9, 0.1), ((30, 30), (30, 30))),
        ((0.5, 0.7), (0.5, 0.2), ((90, 50), (200, 120))),
    ],
)
def test_equalized_odds_certificate_holds_at_its_level(
    p: tuple[float, float], q: tuple[float, float], sizes: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(odds_module, "difference_upper_limit", cache(difference_upper_limit))
    rng, (n, m) = np.random.default_rng(0), np.array(sizes)
    truth = (np.ptp(p) + np.ptp(q)) / 2
    missed = [
        mean_gap_limit(rates_of(rng.binomial(n, p), n), rates_of(rng.binomial(m, q), m), 0.05).value < truth
        for _ in range(250)
    ]
    assert np.mean(missed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 250)


def test_worst_rate_certificate_holds_at_its_level_without_correction() -> None:
    rng, n = np.random.default_rng(0), np.array([50, 200, 80, 120])
    p = np.array([0.8, 0.8, 0.8, 0.85])
    missed = [lowest_rate_limit(rates_of(rng.binomial(n, p), n), 0.05).value > 0.8 for _ in range(4000)]
    assert np.mean(missed) <= 0.05


def test_weighted_limits_are_hoeffding_and_mcdiarmid() -> None:
    n, hits = np.array([1000, 1000]), np.array([220, 200])
    limit = gap_limit(rates_of(hits, n, weighted=True), 0.025)
    assert limit.value - 0.02 == pytest.approx(0.0607361, abs=1e-6)  # ln(1/0.025) = ln(2/0.05): both ways at once
    assert limit.best == pytest.approx(0.0607361, abs=1e-6)
    assert lowest_rate_limit(rates_of(hits, n, weighted=True), 0.05).value == pytest.approx(
        0.2 - np.sqrt(np.log(20) / 2000)
    )


def test_rates_are_certified_by_clopper_pearson() -> None:
    certificate = certify(parse_target("accuracy >= 0.9"), outcome_of([50, 50], [100, 100]), 0.05)
    assert certificate.satisfied
    assert certificate.certifiable
    assert certificate.bound == pytest.approx(0.05 ** (1 / 200))
    assert (certificate.level, certificate.n, certificate.method) == (0.95, 200, "Clopper-Pearson")


@pytest.mark.parametrize(
    ("hits", "n", "satisfied", "certifiable"),
    [
        ([500, 500], [2500, 2500], True, True),
        ([600, 500], [2500, 2500], False, True),
        ([20, 20], [100, 100], False, False),
        ([5, 1000], [25, 5000], False, False),
        ([500, 500, 500], [2500, 2500, 2500], True, True),
    ],
)
def test_gap_certificates(hits: list[int], n: list[int], satisfied: bool, certifiable: bool) -> None:
    certificate = certify(parse_target("dpd <= 0.05"), outcome_of(hits, n), 0.05)
    assert (certificate.satisfied, certificate.certifiable) == (satisfied, certifiable)
    assert certificate.best <= certificate.bound + 1e-9


def test_stricter_level_proves_less() -> None:
    outcome = outcome_of([520, 500], [2500, 2500])
    bounds = [certify(parse_target("dpd <= 0.05"), outcome, alpha).bound for alpha in (0.2, 0.05, 0.01)]
    assert bounds == sorted(bounds)


def test_tiny_groups_are_uncertifiable_and_named() -> None:
    certificate = certify(parse_target("dpd <= 0.05"), outcome_of([5, 1000], [25, 5000]), 0.05)
    assert not certificate.certifiable
    assert certificate.note == "fewer than 30 rows in 'g0' (25)"


def test_cells_without_rows_certify_nothing() -> None:
    outcome = outcome_of([0, 50], [100, 100])
    certificate = certify(parse_target("eopp <= 0.9"), outcome, 0.05)
    assert np.isnan(certificate.bound)
    assert not certificate.satisfied
    assert not certificate.certifiable
    ended = verdict(certificate.target, measure("eopp", outcome), certificate)
    assert (ended.status, ended.qualifier) == ("missed", "uncertifiable")
    assert "cannot be estimated on test (group 'g0' has no positives here)" in ended.reason


def test_the_same_rows_may_certify_a_model_that_decides_more_rarely() -> None:
    target = parse_target("dpd <= 0.2")
    often, seldom = (certify(target, outcome_of([hits, hits], [50, 50]), 0.05) for hits in (25, 2))
    assert (often.certifiable, seldom.satisfied) == (False, True)
    reason = verdict(target, measured_at(0.1), often).reason
    assert f"with this model's rate of positive decisions even no gap would leave {often.best:.4f}" in reason
    assert (
        best_case(
            parse_target("accuracy >= 0.9"), certify(parse_target("accuracy >= 0.9"), outcome_of([1, 1], [5, 5]), 0.05)
        )
        == "even no error"
    )


def measured_at(value: float) -> Measurement:
    return Measurement("demographic_parity_difference", value, value - 0.01, value + 0.01, 4000, "Newcombe 95%", "…")


@pytest.mark.parametrize(
    ("hits", "n", "value", "status", "qualifier", "words"),
    [
        ([500, 500], [2500, 2500], 0.03, "certified", "", "proves it, and 0.0300 on test (n = 4,000) meets the target"),
        (
            [500, 500],
            [2500, 2500],
            0.06,
            "certified",
            "",
            "proves it, but 0.0600 on test (n = 4,000) misses it by 0.01",
        ),
        ([600, 500], [2500, 2500], 0.03, "met", "", "meets the target, but the 95% upper limit 0.0596 on certify"),
        ([600, 500], [2500, 2500], 0.06, "missed", "", "misses it by 0.01, and the 95% upper limit"),
        (
            [20, 20],
            [100, 100],
            0.03,
            "met",
            "uncertifiable",
            "(n = 200) is too small to prove it: with this model's rate of positive decisions even no gap",
        ),
        ([20, 20], [100, 100], 0.06, "missed", "uncertifiable", "too small to prove it"),
    ],
)
def test_verdicts(hits: list[int], n: list[int], value: float, status: str, qualifier: str, words: str) -> None:
    target = parse_target("dpd <= 0.05")
    ended = verdict(target, measured_at(value), certify(target, outcome_of(hits, n), 0.05))
    assert (ended.status, ended.qualifier) == (status, qualifier)
    assert words in ended.reason
    assert "\n" not in ended.reason
    assert (ended.value, ended.n) == (value, 4000)
    json.dumps(dataclasses.asdict(ended))


def test_weighted_rows_get_a_wider_but_valid_certificate() -> None:
    target = parse_target("dpd <= 0.05")
    plain = certify(target, outcome_of([500, 500], [2500, 2500]), 0.05)
    weighted = certify(target, outcome_of([500, 500], [2500, 2500], weight=3.0), 0.05)
    assert weighted.bound > plain.bound
    assert weighted.method == "McDiarmid, effective size"


def test_alpha_must_be_a_probability() -> None:
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        certify(parse_target("dpd <= 0.05"), outcome_of([1, 1], [2, 2]), 0)
