"""Ctrl-C while a study runs: once, to let the running trials end; twice, to give them back at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interruption:
    """What was asked for.

    Attributes:
        stop: Start no more trials.
        now: Do not wait for those that run.
    """

    stop: bool = False
    now: bool = False


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Yield what signals ask for; SIGTERM, as a batch system sends it, asks to stop now."""
    asked = Interruption()

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if asked.stop:
            asked.now = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
        asked.stop = True

    def terminated(_number: int, _frame: FrameType | None) -> None:
        asked.stop = asked.now = True

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupted),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminated),
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
