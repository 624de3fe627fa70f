"""Trials on Ray, when a machine of the cluster or the driver is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest

from efficienttrust.study.running import ExecutorOptions, executors, run_study
from efficienttrust.study.spec import open_study
from efficienttrust.study.store import open_store
from tests.study.running.watching import found, have_ended

STUDY = """
name: small
question: What does half the training cost?
data: [german]
constraint: [none, time=50%]
reference: {steps: STEPS}
seeds: 3
"""


@pytest.fixture
def study(workdir):
    def write(steps):
        (workdir / "small.yaml").write_text(STUDY.replace("STEPS", str(steps)))
        return workdir / "small.yaml"

    return write


@pytest.mark.slow
def test_trials_of_a_machine_that_dies_end_on_another_one(study, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # as this machine may be busy
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]
    cluster.wait_for_nodes()
    most, killed = 0, []

    def kill_one(progress):
        nonlocal most
        most = max(most, len(progress.running))
        if not killed and progress.counts["done"] >= 1 and len(progress.running) == 2:
            killed.append(nodes[1])
            cluster.remove_node(nodes[1], allow_graceful=False)

    opened = open_study(study(3000))
    try:
        with (
            open_store(opened.store) as store,
            executors.get("ray")(ExecutorOptions(address=cluster.address)) as executor,
        ):
            assert executor.slots == 2
            driven = run_study(opened, store, executor, tell=kill_one)
            attempts = [one.attempts for one in store.trials()]
    finally:
        cluster.shutdown()
    assert (most, len(killed)) == (2, 1)
    assert dict(driven.ended) == {"done": 6}
    assert driven.counts["done"] == 6
    assert (driven.fenced, attempts) == (0, [1] * 6)


@pytest.mark.slow
def test_nothing_outlives_a_driver_that_is_killed(study):
    pytest.importorskip("ray")
    file = study(10_000_000)
    line = [sys.executable, "-m", "efficienttrust", "study", "run", file, "--executor", "ray", "--workers", "1"]
    with subprocess.Popen([str(one) for one in line], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as driver:
        below = lambda: psutil.Process(driver.pid).children(recursive=True)  # noqa: E731
        [worker] = found(below, "ray::run_alone")
        found(lambda: worker.children(recursive=True), "forkserver")
        time.sleep(1)
        trials, rest = [worker, *worker.children(recursive=True)], below()
        driver.send_signal(signal.SIGKILL)
    assert have_ended(trials, seconds=30)
    assert have_ended(rest, seconds=240), "Ray's own agents look for their parent now and then"
    with open_store(file.with_suffix(".db"), read_only=True) as store:
        assert store.counts() == {"waiting": 5, "running": 1, "done": 0, "failed": 0, "infeasible": 0}
