"""What a smaller peak of a training step costs: parts of a batch, activations computed again, bfloat16.

    .venv/bin/python benchmarks/memory.py                  # about 2 minutes
    .venv/bin/python benchmarks/memory.py --quick          # a smaller batch, fewer steps; writes nothing

Every way is a fresh process on one thread, in turns, and repeated; the peak is that above what the process held before
its first step, libraries, network and batch included. The table goes to docs/benchmarks/memory.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from training import machine, write_section

from efficienttrust.models import Inputs, make_network
from efficienttrust.resources.peak_memory import peak_memory
from efficienttrust.resources.process_memory import peak_bytes, resident_bytes
from efficienttrust.training._checkpointing import checkpointed
from efficienttrust.training._microbatch import slices

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "memory.md"
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "in 4 parts": {"parts": 4},
    "in 8 parts": {"parts": 8},
    "checkpointed": {"recomputed": True},
    "checkpointed, in 4 parts": {"parts": 4, "recomputed": True},
    "bf16": {"bf16": True},
    "bf16, checkpointed, in 4 parts": {"parts": 4, "recomputed": True, "bf16": True},
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a short trial; writes nothing")
    quick = arguments.parse_args().quick
    lines = [*machine(), *table(rows=32 if quick else 128, timed=1 if quick else 3, repetitions=1 if quick else 3)]
    text = "\n".join(lines)
    print(text)
    if not quick:
        write_section("steps", text, page=PAGE, title="# Memory: what a smaller peak costs\n\n")


def table(rows: int, timed: int, repetitions: int) -> list[str]:
    """Measure every way and return a table of peaks and times."""
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in WAYS}
    for _ in range(repetitions):
        for name, way in WAYS.items():
            made = peak_memory("memory:steps", {"rows": rows, "timed": timed, **way})
            if made.state != "ok":
                raise SystemExit(f"{name}: {made.state}, {made.note}")
            found[name].append((int(made.result[0]), float(made.result[1])))
    peaks = {name: median(peak for peak, _ in each) for name, each in found.items()}
    seconds = {name: median(spent for _, spent in each) for name, each in found.items()}
    lines = [
        "## Peaks of a step",
        "",
        (
            f"ResNet-20 on {rows} images of 32 × 32 pixels, SGD; the median of {repetitions} fresh processes of one "
            f"step and {timed} timed ones, CPU seconds. The peak is above libraries, network and batch."
        ),
        "",
        "| step | peak, MB | of plain | seconds a step | of plain |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {peaks[name] / 1e6:.0f} | {peaks[name] / peaks['plain']:.2f} | {seconds[name]:.2f} | "
        f"{seconds[name] / seconds['plain']:.2f} |"
        for name in WAYS
    ]
    return [*lines, ""]


def steps(rows: int, timed: int, parts: int = 1, recomputed: bool = False, bf16: bool = False) -> list[float]:
    """Return the peak above what was held before the first step, and the CPU seconds of one: for a fresh process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    inputs = Inputs("image", (3, 32, 32), sample=torch.rand(8, 3, 32, 32).numpy())
    network = make_network("resnet20", inputs, 10, seed=0).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    x = torch.rand(rows, 3, 32, 32).to(memory_format=torch.channels_last)
    y = torch.randint(10, (rows,))

    def step() -> None:
        optimiser.zero_grad()
        with checkpointed(network, recomputed):
            for part in slices(rows, parts):
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    z = network(x[part])
                (torch.nn.functional.cross_entropy(z.float(), y[part], reduction="sum") / rows).backward()
        optimiser.step()

    before = resident_bytes()
    step()
    start = time.process_time()
    for _ in range(timed):
        step()
    return [float(peak_bytes() - before), (time.process_time() - start) / timed]


if __name__ == "__main__":
    main()
