"""What the tests of peak memory run in processes of their own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

SPIKE = np.ones(40_000_000)  # 320 MB while this module is imported
del SPIKE


def allocate(megabytes: int) -> int:
    """Touch so many megabytes, and give them back."""
    return len(np.ones(megabytes * 125_000))


def ask_without_touching(megabytes: int) -> None:
    np.empty(megabytes * 125_000)


def one_after_the_other(megabytes: int, times: int) -> None:
    for _ in range(times):
        np.ones(megabytes * 125_000)


def fail() -> None:
    np.ones(100 * 125_000)
    raise ValueError("too bad")


def ask_too_much() -> None:
    np.ones(1 << 58)


def die(megabytes: int) -> None:
    block = np.ones(megabytes * 125_000)
    os.kill(os.getpid(), signal.SIGKILL)
    del block


def leave() -> None:
    os._exit(0)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def say_and_sleep(file: str) -> None:
    """Write the number of this process into a file, then wait to be ended."""
    Path(file + ".part").write_text(str(os.getpid()))
    os.replace(file + ".part", file)
    time.sleep(600)


def not_json() -> object:
    return object()


def where() -> str:
    return os.getcwd()


class Holder:
    @staticmethod
    def allocate(megabytes: int) -> int:
        return allocate(megabytes)
