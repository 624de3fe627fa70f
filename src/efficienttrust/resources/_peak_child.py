"""Runs as a script in a fresh process: imports a function, notes the memory, runs it, and writes down the peak.

Imports nothing but the standard library, so that the floor is that of the measured code alone.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Run the task described in `folder`/task.json; `folder`/report.json is complete after every stage."""
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    sys.path[:] = task["path"]
    report: dict[str, Any] = {"state": "error", "detail": "the function could not be imported"}
    _write(folder, report)
    try:
        module, _, name = task["function"].partition(":")
        function: Any = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
        gc.collect()
        report["reset"] = _reset_peak()
        report["floor"] = memory_of_process("VmRSS")
        report["detail"] = "the process ended before the function returned"
        _write(folder, report)
        report["result"] = _plain(function(**task["arguments"]))
        report["state"], report["detail"] = "ok", ""
    except BaseException as error:
        report["state"] = "out_of_memory" if _is_out_of_memory(error) else "error"
        report["detail"] = f"{type(error).__name__}: {error}"[:500]
    report["peak"] = memory_of_process("VmHWM")
    report.update(cuda_peaks(sys.modules.get("torch")))
    _write(folder, report)


def cuda_peaks(torch: Any) -> dict[str, int]:
    """Return the peaks of torch's allocator on the GPU; empty when torch is not loaded or has not used one."""
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {}
    devices = range(torch.cuda.device_count())
    return {
        "cuda_allocated": sum(int(torch.cuda.max_memory_allocated(device)) for device in devices),
        "cuda_reserved": sum(int(torch.cuda.max_memory_reserved(device)) for device in devices),
    }


def memory_of_process(field: str) -> int:
    """Return VmRSS or VmHWM in bytes; where /proc is missing, the peak of the process for both."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(field + ":"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _reset_peak() -> bool:
    """Forget the peak of the imports; False where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _is_out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # of torch, on the GPU
        or "can't allocate memory" in text  # of torch, on the CPU
        or "not enough memory" in text
    )


def _plain(result: Any) -> Any:
    try:
        json.dumps(result)
    except (TypeError, ValueError):
        return None
    return result


def _write(folder: Path, report: dict[str, Any]) -> None:
    part = folder / "report.part"
    part.write_text(json.dumps(report), encoding="utf-8")
    os.replace(part, folder / "report.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
