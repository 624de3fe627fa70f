"""The frontier against linear programs over cells, closed forms and its own rules; any number of groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from efficienttrust.errors import UsageError
from efficienttrust.theory._frontier_blind import rate_shares
from efficienttrust.theory._frontier_rows import Rows
from efficienttrust.theory.catalogue.fair_bayes_frontier import Frontier, fair_bayes_frontier

DELTAS = [0, 0.01, 0.05, 0.1, 0.3, 1]
KINDS = [("dp", "mean"), ("eopp", "mean"), ("eo", "mean"), ("eo", "max")]


def cells(seed: int, k: int, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Random cells with ties: (eta, groups, weight, group probabilities [n, 2, G])."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.arange(n) % k)
    eta = np.round(rng.beta(1 + groups, 2), 2)
    return eta, groups, rng.random(n) + 0.01, rng.dirichlet(np.full(k, 0.3), (n, 2))


def shares(eta, weight, members, constraint) -> np.ndarray:
    names = tuple(map(str, range(members.shape[-1])))
    rows = Rows(eta, weight / weight.sum(), np.zeros(len(eta), int), names, None, np.ones(len(eta), bool))
    return rate_shares(rows, members, constraint)[0]


def by_program(eta, weight, members, constraint, gaps, delta) -> float:
    """The frontier by a generic linear program: h in [0, 1] per cell, then the ends of the windows of the rates."""
    m, v = weight / weight.sum(), shares(eta, weight, members, constraint)
    n, kinds = len(eta), 2 if constraint == "eo" else 1
    k = v.shape[1] // kinds
    rows = []
    for at in range(v.shape[1]):
        low, high = np.zeros(n + 2 * kinds), np.zeros(n + 2 * kinds)
        low[:n], low[n + 2 * (at // k)] = -m * v[:, at], 1
        high[:n], high[n + 2 * (at // k) + 1] = m * v[:, at], -1
        rows += [low, high]
    limits = [0.0] * len(rows)
    widths = np.zeros((kinds, n + 2 * kinds))
    for kind in range(kinds):
        widths[kind, n + 2 * kind : n + 2 * kind + 2] = -1, 1
    if gaps == "mean" and kinds == 2:
        widths, bound = widths.sum(axis=0, keepdims=True), [2 * delta]
    else:
        bound = [delta] * kinds
    found = linprog(
        np.concatenate([-m * (2 * eta - 1), np.zeros(2 * kinds)]),
        A_ub=np.array([*rows, *widths]),
        b_ub=[*limits, *bound],
        bounds=[(0, 1)] * n + [(None, None)] * (2 * kinds),
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return float(m @ (1 - eta) - found.fun)


def attained(found: Frontier, eta, groups, weight, members=None) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy [D] and rates [D, K] of the rules themselves."""
    m = weight / weight.sum()
    one_hot = np.eye(int(groups.max()) + 1)[groups]
    v = shares(eta, weight, one_hot if members is None else members, found.constraint)
    second = groups if members is None else v
    says = np.array([found.rules.probability(place, eta, second) for place in range(len(found.delta))])
    assert ((says >= 0) & (says <= 1 + 1e-12)).all()
    return m @ (1 - eta) + says @ (m * (2 * eta - 1)), (says * m) @ v


def gap_of(rates: np.ndarray, constraint: str, gaps: str) -> np.ndarray:
    if constraint != "eo":
        return np.ptp(rates, axis=1)
    both = np.ptp(rates.reshape(len(rates), 2, -1), axis=2)
    return both.mean(axis=1) if gaps == "mean" else both.max(axis=1)


@pytest.mark.parametrize(("constraint", "gaps"), KINDS)
@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("attribute", ["aware", "blind"])
def test_it_equals_a_linear_program_over_the_cells(constraint, gaps, k, attribute):
    generated = attribute == "blind" and (k > 2 or constraint == "eo")
    for seed in range(1 if generated else 3):
        deltas = [0, 0.05, 0.3] if generated else DELTAS
        eta, groups, weight, members = cells(seed, k)
        given = members if attribute == "blind" else np.eye(k)[groups]
        found = fair_bayes_frontier(
            eta, None, groups, constraint=constraint, gaps=gaps, deltas=deltas, sample_weight=weight,
            attribute=attribute, group_probabilities=members if attribute == "blind" else None, posterior_known=True,
        )  # fmt: skip
        expected = [by_program(eta, weight, given, constraint, gaps, delta) for delta in deltas]
        assert found.accuracy.value == pytest.approx(expected, abs=2e-8 if generated else 1e-10)
        assert (found.accuracy.details["duality_gap"] <= 1.01e-8).all()


@pytest.mark.parametrize(("constraint", "gaps"), KINDS)
def test_certain_rows_and_tiny_weights_change_nothing_in_that(constraint, gaps):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        groups = np.arange(16) % (2 + seed % 2)
        eta = np.concatenate([np.full(6, 0.5), rng.choice([0, 0.25, 0.5, 0.75, 1], 10)])
        weight = rng.random(16) * rng.choice([1, 1e-9], 16)
        found = fair_bayes_frontier(
            eta, None, groups, constraint=constraint, gaps=gaps, deltas=[0, 0.1, 0.4], sample_weight=weight
        )
        one_hot = np.eye(2 + seed % 2)[groups]
        expected = [by_program(eta, weight, one_hot, constraint, gaps, delta) for delta in found.delta]
        assert found.accuracy.value == pytest.approx(expected, abs=1e-8)
        accuracy, rates = attained(found, eta, groups, weight)
        assert accuracy == pytest.approx(found.accuracy.value, abs=1e-12)
        assert (gap_of(rates, constraint, gaps) <= found.delta + 1e-9).all()


@pytest.mark.parametrize(("constraint", "gaps"), KINDS)
@pytest.mark.parametrize("attribute", ["aware", "blind"])
def test_its_rules_have_the_accuracy_and_the_gaps(constraint, gaps, attribute):
    for seed, k in ((0, 2), (2, 3)):
        eta, groups, weight, members = cells(seed, k)
        blind = attribute == "blind"
        found = fair_bayes_frontier(
            eta, None, groups, constraint=constraint, gaps=gaps, deltas=DELTAS, sample_weight=weight,
            attribute=attribute, group_probabilities=members if blind else None,
        )  # fmt: skip
        accuracy, rates = attained(found, eta, groups, weight, members if blind else None)
        assert (gap_of(rates, constraint, gaps) <= found.delta + 1e-8).all()
        assert accuracy == pytest.approx(found.accuracy.value, abs=1e-8)
        assert gap_of(found.accuracy.details["rates"], constraint, gaps) == pytest.approx(
            gap_of(rates, constraint, gaps), abs=1e-8
        )


@pytest.mark.parametrize("attribute", ["aware", "blind"])
def test_labels_that_are_known_cost_the_gap_of_the_base_rates(attribute):
    weight = np.array([0.3 * 0.8, 0.3 * 0.2, 0.7 * 0.4, 0.7 * 0.6])
    groups = np.array([0, 0, 1, 1])
    found = fair_bayes_frontier(
        [0, 1, 0, 1], None, groups, deltas=[0, 0.1, 0.4, 0.5], sample_weight=weight, attribute=attribute,
        group_probabilities=np.eye(2)[groups] if attribute == "blind" else None, posterior_known=True,
    )  # fmt: skip
    assert 1 - found.accuracy.value == pytest.approx([0.12, 0.09, 0, 0], abs=1e-12)
    assert found.accuracy.kind == "exact"
    assert found.accuracy.rigorous


def test_two_normal_classes_have_the_closed_form():
    x = np.linspace(-9, 9, 100001)
    base = np.array([0.3, 0.6])
    density = np.array([p * np.exp(-((x - 1) ** 2) / 2) + (1 - p) * np.exp(-((x + 1) ** 2) / 2) for p in base])
    eta = base[:, None] * np.exp(-((x - 1) ** 2) / 2) / density
    found = fair_bayes_frontier(
        eta.ravel(), None, np.repeat([0, 1], len(x)), deltas=[0, 0.05, 0.1, 0.2, 1], sample_weight=density.ravel(),
        posterior_known=True,
    )  # fmt: skip
    assert found.accuracy.value == pytest.approx([0.794491, 0.809082, 0.822004, 0.841942, 0.853734], abs=2e-6)
    assert np.ptp(found.accuracy.details["rates"][-1]) == pytest.approx(0.346900, abs=1e-4)
    assert np.abs(found.accuracy.details["prices"][0]) == pytest.approx([0.307117] * 2, abs=1e-4)
    odds = (1 - base) / base
    points = -np.log((1 / found.rules.threshold[0] - 1) / odds) / 2
    assert sorted(points) == pytest.approx([-0.2920, 0.5130], abs=1e-3)


def test_equalized_odds_of_two_roc_curves():
    roc = {0: (0.2, 0.8), 1: (0.3, 0.6)}
    eta, groups, weight = [], [], []
    for group, (f, t) in roc.items():
        for positive, negative in ((t, f), (1 - t, 1 - f)):
            eta.append(positive / (positive + negative))
            groups.append(group)
            weight.append(positive + negative)
    for gaps in ("mean", "max"):
        found = fair_bayes_frontier(eta, None, groups, constraint="eo", gaps=gaps, deltas=[0, 1], sample_weight=weight)
        assert found.accuracy.value == pytest.approx([0.65, 0.725], abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 4), st.sampled_from(KINDS))
def test_it_rises_is_concave_and_ends_at_the_best_accuracy(seed, k, kind):
    eta, groups, weight, _ = cells(seed, k, 40)
    constraint, gaps = kind
    value = fair_bayes_frontier(
        eta, None, groups, constraint=constraint, gaps=gaps, deltas=np.linspace(0, 1, 9), sample_weight=weight
    ).accuracy.value
    assert (np.diff(value) >= -1e-10).all()
    assert (np.diff(value, 2) <= 1e-9).all()
    assert value[-1] == pytest.approx(np.average(np.maximum(eta, 1 - eta), weights=weight), abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 4), st.sampled_from(KINDS))
def test_order_of_rows_names_of_groups_and_split_rows_change_nothing(seed, k, kind):
    eta, groups, weight, _ = cells(seed, k, 40)
    constraint, gaps = kind
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(eta)), rng.permutation(k)

    def frontier(eta, groups, weight):
        return fair_bayes_frontier(
            eta, None, groups, constraint=constraint, gaps=gaps, deltas=DELTAS, sample_weight=weight
        ).accuracy.value

    value = frontier(eta, groups, weight)
    assert frontier(eta[order], names[groups[order]], weight[order]) == pytest.approx(value, abs=1e-11)
    twice = np.concatenate([weight * 0.3, weight * 0.7])
    assert frontier(np.tile(eta, 2), np.tile(groups, 2), twice) == pytest.approx(value, abs=1e-11)
    text = np.array([f"group {name}" for name in groups])
    assert frontier(eta, text, weight * 7) == pytest.approx(value, abs=1e-11)


def test_reading_the_group_never_hurts():
    eta, groups, weight, members = cells(5, 3)
    deltas = np.linspace(0, 1, 11)
    blind = fair_bayes_frontier(
        eta, None, groups, deltas=deltas, sample_weight=weight, attribute="blind", group_probabilities=members
    ).accuracy.value
    # Who may read the group of each row sees the law (eta, a) with mass P(a | row).
    joint = np.concatenate(
        [np.stack([(1 - eta) * members[:, 0, a], eta * members[:, 1, a]], axis=1) * weight[:, None] for a in range(3)]
    )
    aware = fair_bayes_frontier(
        joint[:, 1] / joint.sum(axis=1), None, np.repeat([0, 1, 2], len(eta)), deltas=deltas,
        sample_weight=joint.sum(axis=1),
    ).accuracy.value  # fmt: skip
    assert (aware >= blind - 1e-8).all()


def test_rows_of_unknown_group_and_without_weight_play_no_part():
    eta, groups, weight, members = cells(6, 2)
    value = fair_bayes_frontier(eta, None, groups, deltas=DELTAS, sample_weight=weight).accuracy.value
    more = fair_bayes_frontier(
        [*eta, 0.9, 0.2], None, [*groups, -1, 1], deltas=DELTAS, sample_weight=[*weight, 3, 0]
    ).accuracy
    assert more.value == pytest.approx(value, abs=1e-14)
    assert more.details["left_out"] == 2
    blind = fair_bayes_frontier(
        [*eta, 0.9], None, [*groups, -1], deltas=DELTAS, sample_weight=[*weight, 3], attribute="blind",
        group_probabilities=np.concatenate([members[:, 0], [[0.5, 0.5]]]),
    )  # fmt: skip
    assert len(blind.rules.shares) == len(DELTAS)


def test_codes_may_be_large_or_floating_and_negative_ones_are_unknown():
    scores = [0.1, 0.9, 0.4, 0.6, 0.5]
    for groups in ([-1, 20_000, 20_000, 7, 7], [-1.0, 1.0, 1.0, 0.0, 0.0]):
        found = fair_bayes_frontier(scores, None, groups, deltas=[0.1]).accuracy
        assert found.details["groups"] == tuple(str(int(name)) for name in sorted(set(groups))[1:])
        assert found.inputs["n"] == 4


def test_a_miscalibrated_score_is_said_and_a_calibrated_one_is_not():
    rng = np.random.default_rng(0)
    eta, groups = rng.random(6000), rng.integers(0, 2, 6000)
    y = rng.random(6000) < eta
    right = fair_bayes_frontier(eta, y, groups, deltas=[0.1])
    assert right.warnings == ()
    assert right.accuracy.kind == "estimate"
    wrong = fair_bayes_frontier(np.where(groups == 1, eta**3, eta), y, groups, deltas=[0.1])
    assert len(wrong.warnings) == 1
    assert "group '1'" in wrong.warnings[0]
    assert wrong.accuracy.details["calibration_error"]["1"] > 0.1 > wrong.accuracy.details["calibration_error"]["0"]


@pytest.mark.parametrize(
    ("scores", "groups", "constraint", "value", "reason"),
    [
        ([0.2, 0.9, 0.6], [0, 0, 0], "dp", 0.8 + 0.9 + 0.6, "one group"),
        ([0.4, 0.4, 0.4], [0, 1, 1], "eo", 1.8, "equal"),
        ([0, 0, 0], [0, 1, 1], "dp", 3, "class 0"),
        ([1, 1, 1], [0, 1, 1], "eopp", 3, "class 1"),
    ],
)
def test_where_there_is_no_trade_off_it_is_vacuous_and_says_why(scores, groups, constraint, value, reason):
    found = fair_bayes_frontier(scores, None, groups, constraint=constraint, deltas=[0, 0.5]).accuracy
    assert found.value == pytest.approx([value / 3] * 2)
    assert found.vacuous
    assert reason in found.reason
    assert not found.rigorous


GOOD = {"scores": [0.1, 0.9, 0.4, 0.6], "y": [0, 1, 0, 1], "groups": [0, 0, 1, 1], "deltas": [0.1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [0.1, 0.9, 0.4, 1.6]}, "within"),
        ({"scores": [0.1, 0.9, 0.4, float("nan")]}, "NaN"),
        ({"scores": []}, "at least one row"),
        ({"scores": [[0.1, 0.9, 0.4, 0.6]]}, "shape"),
        ({"y": [0, 1, 0]}, "one label for each of the 4"),
        ({"y": [0, 1, 0, 2]}, "0 and 1"),
        ({"groups": [0, 1]}, "one group for each of the 4"),
        ({"groups": [-1, -1, -1, -1]}, "known group"),
        ({"groups": [0.0, float("nan"), 1.0, 1.0]}, "NaN"),
        ({"sample_weight": [1, 1, 1]}, "4 finite"),
        ({"sample_weight": [1, 1, 1, -1]}, "at least 0"),
        ({"deltas": []}, "one allowed gap"),
        ({"deltas": [0.1, 1.1]}, "within"),
        ({"deltas": [0.1, float("nan")]}, "within"),
        ({"deltas": [0.2, 0.1]}, "rising"),
        ({"constraint": "dpp"}, "Did you mean 'dp'"),
        ({"attribute": "blnd"}, "Did you mean 'blind'"),
        ({"gaps": "maximum"}, "max"),
        ({"attribute": "blind"}, "needs group_probabilities"),
        ({"attribute": "blind", "group_probabilities": np.full((4, 3), 1 / 3)}, "give \\(4, 2\\)"),
        ({"attribute": "blind", "group_probabilities": np.full((4, 2), 0.6)}, "add up to 1"),
        ({"group_probabilities": np.full((4, 2), 0.5)}, "attribute='blind'"),
        ({"scores": [0, 0, 0.4, 0.6], "constraint": "eopp"}, "group '0' has no positives"),
        ({"scores": [1, 1, 0.4, 0.6], "constraint": "eo"}, "group '0' has no negatives"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(change, message):
    with pytest.raises(UsageError, match=message) as caught:
        fair_bayes_frontier(**{**GOOD, **change})
    assert "\n" not in str(caught.value)
