"""The peak of a fresh process is that of the work, and how it ended is a result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types

import numpy as np
import peak_tasks
import psutil
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.resources._peak_child import cuda_peaks
from efficienttrust.resources.peak_memory import peak_memory

MB = 1_000_000


@pytest.mark.parametrize("megabytes", [20, 200])
def test_a_known_allocation_is_found(megabytes):
    """Whatever this process holds, and whatever the imports of the module needed for a while."""
    held = np.ones(30 * 1_000_000)
    peak = peak_memory(peak_tasks.allocate, {"megabytes": megabytes})
    assert (peak.state, peak.note, peak.result) == ("ok", "", megabytes * 125_000)
    assert peak.above_floor == pytest.approx(megabytes * MB, rel=0.05, abs=MB)
    assert 5 * MB < peak.floor < 100 * MB
    assert (peak.cuda_allocated, peak.cuda_reserved) == (None, None)
    assert len(held)


def test_memory_counts_when_touched_and_not_twice():
    assert peak_memory(peak_tasks.ask_without_touching, {"megabytes": 200}).above_floor < 20 * MB
    again = peak_memory("peak_tasks:one_after_the_other", {"megabytes": 50, "times": 5})
    assert again.above_floor == pytest.approx(50 * MB, rel=0.1)


def test_functions_are_named_by_text_too(workdir):
    assert peak_memory("peak_tasks:Holder.allocate", {"megabytes": 1}).result == 125_000
    assert peak_memory("peak_tasks:where").result == str(workdir)
    assert peak_memory(peak_tasks.not_json).result is None


def test_a_command_is_measured_whole():
    code = "x = b'1' * 150_000_000"
    peak = peak_memory([sys.executable, "-S", "-c", code])
    assert (peak.state, peak.floor, peak.above_floor) == ("ok", None, None)
    assert peak.peak == pytest.approx(160 * MB, rel=0.05)


def test_a_small_command_is_not_as_large_as_who_starts_it():
    """The kernel's record starts at the size of the process that forked."""
    held = np.ones(30 * 1_000_000)
    assert peak_memory([sys.executable, "-S", "-c", "pass"]).peak < 30 * MB
    assert len(held)


@pytest.mark.parametrize(
    ("task", "arguments", "state", "note"),
    [
        ("fail", {}, "error", "ValueError: too bad"),
        ("ask_too_much", {}, "out_of_memory", "MemoryError"),
        ("die", {"megabytes": 100}, "killed", "signal 9"),
        ("leave", {}, "error", "ended before the function returned"),
        ("missing", {}, "error", "no attribute 'missing'"),
        ("allocate", {"wrong": 1}, "error", "unexpected keyword"),
    ],
)
def test_a_bad_end_is_a_result(task, arguments, state, note):
    peak = peak_memory(f"peak_tasks:{task}", arguments)
    assert peak.state == state
    assert note in peak.note
    if task in ("fail", "die"):
        assert peak.above_floor == pytest.approx(100 * MB, rel=0.05)


def test_a_time_limit_is_kept():
    peak = peak_memory(peak_tasks.sleep, {"seconds": 60}, seconds=1.0)
    assert peak.state == "timeout"
    assert peak.seconds < 20
    assert peak.peak > MB


@pytest.mark.parametrize(
    ("command", "note"),
    [
        ([sys.executable, "-c", "import sys; sys.exit('not today')"], "exit code 1: not today"),
        (["/no/such/program"], "could not be started: /no/such/program"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], "signal 15"),
    ],
)
def test_commands_fail_too(command, note):
    peak = peak_memory(command)
    assert peak.state in {"error", "killed"}
    assert note in peak.note


def test_what_a_command_leaves_behind_is_ended(workdir):
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, file=open('pid', 'w'))"
    assert peak_memory([sys.executable, "-c", code]).state == "ok"
    assert_ends(int((workdir / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_nothing_goes_on(tmp_path, number):
    """Ctrl-C reaches all processes of a terminal, the others only the one they are sent to."""
    file = tmp_path / "pid"
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a test started in the background ignores
sys.path[:] = {path}
from efficienttrust.resources.peak_memory import peak_memory
peak_memory("peak_tasks:say_and_sleep", {{"file": {file!r}}})
"""
    command = [sys.executable, "-c", code.format(path=sys.path, file=str(file))]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as measuring:
        wait_until(file.exists)
        (os.killpg if number == signal.SIGINT else os.kill)(measuring.pid, number)
    assert measuring.returncode != 0
    assert_ends(int(file.read_text()))


def assert_ends(pid):
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def wait_until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("task", [lambda: None, "no colon", "a:b:c", "os;x:y", print, types.SimpleNamespace()])
def test_what_cannot_be_imported_elsewhere_is_refused(task):
    with pytest.raises((UsageError, TypeError)):
        peak_memory(task)


def test_arguments_have_to_travel():
    with pytest.raises(UsageError, match="have to be JSON"):
        peak_memory(peak_tasks.allocate, {"megabytes": object()})
    with pytest.raises(UsageError, match="as words"):
        peak_memory(["true"], {"a": 1})


def test_the_allocator_on_the_gpu_is_read_only_when_it_is_in_use():
    def torch_with(*, available, used):
        cuda = types.SimpleNamespace(
            is_available=lambda: available,
            is_initialized=lambda: used,
            device_count=lambda: 2,
            max_memory_allocated=lambda device: 100 + device,
            max_memory_reserved=lambda device: 200 + device,
        )
        return types.SimpleNamespace(cuda=cuda)

    assert cuda_peaks(None) == {}
    assert cuda_peaks(torch_with(available=False, used=False)) == {}
    assert cuda_peaks(torch_with(available=True, used=False)) == {}
    assert cuda_peaks(torch_with(available=True, used=True)) == {"cuda_allocated": 201, "cuda_reserved": 401}
