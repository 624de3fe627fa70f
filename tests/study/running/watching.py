"""Watching executors and processes: what ends, what is there, and what is no more."""

from __future__ import annotations

import time

import psutil
import pytest


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
