"""Bounds about fresh rows hold at their level: certificates (T7), choices (T10); bounds on flips (T9) always."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from efficienttrust import fit, load_problem
from efficienttrust.compression import cut_encoded
from efficienttrust.evaluation.certification import certify
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Outcome
from efficienttrust.theory import certify_gap, fairness_gap_bound, flip_curve, occam_kl_upper, occam_width
from efficienttrust.theory._lipschitz import logit

ALPHA = 0.05


def too_often(failures: int, repeats: int, alpha: float = ALPHA) -> bool:
    """Return whether so many failures exclude a rate of at most alpha: one chance in 10,000."""
    return bool(stats.binom.sf(failures - 1, repeats, alpha) < 1e-4)


@pytest.mark.parametrize("method", ["clopper-pearson", "mcdiarmid"])
@pytest.mark.parametrize("rates", [(0.05, 0.15), (0.4, 0.5), (0.2, 0.25, 0.3)])
def test_a_gap_that_is_not_below_the_target_is_hardly_ever_certified(method, rates):
    generator, repeats, sizes = np.random.default_rng(0), 400, (300, 150, 200)[: len(rates)]
    tau = max(rates) - min(rates)  # the true gap is just what must not pass
    passed = failed = 0
    for _ in range(repeats):
        status = certify_gap(generator.binomial(sizes, rates), sizes, tau, ALPHA, method).status
        passed, failed = passed + (status == "pass"), failed + (status == "fail")
    assert not too_often(passed, repeats)
    assert not too_often(failed, repeats)


@pytest.mark.parametrize(
    ("text", "rates"), [("dpd <= 0.1", (0.3, 0.4)), ("dpd <= 0.1", (0.0, 0.1)), ("accuracy >= 0.8", (0.2, 0.2))]
)
def test_what_a_run_certifies_holds_on_fresh_rows_at_its_level(text, rates):
    generator, repeats, n = np.random.default_rng(1), 100, 120
    target, groups, passed = parse_target(text), np.arange(n) % 2, 0
    for _ in range(repeats):
        positive = (generator.random(n) < np.array(rates)[groups]).astype(np.int8)
        # of the accuracy target, a positive decision is an error: all labels are 0
        outcome = Outcome(
            y=np.zeros(n, np.int8), prediction=positive, score=positive.astype(float), groups=groups,
            group_names=("a", "b"), attributes={"g": (groups, ("a", "b"))},
        )  # fmt: skip
        passed += certify(target, outcome, ALPHA).satisfied
    assert not too_often(passed, repeats)


def test_the_choice_of_a_threshold_is_worth_no_more_than_its_bits():
    generator, repeats, n, cuts = np.random.default_rng(2), 400, 200, np.linspace(-2, 2, 64)
    bits = np.log2(len(cuts))
    # x | y ~ N(±0.5, 1); in the second group the labels are noisier, so that errors differ
    flips, groups = np.array([0.0, 0.2]), np.arange(n) % 2
    clean = 0.5 * (stats.norm.sf(cuts, -0.5) + stats.norm.cdf(cuts, 0.5))
    true = clean[:, None] * (1 - 2 * flips) + flips  # [cut, group]
    beyond_width = beyond_limit = beyond_gap = 0
    for _ in range(repeats):
        y = generator.integers(0, 2, n)
        x = generator.normal(size=n) + y - 0.5
        label = y ^ (generator.random(n) < flips[groups])
        wrong = (x[:, None] > cuts) != label[:, None]
        chosen = int(wrong.mean(axis=0).argmin())
        seen = float(wrong[:, chosen].mean())
        beyond_width += abs(true[chosen].mean() - seen) > float(occam_width(bits, n, delta=ALPHA))
        beyond_limit += true[chosen].mean() > float(occam_kl_upper(seen, bits, n, delta=ALPHA))
        by_group = [float(wrong[groups == code, chosen].mean()) for code in (0, 1)]
        limit = fairness_gap_bound(bits, (n // 2, n // 2), abs(by_group[1] - by_group[0]), delta=ALPHA)
        beyond_gap += abs(true[chosen, 1] - true[chosen, 0]) > float(limit)
    assert not too_often(beyond_width, repeats)
    assert not too_often(beyond_limit, repeats)
    assert not too_often(beyond_gap, repeats)


@pytest.mark.parametrize("model", ["mlp(widths=16)", "mlp(widths=32-16)"])
def test_no_compressed_network_flips_more_than_its_bound(model):
    problem = load_problem("german", sensitive="sex")
    run = fit(problem, budget="time=80 steps", targets=(), model=model)
    part = problem.splits["test"]
    layers = [(np.asarray(w, np.float64), np.asarray(b, np.float64)) for w, b in run.scorer.layers]
    cut = cut_encoded(run.decision, part.x, part.groups).astype(np.float64)
    before = logit(layers, part.x) > cut
    many = (2, 3, 4, 6, 8, 12)
    curve = flip_curve(layers, part.x, bits=many, thresholds=cut, y=part.y, groups=part.groups)
    for bits, bound, accuracy, gap in zip(many, curve.flips.value, curve.accuracy.value, curve.gap.value, strict=True):
        after = logit(_rounded(layers, bits), part.x) > cut
        assert (after != before).mean() <= bound
        assert abs((after == part.y).mean() - (before == part.y).mean()) <= accuracy + 1e-12
        assert abs(_gap(after, part.groups) - _gap(before, part.groups)) <= gap + 1e-12
    shares = (0.02, 0.1, 0.3, 0.6)
    curve = flip_curve(layers, part.x, sparsities=shares, thresholds=cut)
    sizes = np.sort(np.concatenate([np.abs(w).ravel() for w, _ in layers]))
    for share, bound in zip(shares, curve.flips.value, strict=True):
        least = sizes[int(share * len(sizes))]
        pruned = [(np.where(np.abs(w) < least, 0, w), b) for w, b in layers]
        assert ((logit(pruned, part.x) > cut) != before).mean() <= bound


def _rounded(layers, bits):
    steps = [np.abs(w).max() / (2 ** (bits - 1) - 1) for w, _ in layers]
    return [(np.round(w / step) * step, b) for (w, b), step in zip(layers, steps, strict=True)]


def _gap(decided, groups):
    return float(np.ptp([decided[groups == code].mean() for code in (0, 1)]))
