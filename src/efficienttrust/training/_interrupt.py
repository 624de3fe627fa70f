"""A polite stop: set from a signal handler, honoured after the present step."""

from __future__ import annotations

import threading

_stop = threading.Event()


def request_stop() -> None:
    """Ask the training in this process to finish its step, save its state and raise `RunInterrupted`."""
    _stop.set()


def clear_stop() -> None:
    """Forget an earlier request."""
    _stop.clear()


def stop_requested() -> bool:
    """Return whether a stop has been asked for."""
    return _stop.is_set()
