"""Trials as tasks of Ray, on this machine or on a cluster; extra `efficienttrust[ray]`.

Ray only places trials. A worker of Ray watches its trial, which runs in a fresh process of its own, so limits hold as
on one machine; nothing is retried by Ray, as the store counts attempts.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Mapping
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome
from efficienttrust.study.running.executors._alone import run_alone
from efficienttrust.study.running.executors._executor import Closing, Ended, ExecutorOptions, executors


@executors.register("ray")
class RayExecutor(Closing):
    """Trials as tasks of Ray, each on one core.

    Args:
        options: Workers (by default one for each core of the cluster), limits, and the address of a cluster: `auto`, or
            `HOST:PORT`; without one, Ray is started on this machine.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, options: ExecutorOptions) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError:
            raise UsageError("--executor ray needs Ray: pip install 'efficienttrust[ray]'") from None
        self._ray, self._own = ray, not ray.is_initialized()
        if self._own:
            alone: dict[str, Any] = (
                {"num_cpus": options.workers, "include_dashboard": False} if options.address is None else {}
            )
            try:
                ray.init(
                    address=options.address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **({} if options.address else alone),
                )
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise UsageError(f"--address {options.address}: {' '.join(str(error).split())}") from error
        resources: Any = ray.cluster_resources
        self.slots = options.workers or max(1, int(resources().get("CPU", 1)))
        self._limits = options.limits
        self._task = ray.remote(num_cpus=1, max_retries=0)(run_alone)
        self._running: dict[Any, str] = {}

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Start a trial."""
        self._running[self._task.remote(name, dict(settings), self._limits)] = name

    def wait(self, seconds: float) -> list[Ended]:
        """Wait until a trial is over, and return those that are."""
        if not self._running:
            return []
        some, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [self._ended(reference) for reference in some]

    def cancel(self, name: str) -> None:
        """Kill a trial."""
        reference = next(one for one, running in self._running.items() if running == name)
        del self._running[reference]
        self._ray.cancel(reference, force=True)

    def close(self) -> None:
        """Kill all trials; a Ray that was started for them ends too."""
        for name in list(self._running.values()):
            self.cancel(name)
        if self._own:
            self._ray.shutdown()

    def _ended(self, reference: Any) -> Ended:
        name = self._running.pop(reference)
        try:
            ended: Ended = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # of our own code, as where it is not installed there
            return Ended(name, Outcome("failed", reason=_line(error.cause or error), traceback=traceback.format_exc()))
        except self._ray.exceptions.RayError as error:
            return Ended(name, None, f"{type(error).__name__}: its worker or machine was lost")
        return ended


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
