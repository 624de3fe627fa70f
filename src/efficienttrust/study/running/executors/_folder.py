"""The temporary folder of an executor, which the next one on the machine removes where this one is killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "efficienttrust-trials-"


class OwnFolder:
    """A temporary folder, held by a lock that goes with this process however it ends.

    Folders of the same user whose lock nobody holds are removed when one is made.

    Args:
        parent: In which it is made; by default the folder for temporary files.
    """

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        for left in parent.glob(f"{PREFIX}*"):
            _remove_if_left(left)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            lock = _locked(self.path, wait=True)
            if lock is not None and self.path.exists():
                self._lock = lock
                return
            if lock is not None:  # another one took it for left behind before it was locked
                os.close(lock)

    def remove(self) -> None:
        """Remove it, and whatever is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_if_left(folder: Path) -> None:
    with contextlib.suppress(OSError):
        if folder.stat().st_uid == os.getuid() and (lock := _locked(folder, wait=False)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """Return the lock of a folder; None where another process holds it, or it is gone."""
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(number)
        return None
    return number
