"""Peak memory of a piece of work, measured in a process of its own.

Inside a process that has done other work a peak cannot be measured: allocators keep freed memory, so that a second
phase shows no growth, and the high-water mark never falls.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class PeakMemory:
    """What a fresh process needed, in bytes of resident memory. A run that failed is a result too.

    Attributes:
        state: `ok`, `error` (an exception, or an exit code other than 0), `out_of_memory`, `killed` or `timeout`.
        floor: After the imports, before the function was called; None for a command, whose imports nobody sees.
        peak: The most that was resident at one time, from there on; of a command, in its whole life. None when the
            process did not start.
        seconds: Wall time of the process.
        cuda_allocated: Peak of the tensors on the GPU by torch's allocator, all devices; None without one in use.
        cuda_reserved: Peak of what that allocator took from the device (context and other libraries come on top).
        result: What the function returned, if JSON can say it.
        note: What limits the figures, or why the run failed; else empty.
    """

    state: str
    floor: int | None
    peak: int | None
    seconds: float
    cuda_allocated: int | None = None
    cuda_reserved: int | None = None
    result: Any = None
    note: str = ""

    @property
    def above_floor(self) -> int | None:
        """Bytes that the work itself needed, beyond what its imports hold; None where the floor is not known."""
        return None if self.peak is None or self.floor is None else self.peak - self.floor


def peak_memory(
    task: Callable[..., object] | str | Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    *,
    seconds: float = 600.0,
) -> PeakMemory:
    """Run a function or a command in a fresh process and return the peak of its resident memory.

    Memory counts when it is touched, not when it is asked for. Processes that the function starts are not counted; of
    those a command starts and waits for, the largest counts if it is larger than the command.

    Args:
        task: A function at the top level of a module (or `"module:function"`), run in a new interpreter that imports
            the module and nothing else; or the words of a command.
        arguments: Of the function, by name; values that JSON can say.
        seconds: Wall time after which the process is killed.

    Raises:
        UsageError: The function cannot be imported elsewhere, or its arguments are not JSON.
    """
    if not hasattr(os, "wait4"):
        raise UsageError("peak memory is measured through wait4, which this system lacks; use Linux or macOS.")
    with tempfile.TemporaryDirectory(prefix="efficienttrust-peak-") as name:
        folder = Path(name)
        if isinstance(task, str) or callable(task):
            command = _function_command(_address(task), arguments or {}, folder)
        elif arguments:
            raise UsageError("a command takes its arguments as words, e.g. ['python', 'train.py', '--epochs', '1'].")
        else:
            command = list(task)
        ended = _supervise(command, folder / "output", seconds)
        output = (folder / "output").read_text(encoding="utf-8", errors="replace")
        report_file = folder / "report.json"
        report = json.loads(report_file.read_text(encoding="utf-8")) if report_file.exists() else {}
    return _summary(ended, report, output)


def _address(task: Callable[..., object] | str) -> str:
    if isinstance(task, str):
        if task.count(":") != 1 or not all(part.isidentifier() for part in task.replace(":", ".").split(".")):
            raise UsageError(f"cannot run {task!r} in a fresh process; write module:function, as mypackage.work:train.")
        return task
    name = getattr(task, "__qualname__", "<object>")
    if not inspect.isfunction(task) or "<" in name or task.__module__ == "__main__":
        raise UsageError(
            f"cannot run {name} in a fresh process; move it to the top level of a module that can be imported."
        )
    return f"{task.__module__}:{name}"


def _function_command(address: str, arguments: Mapping[str, Any], folder: Path) -> list[str]:
    path = [entry or os.getcwd() for entry in sys.path]
    try:
        text = json.dumps({"function": address, "arguments": dict(arguments), "path": path})
    except (TypeError, ValueError) as error:
        raise UsageError(f"arguments of {address} have to be JSON, to reach a fresh process: {error}.") from error
    (folder / "task.json").write_text(text, encoding="utf-8")
    return [sys.executable, str(_HERE / "_peak_child.py"), str(folder)]


def _supervise(command: list[str], output: Path, seconds: float) -> dict[str, Any]:
    # Without site-packages (-S) it is as small as an interpreter can be.
    supervisor = [sys.executable, "-I", "-S", str(_HERE / "_peak_supervisor.py"), str(seconds), str(output), *command]
    # However this process ends, its end of the pipe is closed then, and the supervisor stops.
    with subprocess.Popen(supervisor, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        text = process.stdout.read()
    ended: dict[str, Any] = json.loads(text)
    return ended


def _summary(ended: Mapping[str, Any], report: Mapping[str, Any], output: str) -> PeakMemory:
    if "failed" in ended:
        return PeakMemory("error", None, None, 0.0, note=f"the command could not be started: {ended['failed']}")
    state, note = _state(ended, report, output)
    if report.get("reset") is False:
        note = "; ".join(filter(None, (note, "the peak includes that of the imports: this system cannot reset it")))
    return PeakMemory(
        state,
        report.get("floor"),
        report.get("peak", ended["peak"]),
        ended["seconds"],
        report.get("cuda_allocated"),
        report.get("cuda_reserved"),
        report.get("result"),
        note,
    )


def _state(ended: Mapping[str, Any], report: Mapping[str, Any], output: str) -> tuple[str, str]:
    code = ended["code"]
    if ended["timed_out"]:
        return "timeout", f"stopped after {ended['seconds']:.1f} s; the peak is that of the time before"
    if code < 0 and ended["out_of_memory"]:
        return "out_of_memory", "the kernel killed it, or another process at that time, as memory ran out"
    if code < 0:
        return "killed", f"ended by signal {-code}; the peak is that of the time before"
    if report and code == 0:
        return report["state"], report["detail"]
    if code != 0:
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        return "error", f"exit code {code}: {last[0][:300]}"
    return "ok", ""
