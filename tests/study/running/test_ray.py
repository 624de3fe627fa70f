"""Trials on Ray: what they come to, and what happens when a worker, a machine or the driver is killed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from efficienttrust.cli.main import main
from efficienttrust.errors import UsageError
from efficienttrust.study.running import ExecutorOptions, Limits, executors, run_study, run_trial
from efficienttrust.study.spec import open_study
from efficienttrust.study.store import open_store

SETTINGS = {"data": {"source": "german"}, "method": "threshold", "budget": "time=20 steps"}
ENDLESS = {**SETTINGS, "budget": "time=10000000 steps"}
STUDY = """
name: small
question: What does half the training cost?
data: [german]
constraint: [none, time=50%]
reference: {steps: STEPS}
seeds: 3
"""


def ray_executor(**options):
    return executors.get("ray")(ExecutorOptions(**options))


@pytest.fixture(scope="module")
def ray():
    """Ray on this machine, which executors of the tests below share."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (pip install 'efficienttrust[ray]')")
    with ray_executor(workers=2):
        yield ray


@pytest.fixture
def study(workdir):
    def write(steps):
        (workdir / "small.yaml").write_text(STUDY.replace("STEPS", str(steps)))
        return workdir / "small.yaml"

    return write


def all_ended(executor, number, seconds=300):
    until, ended = time.monotonic() + seconds, []
    while len(ended) < number and time.monotonic() < until:
        ended += executor.wait(1)
    return {one.name: one for one in ended}


def found(among, *words, seconds=120):
    """Return the processes among whose words these are, as soon as there are any."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        running = [one for one in among() if all(word in command(one) for word in words)]
        if running:
            return running
        time.sleep(0.1)
    pytest.fail(f"no process {words}")


def command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def have_ended(processes, seconds=60):
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [command(one) for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


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
    same = [name for name in here if name.startswith(("metric.", "group."))]
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
        assert have_ended([worker, *below])
        assert executor.wait(1) == []
        executor.submit("short", {**SETTINGS, "seed": 0}, exclusive=True)
        assert all_ended(executor, 1)["short"].outcome.status == "done"


@pytest.mark.slow
def test_trials_of_a_machine_that_dies_end_on_another_one(study):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    if ray.is_initialized():
        ray.shutdown()
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
        with open_store(opened.store) as store, ray_executor(address=cluster.address) as executor:
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
        all_of_it = below()
        driver.send_signal(signal.SIGKILL)
    assert have_ended(all_of_it)
    with open_store(file.with_suffix(".db"), read_only=True) as store:
        assert store.counts() == {"waiting": 5, "running": 1, "done": 0, "failed": 0, "infeasible": 0}


@pytest.mark.parametrize("address", ["HERE", "nowhere", "http://a:1", "127.0.0.1:99999", "ray://127.0.0.1:10001"])
def test_an_address_where_no_cluster_is_is_one_line_and_exit_code_2(study, capsys, address):
    pytest.importorskip("ray")
    with socket.socket() as unheard:  # bound, and nobody listens
        unheard.bind(("127.0.0.1", 0))
        address = address.replace("HERE", f"127.0.0.1:{unheard.getsockname()[1]}")
        assert main(["study", "run", str(study(20)), "--executor", "ray", "--address", address, "--quiet"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert f"--address {address}: " in told.err


def test_where_ray_is_not_installed_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"^--executor ray needs Ray: pip install 'efficienttrust\[ray\]'$"):
        ray_executor()
