"""The projector: whatever a policy asks for, what is done is in range, near what was done before, and noted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import DialLimits, TrustAction, project

LIMITS = DialLimits()
ANYTHING = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -1.0, 1.0, 1e300])

wild_actions = st.builds(
    TrustAction,
    lambda_fair=ANYTHING,
    adversarial_share=ANYTHING,
    attack=st.sampled_from(["n_fgsm", "pgd", "noise", "cw", ""]),
    learning_rate_factor=ANYTHING,
    next_monitor_in=ANYTHING,
    stop=st.booleans(),
)
sane_actions = st.builds(
    TrustAction,
    lambda_fair=st.floats(0.0, LIMITS.lambda_max),
    adversarial_share=st.floats(0.0, 1.0),
    attack=st.sampled_from(["n_fgsm", "pgd", "noise"]),
    learning_rate_factor=st.floats(LIMITS.learning_rate_low, LIMITS.learning_rate_high),
    next_monitor_in=st.floats(LIMITS.interval_low, LIMITS.interval_high),
)


@given(wanted=wild_actions, present=sane_actions)
def test_every_dial_is_in_range(wanted: TrustAction, present: TrustAction) -> None:
    allowed, _ = project(wanted, present, LIMITS)
    assert 0.0 <= allowed.lambda_fair <= LIMITS.lambda_max
    assert 0.0 <= allowed.adversarial_share <= 1.0
    assert LIMITS.learning_rate_low <= allowed.learning_rate_factor <= LIMITS.learning_rate_high
    assert LIMITS.interval_low <= allowed.next_monitor_in <= LIMITS.interval_high
    assert allowed.attack in ("n_fgsm", "pgd", "noise")
    assert allowed.stop == wanted.stop


@given(wanted=wild_actions, present=sane_actions)
def test_no_dial_jumps(wanted: TrustAction, present: TrustAction) -> None:
    allowed, _ = project(wanted, present, LIMITS)
    assert abs(allowed.adversarial_share - present.adversarial_share) <= LIMITS.share_slew + 1e-12
    before, after = present.lambda_fair, allowed.lambda_fair
    assert after <= max(before * LIMITS.lambda_slew, before + LIMITS.lambda_floor) * (1 + 1e-12)
    assert after >= before / LIMITS.lambda_slew * (1 - 1e-12) or before <= LIMITS.lambda_floor / 4


@given(wanted=sane_actions, present=sane_actions)
def test_what_is_allowed_is_left_alone_and_what_is_changed_is_noted(wanted: TrustAction, present: TrustAction) -> None:
    allowed, notes = project(wanted, present, LIMITS)
    named = {note.partition(":")[0] for note in notes}
    for dial in ("lambda_fair", "adversarial_share", "learning_rate_factor", "next_monitor_in", "attack"):
        assert (getattr(allowed, dial) != getattr(wanted, dial)) == (dial in named)
    again, more = project(allowed, present, LIMITS)
    assert (again, more) == (allowed, ())


@pytest.mark.parametrize("dial", ["lambda_fair", "adversarial_share", "learning_rate_factor", "next_monitor_in"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_keeps_the_present_setting(dial: str, value: float) -> None:
    present = TrustAction(0.3, 0.4, learning_rate_factor=0.5, next_monitor_in=0.1)
    allowed, notes = project(TrustAction(**{dial: value}), present, LIMITS)
    assert getattr(allowed, dial) == getattr(present, dial)
    assert any(note.startswith(f"{dial}: {value} is not a number, kept") for note in notes)


def test_unknown_attack_keeps_the_present_one() -> None:
    allowed, notes = project(TrustAction(attack="cw"), TrustAction(attack="pgd"), LIMITS)
    assert allowed.attack == "pgd"
    assert "attack: 'cw' is unknown, kept pgd" in notes


def test_penalty_can_leave_zero_and_return_to_it() -> None:
    action = TrustAction(lambda_fair=0.0)
    heights = []
    for wanted in [5.0] * 20 + [0.0] * 20:
        action, _ = project(TrustAction(lambda_fair=wanted), action, LIMITS)
        heights.append(action.lambda_fair)
    assert max(heights) == 5.0
    assert heights[-1] == 0.0


def test_reasons_and_notes_are_readable() -> None:
    wanted = TrustAction(adversarial_share=1.0, reasons={"adversarial_share": "robustness is missed"})
    allowed, notes = project(wanted, TrustAction(adversarial_share=0.5), LIMITS)
    assert allowed.reasons == wanted.reasons
    assert notes == ("adversarial_share: 1 clipped to 0.75",)
