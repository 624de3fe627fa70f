"""The band covers the true frontier, and the correction takes off what is wrong with the scores."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.theory._estimated_frontier import EstimatedFrontier, estimated_frontier
from efficienttrust.theory._held_out_scores import HeldOutScores
from efficienttrust.theory.catalogue.fair_bayes_frontier import fair_bayes_frontier

BASE = np.array([0.3, 0.6])
DELTAS = [0, 0.05, 0.1, 0.2]


def posterior(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    """P(Y = 1 | x) where x | Y is normal with the means -1 and 1."""
    return 1 / (1 + np.exp(-2 * x) * (1 - p) / p)


def truth(constraint: str) -> np.ndarray:
    x = np.linspace(-9, 9, 8001)
    mass = np.array([p * np.exp(-((x - 1) ** 2) / 2) + (1 - p) * np.exp(-((x + 1) ** 2) / 2) for p in BASE])
    eta = posterior(x, BASE[:, None])
    return fair_bayes_frontier(
        eta.ravel(), None, np.repeat([0, 1], len(x)), constraint=constraint, deltas=DELTAS,
        sample_weight=mass.ravel(), posterior_known=True,
    ).accuracy.value  # fmt: skip


def draw(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (x, y, groups) with as many of each group."""
    rng = np.random.default_rng(seed)
    groups = np.repeat([0, 1], n // 2)
    y = (rng.random(n) < BASE[groups]).astype(int)
    return rng.normal(size=n) + 2 * y - 1, y, groups


def covered(constraint: str, calibration: str, band: str, n: int, runs: int) -> np.ndarray:
    """Whether the band covers the true frontier [runs, D]; uncalibrated scores are a sigmoid of x alone."""
    true, found = truth(constraint), []
    for seed in range(runs):
        x, y, groups = draw(seed, n)
        scores = posterior(x, BASE[groups] if calibration == "none" else np.array(0.5))
        one = estimated_frontier(
            HeldOutScores(scores, y, groups), constraint=constraint, deltas=DELTAS, calibration=calibration, band=band,
            repeats=200, seed=seed,
        )  # fmt: skip
        found.append((one.low <= true) & (true <= one.high))
    return np.array(found)


def within_four_errors(share: np.ndarray | float, runs: int) -> bool:
    return bool((np.abs(np.asarray(share) - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / runs)).all())


@pytest.mark.parametrize(("constraint", "calibration"), [("dp", "none"), ("eopp", "platt")])
def test_the_band_covers_the_true_frontier(constraint, calibration):
    assert within_four_errors(covered(constraint, calibration, "pointwise", 1000, 100).mean(axis=0), 100)


@pytest.mark.slow
@pytest.mark.parametrize("constraint", ["dp", "eopp", "eo"])
@pytest.mark.parametrize("calibration", ["none", "platt", "best"])
def test_the_band_covers_the_true_frontier_in_many_samples(constraint, calibration):
    assert within_four_errors(covered(constraint, calibration, "pointwise", 4000, 600).mean(axis=0), 600)


@pytest.mark.slow
@pytest.mark.parametrize("constraint", ["dp", "eopp"])
def test_the_simultaneous_band_covers_all_of_it(constraint):
    together = covered(constraint, "platt", "simultaneous", 4000, 600).all(axis=1)
    assert within_four_errors(together.mean(), 600)


@pytest.mark.parametrize("constraint", ["dp", "eopp", "eo"])
def test_the_correction_takes_off_errors_of_the_scores(constraint):
    """Scores that are too sure of themselves: the plug-in believes them, the estimate does not."""
    x, y, groups = draw(0, 40_000)
    odds = posterior(x, BASE[groups]) / (1 - posterior(x, BASE[groups]))
    scores = HeldOutScores(odds**1.5 / (1 + odds**1.5), y, groups)
    found = estimated_frontier(scores, constraint=constraint, deltas=DELTAS, calibration="none")
    true = truth(constraint)
    assert (np.abs(found.plug_in.accuracy.value - true) > 0.02).all()
    assert (np.abs(found.accuracy.value - true) < 0.01).all()
    assert len(found.warnings) >= 1
    assert found.accuracy.kind == "estimate"


def test_who_may_not_read_the_group_is_estimated_too():
    """x is normal around the group's mean as well, so the group's probability follows from x: all is known."""
    rng = np.random.default_rng(3)
    n = 20_000
    groups = np.repeat([0, 1], n // 2)
    y = (rng.random(n) < BASE[groups]).astype(int)
    x = rng.normal(size=n) + 2 * y - 1

    def law(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Density, posterior and P(A = a | x, Y = y) [n, 2, 2]; the group follows from the label alone."""
        density = np.array([np.exp(-((x + 1) ** 2) / 2), np.exp(-((x - 1) ** 2) / 2)])
        joint = np.array([1 - BASE, BASE])  # [label, group]
        marginal = joint.mean(axis=1)
        mass = marginal @ density
        members = np.broadcast_to(joint / joint.sum(axis=1, keepdims=True), (len(x), 2, 2))
        return mass, marginal[1] * density[1] / mass, members

    grid = np.linspace(-9, 9, 8001)
    mass, eta, members = law(grid)
    for constraint in ("dp", "eopp", "eo"):
        arguments = {"constraint": constraint, "attribute": "blind", "deltas": DELTAS}
        true = fair_bayes_frontier(
            eta, None, np.arange(8001) % 2, sample_weight=mass, group_probabilities=members, **arguments
        ).accuracy.value
        _, own, given = law(x)
        found = estimated_frontier(HeldOutScores(own, y, groups, None, given), calibration="platt", **arguments)
        half = (found.high - found.low) / 2
        assert (np.abs(found.accuracy.value - true) <= 4 * half / 1.96 + 1e-9).all()


def test_weights_count_like_repeated_rows():
    x, y, groups = draw(1, 2000)
    eta, weight = posterior(x, BASE[groups]), 1 + np.arange(2000) % 3
    weighted = estimated_frontier(HeldOutScores(eta, y, groups, weight), deltas=DELTAS, calibration="none")
    repeated = HeldOutScores(*(np.repeat(one, weight) for one in (eta, y, groups)))
    plain = estimated_frontier(repeated, deltas=DELTAS, calibration="none")
    assert weighted.accuracy.value == pytest.approx(plain.accuracy.value, abs=1e-10)
    assert (weighted.high - weighted.low > plain.high - plain.low).all()  # repeating rows feigns more of them


def test_a_simultaneous_band_is_wider_and_more_rows_make_it_narrower():
    def width(n: int, band: str) -> np.ndarray:
        x, y, groups = draw(2, n)
        found = estimated_frontier(HeldOutScores(posterior(x, np.array(0.5)), y, groups), deltas=DELTAS, band=band)
        assert ((found.low <= found.accuracy.value) & (found.accuracy.value <= found.high)).all()
        return found.high - found.low

    assert (width(2000, "simultaneous") >= 0.98 * width(2000, "pointwise")).all()
    assert (width(8000, "pointwise") < 0.7 * width(2000, "pointwise")).all()


def test_it_is_never_below_the_same_answer_for_all_rows():
    """Scores and group probabilities that are wrong: the rules made of them lose to saying 1 to everybody."""
    rng = np.random.default_rng(4)
    y, groups = (rng.random(3000) < 0.7).astype(int), rng.integers(0, 2, 3000)
    members = np.stack([np.where(groups == 0, 0.3, 0.7), np.where(groups == 0, 0.7, 0.3)], axis=1)
    scored = HeldOutScores(rng.random(3000), y, groups, None, members)
    found = estimated_frontier(scored, deltas=[0, 0.05], calibration="none", attribute="blind")
    assert found.accuracy.value == pytest.approx([y.mean()] * 2)


@pytest.fixture(scope="module")
def german() -> EstimatedFrontier:
    return estimated_frontier(load_problem("german", sensitive="sex"), deltas=[0, 0.1, 0.5], folds=2)


def test_a_problem_is_enough(german):
    assert 0.6 < german.accuracy.value[-1] < 0.85
    assert (german.low < german.high).all()
    assert german.accuracy.details["model"] in german.accuracy.details["log_loss"]
    assert set(german.accuracy.details["groups"]) == set(load_problem("german", sensitive="sex").group_names)


def test_the_seed_decides_everything(german):
    again = estimated_frontier(load_problem("german", sensitive="sex"), deltas=[0, 0.1, 0.5], folds=2)
    assert again.accuracy.value.tolist() == german.accuracy.value.tolist()
    assert again.low.tolist() == german.low.tolist()


@pytest.mark.parametrize(
    ("labels", "reason"), [(np.zeros(10), "class 0"), (np.ones(10), "class 1")], ids=["no positives", "all positives"]
)
def test_ten_rows_of_one_class_are_vacuous(labels, reason):
    scored = HeldOutScores(labels, labels, [0] * 5 + [1] * 5)
    found = estimated_frontier(scored, deltas=[0, 0.1])
    assert found.accuracy.value == pytest.approx([1, 1])
    assert reason in found.accuracy.reason
    assert any(reason in line for line in found.warnings)


def test_ten_rows_of_both_classes_have_a_wide_band():
    scored = HeldOutScores(np.linspace(0.1, 0.9, 10), [0, 1] * 5, [0] * 5 + [1] * 5)
    found = estimated_frontier(scored, deltas=[0, 0.1])
    assert (found.high - found.low > 0.2).all()


@pytest.mark.parametrize(
    ("scored", "arguments", "message"),
    [
        (HeldOutScores([0.1, 0.9], None, [0, 1]), {}, "y is missing"),
        (HeldOutScores([0.1] * 9, [1] + [0] * 8, [0, 1, 1] * 3), {}, "1 rows of one class for 5 folds"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"calibration": "plat"}, "Did you mean 'platt'"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"band": "both"}, "pointwise"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"level": 1.0}, "level is 1.0"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"folds": 1}, "folds is 1"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"repeats": 0}, "repeats is 0"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"attribute": "blind", "calibration": "none"}, "group_prob"),
        (HeldOutScores([0.1, 0.9], [0, 1], [0, 1]), {"constraint": "eo", "calibration": "none"}, "no rows of a class"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(scored, arguments, message):
    with pytest.raises(UsageError, match=message):
        estimated_frontier(scored, **arguments)
