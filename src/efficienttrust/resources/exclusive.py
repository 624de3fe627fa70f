"""One measurement of ours at a time on a machine: a lock that every process can see."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOCK = Path(tempfile.gettempdir()) / "efficienttrust-measuring.lock"
"""Locked while a process measures; the file itself stays, empty."""

_PAUSE = 0.05  # seconds between two attempts


@contextlib.contextmanager
def exclusive(
    seconds: float = 30.0, *, path: Path = LOCK, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """Hold the lock of the machine, so that two of our measurements do not slow each other down.

    The operating system frees it when a process dies. Other programs do not ask for it: see `LatencyReport.contended`.

    Args:
        seconds: How long to wait for another measurement to end, at most.
        path: The file that is locked.
        sleep: Waits between attempts.

    Yields:
        Empty when the lock is held; otherwise why it could not be had. The measurement goes on either way.
    """
    try:
        descriptor = _open(path)
    except (OSError, ImportError) as error:
        yield f"measured without the lock that keeps other measurements out: {error}"
        return
    try:
        yield _wait(descriptor, seconds, sleep)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    import fcntl  # noqa: F401  a system without it cannot lock

    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW  # everybody may write to the folder: no link is followed
    try:
        return os.open(path, flags)  # somebody else's file may be locked, but not opened with O_CREAT
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o644)


def _wait(descriptor: int, seconds: float, sleep: Callable[[float], None]) -> str:
    import fcntl

    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return f"another measurement was still running after {seconds:g} s; both may be slower for it"
            sleep(_PAUSE)
        else:
            return ""
