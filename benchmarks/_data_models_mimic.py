"""A release in the layout of MIMIC-IV to cohort and hourly sequences: seconds and peak memory, ours and in pandas."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _mimic import read_with_pandas, write_release

from efficienttrust.data.clinical import read_mimic_iv
from efficienttrust.resources.peak_memory import peak_memory

STAYS, EVENTS = 50_000, 20_000_000
QUICK = (5_000, 2_000_000)
AIMS = {"EfficientTrust": "≤ 120 s, ≤ 2 GB", "pandas": ""}
SIDES = {"EfficientTrust": read_mimic_iv, "pandas": read_with_pandas}


def run(quick: bool) -> list[str]:
    """Write the release, read it in turns in this process, compare the results, and measure memory in fresh ones."""
    stays, events = QUICK if quick else (STAYS, EVENTS)
    repetitions = 1 if quick else 3
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as warm:
        write_release(Path(warm), stays=100, events=10_000)
        start = time.perf_counter()
        law = write_release(Path(folder), stays=stays, events=events)
        made = time.perf_counter() - start
        wall: dict[str, list[float]] = {name: [] for name in SIDES}
        cpu: dict[str, list[float]] = {name: [] for name in SIDES}
        tables = {name: side(Path(warm)) for name, side in SIDES.items()}  # what is imported late is imported now
        for repetition in range(repetitions):
            for name in [*SIDES][:: 1 if repetition % 2 else -1]:
                tables.pop(name, None)
                before = time.perf_counter(), time.process_time()
                tables[name] = SIDES[name](Path(folder))
                wall[name].append(time.perf_counter() - before[0])
                cpu[name].append(time.process_time() - before[1])
        same = equal(*tables.values())
        memory = {name: peak_memory(side, {"folder": folder}).peak or float("nan") for name, side in SIDES.items()}
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.gz"))
    lines = [
        "## MIMIC-IV: cohort and hourly sequences",
        "",
        (
            f"{stays:,} stays and {events:,} events in the official layout ({size / 1e6:,.0f} MB of csv.gz, made in "
            f"{made:.0f} s by `benchmarks/_mimic.py`; 58 % of the charted and 60 % of the laboratory events are of "
            "items that are read): first stays of adults, 48 hours, 23 variables, hourly means. pandas reads each "
            "table whole, with the needed columns only. Both in one process in turns after a small release, medians of "
            f"{repetitions}; peak memory in a process of its own, imports included."
        ),
        "",
        "| | wall s | CPU s | peak memory | aim |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {np.median(wall[name]):.1f} | {np.median(cpu[name]):.1f} | {memory[name] / 1e9:.2f} GB | {aim} |"
        for name, aim in AIMS.items()
    ]
    ratio, ratio_cpu = (np.median(side["pandas"]) / np.median(side["EfficientTrust"]) for side in (wall, cpu))
    return [
        *lines,
        "",
        f"Against pandas: **{ratio:.1f}×** faster (aim: ≥ 5×); {ratio_cpu:.1f}× in CPU time, inflating included.",
        f"The two tables are {'equal' if same else 'NOT equal'} ({tables['pandas'].shape[0]:,} rows).",
        "",
        "Bayes rates of the generator's labels, from the hidden state and from all that is recorded in 48 hours:",
        "",
        *law.lines(),
    ]


def equal(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Return whether rows, columns and values agree, means to the last places of float32."""
    try:
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-6, atol=0)
    except AssertionError as difference:
        print(difference, file=sys.stderr)
        return False
    return True
