"""Trials on this machine, each in a fresh process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from multiprocessing.connection import wait
from typing import Any

from efficienttrust.study.running.executors._executor import Closing, Ended, ExecutorOptions, executors
from efficienttrust.study.running.executors._folder import OwnFolder
from efficienttrust.study.running.executors._process import TrialProcess, start_server

BREATH = 0.1  # seconds between two looks at limits


@executors.register("local")
class LocalExecutor(Closing):
    """Trials on this machine, each in a fresh process that is forked from one with the libraries loaded (40 ms of CPU).

    Args:
        options: Workers (by default one for each core that this process may use) and limits.
    """

    def __init__(self, options: ExecutorOptions) -> None:
        self.slots = options.workers or len(os.sched_getaffinity(0))
        self._limits = options.limits
        self._folder = OwnFolder()
        self._running: dict[str, TrialProcess] = {}
        start_server()

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Start a trial."""
        self._running[name] = TrialProcess(name, settings, self._limits, self._folder.path)

    def wait(self, seconds: float) -> list[Ended]:
        """Wait until a trial is over, and return those that are."""
        ended: list[Ended] = []
        signs = [sign for one in self._running.values() for sign in one.signs]
        left = seconds
        while not ended and left > 0:
            wait(signs, timeout=min(left, BREATH))
            left -= BREATH
            ended = [end for one in self._running.values() if (end := one.ended()) is not None]
        for one in ended:
            del self._running[one.name]
        return ended

    def cancel(self, name: str) -> None:
        """Kill a trial."""
        if name in self._running:
            self._running.pop(name).kill()

    def close(self) -> None:
        """Kill all trials."""
        for name in list(self._running):
            self.cancel(name)
        self._folder.remove()
