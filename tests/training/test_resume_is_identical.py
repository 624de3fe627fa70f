"""A run that was killed or stopped goes on from its checkpoint as if nothing had happened, bit for bit."""

from __future__ import annotations

import pytest

from efficienttrust.atats import policies
from efficienttrust.errors import RunInterrupted
from efficienttrust.training import clear_stop, request_stop
from tests.small_problems import FAIR, ROBUST, fingerprint, loans, train

BUDGET = "steps=90"


class Killed(Exception):
    pass


@pytest.fixture(autouse=True)
def no_stop_left_over():
    clear_stop()
    yield
    clear_stop()


def killed_at(look: int):
    looks = 0

    def on_progress(step, metrics, action):
        nonlocal looks
        looks += 1
        if looks == look:
            raise Killed

    return on_progress


@pytest.mark.parametrize("policy", policies.names())
@pytest.mark.parametrize("look", [1, 2, 7, 16])
def test_a_kill_at_any_look_changes_nothing(tmp_path, policy, look):
    whole, spent = train(loans(), BUDGET, policy=policy)
    checkpoint = tmp_path / "state.pt"
    with pytest.raises(Killed):
        train(loans(), BUDGET, policy=policy, checkpoint=checkpoint, on_progress=killed_at(look))
    assert checkpoint.exists() == (look > 1), "the first checkpoint follows the first look"
    resumed, ledger = train(loans(), BUDGET, policy=policy, checkpoint=checkpoint)
    assert fingerprint(resumed) == fingerprint(whole)
    assert ledger.used() == spent.used()


def test_several_kills_change_nothing(tmp_path):
    whole, _ = train(loans(), BUDGET)
    for look in (3, 2, 1, 4):
        with pytest.raises(Killed):
            train(loans(), BUDGET, checkpoint=tmp_path / "state.pt", on_progress=killed_at(look))
    assert fingerprint(train(loans(), BUDGET, checkpoint=tmp_path / "state.pt")[0]) == fingerprint(whole)


@pytest.mark.parametrize("targets", [[FAIR], [ROBUST], []], ids=["fair", "robust", "none"])
def test_a_polite_stop_between_looks_changes_nothing(tmp_path, targets):
    whole, _ = train(loans(), BUDGET, targets)
    looks = 0

    def stop_later(step, metrics, action):
        nonlocal looks
        looks += 1
        if looks == 4:
            request_stop()  # honoured after the next step, which is not a monitor point

    with pytest.raises(RunInterrupted, match="run the same command again"):
        train(loans(), BUDGET, targets, checkpoint=tmp_path / "state.pt", on_progress=stop_later)
    clear_stop()
    assert fingerprint(train(loans(), BUDGET, targets, checkpoint=tmp_path / "state.pt")[0]) == fingerprint(whole)


def test_a_stop_before_the_first_look_changes_nothing(tmp_path):
    whole, _ = train(loans(), BUDGET)
    request_stop()
    with pytest.raises(RunInterrupted, match="after 1 steps"):
        train(loans(), BUDGET, checkpoint=tmp_path / "state.pt")
    clear_stop()
    assert fingerprint(train(loans(), BUDGET, checkpoint=tmp_path / "state.pt")[0]) == fingerprint(whole)


def test_a_finished_run_resumes_to_the_same_end(tmp_path):
    first, _ = train(loans(), BUDGET, checkpoint=tmp_path / "state.pt")
    again, _ = train(loans(), BUDGET, checkpoint=tmp_path / "state.pt")
    assert fingerprint(again) == fingerprint(first)


def test_checkpoints_do_not_change_a_run(tmp_path):
    with_checkpoints, _ = train(loans(), BUDGET, checkpoint=tmp_path / "state.pt")
    assert fingerprint(with_checkpoints) == fingerprint(train(loans(), BUDGET)[0])


def test_a_resumed_run_keeps_its_width(tmp_path):
    """A latency limit is measured again on resuming, and may then fit another width."""
    with pytest.raises(Killed):
        train(loans(), BUDGET, checkpoint=tmp_path / "state.pt", on_progress=killed_at(4), widths=(16,))
    resumed, _ = train(loans(), BUDGET, checkpoint=tmp_path / "state.pt", widths=(8,))
    assert resumed.architecture == "mlp 16"


def test_without_a_checkpoint_a_stop_promises_nothing():
    request_stop()
    with pytest.raises(RunInterrupted) as stopped:
        train(loans(), BUDGET)
    assert "again" not in str(stopped.value)
