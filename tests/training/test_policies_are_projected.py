"""Whatever a policy asks for, its first setting included, what is done lies in range, and the record says so."""

from __future__ import annotations

import math

import pytest

from efficienttrust.atats import Plan, TrustAction, TrustState
from efficienttrust.atats._dials import OF_NAME
from tests.small_problems import FAIR, ROBUST, loans, train

NAN = math.nan


class Stubborn:
    """Returns the same action always."""

    name = "stubborn"

    def __init__(self, wanted: TrustAction, start: TrustAction | None = None) -> None:
        self.wanted, self.start = wanted, start

    def reset(self, plan: Plan) -> TrustAction:
        return self.wanted if self.start is None else self.start

    def act(self, state: TrustState) -> TrustAction:
        return self.wanted

    def state_dict(self) -> dict[str, float]:
        return {}

    def load_state_dict(self, state: dict[str, float]) -> None:
        return None


NOTHING = TrustAction(lambda_fair=NAN, adversarial_share=NAN, learning_rate_factor=NAN, next_monitor_in=NAN)
WILD = TrustAction(1e9, 7.0, "magic", 1e6, -1.0)
BACKWARD = TrustAction(-5.0, -1.0, "pgd", -3.0, 1e9)


@pytest.mark.parametrize("start", [None, TrustAction(0.2, 0.3, next_monitor_in=0.1)], ids=["from the start", "later"])
@pytest.mark.parametrize("wanted", [NOTHING, WILD, BACKWARD], ids=["nan", "wild", "backward"])
def test_every_dial_stays_in_range(wanted, start):
    candidates, ledger = train(loans(), "steps=70", [FAIR, ROBUST], policy=Stubborn(wanted, start))
    weight, share = OF_NAME["lambda_fair"], OF_NAME["adversarial_share"]
    assert ledger.used() <= 70
    assert len(candidates.history) >= 2
    for row in candidates.history:
        assert 0 <= row["lambda_fair"] <= weight.high
        assert 0 <= row["adversarial_share"] <= 1
        assert math.isfinite(row["loss"])
    for before, after in zip(candidates.history, candidates.history[1:], strict=False):
        assert after["adversarial_share"] - before["adversarial_share"] <= share.slew + 1e-9
        rise = max(before["lambda_fair"] * weight.factor, before["lambda_fair"] + weight.slew)
        assert after["lambda_fair"] <= rise + 1e-9
    clipped = [one for one in candidates.decisions if "clipped" in one.reason or "kept" in one.reason]
    assert clipped, "what was refused is on record"


def test_the_first_setting_may_be_anywhere_in_range():
    start = TrustAction(lambda_fair=5.0, adversarial_share=1.0, next_monitor_in=0.2)
    candidates, _ = train(loans(), "steps=60", [FAIR, ROBUST], policy=Stubborn(start))
    first = {one.knob: one.after for one in candidates.decisions if one.step == 0}
    assert first["lambda_fair"] == "5"
    assert first["adversarial_share"] == "1"


def test_a_policy_may_end_training_early():
    stop = Stubborn(TrustAction(stop=True), TrustAction(next_monitor_in=0.2))
    candidates, ledger = train(loans(), "steps=200", [FAIR], policy=stop)
    assert ledger.used() < 100
    assert candidates.decisions[-1].knob == "stop"
    assert candidates.members
