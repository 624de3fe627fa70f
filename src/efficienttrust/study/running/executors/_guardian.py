"""The guardian of a trial: a process above it that does nothing but wait, and leaves nothing of it behind.

It waits for two things, the end of the trial and the end of the driver, which it sees at a pipe whose other end only
the driver holds. At either it kills all descendants of the trial: also those with a session of their own, and those
whose parents are gone, as on Linux they become its children. It runs none of the trial's code, so a trial that hangs
in C cannot hold it up; should the guardian itself be killed, the kernel kills the trial.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time
from multiprocessing.connection import Connection

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
SWEEP_SECONDS = 0.002  # between two looks at what is still there


def guarded(life: Connection, outcome: Connection) -> None:
    """Put a guardian between the driver and this process: it returns in the trial, a child; the guardian never returns.

    Args:
        life: Pipe whose other end the driver alone holds.
        outcome: To which the trial writes, and the guardian does not.
    """
    os.setsid()  # the trial is in the group of the guardian, which has a number that the driver knows
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    noticed, notice = os.pipe()
    os.set_blocking(notice, False)
    signal.set_wakeup_fd(notice)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # without a handler nothing is written to the pipe
    guardian = os.getpid()
    trial = os.fork()
    if trial == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(noticed)
        os.close(notice)
        life.close()
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian:  # it was killed before
            os._exit(1)
        _offer_to_the_kernel()
        return
    outcome.close()
    for number in (signal.SIGTERM, signal.SIGHUP):  # those to the group are for the trial
        signal.signal(number, signal.SIG_IGN)
    _end_as(_sweep(trial, _wait(trial, life, noticed)))


def _wait(trial: int, life: Connection, noticed: int) -> int | None:
    """Return the status of the trial when it has ended; None when the driver is gone or wants it gone."""
    signs = select.poll()
    signs.register(life.fileno(), select.POLLIN)
    signs.register(noticed, select.POLLIN)
    while True:
        seen = {number for number, _ in signs.poll()}
        if life.fileno() in seen:
            return None
        os.read(noticed, 512)
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:  # adopted ones, too
            if ended[0] == trial:
                return ended[1]


def _sweep(trial: int, status: int | None) -> int:
    """Kill all that is left, and return the status of the trial."""
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status or 0
        if pid == trial:
            status = ended
        elif pid == 0:
            import psutil

            for one in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            time.sleep(SWEEP_SECONDS)


def _end_as(status: int) -> None:
    """End as the trial did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def _offer_to_the_kernel() -> None:
    """Where memory runs out, let the kernel choose the trial rather than its driver."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
