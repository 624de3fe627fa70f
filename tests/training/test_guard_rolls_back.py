"""When the guard sees catastrophic overfitting, training goes back to the last sound weights and on with PGD, once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from efficienttrust.training._monitor import Monitor
from tests.small_problems import ROBUST, fingerprint, loans, train

STATIC = "static(lambda_fair=0, adversarial_share=1)"


@pytest.fixture
def false_robustness(monkeypatch):
    """From the fourth guarded look on, the single-step attack finds nothing while PGD finds everything."""
    seen = {"guarded": 0, "weights": []}
    look = Monitor.look

    def stub(self, scorer, z, *, guard):
        reading = look(self, scorer, z, guard=guard)
        if not guard:
            return reading
        seen["guarded"] += 1
        seen["weights"].append([part.copy() for layer in scorer.layers for part in layer])
        bad = seen["guarded"] >= 5  # one look of the probe and three sound ones come first
        return dataclasses.replace(reading, fgsm=0.9 if bad else 0.7, pgd=0.2 if bad else 0.7)

    monkeypatch.setattr(Monitor, "look", stub)
    return seen


def test_it_goes_back_and_on_with_pgd_at_half_the_rate(false_robustness):
    candidates, _ = train(loans(), "steps=120", [ROBUST], policy=STATIC)
    acts = [one for one in candidates.decisions if "guard" in one.reason]
    assert {one.knob for one in acts} == {"attack", "learning_rate_factor"}
    assert len({one.step for one in acts}) == 1, "it acts once"
    attack = next(one for one in acts if one.knob == "attack")
    assert (attack.before, attack.after) == ("n_fgsm", "pgd")
    assert "FGSM accuracy 0.900 exceeds PGD accuracy 0.200" in attack.reason
    rate = next(one for one in acts if one.knob == "learning_rate_factor")
    assert (rate.before, rate.after) == ("1", "0.5")
    later = [one for one in candidates.decisions if one.step > attack.step]
    assert not [one for one in later if one.knob in ("attack", "learning_rate_factor")], "the policy has no say in both"


def test_the_weights_of_the_last_sound_look_are_restored(false_robustness, monkeypatch):
    from efficienttrust.training._loop import Loop

    restored = []
    roll_back = Loop._roll_back

    def spy(self, progress, reason):
        roll_back(self, progress, reason)
        restored.append([part for layer in self.stepper.network.layers() for part in layer])

    monkeypatch.setattr(Loop, "_roll_back", spy)
    train(loans(), "steps=120", [ROBUST], policy=STATIC)
    sound, bad = false_robustness["weights"][3], false_robustness["weights"][4]
    assert all(np.array_equal(a, b) for a, b in zip(restored[0], sound, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(sound, bad, strict=True))


def test_a_guarded_run_resumes_to_the_same_end(false_robustness, tmp_path):
    whole, _ = train(loans(), "steps=120", [ROBUST], policy=STATIC)
    false_robustness["guarded"] = 0
    looks = 0

    def kill(step, metrics, action):
        nonlocal looks
        looks += 1
        if looks == 7:  # two looks after the guard has acted
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(loans(), "steps=120", [ROBUST], policy=STATIC, checkpoint=tmp_path / "state.pt", on_progress=kill)
    resumed, _ = train(loans(), "steps=120", [ROBUST], policy=STATIC, checkpoint=tmp_path / "state.pt")
    assert fingerprint(resumed) == fingerprint(whole)


def test_it_is_quiet_on_a_sound_run():
    candidates, _ = train(loans(), "steps=120", [ROBUST], policy=STATIC)
    assert not [one for one in candidates.decisions if "guard" in one.reason]
