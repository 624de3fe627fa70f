"""Runs as a script: starts a command, waits for it with a time limit, and prints what the kernel says of its memory.

It stands between the measured process and ours because the peak that the kernel keeps starts, through fork and exec, at
the size of the process that started it: this one is small. When its input ends, whoever asked is gone, and it kills the
command.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any


def main(seconds: float, output: str, command: list[str]) -> dict[str, Any]:
    """Run the command with its output in a file; return how it ended, and the peak of its memory in bytes."""
    kills = _out_of_memory_kills()
    with open(output, "wb") as sink:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            return {"failed": f"{command[0]}: {error.strerror or error}"}
    # Ctrl-C reaches us too; it is for the process that measures, whose end closes our input.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    start, timed_out = time.monotonic(), False
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if not timed_out and time.monotonic() - start > seconds:
            timed_out = True
            _kill(child.pid)
        if select.select([sys.stdin], [], [], 0.005)[0]:
            _kill(child.pid)
            sys.exit(1)
    seconds_used = time.monotonic() - start
    _kill(child.pid)  # what the command may have left behind
    return {
        "code": os.waitstatus_to_exitcode(status),
        "timed_out": timed_out,
        "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "seconds": seconds_used,
        "out_of_memory": _out_of_memory_kills() > kills,
    }


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _out_of_memory_kills() -> int:
    """Return how many processes the kernel has killed for want of memory since it started."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
    except OSError:
        return 0


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), sys.argv[2], sys.argv[3:])))
