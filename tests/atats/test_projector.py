"""The projector: whatever a policy asks for, what is done is in range, near what was done before, and noted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import DIALS, TrustAction, project

ANYTHING = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -1.0, 1.0, 1e300])

wild_actions = st.builds(
    TrustAction,
    attack=st.sampled_from(["n_fgsm", "pgd", "noise", "cw", ""]),
    stop=st.booleans(),
    **{dial.name: ANYTHING for dial in DIALS},
)
sane_actions = st.builds(
    TrustAction,
    attack=st.sampled_from(["n_fgsm", "pgd", "noise"]),
    **{dial.name: st.floats(dial.low, dial.high) for dial in DIALS},
)


@given(wanted=wild_actions, present=sane_actions)
def test_every_dial_is_in_range(wanted: TrustAction, present: TrustAction) -> None:
    allowed, _ = project(wanted, present)
    for dial in DIALS:
        assert dial.low <= getattr(allowed, dial.name) <= dial.high
    assert allowed.attack in ("n_fgsm", "pgd", "noise")
    assert allowed.stop == wanted.stop


@given(wanted=wild_actions, present=sane_actions)
def test_no_dial_jumps(wanted: TrustAction, present: TrustAction) -> None:
    allowed, _ = project(wanted, present)
    for dial in DIALS:
        before, after = getattr(present, dial.name), getattr(allowed, dial.name)
        if dial.factor == 1:
            assert abs(after - before) <= dial.slew + 1e-12
        else:
            assert after <= max(before * dial.factor, before + dial.slew) * (1 + 1e-12)
            assert after >= before / dial.factor * (1 - 1e-12) or before <= dial.slew / 4


@given(wanted=wild_actions)
def test_the_start_may_be_anywhere_in_range(wanted: TrustAction) -> None:
    allowed, _ = project(wanted, TrustAction(), start=True)
    for dial in DIALS:
        value = getattr(wanted, dial.name)
        if math.isfinite(value):
            assert getattr(allowed, dial.name) == min(max(value, dial.low), dial.high)


@given(wanted=wild_actions, present=sane_actions, held=st.sets(st.sampled_from([dial.name for dial in DIALS])))
def test_held_dials_stay_and_a_wish_to_move_one_is_noted(
    wanted: TrustAction, present: TrustAction, held: set[str]
) -> None:
    allowed, notes = project(wanted, present, held=held)
    named = {note.partition(":")[0] for note in notes}
    for name in held:
        assert getattr(allowed, name) == getattr(present, name)
        if getattr(wanted, name) != getattr(present, name):
            assert name in named


@given(wanted=sane_actions, present=sane_actions)
def test_what_is_allowed_is_left_alone_and_what_is_changed_is_noted(wanted: TrustAction, present: TrustAction) -> None:
    allowed, notes = project(wanted, present)
    named = {note.partition(":")[0] for note in notes}
    for dial in (*(one.name for one in DIALS), "attack"):
        assert (getattr(allowed, dial) != getattr(wanted, dial)) == (dial in named)
    again, more = project(allowed, present)
    assert (again, more) == (allowed, ())


@pytest.mark.parametrize("dial", [one.name for one in DIALS])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_keeps_the_present_setting(dial: str, value: float) -> None:
    present = TrustAction(0.3, 0.4, learning_rate_factor=0.5, next_monitor_in=0.1)
    allowed, notes = project(TrustAction(**{dial: value}), present)
    assert getattr(allowed, dial) == getattr(present, dial)
    assert any(note.startswith(f"{dial}: {value} is not a number, kept") for note in notes)


def test_unknown_attack_keeps_the_present_one() -> None:
    allowed, notes = project(TrustAction(attack="cw"), TrustAction(attack="pgd"))
    assert allowed.attack == "pgd"
    assert "attack: 'cw' is unknown, kept pgd" in notes


def test_penalty_can_leave_zero_and_return_to_it() -> None:
    action = TrustAction(lambda_fair=0.0)
    heights = []
    for wanted in [5.0] * 20 + [0.0] * 20:
        action, _ = project(TrustAction(lambda_fair=wanted), action)
        heights.append(action.lambda_fair)
    assert max(heights) == 5.0
    assert heights[-1] == 0.0


def test_reasons_and_notes_are_readable() -> None:
    wanted = TrustAction(adversarial_share=1.0, reasons={"adversarial_share": "robustness is missed"})
    allowed, notes = project(wanted, TrustAction(adversarial_share=0.5))
    assert allowed.reasons == wanted.reasons
    assert notes == ("adversarial_share: 1 clipped to 0.75",)
