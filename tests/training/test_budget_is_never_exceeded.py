"""No policy and no trainer spends more than the budget on the deterministic clocks, or trains when it buys no step."""

from __future__ import annotations

import pytest

from efficienttrust.atats import policies
from efficienttrust.errors import InfeasibleError
from efficienttrust.training import trainers
from tests.small_problems import loans, train

BUDGETS = ("steps=20", "steps=61", "samples=2500", "flops=4e7", "epochs=6")


def in_samples(budget: str) -> str:
    """A ledger knows no epochs: the pipeline turns them into samples."""
    return f"samples={6 * len(loans().splits['train'].y)}" if budget.startswith("epochs") else budget


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("policy", [*policies.names(), "static(lambda_fair=3, adversarial_share=1)"])
def test_a_network_stays_inside(policy, budget):
    candidates, ledger = train(loans(), in_samples(budget), policy=policy)
    assert 0.5 * ledger.limit < ledger.used() <= ledger.limit
    assert len(candidates.history) >= 1
    assert all(row["used"] <= ledger.limit for row in candidates.history)


@pytest.mark.parametrize("budget", ["steps=10", "steps=65", "samples=9000", "flops=3e5"])
def test_trees_stay_inside(budget):
    candidates, ledger = train(loans(), budget, trainer="trees")
    assert 0.5 * ledger.limit < ledger.used() <= ledger.limit
    assert candidates.members[0].name.endswith(" trees")


@pytest.mark.parametrize("trainer", trainers.names())
@pytest.mark.parametrize("budget", ["samples=31", "flops=10", "time=0.1ms", "time=0.1ms cpu"])
def test_a_budget_that_buys_no_step_is_refused_with_what_is_needed(budget, trainer):
    with pytest.raises(InfeasibleError) as refused:
        train(loans(), budget, trainer=trainer)
    message = str(refused.value)
    assert message.startswith("budget: ")
    assert "≈" in message
    assert "\n" not in message


def test_a_budget_is_a_cap_and_not_a_target():
    _, ledger = train(loans(), "steps=100000", ["accuracy >= 0.5"])
    assert ledger.used() < 3000


def test_without_a_time_limit_training_ends():
    candidates, ledger = train(loans(200), "size=1MB", ["accuracy >= 0.5"])
    assert ledger.used("steps") < 3000
    assert candidates.history[-1]["progress"] <= 1


def test_a_budget_of_one_step_buys_one_step():
    """On a counted clock costs are known, so nothing is spent on a probe."""
    candidates, ledger = train(loans(), "steps=1")
    assert ledger.used() == 1
    assert candidates.members[0].note == "after the last step (1)"
