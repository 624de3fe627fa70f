"""Jobs of Slurm, through submitit: what comes of a job, and what is asked of Slurm; no Slurm is needed.

submitit's executor `local` runs jobs as processes. (Its `debug` starts a debugger in a job that fails.)
"""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.running import Ended, ExecutorOptions, Limits
from efficienttrust.study.running.executors.catalogue import slurm

LIMITS = Limits(seconds=90)


def stand_in(name, settings, limits):
    """Be the job, instead of `run_alone`, which loads all libraries anew in each one."""
    if settings.get("raises"):
        raise ValueError("no such thing")
    if settings.get("dies"):
        os._exit(9)
    time.sleep(settings.get("sleeps", 0))
    return Ended(name, Outcome("done", {"metric.x": settings["x"]}))


@pytest.fixture
def quick(monkeypatch, root, workdir):
    monkeypatch.setattr(slurm, "run_alone", stand_in)
    monkeypatch.setenv("PYTHONPATH", str(root))  # so that a job finds the stand-in
    return workdir


def all_ended(executor, number, seconds=60):
    until, ended = time.monotonic() + seconds, []
    while len(ended) < number and time.monotonic() < until:
        ended += executor.wait(1)
    return {one.name: one for one in ended}


def test_jobs_come_to_outcomes_or_to_failures_that_say_why(quick):
    with slurm.SlurmExecutor(ExecutorOptions(workers=3, limits=LIMITS), "local") as executor:
        executor.submit("good", {"x": 0.5})
        executor.submit("alone", {"x": 0.25}, exclusive=True)
        executor.submit("bad", {"raises": True})
        ended = all_ended(executor, 3)
        assert executor.wait(0) == []
    assert ended["good"].outcome.figures == {"metric.x": 0.5}
    assert ended["alone"].outcome.figures == {"metric.x": 0.25}
    assert ended["bad"].outcome.status == "failed"
    assert "no such thing" in ended["bad"].outcome.reason
    assert "\n" not in ended["bad"].outcome.reason
    assert list(quick.iterdir()) == [], "the folder of the jobs is removed"


def test_a_job_that_dies_is_lost_and_one_that_is_cancelled_ends_unheard(quick, monkeypatch):
    monkeypatch.setattr("submitit.core.core.Job._results_timeout_s", 1)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # by which `local` cancels; a shell may ignore it
    with slurm.SlurmExecutor(ExecutorOptions(workers=2, limits=LIMITS), "local") as executor:
        executor.submit("long", {"x": 1.0, "sleeps": 300})
        signal.signal(signal.SIGINT, before)
        process = executor._running["long"]._process
        executor.submit("dies", {"dies": True})
        [ended] = all_ended(executor, 1).values()
        assert (ended.name, ended.outcome) == ("dies", None)
        assert "was lost" in ended.reason
        executor.cancel("long")
        executor.cancel("long")
        assert process.wait(30) is not None
        assert executor.wait(0.5) == []


@pytest.mark.slow
def test_a_trial_runs_in_a_job_and_is_killed_at_its_limits(workdir):
    settings = {"data": {"source": "german"}, "method": "threshold", "seed": 0}
    with slurm.SlurmExecutor(ExecutorOptions(workers=1, limits=LIMITS), "local") as executor:
        executor.submit("short", {**settings, "budget": "time=20 steps"})
        short = all_ended(executor, 1, 300)["short"].outcome
    assert (short.status, short.figures["cost.steps"]) == ("done", 20.0)
    with slurm.SlurmExecutor(ExecutorOptions(workers=1, limits=Limits(seconds=2)), "local") as executor:
        executor.submit("long", {**settings, "budget": "time=10000000 steps"})
        long = all_ended(executor, 1, 300)["long"].outcome
    assert long.status == "failed"
    assert "killed after 2 s, the limit of a trial" in long.reason


@pytest.fixture
def sbatch(quick, monkeypatch):
    """Stand-ins for Slurm's programs: `sbatch` keeps what it is given, or refuses as the variable REFUSES says."""
    programs = quick / "programs"
    programs.mkdir()
    scripts = {
        "sbatch": '[ -z "$REFUSES" ] || { echo "sbatch: error: $REFUSES" >&2; exit 1; }\n'
        'cat "$1" >> "$0.given"; echo "Submitted batch job 7"',
        "srun": "exit 1",
        "scancel": 'echo "$@" >> "$0.given"',
        "sacct": 'echo "JobID|State|NodeList"; echo "7|PENDING|"',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return programs


def test_limits_partition_and_a_machine_of_its_own_are_asked_of_slurm(sbatch):
    options = ExecutorOptions(workers=2, address="short", limits=Limits(memory=3e9, seconds=600))
    with slurm.SlurmExecutor(options) as executor:
        given = sbatch / "sbatch.given"
        executor.submit("alone", {"x": 1.0}, exclusive=True)
        alone = given.read_text()
        given.unlink()
        executor.submit("shared", {"x": 1.0})
        shared = given.read_text()
        assert executor.wait(0.1) == []
    assert "#SBATCH --exclusive\n" in alone
    assert "exclusive" not in shared
    for line in ("--partition=short", "--time=15", "--mem=4GB", "--cpus-per-task=1"):
        assert f"#SBATCH {line}\n" in alone
        assert f"#SBATCH {line}\n" in shared
    assert (sbatch / "scancel.given").read_text().split() == ["7", "7"]


def test_a_job_that_slurm_refuses_is_one_line(sbatch, monkeypatch, capsys):
    monkeypatch.setenv("REFUSES", "invalid partition specified: shrot")
    with (
        slurm.SlurmExecutor(ExecutorOptions(workers=1, limits=LIMITS)) as executor,
        pytest.raises(UsageError, match=r"^--executor slurm: .*invalid partition specified: shrot$"),
    ):
        executor.submit("any", {"x": 1.0})
    assert capsys.readouterr().err == ""


def test_what_is_missing_is_one_line(workdir, monkeypatch):
    monkeypatch.setenv("PATH", str(workdir))
    with pytest.raises(UsageError, match="there is no `sbatch` on this machine"):
        slurm.SlurmExecutor(ExecutorOptions(workers=1, limits=LIMITS))
    with pytest.raises(UsageError, match="--workers"):
        slurm.SlurmExecutor(ExecutorOptions(limits=LIMITS))
    with pytest.raises(UsageError, match=r"limits: \{seconds: 3600\}"):
        slurm.SlurmExecutor(ExecutorOptions(workers=1))
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match=r"pip install 'efficienttrust\[slurm\]'"):
        slurm.SlurmExecutor(ExecutorOptions(workers=1, limits=LIMITS))
    assert list(workdir.iterdir()) == []
