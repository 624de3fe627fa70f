"""`torch.compile` is tried where the arithmetic says that it pays, kept where it is faster, and charged in any case."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.training import Settings
from efficienttrust.training._compile import FASTER, PRUDENCE, USUAL_SAVING, USUAL_SECONDS, worth_keeping, worth_trying
from tests.small_problems import FAIR, loans
from tests.training.module_cases import HERE, closest, train_module, weights

LONG = {"on_gpu": True, "clock": "wall", "plain": 0.02, "remaining": 3600.0, "enough_steps": 1e6}


def test_a_long_training_on_a_gpu_tries():
    assert worth_trying("auto", **LONG)


@pytest.mark.parametrize(
    "change",
    [
        {"on_gpu": False},
        {"clock": "steps"},
        {"clock": "flops"},
        {"remaining": USUAL_SECONDS},
        {"remaining": 100.0},
        {"enough_steps": 1000.0},
        {"plain": 0.0},
    ],
    ids=str,
)
def test_nothing_to_gain_is_not_tried(change):
    assert not worth_trying("auto", **{**LONG, **change})
    assert worth_trying("on", **{**LONG, **change})
    assert not worth_trying("off", **{**LONG, **change})


def test_it_is_tried_from_where_the_saving_exceeds_the_cost():
    turning = PRUDENCE * USUAL_SECONDS / USUAL_SAVING  # seconds of plain steps
    assert not worth_trying("auto", **{**LONG, "remaining": USUAL_SECONDS + turning * 0.999})
    assert worth_trying("auto", **{**LONG, "remaining": USUAL_SECONDS + turning * 1.001})


def test_what_is_not_faster_is_dropped_unless_asked_for():
    assert worth_keeping("auto", plain=1.0, compiled=FASTER - 0.01)
    assert not worth_keeping("auto", plain=1.0, compiled=FASTER + 0.01)
    assert worth_keeping("on", plain=1.0, compiled=2.0)


def test_another_word_is_refused():
    with pytest.raises(UsageError, match="unknown choice of compile 'onn'"):
        Settings(compile="onn")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*script_method.*:DeprecationWarning")  # of torch, on loading its own compiler
def test_on_a_cpu_a_compiled_training_takes_the_same_steps_and_is_charged():
    compiled = Settings(device="cpu", precision="fp32", compile="on")
    plain, _ = train_module(loans(), "steps=12", f"{HERE}:dropless", (FAIR,))
    made, ledger = train_module(loans(), "steps=12", f"{HERE}:dropless", (FAIR,), settings=compiled)
    assert closest(weights(plain)[0], weights(made)[0]) < 1e-4
    assert ledger.used() == 12
    assert any(one.startswith("compile: ") for one in made.fallbacks)
    _, ledger = train_module(loans(), "time=60s cpu", f"{HERE}:dropless", (FAIR,), settings=compiled)
    phases = ledger.to_dict()["time"]["phases"]
    assert phases["compile"] > 0, "the cache of the first training makes it cheap, not free"
    assert ledger.used() <= 60
