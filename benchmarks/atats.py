"""The proof of ATATS: every policy, every baseline and the peers, at equal total budgets, on every kind of data.

    python benchmarks/atats.py run [--only adult,compas] [--methods plan,rule] [--seeds 0,1] [--workers 2] [--quick]
    python benchmarks/atats.py frontier [--only adult,compas] [--workers 2]     # hypervolume at equal total budgets
    python benchmarks/atats.py ablate [--finer] [--workers 2]                   # what each part of ATATS is worth
    python benchmarks/atats.py wall --only adult --shares 0.3                   # the same by the wall clock
    python benchmarks/atats.py table                                            # docs/benchmarks/atats.md

Resumable: rows that are done are kept in docs/benchmarks/atats.jsonl and not run again. Budgets are 10 %, 30 % and
100 % of the *unconstrained cost*: the CPU seconds of plain training by a written rule of when more buys nothing
(`plateau`), plus loading the data, which no method can do without. A budget pays for everything up to the file, a
search included. Figures are of the exported file on the test split; a hit is a point hit of all targets. Every row has
its own split, and says by which state of the code it was made (`code_state`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from _atats_cases import CASES, EIGHT, FRESH, ORACLE_GRID, POLICIES, QUICK, SHARES, problem_of, seeds_of, targets_of

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "docs" / "benchmarks" / "atats.jsonl"
Job = dict[str, Any]

PLATEAU_SEEDS = (50, 51, 52)  # used nowhere else
PLATEAU_GAIN = 0.001  # of utility on calibrate: two doublings that gain less are a plateau
FLOORS = ("pipeline", "training", "atats", "evaluation", "compression", "threats", "losses", "models", "metrics",
          "resources", "data")  # fmt: skip
WARM: set[str] = set()
WARM_SEED = 60
PLAIN = ("unconstrained", "early_stop")
FIRST_EPOCHS, MOST_EPOCHS = 2.5, 80.0


def main() -> None:
    """Run what the command line asks for."""
    given = _arguments()
    if given.what == "table":
        from _atats_page import write_page

        write_page(done_rows())
        return
    jobs = {"run": _run_jobs, "frontier": _frontier_jobs, "ablate": _ablation_jobs, "wall": _wall_jobs}[given.what](
        given
    )
    _carry_out(jobs, given.workers)


def done_rows() -> list[Job]:
    """Return the rows on record."""
    if not ROWS.exists():
        return []
    return [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines() if line.strip()]


def code_state() -> str:
    """Return the first digits of a hash of the modules that a row runs."""
    source = ROOT / "src" / "efficienttrust"
    found = hashlib.sha256()
    for file in sorted(file for floor in FLOORS for file in (source / floor).rglob("*.py")):
        found.update(file.relative_to(source).as_posix().encode() + file.read_bytes())
    return found.hexdigest()[:8]


def carry_out(job: Job) -> Job:
    """Run one job; what goes wrong is a row too."""
    from efficienttrust.errors import EfficientTrustError

    if job["case"] not in WARM:  # the first loading in a process also loads libraries
        WARM.add(job["case"])
        problem_of(job["case"], WARM_SEED)
    started = time.process_time()
    kinds: dict[str, Callable[[Job], Job]] = {
        "plateau": _plateau, "run": _method, "frontier": _frontier, "ablation": _ablation, "wall": _method,
        "again": _method,
    }  # fmt: skip
    try:
        found = kinds[job["kind"]](job)
    except EfficientTrustError as error:
        found = {"error": str(error)}
    except Exception as error:  # a method that breaks is a row, not the end of a night
        found = {"error": f"{type(error).__name__}: {error}", "crashed": True}
    if job["kind"] != "again":
        found.pop("phases", None)
    return {**job, **found, "cpu_all": time.process_time() - started}


def _plateau(job: Job) -> Job:
    """Return what plain training costs until more of it is seen to buy nothing.

    Epochs are doubled until two doublings in a row gain less than `PLATEAU_GAIN`. The cost is that of the last and
    longest of these trainings alone: to know that a plateau is reached one has to train past it.
    """
    from efficienttrust import fit

    tried: list[tuple[float, float, float]] = []  # epochs, utility, seconds without loading
    epochs = FIRST_EPOCHS
    while epochs <= MOST_EPOCHS:
        found = []
        for seed in PLATEAU_SEEDS:
            problem = problem_of(job["case"], seed)
            run = fit(
                problem, budget=f"epochs={epochs}", targets=[], policy="static(lambda_fair=0, adversarial_share=0)",
                model=CASES[job["case"]].get("model"), seed=seed,
            )  # fmt: skip
            chosen = next(one for one in run.document["candidates"] if one["chosen"])["metrics"]
            utility = chosen.get("accuracy", chosen.get("r2"))
            loading = problem.preparation["cpu"]
            found.append((utility, run.ledger["clocks"]["cpu"] - loading, loading))
        tried.append((epochs, statistics.mean(one[0] for one in found), statistics.mean(one[1] for one in found)))
        gains = [later[1] - tried[-3][1] for later in tried[-2:]] if len(tried) >= 3 else [1.0]
        if max(gains) < PLATEAU_GAIN or tried[-1][2] > CASES[job["case"]].get("most_seconds", 1e9):
            break
        epochs *= 2
    loading = statistics.mean(one[2] for one in found)
    row = {"epochs": tried[-1][0], "seconds": tried[-1][2], "loading": loading, "tried": tried}
    return {**row, "defects": _defects(job["case"], tried[-1][0])} if "ruled" in CASES[job["case"]] else row


def _defects(case: str, epochs: float) -> dict[str, float]:
    """Return what plain training has on calibrate, by the names in the case's rule: means of the plateau's seeds."""
    from efficienttrust import fit
    from efficienttrust.evaluation.targets import parse_target

    ruled = CASES[case]["ruled"]
    loose = [f"{metric} <= 1" if metric == "dpd" else f"{metric} >= 0" for metric in ruled]
    found = []
    for seed in PLATEAU_SEEDS:
        run = fit(
            problem_of(case, seed), budget=f"epochs={epochs}", targets=loose, model=CASES[case].get("model"),
            policy="static(lambda_fair=0, adversarial_share=0)", seed=seed,
        )  # fmt: skip
        found.append(next(one for one in run.document["candidates"] if one["chosen"])["metrics"])
    keys = {"accuracy": "accuracy", **{name: parse_target(text).key for name, text in zip(ruled, loose, strict=True)}}
    return {name: statistics.mean(one[key] for one in found) for name, key in keys.items()}


def budget_of(case: str, share: float, rows: list[Job]) -> float:
    """Return the CPU seconds of a share of the unconstrained cost: loading in full, the rest in part."""
    cost = next(row for row in rows if row["kind"] == "plateau" and row["case"] == case)
    return float(cost["loading"] + share * cost["seconds"])


def _method(job: Job) -> Job:
    from efficienttrust.pipeline.methods import row_of, run_method

    case, method = _case_of(job), job["method"]
    problem = problem_of(job["case"], job["seed"])
    budget = f"time={job['seconds']}s {'wall' if job['kind'] == 'wall' else 'cpu'}"
    if method.startswith("peer "):
        from _atats_peers import row_of_peer

        from efficienttrust.evaluation.targets import parse_target

        loop = max(job["seconds"] - problem.preparation["cpu"], 0.01)  # its calibration comes on top
        row = row_of_peer(
            problem, method.removeprefix("peer "), loop, [parse_target(one) for one in case["targets"]], job["seed"]
        )
        return row if "error" in row else {**_kept(row), "spent": row["spent"] + problem.preparation["cpu"]}
    if method in POLICIES or method.startswith("static("):
        return _fit_row(problem, case, budget, method, job["seed"])
    if "most_seconds" in case and method in PLAIN:  # `unconstrained` is what its cost by the rule buys
        asked = {"budget": budget, "targets": case["targets"], "seed": job["seed"], "model": case.get("model")}
        return _kept(row_of(run_method("early_stop", problem, **asked), case["targets"]))
    row = row_of(run_method(method, problem, budget=budget, targets=case["targets"], seed=job["seed"]), case["targets"])
    return _kept(row)


def _case_of(job: Job) -> Job:
    return {**CASES[job["case"]], "targets": targets_of(job["case"], done_rows())}


def _kept(row: Job) -> Job:
    return {key: row[key] for key in ("hit", "violation", "utility", "spent", "verdicts", "metrics", "before")}


def _fit_row(problem: Any, case: Job, budget: str, policy: str, seed: int) -> Job:
    from efficienttrust import fit
    from efficienttrust.evaluation.targets import parse_target

    run = fit(problem, budget=budget, targets=case["targets"], policy=policy, model=case.get("model"), seed=seed)
    metrics = {key: float(one["value"]) for key, one in run.metrics.items()}
    gaps = [target.gap(metrics[target.key]) for target in map(parse_target, case["targets"])]
    return {
        "hit": all(gap <= 0 for gap in gaps),
        "violation": sum(max(gap, 0.0) for gap in gaps),
        "utility": metrics.get("accuracy", metrics.get("r2")),
        "spent": run.ledger["time"]["used"],
        "phases": {**run.ledger["time"]["phases"], "steps": run.ledger["clocks"]["steps"]},
        "verdicts": {one.target: one.status for one in run.verdicts},
        "metrics": metrics,
    }


def _frontier(job: Job) -> Job:
    from _atats_frontier import frontier_row

    return frontier_row(job)


def _ablation(job: Job) -> Job:
    from _atats_ablations import ablated

    case = _case_of(job)
    with ablated(job.get("ablate", "")):
        problem = problem_of(job["case"], job["seed"])
        return _fit_row(problem, case, f"time={job['seconds']}s cpu", job.get("policy", "plan"), job["seed"])


def _run_jobs(given: argparse.Namespace) -> Iterator[list[Job]]:
    cases = QUICK if given.quick else given.only
    yield [{"kind": "plateau", "case": case} for case in cases]
    rows = done_rows()
    jobs: list[Job] = []
    kind = "again" if given.again else "run"
    for case in cases:
        methods = given.methods or CASES[case]["methods"]
        seeds = given.seeds or seeds_of(case)
        for seed in seeds[:1] if given.quick else seeds:
            for share in SHARES[:2] if given.quick else given.shares:
                seconds = budget_of(case, share, rows)
                for method in methods:
                    if method == "unconstrained" and share < 1:
                        continue  # it keeps no budget
                    if method == "early_stop" and share == 1 and "most_seconds" in CASES[case]:
                        continue  # there `unconstrained` is that
                    jobs.append({"kind": kind, "case": case, "method": method, "share": share, "seed": seed,
                                 "seconds": round(seconds, 3)})  # fmt: skip
        if case in ("adult", "compas") and not given.methods and not given.quick and 1.0 in given.shares:
            jobs += _oracle_jobs(case, seeds, budget_of(case, 1.0, rows))
    yield jobs


def _oracle_jobs(case: str, seeds: tuple[int, ...], seconds: float) -> list[Job]:
    """Return every point of the grid at full cost, each on its own seeds and on fresh ones."""
    return [
        {"kind": "run", "case": case, "method": f"static(lambda_fair={weight}, adversarial_share={share})",
         "share": 1.0, "seed": seed + fresh, "seconds": round(seconds, 3)}
        for weight, share in ORACLE_GRID for seed in seeds for fresh in (0, FRESH)
    ]  # fmt: skip


def _frontier_jobs(given: argparse.Namespace) -> Iterator[list[Job]]:
    from _atats_frontier import METHODS

    yield [{"kind": "plateau", "case": case} for case in given.only]
    rows = done_rows()
    yield [
        {"kind": "frontier", "case": case, "method": method, "seed": seed, "share": share,
         "seconds": round(budget_of(case, share, rows), 3)}
        for case in given.only for seed in given.seeds or seeds_of(case) for share in (1.0, 3.0) for method in METHODS
    ]  # fmt: skip


def _ablation_jobs(given: argparse.Namespace) -> Iterator[list[Job]]:
    from _atats_ablations import PARTS, finer

    yield [{"kind": "plateau", "case": case} for case in given.only]
    rows = done_rows()
    yield [
        {"kind": "ablation", "case": case, "method": name, "seed": seed, "share": share,
         "seconds": round(budget_of(case, share, rows), 3), **change}
        for case in given.only for seed in given.seeds or seeds_of(case) for share in given.shares
        for name, change in (finer() if given.finer else PARTS).items()
    ]  # fmt: skip


def _wall_jobs(given: argparse.Namespace) -> Iterator[list[Job]]:
    """Return the same budgets by the wall clock, which other work on the machine shortens."""
    rows = done_rows()
    yield [
        {"kind": "wall", "case": case, "method": method, "seed": seed, "share": share,
         "seconds": round(budget_of(case, share, rows), 3)}
        for case in given.only for seed in given.seeds or seeds_of(case) for share in given.shares
        for method in given.methods or EIGHT
    ]  # fmt: skip


def _carry_out(rounds: Iterator[list[Job]], workers: int) -> None:
    code = code_state()  # what workers import, as long as nobody edits meanwhile: run a long benchmark from a copy
    for jobs in ([{**job, "code": code} for job in jobs] for jobs in rounds):
        known = {_key(row) for row in done_rows()}
        left = [job for job in jobs if _key(job) not in known]
        print(f"{len(left)} of {len(jobs)} jobs to run", flush=True)
        if not left:
            continue
        with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=60) as pool:
            for done in pool.imap_unordered(carry_out, left):
                row = {**done, "load": os.getloadavg()[0], "date": time.strftime("%Y-%m-%d %H:%M")}
                with ROWS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(_plain(row)) + "\n")
                said = row.get("error") or {name: row.get(name) for name in ("hit", "utility", "hypervolume", "spent")}
                print(row["case"], row.get("method", row["kind"]), row.get("share"), row.get("seed"), said, flush=True)


def _key(row: Job) -> tuple[Any, ...]:
    code = row["code"] if row["kind"] == "again" else ""
    return (*(row.get(name) for name in ("kind", "case", "method", "share", "seed")), code)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return round(value, 6) if isinstance(value, float) and value == value else None if value != value else value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "frontier", "ablate", "wall", "table"))
    split: Callable[[str], tuple[str, ...]] = lambda text: tuple(text.split(","))  # noqa: E731
    parser.add_argument("--only", type=split, default=tuple(CASES), help="cases, by comma")
    parser.add_argument("--methods", type=split, default=(), help="methods, by comma")
    parser.add_argument("--seeds", type=lambda text: tuple(int(one) for one in text.split(",")), default=())
    parser.add_argument("--shares", type=lambda text: tuple(float(one) for one in text.split(",")), default=SHARES)
    parser.add_argument("--again", action="store_true", help="run by this code what another state of it ran before")
    parser.add_argument("--finer", action="store_true", help="ablate single dials and single fields of the state")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one case, one seed, two budgets: about 15 minutes")
    given = parser.parse_args()
    if unknown := set(given.only) - set(CASES):
        parser.error(f"unknown case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    return given


if __name__ == "__main__":
    main()
