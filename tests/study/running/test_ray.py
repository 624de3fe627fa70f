"""Trials on Ray: what they come to, their limits, and what happens when a worker is killed."""

from __future__ import annotations

import time

import psutil
import pytest

from efficienttrust.study.running import ExecutorOptions, Limits, executors, run_trial
from tests.study.running.watching import all_ended, found, have_ended

SETTINGS = {"data": {"source": "german"}, "method": "threshold", "budget": "time=20 steps"}
ENDLESS = {**SETTINGS, "budget": "time=10000000 steps"}


def ray_executor(**options):
    return executors.get("ray")(ExecutorOptions(**options))


@pytest.fixture(scope="module")
def ray():
    """Ray on this machine, which executors of the tests below share."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (pip install 'efficienttrust[ray]')")
    with ray_executor(workers=2):
        yield ray


def descendants():
    return psutil.Process().children(recursive=True)


def test_trials_come_to_what_they_come_to_here(ray):
    with ray_executor() as executor:
        assert executor.slots == 2
        for seed in range(4):
            executor.submit(f"seed {seed}", {**SETTINGS, "seed": seed})
        ended = all_ended(executor, 4)
    outcomes = [ended[f"seed {seed}"].outcome for seed in range(4)]
    assert [(one.status, one.figures["cost.steps"]) for one in outcomes] == [("done", 20.0)] * 4
    here = run_trial({**SETTINGS, "seed": 3}).figures
    same = [name for name in outcomes[3].figures if name.startswith(("metric.", "group."))]
    assert [repr(outcomes[3].figures[name]) for name in same] == [repr(here[name]) for name in same], "bit for bit"
    assert len({one.figures["metric.accuracy"] for one in outcomes}) > 1, "the seeds reach the trials"


@pytest.mark.slow
def test_a_trial_is_killed_at_its_limits(ray):
    for limits, reason in (
        (Limits(seconds=2), "killed after 2 s, the limit of a trial"),
        (Limits(memory=50e6), "the limit of a trial is 50 MB"),
    ):
        with ray_executor(limits=limits) as executor:
            executor.submit("long", ENDLESS)
            outcome = all_ended(executor, 1)["long"].outcome
        assert outcome.status == "failed"
        assert reason in outcome.reason


@pytest.mark.slow
def test_a_worker_that_dies_loses_its_trial_and_takes_it_along(ray):
    with ray_executor() as executor:
        executor.submit("long", ENDLESS)
        [worker] = found(descendants, "ray::run_alone")
        found(lambda: worker.children(recursive=True), "forkserver")
        time.sleep(1)
        below = worker.children(recursive=True)
        worker.kill()
        ended = all_ended(executor, 1)["long"]
        assert ended.outcome is None
        assert "its worker or machine was lost" in ended.reason
        assert have_ended(below)


@pytest.mark.slow
def test_a_trial_that_is_cancelled_ends_and_nothing_more_is_heard_of_it(ray):
    with ray_executor() as executor:
        executor.submit("long", ENDLESS)
        [worker] = found(descendants, "ray::run_alone")
        found(lambda: worker.children(recursive=True), "forkserver")
        below = worker.children(recursive=True)
        executor.cancel("long")
        executor.cancel("long")
        assert have_ended([worker, *below])
        assert executor.wait(1) == []
        executor.submit("short", {**SETTINGS, "seed": 0}, exclusive=True)
        assert all_ended(executor, 1)["short"].outcome.status == "done"
