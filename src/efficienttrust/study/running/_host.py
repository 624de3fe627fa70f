"""Trials that must run alone, alone on their machine: one lock file of each user, which drivers share or hold."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from types import TracebackType


class HostLock:
    """Held by a driver while it runs trials: shared for ordinary ones, alone for an exclusive one.

    The lock goes with the process, however it ends. None of the calls waits.
    """

    def __init__(self, folder: Path | None = None) -> None:
        place = (folder or Path(tempfile.gettempdir())) / f"efficienttrust-study-{os.getuid()}.lock"
        self._file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> HostLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._file)

    def share(self) -> bool:
        """Hold it beside others; false while another driver runs an exclusive trial."""
        return self._lock(fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Hold it alone; false while another driver runs any trial."""
        return self._lock(fcntl.LOCK_EX)

    def free(self) -> None:
        """Hold it no more."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
