"""As the budget shrinks, adversarial training falls back, and every fall-back is declared."""

from __future__ import annotations

from tests.small_problems import FAIR, ROBUST, loans, train


def fallbacks(budget: str, *targets: str) -> tuple[str, ...]:
    candidates, _ = train(loans(), budget, targets)
    recorded = [one.reason for one in candidates.decisions if one.after == "fall-back"]
    assert tuple(recorded) == candidates.fallbacks
    return candidates.fallbacks


def test_plenty_buys_everything():
    assert fallbacks("steps=1000", FAIR, ROBUST) == ()


def test_a_small_budget_attacks_whole_batches_from_the_start():
    (only,) = fallbacks("steps=110", FAIR, ROBUST)
    assert "from the start on whole batches" in only


def test_a_tiny_budget_trains_with_noise():
    candidates, _ = train(loans(), "steps=30", [FAIR, ROBUST])
    assert "not bought by adversarial training" in candidates.fallbacks[-1]
    assert next(one.after for one in candidates.decisions if one.knob == "attack") == "noise"


def test_nothing_is_declared_where_nothing_was_asked():
    assert fallbacks("steps=30", FAIR) == ()


def test_trees_say_what_they_cannot_do():
    candidates, _ = train(loans(), "steps=30", [FAIR, ROBUST], trainer="trees")
    assert "calibration alone" in candidates.fallbacks[0]
