"""Quality of what `fit` delivers, against what people would do instead, at equal budgets of CPU time.

    python benchmarks/fit_quality.py run [--workers 2] [--only adult] [--quick]     # resumable: done rows are kept
    python benchmarks/fit_quality.py table                                          # docs/benchmarks/fit_quality.md

Every row is one seed: its own split and its own training. Figures are of the exported file on the test split. Targets
of Adult are those of the product's demo; those of COMPAS and German were chosen by a pilot on seeds 100-103, which are
not used here. The oracle grid is picked on the *test* figures of seeds 0-4 (no method could do that) and trained again
on fresh seeds 10-14, because the best of nine noisy figures is too good to be true.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "docs" / "benchmarks" / "fit_quality.jsonl"
PAGE = ROOT / "docs" / "benchmarks" / "fit_quality.md"

SEEDS = (0, 1, 2, 3, 4)
FRESH_SEEDS = (10, 11, 12, 13, 14)
BUDGETS = (5.0, 20.0)
LAMBDAS, SHARES = (0.0, 0.25, 1.0), (0.0, 0.5, 1.0)
GRID = [(weight, share) for weight in LAMBDAS for share in SHARES]
TARGETS = {
    "adult": ("sex", ["dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80", "accuracy >= 0.83"]),
    "compas": ("race", ["dpd <= 0.20", "robust_accuracy(pgd, eps=0.25) >= 0.58", "accuracy >= 0.61"]),
    "german": ("sex", ["dpd <= 0.10", "robust_accuracy(pgd, eps=0.25) >= 0.70", "accuracy >= 0.72"]),
}
METHODS = (
    "plan",
    "plan aware",
    "plain",
    "plain aware",
    "logistic",
    "trees",
    "trees aware",
    "rule",
    "pid",
    "equal grid",
)


def static(weight: float, share: float) -> str:
    """Return the text of a static policy."""
    return f"static(lambda_fair={weight}, adversarial_share={share})"


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Run one row: one method on one data set, budget and seed."""
    from efficienttrust import load_problem
    from efficienttrust.errors import EfficientTrustError

    sensitive, _ = TARGETS[job["data"]]
    problem = load_problem(job["data"], sensitive=sensitive, seed=job["seed"])
    try:
        found = _equal_grid(problem, job) if job["method"] == "equal grid" else _one_fit(problem, job)
    except EfficientTrustError as error:
        found = {"error": str(error)}
    return {**job, **found}


def _one_fit(problem: Any, job: dict[str, Any]) -> dict[str, Any]:
    from efficienttrust import fit

    method, aware = job["method"].removesuffix(" aware"), job["method"].endswith(" aware")
    budget = f"time={job['budget']}s cpu"
    policy = {"plain": static(0, 0), "logistic": static(0, 0), "trees": "plan"}.get(method, method)
    if method == "logistic":  # a limit on parameters that nothing but the linear model and its group head meets
        d, groups = problem.encoder.n_features, len(problem.group_names)
        budget += f", parameters={(d + 1) * (groups + 1)}"
    run = fit(
        problem,
        budget=budget,
        targets=TARGETS[job["data"]][1],
        policy=policy,
        trainer="trees" if method == "trees" else "network",
        seed=job["seed"],
        use_groups_at_prediction=aware,
    )
    return _figures(run)


def _equal_grid(problem: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Nine static runs share one budget and the loading of the data; the best on calibrate is delivered."""
    from efficienttrust import fit
    from efficienttrust.errors import InfeasibleError
    from efficienttrust.evaluation.targets import parse_target

    targets = TARGETS[job["data"]][1]
    parsed = [parse_target(text) for text in targets]
    loading = problem.preparation["cpu"]
    each = loading + (job["budget"] - loading) / len(GRID)
    best: tuple[float, dict[str, Any]] | None = None
    spent = loading
    for weight, share in GRID:
        try:
            run = fit(
                problem, budget=f"time={each}s cpu", targets=targets, policy=static(weight, share), seed=job["seed"]
            )
        except InfeasibleError:
            spent += each - loading
            continue
        spent += run.ledger["time"]["used"] - loading
        chosen = next(one for one in run.document["candidates"] if one["chosen"])["metrics"]
        rank = chosen["accuracy"] - sum(max(0.0, target.gap(chosen[target.key])) for target in parsed)
        if best is None or rank > best[0]:
            best = (rank, _figures(run))
    if best is None:
        return {"error": f"no run of the grid can train in {each:.2f} s"}
    return {**best[1], "spent": spent}


def _figures(run: Any) -> dict[str, Any]:
    def stage(index: int) -> dict[str, float]:
        return {key: one["value"] for key, one in run.document["stages"][index]["metrics"].items()}

    return {
        "deployed": stage(2),
        "uncalibrated": stage(1),
        "constant": stage(0),
        "status": [verdict.status for verdict in run.verdicts],
        "spent": run.ledger["time"]["used"],
        "steps": run.ledger["clocks"]["steps"],
    }


def jobs(only: str | None, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows that can be planned; the oracle's fresh rows follow from their results."""
    for data in TARGETS if only is None else [only]:
        for budget in BUDGETS[:1] if quick else BUDGETS:
            for seed in SEEDS[:2] if quick else SEEDS:
                for method in METHODS:
                    yield {"data": data, "budget": budget, "method": method, "seed": seed}
                for weight, share in GRID[:1] if quick else GRID:
                    yield {"data": data, "budget": budget, "method": static(weight, share), "seed": seed}


def oracle_jobs(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the oracle's cell on fresh seeds, and `plan` beside it."""
    for data, budget in sorted({(row["data"], row["budget"]) for row in rows}):
        cells = [static(weight, share) for weight, share in GRID]
        full = [cell for cell in cells if len(select(rows, data, budget, cell)) == len(SEEDS)]
        if not full:
            continue
        best = max(full, key=lambda cell: _oracle_score(select(rows, data, budget, cell), data))
        for seed in FRESH_SEEDS:
            yield {"data": data, "budget": budget, "method": best, "seed": seed, "role": ORACLE}
            yield {"data": data, "budget": budget, "method": "plan", "seed": seed, "role": "plan, fresh seeds"}


def _oracle_score(rows: list[dict[str, Any]], data: str) -> tuple[float, float]:
    hits = statistics.mean(hit(row["deployed"], data) for row in rows)
    return hits, statistics.mean(row["deployed"]["accuracy"] for row in rows)


def select(
    rows: list[dict[str, Any]], data: str, budget: float, method: str, role: str | None = None
) -> list[dict[str, Any]]:
    """Return the finished rows of a method."""
    return [
        row
        for row in rows
        if (row["data"], row["budget"], row["method"], row.get("role")) == (data, budget, method, role)
        and "error" not in row
    ]


def violations(figures: dict[str, float], data: str) -> list[float]:
    """Return by how much each target is violated, 0 when met."""
    from efficienttrust.evaluation.targets import parse_target

    parsed = [parse_target(text) for text in TARGETS[data][1]]
    return [max(0.0, target.gap(figures[target.key])) for target in parsed]


def hit(figures: dict[str, float], data: str) -> bool:
    """Return whether all targets are met by their point values on test."""
    return max(violations(figures, data)) <= 0


def run_all(workers: int, only: str | None, quick: bool) -> None:
    """Run what is missing, appending each row when it is done."""
    ROWS.parent.mkdir(parents=True, exist_ok=True)
    for planned in (lambda rows: jobs(only, quick), oracle_jobs):
        rows = read_rows()
        done = {_identity(row) for row in rows}
        todo = [job for job in planned(rows) if _identity(job) not in done]
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers) as pool, ROWS.open("a") as file:
            for count, row in enumerate(pool.imap_unordered(run_job, todo), 1):
                file.write(json.dumps(row) + "\n")
                file.flush()
                print(f"{count}/{len(todo)} {row['data']} {row['budget']} {row['method']} {row['seed']}", flush=True)


def _identity(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["data"], row["budget"], row["method"], row["seed"], row.get("role")


def read_rows() -> list[dict[str, Any]]:
    """Return all rows written so far."""
    return [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []


def interval(values: list[float]) -> str:
    """Return the mean with the half width of its 95 % t interval over seeds."""
    from scipy import stats

    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.4f}"
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.4f} ± {half:.4f}"


def _line(name: str, figures: list[dict[str, float]], rows: list[dict[str, Any]], data: str, stage: str) -> str:
    from efficienttrust.evaluation.targets import parse_target

    keys = [parse_target(text).key for text in TARGETS[data][1]][:2]
    hits = [figure for figure in figures if hit(figure, data)]
    by_target = zip(*(row["status"] for row in rows), strict=True)
    proven = sum(all(status == "certified" for status in row["status"]) for row in rows)
    each = " · ".join(str(one.count("certified")) for one in by_target)
    certified = f"{proven} ({each})" if stage == "deployed" else "–"
    violation = statistics.mean(sum(violations(figure, data)) for figure in figures)
    cells = [
        name,
        f"{statistics.mean(row['spent'] for row in rows):.1f}",
        f"{len(hits)}/{len(figures)}" if data != "german" else "not claimed",
        certified,
        f"{violation:.4f}",
        interval([figure["accuracy"] for figure in figures]),
        f"{statistics.mean(f['accuracy'] for f in hits):.4f}" if hits else "–",
        *(interval([figure[key] for figure in figures]) for key in keys),
    ]
    return "| " + " | ".join(cells) + " |"


def table() -> None:
    """Write the page from the rows."""
    rows = read_rows()
    parts = [HEAD.format(machine=_machine())]
    for data, budget in sorted({(row["data"], row["budget"]) for row in rows}):
        parts.append(f"\n## {data}, {budget:g} s of CPU time\n\nTargets: {'; '.join(TARGETS[data][1])}.\n")
        parts.append("| method | CPU s | point hits | certified | violation | accuracy | … given hit | DPD | PGD |")
        parts.append("|---|---|---|---|---|---|---|---|---|")
        for name, method, stage in LINES:
            chosen = select(rows, data, budget, method)
            if chosen:
                figures = [row[stage] for row in chosen]
                shown = [{**row, "spent": 0.0} if stage == "constant" else row for row in chosen]
                parts.append(_line(name, figures, shown, data, stage))
        parts += _grid_lines(rows, data, budget)
        parts += [
            f"\n{failed} of {len(SEEDS)} runs of `{method}` could not train: {why}."
            for method, failed, why in _failures(rows, data, budget)
        ]
    parts += _reading(rows)
    PAGE.write_text("\n".join(parts) + "\n")
    print(PAGE)


def _grid_lines(rows: list[dict[str, Any]], data: str, budget: float) -> list[str]:
    cells = {cell: select(rows, data, budget, cell) for cell in (static(w, q) for w, q in GRID)}
    full = {cell: found for cell, found in cells.items() if len(found) == len(SEEDS)}
    if not full:
        return []
    best = max(full, key=lambda cell: _oracle_score(full[cell], data))
    total = sum(statistics.mean(row["spent"] for row in found) for found in full.values())
    lines = []
    picked = [{**row, "spent": total} for row in full[best]]
    name = f"oracle grid, 9 cells at full budget, picked on these test figures: {best}"
    lines.append(_line(name, [row["deployed"] for row in picked], picked, data, "deployed"))
    for role, method in ((ORACLE, best), ("plan, fresh seeds", "plan")):
        fresh = select(rows, data, budget, method, role)
        if fresh:
            if method == best:
                fresh = [{**row, "spent": total} for row in fresh]
            lines.append(_line(role, [row["deployed"] for row in fresh], fresh, data, "deployed"))
    return lines


def _failures(rows: list[dict[str, Any]], data: str, budget: float) -> list[tuple[str, int, str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["data"] == data and row["budget"] == budget and "error" in row:
            found.setdefault(row["method"], []).append(row["error"])
    return [(method, len(errors), errors[0]) for method, errors in found.items()]


def _machine() -> str:
    import torch

    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    )


LINES = (
    ("constant prediction", "plan", "constant"),
    ("logistic + blind threshold", "logistic", "deployed"),
    ("plain network, no calibration", "plain", "uncalibrated"),
    ("plain network + calibration", "plain", "deployed"),
    ("boosted trees + calibration", "trees", "deployed"),
    ("static grid, 9 cells, equal total cost", "equal grid", "deployed"),
    ("**ATATS `plan`** (the default)", "plan", "deployed"),
    ("ATATS `plan`, before calibration", "plan", "uncalibrated"),
    ("ATATS `rule`", "rule", "deployed"),
    ("ATATS `pid`", "pid", "deployed"),
    ("aware: plain network + group thresholds", "plain aware", "deployed"),
    ("aware: boosted trees + group thresholds", "trees aware", "deployed"),
    ("aware: ATATS `plan`", "plan aware", "deployed"),
)

HEAD = """# Quality of `fit`

Written by `python benchmarks/fit_quality.py run` and `table`; raw rows in `fit_quality.jsonl` beside this page.
Machine: {machine},
one thread a run, two runs side by side. Seeds 0-4, each with its own split and training; ± is the half width of the
95 % t interval over seeds. Everything is measured on the exported file and the test split.

- *CPU s*: what was charged to the budget, search included.
- *point hits*: runs whose test figures meet all targets. *certified*: runs with certificates for
  all of them (95 % together), and in brackets for each target in its order. *violation*: mean over seeds of the sum of
  violations.
- All methods but those marked *aware* are attribute-blind; all calibrated ones share calibrator and learning-rate rule.
- PGD figures of networks are the worst of PGD on the float parent and a black-box search on the file. Trees have no
  gradient: theirs rest on two black-box searches alone, which may flatter them.
- All rows are of commit 8647072, recorded in one go on 24 November 2026 from 20:16 to 20:46 UTC. Until 20:42 other work
  ran on the same two cores, so a CPU-second bought less than on a quiet machine; that concerns Adult above all.
- Seeds 0-4 are not clean: the head rule was changed after their COMPAS figures had been seen, and margins and the
  counting of selection rates after a look at seed 0 of Adult. Seeds 10-14 decided nothing; read those lines first. An
  earlier recording, before the memory watch and the gradients by hand, had `plan` hit 18 of 20 on Adult, as here, and
  18 of 20 on COMPAS, where it now hits 14.
- On German a test split has 200 rows and the half width of a DPD is about .14, so no hits are claimed there."""


def _reading(rows: list[dict[str, Any]]) -> list[str]:
    """Compare the default with the oracle grid on fresh seeds, in numbers, for data with hit claims."""
    lines = ["\n## Reading\n"]
    for data, budget in sorted({(row["data"], row["budget"]) for row in rows if row["data"] != "german"}):
        fresh = select(rows, data, budget, "plan", "plan, fresh seeds")
        oracle = [row for row in rows if (row["data"], row["budget"], row.get("role")) == (data, budget, ORACLE)]
        every = select(rows, data, budget, "plan") + fresh
        if not fresh or not oracle:
            continue
        pairs = zip(sorted(fresh, key=_seed), sorted(oracle, key=_seed), strict=True)
        points = [100 * (one["deployed"]["accuracy"] - two["deployed"]["accuracy"]) for one, two in pairs]
        cells = [select(rows, data, budget, static(weight, share)) for weight, share in GRID]
        grid = sum(statistics.mean(row["spent"] for row in cell) for cell in cells if cell)
        cost = statistics.mean(row["spent"] for row in fresh)
        hits = sum(hit(row["deployed"], data) for row in every)
        lines.append(
            f"- {data}, {budget:g} s: `plan` met all targets in {hits} of {len(every)} runs (seeds 0-4 and 10-14). On "
            f"fresh seeds its accuracy differs from the oracle's by {interval(points)} points (paired by seed), at "
            f"1/{grid / cost:.0f} of the grid's cost."
        )
    return [*lines, READING]


def _seed(row: dict[str, Any]) -> int:
    return int(row["seed"])


ORACLE = "oracle, fresh seeds"

READING = """
What the tables say beyond that:

- Calibration does most for fairness, the adversarial share of the batch does most for robustness, and neither replaces
  the other: no calibrated plain network and no calibrated trees met the robustness target on Adult or COMPAS, and
  `plan` did not meet the parity target of Adult before calibration.
- `plan` does not beat the best static weights found by nine runs; it finds weights of that quality in one. (The cell
  picked on Adult attacks the whole batch: less accurate than `plan`, and further inside the robustness target.) The
  grid at equal *total* cost is clearly behind where the budget binds (Adult, 5 s) and level where it does not (20 s,
  and COMPAS, on which a run takes a second).
- More time buys nothing here: 5 and 20 seconds agree within their intervals, and runs end long before 20 s.
- The misses of `plan` on Adult are both on seed 0, the demo's, by .003 to .004 of parity; five of the six attacked
  static cells miss there too, at 5 s and at 20 s. Those on COMPAS are on seeds 0, 10 and 13 at both budgets, by up to
  .012 of accuracy or of accuracy under attack; a test split there has 1,234 rows, so a standard error is .014.
- 2 of 20 runs of `plan` on Adult and none on COMPAS were certified for all targets: a certify split has a tenth of the
  rows.
- On COMPAS, parity costs every method several points of accuracy without the group at prediction, and fewer with it."""


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=tuple(TARGETS))
    parser.add_argument("--quick", action="store_true", help="two seeds, one budget, one cell of the grid")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run_all(arguments.workers, arguments.only, arguments.quick)
    table()


if __name__ == "__main__":
    main()
