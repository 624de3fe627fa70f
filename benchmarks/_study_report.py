"""How long analysis and report of a study of 100,000 trials take, and how much memory: `run` prints the table."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA, MODELS, SEEDS = 20, 4, 30
MITIGATIONS = ("baseline", "atats", "dual", "penalty", "trades", "exponentiated_gradient", "threshold")
LIMITS = {"seconds": 60.0, "GB": 2.0, "page MB": 5.0}


def run() -> str:
    """Measure export file -> analysis -> report in a fresh process; CPU seconds tell it apart from a busy machine."""
    with tempfile.TemporaryDirectory() as name:
        table = Path(name) / "trials.parquet"
        trials = _write(table)
        found = _measured(table)
    rows = [f"| {what} | {found[what]:.2f} |" for what in found]
    head = (
        f"{trials:,d} synthetic trials: {DATA} data sets, {MODELS} models, 6 constraints, {len(MITIGATIONS)} "
        f"mitigations, {SEEDS} seeds; 1 thread. Asked: at most {LIMITS['seconds']:g} s, {LIMITS['GB']:g} GB, a page of "
        f"{LIMITS['page MB']:g} MB."
    )
    return "\n".join([head, "", "| what | value |", "|---|---|", *rows])


def _write(table: Path) -> int:
    sys.path.insert(0, str(ROOT))
    from tests.study.synthetic import Planted, frame_of, write

    planted = Planted(
        data=tuple(f"set{number:02d}" for number in range(DATA)),
        models=("mlp", "trees", "linear", "resnet")[:MODELS],
        mitigations=MITIGATIONS,
        seeds=SEEDS,
        infeasible={"time=12.5%": 0.2},
        failing=0.005,
    )
    write(table, planted)
    return len(frame_of(planted))


def _measured(table: Path) -> dict[str, float]:
    printed = subprocess.run(
        [sys.executable, __file__, str(table)], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def _make(table: Path) -> dict[str, Any]:
    import resource
    import time

    from efficienttrust.study.reporting import make_report

    marks = [("start", time.monotonic(), time.process_time())]

    def note(what: str) -> None:
        marks.append((what, time.monotonic(), time.process_time()))

    made = make_report(table, progress=note)
    note("end")
    first_figure = next(one for one in marks if one[0].startswith("figure"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "analysis, s": first_figure[1] - marks[0][1],
        "analysis, CPU s": first_figure[2] - marks[0][2],
        "report, s": marks[-1][1] - first_figure[1],
        "report, CPU s": marks[-1][2] - first_figure[2],
        "both, s": marks[-1][1] - marks[0][1],
        "both, CPU s": marks[-1][2] - marks[0][2],
        "peak memory, GB": peak,
        "page, MB": made.page.stat().st_size / 1e6,
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_make(Path(sys.argv[1]))))
    else:
        print(run())
