"""What machine this is, and whether its clocks can be trusted."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_PACKAGES = ("efficienttrust", "numpy", "torch", "onnx", "onnxruntime", "scikit-learn", "pandas", "scipy")
_FOR_DEVELOPERS = ("dev", "bench")  # extras that no user misses
_UNSTEADY = 0.10  # coefficient of variation of the calibration kernel above which a clock is called unsteady
_LITTLE_DISK = 10**9
_LITTLE_MEMORY = 10**9


class Check(NamedTuple):
    """One finding of the doctor.

    Attributes:
        name: What was looked at.
        status: `ok`, `warn` or `missing`.
        text: The finding and, unless it is ok, what to do about it.
    """

    name: str
    status: str
    text: str


def environment() -> dict[str, Any]:
    """Return the facts about machine and versions that a run records beside its figures.

    Torch is asked for its threads and GPUs only when something else has imported it already (else they are None).
    """
    import psutil

    torch = sys.modules.get("torch")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "cores_available": _available_cores(),
        "memory": int(psutil.virtual_memory().total),
        "versions": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
        "torch_threads": None if torch is None else int(torch.get_num_threads()),
        "gpu": None if torch is None else _gpus(torch),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def doctor() -> list[Check]:
    """Examine the machine and return the findings; prints nothing, takes about a second."""
    import psutil
    import torch

    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(Path.cwd())
    gpus = _gpus(torch)
    cores, load = _available_cores(), os.getloadavg()[0]
    return [
        Check("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        Check("cores", "ok", f"{cores} of {os.cpu_count()} usable, {_processor()}"),
        _enough("memory", memory.available, memory.total, _LITTLE_MEMORY, "close other programs"),
        _enough("disk", disk.free, disk.total, _LITTLE_DISK, "make room, or write the run elsewhere"),
        Check("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads"),
        Check("gpu", "ok", ", ".join(gpus) if gpus else "none; training runs on the CPU"),
        _load_check(load, cores),
        *_clock_checks(),
        *(_optional_check(distribution, extra) for distribution, extra in _extras().items()),
    ]


def calibration_kernel() -> float:
    """Run a fixed small numpy job and return its seconds of CPU, by which the speed of machines can be compared."""
    return _time_kernel()[1]


def clock_steadiness(repeats: int = 12) -> dict[str, float]:
    """Return the coefficient of variation of the calibration kernel on the clocks `wall` and `cpu`.

    Args:
        repeats: How often the kernel is timed, after one run to warm up.
    """
    _time_kernel()
    times = np.array([_time_kernel() for _ in range(repeats)])
    wall, cpu = times.std(axis=0) / times.mean(axis=0)
    return {"wall": float(wall), "cpu": float(cpu)}


def _time_kernel() -> tuple[float, float]:
    # Sorting, transcendental functions and memory traffic on one thread; no BLAS, whose threads differ by machine.
    values = np.sin(np.arange(120_000, dtype=np.float64) * 1.6180339887)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(4):
        values = np.sin(np.sort(values)[::-1] * 3.0 + np.exp(-values))
    return time.perf_counter() - wall, time.process_time() - cpu


def _clock_checks() -> list[Check]:
    checks = []
    for clock, variation in clock_steadiness().items():
        text = f"calibration kernel varies by {variation:.1%} from one run to the next"
        if variation > _UNSTEADY:
            remedy = (
                "; prefer a time budget on the cpu clock" if clock == "wall" else "; compare runs by steps or samples"
            )
            checks.append(Check(f"{clock} clock", "warn", text + remedy))
        else:
            checks.append(Check(f"{clock} clock", "ok", text))
    return checks


def _load_check(load: float, cores: int) -> Check:
    text = f"{load:.2f} over the last minute on {cores} cores"
    if load > 0.75 * cores:
        return Check("load", "warn", f"{text}; other processes compete: use the cpu clock for budgets")
    return Check("load", "ok", text)


def _enough(name: str, free: int, total: int, little: int, remedy: str) -> Check:
    text = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    return Check(name, "ok", text) if free >= little else Check(name, "warn", f"{text}; {remedy}")


def _optional_check(distribution: str, extra: str) -> Check:
    version = _version(distribution)
    if version is not None:
        return Check(distribution, "ok", f"{version} (extra {extra})")
    return Check(distribution, "missing", f"optional; pip install 'efficienttrust[{extra}]'")


def _extras() -> dict[str, str]:
    """Return distribution -> the extra of this package that installs it, as its own metadata has it."""
    try:
        requirements = importlib.metadata.requires("efficienttrust") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, str] = {}
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([\w.-]+)['\"]", requirement)
        if name and extra and extra[1] not in _FOR_DEVELOPERS:
            found.setdefault(name[0].lower(), extra[1])
    return found


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _gpus(torch: Any) -> list[str]:
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
