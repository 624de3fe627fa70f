"""A figure under attack is an upper bound: its certificate names the attack, and alarms take it away."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.evaluation.alarms import alarms
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Outcome, measure
from efficienttrust.metrics.metric import robust_key
from efficienttrust.pipeline._audit_verdicts import DOUBT_ATTACKS, THIS_ATTACK, judge

N = 400


def judged(text, *, standing=380, **options):
    y = np.arange(N) % 2
    right = np.arange(N) < standing
    outcome = Outcome(
        y=y, prediction=y, score=y * 0.9, groups=y, group_names=("a", "b"), attributes={"kind": (y, ("a", "b"))},
        robust={robust_key("pgd", 0.1, "linf"): right},
    )  # fmt: skip
    target = parse_target(text)
    found = {target.key: measure(target.metric, outcome, dict(target.arguments))}
    return judge([target], found, outcome, **options)[0]


def fired(name):
    return {"name": name, "fired": True}


UNDER_ATTACK = [
    "robust_accuracy(pgd, eps=0.1) >= 0.8",
    "worst_group_robust_accuracy(pgd, eps=0.1) >= 0.8",
    "robust_accuracy_gap(pgd, eps=0.1) <= 0.3",
]


@pytest.mark.parametrize("text", UNDER_ATTACK)
def test_a_certificate_speaks_of_this_attack_only(text):
    verdict = judged(text, alarms=[fired("lost_by_rounding"), {"name": "zero_gradients", "fired": None}])
    assert (verdict.status, verdict.qualifier) == ("certified", "")
    assert verdict.reason.endswith(THIS_ATTACK)


@pytest.mark.parametrize("text", UNDER_ATTACK)
@pytest.mark.parametrize("name", sorted(DOUBT_ATTACKS))
def test_an_alarm_about_the_attack_takes_the_certificate_away(text, name):
    verdict = judged(text, alarms=[fired(name)])
    assert (verdict.status, verdict.qualifier) == ("met", "doubted")
    assert name in verdict.reason
    assert "proves" not in verdict.reason


def test_an_evaluation_that_did_not_reach_every_row_is_doubted():
    verdict = judged(UNDER_ATTACK[0], complete=False)
    assert (verdict.status, verdict.qualifier) == ("met", "doubted")
    assert "not every row was attacked" in verdict.reason


def test_a_missed_target_stays_missed_and_clean_metrics_are_not_doubted():
    missed = judged(UNDER_ATTACK[0], standing=200, alarms=[fired("zero_gradients")])
    assert (missed.status, missed.qualifier) == ("missed", "")
    clean = judged("accuracy >= 0.8", alarms=[fired("zero_gradients")], complete=False)
    assert (clean.status, clean.qualifier) == ("certified", "")


def test_every_alarm_that_doubts_is_one_that_an_audit_raises():
    assert set(DOUBT_ATTACKS) <= set(alarms.names())
