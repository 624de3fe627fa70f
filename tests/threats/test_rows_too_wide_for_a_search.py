"""A search that does nothing on wide rows is refused or left out: rows that nobody attacked are not standing."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.artefacts import searches_of
from efficienttrust.threats import ModuleVictim, ball, evaluate_robustness
from tests.threats.pictures import pictures, two_logits


def test_alone_it_is_refused_and_a_cascade_leaves_it_out() -> None:
    x, y = pictures(20, side=10)  # 300 cells
    model, _ = two_logits(x)
    with pytest.raises(UsageError, match="coordinate takes rows of up to 256 cells, these have 300: use square"):
        evaluate_robustness(ModuleVictim(model), ball(x, 0.1), y, attack="coordinate")
    found = evaluate_robustness(ModuleVictim(model), ball(x, 0.1), y, attack="standard")
    assert "coordinate" not in [stage.name for stage in found.stages]


@pytest.mark.parametrize("attack", ["pgd", "standard", "coordinate"])
def test_what_is_shipped_is_searched_by_square_instead(attack: str) -> None:
    assert "coordinate" in searches_of(attack, gradient=False, cells=256)
    wide = searches_of(attack, gradient=False, cells=257)
    assert "square" in wide
    assert "coordinate" not in wide
