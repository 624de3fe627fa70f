"""A budget in seconds covers everything up to the delivered file, and holds."""

from __future__ import annotations

import dataclasses

import pytest

from efficienttrust import fit
from efficienttrust.errors import InfeasibleError
from tests.small_problems import FAIR, ROBUST, loans


@pytest.mark.parametrize("trainer", ["network", "trees"])
def test_two_seconds_of_cpu_time_hold(trainer):
    run = fit(loans(16_000), budget="time=2s cpu", targets=[FAIR, ROBUST], trainer=trainer)
    time = run.ledger["time"]
    assert time["overrun"] <= max(0.03 * 2, 0.2), time["phases"]
    assert time["used"] > 0.4
    assert time["phases"]["data"] > 0


def test_the_network_uses_what_it_was_given_when_it_needs_it():
    run = fit(loans(16_000), budget="time=0.8s cpu", targets=[FAIR, ROBUST])  # with 1 s it has trained enough
    assert run.ledger["time"]["used"] > 0.6
    phases = run.ledger["time"]["phases"]
    assert phases.get("scheduler", 0) <= 0.12 * run.ledger["time"]["used"]


@pytest.mark.parametrize("trainer", ["network", "trees", "auto"])
@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_a_limit_that_loading_has_used_up_is_refused_before_anything_is_tried(trainer, clock):
    slow = dataclasses.replace(loans(), preparation={"wall": 7.5, "cpu": 7.5})
    with pytest.raises(InfeasibleError, match=r"data are loaded, and 7\.\d+ s .* of 7 s"):
        fit(slow, budget=f"time=7s {clock}", targets=[FAIR], trainer=trainer)
