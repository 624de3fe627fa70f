"""The worked number of each result of statistics and optimisation is the one that its page prints."""

from __future__ import annotations

import pytest

from efficienttrust import theory

NUMBERS = {
    "T6": (0.00116, "lower"),
    "T7": (4099, "upper"),
    "T8": (257_511, "upper"),
    "T9": (0.146, "upper"),
    "T10": (0.237077, "upper"),
    "T11": (286, "lower"),
    "T14": (8, "heuristic"),
    "T16": (1.375, "lower"),
}


@pytest.mark.parametrize("code", NUMBERS)
def test_it_is_one_number_of_its_kind_and_its_functions_exist(code):
    result = theory.results.get(code)
    worked = result.worked()
    value, kind = NUMBERS[code]
    assert float(worked) == pytest.approx(value, rel=2e-3)
    assert worked.kind == kind
    assert all(callable(getattr(theory, name)) for name in result.functions)
    assert result.own == (code == "T16")


def test_the_floor_of_two_gradients_by_hand():
    """Two columns, two gradients: all of the plane. Least squares fits exactly with (1, 0), whose gap is 1."""
    floor = theory.results.get("T16").worked()
    assert floor.details["unconstrained"] == pytest.approx(0, abs=1e-12)
    # g = (1, 0), X'X / 4 = [[6, 1], [1, 2]] / 4: with no gap the first weight is 0 and the best second one 1/2
    assert float(floor) == pytest.approx((1 + 0.25 + 0.25 + 4) / 4)
