"""Settings: inside their range, spread as asked, told apart, and zero where no target calls for a dial."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import TrustAction
from efficienttrust.training.conditional import DialRange, Setting, spread_settings
from efficienttrust.training.conditional._dialled import LAMBDA_TOP

BOTH = DialRange(fairness=True, robustness=True)
share = st.floats(0, 1)


@given(level=st.floats(-1, 2), q=st.floats(-1, 2))
def test_coordinates_are_clipped_into_the_range(level: float, q: float) -> None:
    setting = BOTH.at(level, q)
    assert 0 <= setting.lambda_fair <= LAMBDA_TOP
    assert 0 <= setting.adversarial_share <= 1


@given(level=share, q=share)
def test_what_is_told_says_where_in_the_range(level: float, q: float) -> None:
    told = BOTH.told(BOTH.at(level, q))
    torch.testing.assert_close(told, torch.tensor([2 * level - 1, 2 * q - 1]), rtol=0, atol=1e-4)


@given(level=share, q=share, spread=share, seed=st.integers(0, 99))
def test_dials_that_no_target_calls_for_stay_zero(level: float, q: float, spread: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for dials in (DialRange(True, False), DialRange(False, True)):
        drawn = dials.draw(dials.at(level, q), spread, generator)
        assert dials.fairness or drawn.lambda_fair == 0
        assert dials.robustness or drawn.adversarial_share == 0


def test_wide_draws_cover_the_range_evenly() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [BOTH.draw(Setting(0.1, 0.9), 1.0, generator) for _ in range(4000)]
    levels = torch.tensor([(one.lambda_fair / LAMBDA_TOP) ** 0.5 for one in drawn])
    shares = torch.tensor([one.adversarial_share for one in drawn])
    for values in (levels, shares):
        counts = torch.histc(values, bins=8, min=0, max=1)
        assert (counts - 500).abs().max() < 5 * (500 * 7 / 8) ** 0.5


def test_narrow_draws_stay_near_the_centre() -> None:
    generator = torch.Generator().manual_seed(0)
    centre = BOTH.at(0.5, 0.5)
    drawn = torch.tensor([BOTH.draw(centre, 0.0, generator).adversarial_share for _ in range(2000)])
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.15, abs=0.02)


def test_the_share_of_wide_draws_is_the_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    corner = BOTH.at(0.0, 0.0)
    far = [BOTH.draw(corner, 0.4, generator).adversarial_share > 0.6 for _ in range(4000)]
    assert sum(far) / len(far) == pytest.approx(0.4 * 0.4, abs=0.02)  # four standard deviations from the centre


def test_a_drawn_action_draws_no_more() -> None:
    action = Setting(0.3, 0.7).on(TrustAction(spread=1.0, trades=2.0))
    assert (action.lambda_fair, action.adversarial_share, action.spread, action.trades) == (0.3, 0.7, 0.0, 2.0)


@pytest.mark.parametrize("count", [1, 2, 6, 24, 50])
def test_grids_hold_about_so_many_settings_and_the_ends(count: int) -> None:
    found = spread_settings(BOTH, count)
    assert len(set(found)) == len(found)
    assert max(count / 2, 4) <= len(found) <= max(count, 4)
    assert {0.0, LAMBDA_TOP} <= {one.lambda_fair for one in found}
    assert {0.0, 1.0} <= {one.adversarial_share for one in found}
    assert all(one.lambda_fair == 0 for one in spread_settings(DialRange(False, True), count))
