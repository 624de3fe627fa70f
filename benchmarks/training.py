"""What training costs: our loop against others, the scheduler's share, start-up, and how well budgets hold.

    .venv/bin/python benchmarks/training.py                     # throughput, scheduler, start-up (about 3 minutes)
    .venv/bin/python benchmarks/training.py --budget-overrun    # 20 fits at 2-20 s of CPU (about 6 minutes)
    .venv/bin/python benchmarks/training.py --quick             # either, shortened; writes nothing

Everything is CPU time on one thread, both sides of a ratio run in one process, and repetitions are interleaved, so that
a change of the machine's speed meets all sides alike. The tables go to docs/benchmarks/training.md, one section each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from _peers import LAMBDA_F, WIDTHS, Side, Task, Work, peers

from efficienttrust.atats import make_policy
from efficienttrust.data import Problem, load_problem
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.resources import CLOCKS, Budget, Ledger, TimeLimit, calibration_kernel, environment
from efficienttrust.training import TrainingTask, _bench, trainers

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "training.md"
BATCHES = (256, 1024)
OURS = "EfficientTrust"
AIMS = {"DataLoader loop": 1.8, "skorch": 1.8, "Lightning": 2.0}
ADULT_TARGETS = ("demographic_parity_difference <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80")
FITS = (("adult", "sex"), ("compas", "race"), ("german", "sex"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--budget-overrun", action="store_true", help="measure how well budgets hold instead")
    arguments.add_argument("--quick", action="store_true", help="a short trial; writes nothing")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    lines = machine()
    if given.budget_overrun:
        name = "budgets"
        lines += budget_overrun(n_fits=2 if given.quick else 20, longest=3.0 if given.quick else 20.0)
    else:
        problem = load_problem("adult", sensitive="sex", seed=0)
        repetitions, epochs = (2, 1) if given.quick else (7, 6)
        name = "costs"
        lines += throughput(problem, repetitions, epochs)
        lines += scheduler_share(problem, seconds=3.0 if given.quick else 10.0)
        lines += start_up(repetitions=2 if given.quick else 5)
    text = "\n".join(lines)
    print(text)
    if not given.quick:
        write_section(name, text, page=PAGE, title="# Training: speed, cost, and how budgets hold\n\n")


# ---------------------------------------------------------------------------------------------------- throughput


def throughput(problem: Problem, repetitions: int, epochs: int) -> list[str]:
    """Race the loops on the same rows, and set them against what the core can multiply."""
    task = as_task(problem)
    sides: dict[str, Side | None] = {OURS: our_loop(problem), **peers()}
    n_rows, n_features = task.x.shape
    lines = [
        "## Training throughput",
        "",
        (
            f"Adult, {n_rows} training rows, {n_features} features; MLP {'-'.join(map(str, WIDTHS))}, Adam, soft "
            f"demographic-parity penalty on; one thread; median of {repetitions} interleaved repetitions of {epochs} "
            "epochs (range), seeds 0, 1, …"
        ),
        "",
    ]
    for batch in BATCHES:
        rates = race(sides, task, batch, epochs, repetitions)
        limits = product_rates(n_features, batch)
        lines += throughput_table(rates, [name for name, side in sides.items() if side is None], batch)
        flops = flops_per_row(n_features)
        share = np.median(rates[OURS]) * flops / 1e9
        lines += [
            "",
            (
                f"Batch {batch}: one row costs {flops / 1e3:.0f} kFLOP (forward, and backward without the gradient of "
                f"the input). The core multiplies fp32 matrices at {limits['layers']:.0f} GFLOP/s at these shapes and "
                f"{limits['square']:.0f} at 1024 × 1024; our loop does {share:.1f} GFLOP/s in the network, "
                f"**{share / limits['layers']:.0%}** and {share / limits['square']:.0%} of that (aim: 65 %)."
            ),
            "",
        ]
    return lines


def our_loop(problem: Problem) -> Side:
    """Return our side of the race: the project's network trainer, its dials fixed as the peers' loss has them.

    What is timed is the ledger's phase `train`: all of the loop but preparation, probe and looks at the monitor split.
    """
    targets = (parse_target(ADULT_TARGETS[0]),)
    dials = f"static(lambda_fair={LAMBDA_F}, adversarial_share=0)"

    def train(task: Task, batch: int, epochs: int, seed: int) -> Work:
        ledger = Ledger(Budget(time=TimeLimit(epochs * len(task.y), "samples")))
        trainer = trainers.get("network")(TrainingTask(targets=targets, seed=seed, options={"widths": WIDTHS}))
        with patch.object(_bench, "batch_size_for", lambda n_rows: batch):
            trainer.fit(problem, ledger, make_policy(dials))
        spent = dict(zip(CLOCKS, ledger.state_dict()["train"], strict=True))
        return Work(int(spent["samples"]), spent["cpu"])

    return train


def as_task(problem: Problem) -> Task:
    """Return the training rows as every side gets them."""
    split = problem.splits["train"]
    membership = np.eye(len(problem.group_names), dtype=np.float32)[split.groups] * (split.groups >= 0)[:, None]
    return Task(split.x, split.y.astype(np.float32), membership.astype(np.float32))


def race(
    sides: dict[str, Side | None], task: Task, batch: int, epochs: int, repetitions: int
) -> dict[str, list[float]]:
    """Return rows per CPU second of each side, one value a repetition; all sides take turns, in rotating order."""
    running = [(name, side) for name, side in sides.items() if side is not None]
    for _, side in running:
        side(task, batch, 1, 0)  # the first run of each pays for imports and caches
    rates: dict[str, list[float]] = {name: [] for name, _ in running}
    for seed in range(repetitions):
        turn = seed % len(running)
        for name, side in running[turn:] + running[:turn]:
            rates[name].append(side(task, batch, epochs, seed).rate)
    return rates


def throughput_table(rates: dict[str, list[float]], absent: Sequence[str], batch: int) -> list[str]:
    """Return the table of one batch size; a ratio is the median of the ratios within repetitions."""
    lines = [f"| batch {batch} | rows per CPU-second | ours is faster by | aim |", "|---|---|---|---|"]
    ours = np.array(rates[OURS])
    for name, values in rates.items():
        rate = f"{np.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"
        ratios = ours / np.array(values)
        ratio = "" if name == OURS else f"{np.median(ratios):.2f}× ({ratios.min():.2f}-{ratios.max():.2f})"
        lines.append(f"| {name} | {rate} | {ratio} | {f'≥ {AIMS[name]}×' if name in AIMS else ''} |")
    return lines + [f"| {name} | not installed | | |" for name in absent]


def flops_per_row(n_features: int) -> float:
    """Floating-point operations per row: forward, gradients of all weights, gradients of the hidden layers' inputs."""
    sizes = (n_features, *WIDTHS, 1)
    layers = [2 * a * b for a, b in itertools.pairwise(sizes)]
    return float(3 * sum(layers) - layers[0])


def product_rates(n_features: int, batch: int) -> dict[str, float]:
    """Return GFLOP/s of torch's matrix product, at the shapes of the network's products and for a large square."""
    sizes = (n_features, *WIDTHS, 1)
    shapes = []
    for index, (a, b) in enumerate(itertools.pairwise(sizes)):
        shapes += [(batch, a, b), (b, batch, a)] + ([(batch, b, a)] if index else [])
    return {"layers": gflops(shapes), "square": gflops([(1024, 1024, 1024)])}


def gflops(shapes: Sequence[tuple[int, int, int]]) -> float:
    """Return GFLOP/s over products [n, k] @ [k, m] done one after the other; the best of many rounds."""
    pairs = [(torch.randn(n, k), torch.randn(k, m), torch.empty(n, m)) for n, k, m in shapes]
    work = sum(2.0 * n * k * m for n, k, m in shapes)
    rounds = max(1, int(1e9 / work))

    def products() -> None:
        for _ in range(rounds):
            for left, right, out in pairs:
                torch.mm(left, right, out=out)

    return work * rounds / min(cpu_of(products) for _ in range(20)) / 1e9


def cpu_of(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


# ------------------------------------------------------------------------------------- scheduler and start-up


def scheduler_share(problem: Problem, seconds: float) -> list[str]:
    """Fit once with the default policy and say which part of the run's time went where."""
    from efficienttrust import fit

    run = fit(problem, budget=f"time={seconds}s cpu, size=300kB, latency=2ms", targets=list(ADULT_TARGETS), seed=0)
    account = run.document["ledger"]["time"]
    phases, used = account["phases"], account["used"]
    lines = [
        "## What the scheduler adds",
        "",
        f"One `fit` of Adult, policy `plan`, {seconds:.0f} s of CPU asked, {used:.2f} s used, seed 0.",
        "",
        "| phase | CPU s | share |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {spent:.3f} | {spent / used:.1%} |" for name, spent in sorted(phases.items(), key=_spent)]
    other = used - sum(phases.get(name, 0.0) for name in TRAINING_PHASES)
    scheduler = sum(phases.get(name, 0.0) for name in SCHEDULER_PHASES)
    return [
        *lines,
        "",
        (
            f"Probe, state, decisions and monitoring ({', '.join(SCHEDULER_PHASES)}): **{scheduler / used:.1%}** of "
            f"the run (aim: at most 12 %). Everything that is not a training step ({', '.join(TRAINING_PHASES)}): "
            f"{other / used:.1%}."
        ),
        "",
    ]


TRAINING_PHASES = ("train", "attack")
SCHEDULER_PHASES = ("probe", "monitor", "scheduler")


def _spent(item: tuple[str, float]) -> float:
    return -item[1]


def start_up(repetitions: int) -> list[str]:
    """Measure what importing the package and asking for help cost, each in a fresh process."""
    command = str(Path(sys.executable).with_name("efficienttrust"))
    cases = {
        "`import efficienttrust`": ([sys.executable, "-c", "import efficienttrust"], 0.3),
        "`efficienttrust --help`": ([command, "--help"], 0.5),
        "(an empty Python, for comparison)": ([sys.executable, "-c", "pass"], None),
    }
    lines = ["## Start-up", "", f"| | CPU s, least of {repetitions} | aim |", "|---|---|---|"]
    for name, (line, aim) in cases.items():
        least = min(child_cpu(line)[0] for _ in range(repetitions))
        lines.append(f"| {name} | {least:.3f} | {'' if aim is None else f'< {aim}'} |")
    return [*lines, ""]


def child_cpu(line: Sequence[str]) -> tuple[float, str]:
    """Run a command and return its CPU seconds (user and system) and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)} ended with {done.returncode}:\n{done.stderr}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done.stdout


# ---------------------------------------------------------------------------------------------- how budgets hold


def budget_overrun(n_fits: int, longest: float) -> list[str]:
    """Run `efficienttrust fit` in fresh processes at budgets from 2 s on, and compare asked with used."""
    lines = [
        "## How budgets hold",
        "",
        (
            f"{n_fits} runs of `efficienttrust fit`, each a fresh process; `used` is the ledger's, export included; "
            "`process` is all CPU of the process as the kernel counts it, with imports, final evaluation and report."
        ),
        "",
        "| data | seed | asked s | used s | overrun ms | overrun | process s |",
        "|---|---|---|---|---|---|---|",
    ]
    late, beyond_p95, beyond_max = [], 0, 0
    for seed, asked in enumerate(np.geomspace(2.0, longest, n_fits).round(2)):
        source, sensitive = FITS[seed % len(FITS)]
        account, process = one_fit(source, sensitive, float(asked), seed)
        over = account["overrun"]
        late.append(over)
        beyond_p95 += over > max(0.01 * asked, 0.1)
        beyond_max += over > max(0.03 * asked, 0.2)
        figures = f"{asked:g} | {account['used']:.3f} | {1000 * over:.0f} | {over / asked:.2%} | {process:.2f} |"
        lines.append(f"| {source} | {seed} | {figures}")
    return [
        *lines,
        "",
        (
            f"Overrun: p95 **{1000 * np.percentile(late, 95):.0f} ms**, max **{1000 * max(late):.0f} ms**. Above "
            f"max(1 %, 100 ms): {beyond_p95} of {n_fits} (aim: at most 5 %); above max(3 %, 200 ms): {beyond_max} "
            "(aim: none)."
        ),
        "",
    ]


def one_fit(source: str, sensitive: str, seconds: float, seed: int) -> tuple[dict[str, float], float]:
    """Return the ledger's entry for time and the CPU seconds of the whole process."""
    command = str(Path(sys.executable).with_name("efficienttrust"))
    with tempfile.TemporaryDirectory() as folder:
        line = [command, "fit", source, "--sensitive", sensitive, "--budget", f"time={seconds}s cpu, size=300kB"]
        line += [part for target in ADULT_TARGETS for part in ("--target", target)]
        line += ["--seed", str(seed), "--out", str(Path(folder) / "run"), "--json"]
        process, printed = child_cpu(line)
    return json.loads(printed)["ledger"]["time"], process


# -------------------------------------------------------------------------------------------------------- output


def machine() -> list[str]:
    """Return one line on machine, versions and load, for the head of a section."""
    facts = environment()
    versions = {**facts["versions"], **{name: installed(name) for name in ("skorch", "lightning")}}
    text = (
        f"_{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {facts['processor']}, {facts['cores_available']} cores; Python "
        f"{facts['python']}; {', '.join(f'{name} {number}' for name, number in versions.items())}; load "
        f"{facts['load_average'][0]} before; calibration kernel {1000 * calibration_kernel():.1f} ms_"
    )
    return [text, ""]


def installed(name: str) -> str:
    """Return the version of a package, or that it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def write_section(name: str, text: str, *, page: Path, title: str) -> None:
    """Put `text` into its section of a page, begun with its title, and leave the other sections as they are."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    written = page.read_text(encoding="utf-8") if page.exists() else title
    section = f"{begin}\n{text.rstrip()}\n{end}\n"
    if begin in written:
        head, _, rest = written.partition(begin)
        written = head + section + rest.partition(f"{end}\n")[2]
    else:
        written += section
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
