"""Trials as jobs of Slurm, through submitit; extra `efficienttrust[slurm]`.

Each job is one trial. At most as many jobs are in the queue as there are workers. The folder in which jobs leave their
results has to be seen by all machines: it is made in the current folder, and removed at the end.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
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
    """Trials as jobs of Slurm, each on one core; an exclusive one has a machine to itself.

    Args:
        options: Workers: jobs at a time; the address is the partition. Limits become those of the jobs, too.
        cluster: What submitit submits to: `slurm`, or `local`, which runs jobs as processes of this machine.

    Raises:
        UsageError: submitit is not installed, there is no Slurm here, or workers or the limit of time are not given.
    """

    def __init__(self, options: ExecutorOptions, cluster: str = "slurm") -> None:
        try:
            import submitit
        except ImportError:
            raise UsageError("--executor slurm needs submitit: pip install 'efficienttrust[slurm]'") from None
        if options.workers is None:
            raise UsageError("--executor slurm: say with --workers how many jobs may be in the queue at a time")
        if options.limits.seconds is None:
            raise UsageError(
                "--executor slurm: a job needs a limit of time; add `limits: {seconds: 3600}` to the study file"
            )
        if cluster == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
            raise UsageError(
                "--executor slurm: there is no `sbatch` on this machine; run on a login node of the cluster"
            )
        self.slots, self._limits = options.workers, options.limits
        self._lost = submitit.core.utils.UncompletedJobError
        self._failed = submitit.core.utils.FailedJobError  # which is one of the above
        self._folder = Path(tempfile.mkdtemp(prefix="efficienttrust-slurm-", dir=os.getcwd()))
        # Two, as submitit can set the option of a machine of one's own, but not take it back.
        self._submitters = {exclusive: submitit.AutoExecutor(self._folder, cluster) for exclusive in (False, True)}
        for exclusive, submitter in self._submitters.items():
            submitter.update_parameters(**_asked(options, cluster, exclusive))
        self._running: dict[str, Any] = {}

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Start a trial; raises `UsageError` where Slurm refuses the job."""
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # submitit prints what it raises, too
                job = self._submitters[exclusive].submit(run_alone, name, dict(settings), self._limits)
        except self._failed as error:
            raise UsageError(f"--executor slurm: the job was refused: {_last_line(error)}") from error
        self._running[name] = job

    def wait(self, seconds: float) -> list[Ended]:
        """Wait until a trial is over, and return one that is.

        One at a time, as submitit looks 15 s for the result of a lost job, and leases have to be renewed in between.
        """
        until = time.monotonic() + seconds
        while (over := next((name for name, job in self._running.items() if job.done()), None)) is None:
            if time.monotonic() >= until:
                return []
            time.sleep(BREATH)
        return [self._ended(over)]

    def cancel(self, name: str) -> None:
        """Kill a trial, should it run."""
        if (job := self._running.pop(name, None)) is not None:
            job.cancel(check=False)

    def close(self) -> None:
        """Kill all trials."""
        for name in list(self._running):
            self.cancel(name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ended(self, name: str) -> Ended:
        job = self._running.pop(name)
        try:
            ended: Ended = job.result()
        except Exception as error:
            if isinstance(error, self._lost) and not isinstance(error, self._failed):
                return Ended(name, None, f"its job {job.job_id} was lost: {' '.join(str(error).split())[:200]}")
            reason = f"job {job.job_id}: {_last_line(error)}"
            return Ended(name, Outcome("failed", reason=reason, traceback=str(error)))
        return ended


def _asked(options: ExecutorOptions, cluster: str, exclusive: bool) -> dict[str, Any]:
    """Return the parameters of the jobs."""
    assert options.limits.seconds is not None
    asked: dict[str, Any] = {"name": "efficienttrust", "cpus_per_task": 1}
    asked["timeout_min"] = math.ceil(options.limits.seconds / 60) + SPARE_MINUTES
    if options.limits.memory is not None:
        asked["mem_gb"] = math.ceil((options.limits.memory + SPARE_BYTES) / 1e9)
    if options.address is not None and cluster == "slurm":
        asked["slurm_partition"] = options.address
    if exclusive and cluster == "slurm":
        asked["slurm_exclusive"] = True
    return asked


def _last_line(error: BaseException) -> str:
    """Return the line of a failure that says what it was: the last one of the traceback that submitit quotes."""
    parts = re.split(r"^-{10,}$", str(error), flags=re.MULTILINE)
    text = parts[1] if len(parts) == 3 else str(error)
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), type(error).__name__)[:300]
