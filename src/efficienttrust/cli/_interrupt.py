"""Ctrl-C while a run is made: once, to finish the step and save; twice, to stop at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C finish the step and save; the second stops at once."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        from efficienttrust.pipeline import request_stop

        request_stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print(
            "stopping after this step (a run past training is finished first); Ctrl-C again stops at once",
            file=sys.stderr,
            flush=True,
        )

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
