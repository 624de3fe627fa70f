"""Only what a target calls for is done: penalties for fairness, attacks for robustness, neither without."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from efficienttrust.compression import score_encoded
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.training import lever_of
from efficienttrust.training._levers import levers_of
from efficienttrust.training._monitor import Reading, constraint_states
from tests.small_problems import FAIR, ROBUST, loans, train, weighted_loans

UTILITY = ["accuracy >= 0.6", "auc >= 0.6", "log_loss <= 0.7", "f1 >= 0.4"]


def dials(candidates) -> pd.DataFrame:
    return pd.DataFrame(candidates.history)[["lambda_fair", "adversarial_share"]]


def test_no_target_and_utility_targets_train_plainly():
    for targets in ([], UTILITY):
        candidates, ledger = train(loans(), "steps=60", targets)
        assert (dials(candidates) == 0).all(axis=None)
        assert candidates.head is None
        assert "attack" not in ledger.to_dict()["time"]["phases"]
        assert candidates.members[0].name == "last"


def test_only_fairness_never_attacks():
    candidates, ledger = train(loans(), "steps=60", [FAIR])
    assert (dials(candidates)["adversarial_share"] == 0).all()
    assert (dials(candidates)["lambda_fair"] > 0).any()
    assert candidates.head is not None
    assert "attack" not in ledger.to_dict()["time"]["phases"]


def test_only_robustness_never_penalises():
    candidates, ledger = train(loans(), "steps=80", [ROBUST])
    assert (dials(candidates)["lambda_fair"] == 0).all()
    assert (dials(candidates)["adversarial_share"] > 0).any()
    assert candidates.head is None
    assert "attack" in ledger.to_dict()["time"]["phases"]


@pytest.mark.parametrize("policy", ["static", "rule", "pid"])
@pytest.mark.parametrize("target", [FAIR, ROBUST])
def test_every_policy_leaves_the_other_dial_at_zero(policy, target):
    found = dials(train(loans(), "steps=60", [target], policy=policy)[0])
    assert (found["adversarial_share" if target == FAIR else "lambda_fair"] == 0).all()


def test_two_attributes_are_followed_each_by_its_own_target():
    problem = loans(sensitive="sex,region")
    targets = ["dpd(by=sex) <= 0.05", "eod(by=region) <= 0.1", "eopp <= 0.2"]
    levers = levers_of([parse_target(text) for text in targets])
    assert levers.penalties == (
        ("demographic_parity", "sex"),
        ("equalized_odds", "region"),
        ("equal_opportunity", ""),
    )
    candidates, _ = train(problem, "steps=60", targets)
    for text in targets:
        values = [row[parse_target(text).key] for row in candidates.history]
        assert all(0 <= value <= 1 or np.isnan(value) for value in values)
    assert candidates.head[0].shape[1] == len(problem.group_names) == 6


@pytest.mark.parametrize(
    ("text", "lever"),
    [(FAIR, "fairness"), ("demographic_parity_ratio >= 0.8", "fairness"), (ROBUST, "robustness")]
    + [("worst_group_robust_accuracy(pgd, eps=0.1) >= 0.5", "robustness"), ("worst_group_accuracy >= 0.5", "none")]
    + [(text, "none") for text in UTILITY],
)
def test_levers(text, lever):
    assert lever_of(parse_target(text)) == lever


def test_a_target_that_the_monitor_rows_cannot_estimate_moves_no_dial():
    target = parse_target(FAIR)
    reading = Reading(0.8, 0.8, {target.key: math.nan}, {target.key: math.nan}, {target.key: 0.1}, 0.0, 0.8, 0.8)
    assert constraint_states([target], reading, {}) == ()


def test_the_largest_radius_is_trained_against():
    texts = ["robust_accuracy(pgd, eps=0.1) >= 0.8", "robust_accuracy(pgd, eps=0.3) >= 0.6"]
    assert levers_of([parse_target(text) for text in texts]).eps == 0.3


def test_weights_change_what_is_learned():
    plain, weighted = (train(problem, "steps=60", [])[0] for problem in (loans(), weighted_loans()))
    x = loans().splits["test"].x
    assert np.array_equal(x, weighted_loans().splits["test"].x)
    one, other = (score_encoded(candidates.members[0].scorer, x) for candidates in (plain, weighted))
    assert np.abs(one - other).max() > 1e-3


def test_fairness_and_robustness_pull_where_they_should():
    """A longer training shows it: the gap between groups falls with the penalty, the slope with q."""
    plain, _ = train(loans(1500), "steps=400", [FAIR, ROBUST], policy="static(lambda_fair=0, adversarial_share=0)")
    pulled, _ = train(loans(1500), "steps=400", [FAIR, ROBUST], policy="static(lambda_fair=2, adversarial_share=1)")
    part, p = loans(1500).splits["train"], len(loans(1500).domain.lower)

    def gap_and_slope(candidates) -> tuple[float, float]:
        scorer = candidates.members[0].scorer
        probability = 1 / (1 + np.exp(-score_encoded(scorer, part.x)))
        nudged = part.x.copy()
        nudged[:, :p] += 0.2
        slope = np.abs(score_encoded(scorer, nudged) - score_encoded(scorer, part.x)).mean()
        return abs(probability[part.groups == 0].mean() - probability[part.groups == 1].mean()), slope

    (plain_gap, plain_slope), (pulled_gap, pulled_slope) = gap_and_slope(plain), gap_and_slope(pulled)
    assert pulled_gap < 0.5 * plain_gap
    assert pulled_slope < plain_slope
