"""What a worker of a cluster does: one trial, in a process of its own that it watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.study.running.executors._executor import Ended, ExecutorOptions, Limits
from efficienttrust.study.running.executors.catalogue.local import LocalExecutor


def run_alone(name: str, settings: Mapping[str, Any], limits: Limits) -> Ended:
    """Run one trial in a fresh process and return how it ended; where this process is killed, so is the trial.

    A worker that is used again keeps its server of forks, so that only its first trial waits for libraries.
    """
    with LocalExecutor(ExecutorOptions(workers=1, limits=limits)) as executor:
        executor.submit(name, settings)
        while not (ended := executor.wait(60)):
            pass
        return ended[0]
