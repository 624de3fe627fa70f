"""Trials as tasks of Ray, on this machine or on a cluster; extra `efficienttrust[ray]`.

Ray only places trials. A worker of Ray watches its trial, which runs in a fresh process of its own, so limits hold as
on one machine; nothing is retried by Ray, as the store counts attempts.
"""

from __future__ import annotations

import logging
import os
import socket
import traceback
from collections.abc import Mapping
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.study._trial import Outcome
from efficienttrust.study.running.executors._alone import run_alone
from efficienttrust.study.running.executors._executor import Closing, Ended, ExecutorOptions, executors

ANSWER_SECONDS = 10.0  # that a cluster has to answer
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # of HTTP/2, which a head of Ray speaks
SETTINGS = 4  # type of the frame that it answers with, in byte 3 (RFC 9113, section 3.4)
OBJECT_BYTES = 100_000_000  # of memory for what travels: settings and outcomes


@executors.register("ray")
class RayExecutor(Closing):
    """Trials as tasks of Ray, each on one core; an exclusive one has a machine of the cluster to itself.

    Args:
        options: Workers (by default one for each core of the cluster), limits, and the address of a cluster: `auto`
            for the one that this machine is part of, or `HOST:PORT`; without one, Ray is started on this machine. Where
            this process is connected to Ray already, that is used.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, options: ExecutorOptions) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_worker_niceness", "0")  # else trials have a hundredth of a busy machine
        try:
            import ray
        except ImportError:
            raise UsageError("--executor ray needs Ray: pip install 'efficienttrust[ray]'") from None
        self._ray, self._own = ray, not ray.is_initialized()
        if self._own:
            _connect(ray, options)
        resources: Any = ray.cluster_resources
        self.slots = options.workers or max(1, int(resources().get("CPU", 1)))
        self._limits = options.limits
        self._task = ray.remote(num_cpus=1, max_retries=0)(run_alone)
        self._running: dict[Any, str] = {}

    def submit(self, name: str, settings: Mapping[str, Any], *, exclusive: bool = False) -> None:
        """Start a trial."""
        task = self._task.options(num_cpus=self._largest()) if exclusive else self._task
        self._running[task.remote(name, dict(settings), self._limits)] = name

    def wait(self, seconds: float) -> list[Ended]:
        """Wait until a trial is over, and return those that are."""
        if not self._running:
            return []
        some, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [self._ended(reference) for reference in some]

    def cancel(self, name: str) -> None:
        """Kill a trial, should it run."""
        for reference in [one for one, running in self._running.items() if running == name]:
            del self._running[reference]
            self._ray.cancel(reference, force=True)

    def close(self) -> None:
        """Kill all trials; a Ray that was started for them ends too."""
        for name in list(self._running.values()):
            self.cancel(name)
        if self._own:
            self._ray.shutdown()

    def _largest(self) -> float:
        """Return the cores of the largest machine, all of which keep other tasks of Ray away from it."""
        nodes: Any = self._ray.nodes
        return max((one["Resources"].get("CPU", 1.0) for one in nodes() if one["Alive"]), default=1.0)

    def _ended(self, reference: Any) -> Ended:
        name = self._running.pop(reference)
        try:
            ended: Ended = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # of our own code, as where it is not installed there
            return Ended(name, Outcome("failed", reason=_line(error.cause or error), traceback=traceback.format_exc()))
        except self._ray.exceptions.RayError as error:
            return Ended(name, None, f"{type(error).__name__}: its worker or machine was lost")
        return ended


def _connect(ray: Any, options: ExecutorOptions) -> None:
    """Start Ray on this machine, or become a client of a cluster."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if options.address is None:
        # Not "the latest cluster on this machine", which may be another program's.
        ray.init(
            "local", num_cpus=options.workers, include_dashboard=False, object_store_memory=OBJECT_BYTES, **quiet
        )  # fmt: skip
        return
    if options.address != "auto":
        _ask(ray, options.address)
    try:
        ray.init(options.address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        hint = "" if "RAY_AUTH_MODE" in os.environ else "; a cluster that asks for a token needs RAY_AUTH_MODE=token"
        raise UsageError(f"--address {options.address}: {_text(error)}{hint}") from error


def _ask(ray: Any, address: str) -> None:
    """Raise `UsageError` where no head of Ray listens, which Ray itself tries to reach for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(f"--address {address}: use `auto` or HOST:PORT, as `ray start --head` prints it")
    # A head listens at the number of its machine, which Ray takes for that of `localhost`, too.
    own = [ray.util.get_node_ip_address()] if host in ("localhost", "127.0.0.1") else []
    faults = [_fault(one, int(port)) for one in (host.strip("[]"), *own)]
    if all(faults):
        raise UsageError(f"--address {address}: {faults[-1]}")


def _fault(host: str, port: int) -> str:
    """Return why there is no head of Ray; empty where one answers."""
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS) as head:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return ""
            head.sendall(HELLO)
            answer = head.recv(9)
    except (OSError, OverflowError) as error:
        return f"no Ray cluster answers there ({_text(error)})"
    if len(answer) < 4 or answer[3] != SETTINGS:
        return "what answers there is no head of Ray; its port is 6379 by default"
    return ""


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {_text(error)}"[:300]


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())
