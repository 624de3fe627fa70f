"""Trials as jobs of Slurm, through submitit; extra `efficienttrust[slurm]`.

Each job is one trial. At most as many jobs are in the queue as there are workers. The folder in which jobs leave their
results has to be seen by all machines: it is made in the current folder, and removed at the end.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome
from efficienttrust.study.running.executors._alone import run_alone
from efficienttrust.study.running.executors._executor import Closing, Ended, ExecutorOptions, executors

BREATH = 0.25  # seconds between two looks at the jobs
SPARE_MINUTES = 5  # of a job beyond its trial, to load libraries
SPARE_BYTES = 1e9


@executors.register("slurm")
class SlurmExecutor(Closing):
    """Trials as jobs of Slurm, each on one core.

    Args:
        options: Workers: jobs at a time; the address is the partition. Limits become those of the jobs, too.
        cluster: What submitit submits to: `slurm`, or `local` and `debug`, which need none.

    Raises:
        UsageError: submitit is not installed, there is no Slurm here, or workers are not given.
    """

    def __init__(self, options: ExecutorOptions, cluster: str = "slurm") -> None:
        try:
            import submitit
        except ImportError:
            raise UsageError("--executor slurm needs submitit: pip install 'efficienttrust[slurm]'") from None
        if options.workers is None:
            raise UsageError("--executor slurm: say with --workers how many jobs may be in the queue at a time")
        if cluster == "slurm" and shutil.which("sbatch") is None:
            raise UsageError(
                "--executor slurm: there is no `sbatch` on this machine; run on a login node of the cluster"
            )
        self.slots, self._limits = options.workers, options.limits
        self._lost = submitit.core.utils.UncompletedJobError
        self._folder = Path(tempfile.mkdtemp(prefix="efficienttrust-slurm-", dir=os.getcwd()))
        self._executor = submitit.AutoExecutor(folder=self._folder, cluster=cluster)
        self._alone = {"slurm_exclusive": True} if cluster == "slurm" else {}
        self._usual = {"slurm_exclusive": False} if cluster == "slurm" else {}
        self._executor.update_parameters(name="efficienttrust", cpus_per_task=1, **_asked(options, cluster))
        self._running: dict[str, Any] = {}

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Start a trial; an exclusive one gets a machine of its own."""
        self._executor.update_parameters(**(self._alone if exclusive else self._usual))
        self._running[name] = self._executor.submit(run_alone, name, dict(settings), self._limits)

    def wait(self, seconds: float) -> list[Ended]:
        """Wait until a trial is over, and return those that are."""
        until = time.monotonic() + seconds
        while not (over := [name for name, job in self._running.items() if job.done()]):
            if time.monotonic() >= until:
                return []
            time.sleep(BREATH)
        return [self._ended(name) for name in over]

    def cancel(self, name: str) -> None:
        """Kill a trial."""
        self._running.pop(name).cancel(check=False)

    def close(self) -> None:
        """Kill all trials."""
        for name in list(self._running):
            self.cancel(name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ended(self, name: str) -> Ended:
        job = self._running.pop(name)
        try:
            ended: Ended = job.result()
        except self._lost as error:
            return Ended(name, None, f"its job {job.job_id} was lost: {' '.join(str(error).split())[:200]}")
        except Exception as error:
            return Ended(
                name, Outcome("failed", reason=f"{type(error).__name__} in job {job.job_id}", traceback=str(error))
            )
        return ended


def _asked(options: ExecutorOptions, cluster: str) -> dict[str, Any]:
    """Return the parameters of the jobs."""
    asked: dict[str, Any] = {}
    if options.limits.seconds is not None:
        asked["timeout_min"] = math.ceil(options.limits.seconds / 60) + SPARE_MINUTES
    if options.limits.memory is not None:
        asked["mem_gb"] = math.ceil((options.limits.memory + SPARE_BYTES) / 1e9)
    if options.address is not None and cluster == "slurm":
        asked["slurm_partition"] = options.address
    return asked
