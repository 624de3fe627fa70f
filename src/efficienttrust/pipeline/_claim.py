"""The folder beside `--out` in which a run is made, held by one run at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from efficienttrust.errors import UsageError


def working_folder(out: Path) -> Path:
    """Return the folder beside `out` in which a run is made; it becomes `out` when the run is complete."""
    return out.with_name(out.name + ".partial")


@contextmanager
def claimed(out: Path | None) -> Iterator[None]:
    """Hold the working folder of a run for the body; a run that ends before its first checkpoint leaves nothing.

    The lock goes with the process, however it ends. On a file system without locks nothing is held.

    Raises:
        UsageError: Another run is being made there, or the place cannot be written to.
    """
    if out is None:
        yield
        return
    working = working_folder(out)
    try:
        working.mkdir(parents=True, exist_ok=True)
        folder = os.open(working, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        _lock(folder, out)
        try:
            probe = working / ".writable"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise _unwritable(out, error) from error
        try:
            yield
        finally:
            if working.is_dir() and not any(working.iterdir()):
                working.rmdir()
    finally:
        os.close(folder)


def _lock(folder: int, out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another run is being made in {out}: wait for it, or choose another --out") from None
    except OSError:  # a file system without locks
        return


def _unwritable(out: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write to {out.parent}: {error.strerror or error}; choose another --out")
