"""The guardian of the server of forks: a small process above it that waits, and leaves nothing of the trials behind.

It is split off where the server imports this module, before it loads large libraries, so that a trial costs no second
fork. It waits for the end of the driver and for that of the server, and at either kills all descendants, however they
hang: also those with a session of their own, and those whose parents are gone, as on Linux they become its children.
Should the guardian itself be killed, the kernel kills the server, and with it the trials.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
SWEEP_SECONDS = 0.002  # between two looks at what is still there


def keep_descendants() -> None:
    """Let this process, a trial, be the parent of all that it starts, and end with the server of forks."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_descendants() -> None:
    """Kill all that this process started, and wait for its end."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            import psutil

            for one in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            time.sleep(SWEEP_SECONDS)


def _split_off() -> None:
    """Go on in a child as the server; this process becomes its guardian, and does not return."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    driver = os.getppid()
    noticed, notice = os.pipe()
    os.set_blocking(notice, False)
    signal.set_wakeup_fd(notice)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # without a handler nothing is written to the pipe
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # those to the group are for the driver
        signal.signal(number, signal.SIG_IGN)
    server = os.fork()
    if server:
        _wait(server, driver, noticed)
        kill_descendants()
        os._exit(0)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.close(noticed)
    os.close(notice)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(server: int, driver: int, noticed: int) -> None:
    """Return when the server or the driver has ended."""
    signs = select.poll()
    signs.register(noticed, select.POLLIN)
    with contextlib.suppress(AttributeError, OSError):  # an old kernel, or it has ended: so will the server, which sees
        signs.register(os.pidfd_open(driver), select.POLLIN)
    while [number for number, _ in signs.poll()] == [noticed]:
        os.read(noticed, 512)
        while pid := os.waitpid(-1, os.WNOHANG)[0]:  # adopted ones, too
            if pid == server:
                return


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if multiprocessing.parent_process() is None and "from multiprocessing.forkserver import main" in "".join(sys.orig_argv):
    _split_off()  # this is the server, and none of its children
