"""docs/benchmarks/atats.md from the rows on record."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from _atats_ablation_tables import ablation_tables
from _atats_cases import BASELINES, CASES, FRESH, ORACLE_GRID, PEERS, POLICIES, targets_of
from _atats_statistics import holm, interval, sign_flips, wilson

from efficienttrust.resources import environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "atats.md"
Row = dict[str, Any]
POOLED = """\
Differences to `plan`, pair by pair: the same data, budget and seed, where both could train. Above 0 is better than
`plan` in score and hits, worse in violation. p by sign flips, corrected by Holm over the methods; pairs of one data set
are not independent of each other, so take p as a description.
"""
CURVES = """\
Hypervolume on test of (utility, gap, robust accuracy) above a fixed reference (`_atats_frontier.py`), of at most 20
points that were chosen on calibrate; rules for the gap are sought for every model alike. `grid`, `path` (each point
starts from the one before) and `halving` share the budget among twelve static settings; `grid at full cost` has it
twelve times. *pick*: the most accurate point that has a margin to the targets on calibrate, as measured on test
(utility, gap, robust accuracy).
"""
CODES = """\
A row carries the first digits of a hash of the modules that it runs (`code_state`), the date, and the load of the
machine (processes that want a core; there are two cores, and other work was always running beside it).
"""
AGAIN = """\
Rows of earlier code ("before") are kept as they were; these were run later, at the same number of seconds. As a CPU
second does less work on a busy machine, `ab59958e` (the code of before, labelled) and `d39cce0c` were run side by side,
seed by seed: compare those, not with the rows of before; `b09fb8aa` ran after them under the same kind of load.
`d39cce0c` trains by the steps of its probe, times one width, counts in sorted cells, takes no look where one costs more
than an eighth of what is left, and keeps back what a calibration takes at least, so that limits which were overrun are
refused. Where no look is taken, `b09fb8aa` also trains by free adversarial training and leaves fairness to calibration;
that was decided on the certify splits of seeds that no row uses. (`871c2542` is its `plan` too, run some
minutes earlier; other rows of that state were not kept, as it changed `static` by mistake.)
"""
WALL = """\
The same number of seconds on the wall clock, on a machine that other work shares (see its load above): what a user
there would get. `unconstrained` keeps no budget.
"""
PENALTY = 2.0  # of a unit of violation in the score by which methods are paired
HEAD = """# ATATS against everything else

Written by `python benchmarks/atats.py table` from `atats.jsonl`; every row there is one training with its own split, at
a budget of CPU seconds (one thread). **Budget**: loading the data, which no method can do without, plus a share of the
*unconstrained cost*: what plain training takes until more of it is seen to buy nothing (epochs are doubled until two
doublings in a row gain less than 0.1 points; the cost of the last one). It pays for everything up to the exported file,
a search included; measuring the file is not charged. **Hit**: all targets are met by the point estimate on the test
split. **Violation**: the sum of what targets are missed by. **Score**: utility less twice the violation, by which
methods are paired seed by seed. Robust accuracy of networks rests on PGD and a black-box search, that of trees on the
search alone, so the two are **not** comparable in that column.

`diabetes130 ever`, `sequences`, `nih` and `cifar10` have targets by a rule that looks at the unconstrained model alone
(`ruled_targets`): half of its demographic parity difference and half of what its accuracy loses under attack, on
calibrate, means of three seeds that no row uses. Where that model is nearly fair, half of its difference is below the
standard error on test, and hits are a matter of luck: read violation and utility there. On the heavy ones `early_stop`
at 100 % is `unconstrained`. Cases without rows have not been run.
"""
UNLABELLED = "not labelled; made from commits of 2026-11-25 up to ea48104"


def write_page(rows: list[Row]) -> None:
    """Write the page."""
    facts = environment()
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    machine = (
        f"{facts['processor']}, {facts['cores_available']} cores, shared with other work; Python {facts['python']}"
    )
    lines = [
        HEAD,
        f"_{machine}; {versions}; {len(rows)} rows_",
        "",
        *_codes(rows),
        *_costs(rows),
        *_pooled(rows),
        *_again(rows),
        *_wall(rows),
        *(line for case in CASES for line in _case(case, rows)),
        *_oracle(rows),
        *_frontiers(rows),
        *ablation_tables(_done(_of(rows, "ablation")), _score),
    ]
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{PAGE}: {len(rows)} rows")


def _score(row: Row) -> float:
    return float(row["utility"]) - PENALTY * float(row["violation"])


def _of(rows: Iterable[Row], kind: str, **wanted: Any) -> list[Row]:
    return [row for row in rows if row["kind"] == kind and all(row.get(key) == value for key, value in wanted.items())]


def _done(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if "error" not in row and row.get("violation") is not None]


def _codes(rows: list[Row]) -> list[str]:
    """Return which state of the code made which rows, and how busy the machine was."""
    lines = ["## Which code made which rows", "", CODES,
             "| code | rows | of | from | to | load |", "|---|---|---|---|---|---|"]  # fmt: skip
    for code in dict.fromkeys(row.get("code", "") for row in rows):
        part = [row for row in rows if row.get("code", "") == code]
        what = sorted({f"{row['kind']} {row['case']}" for row in part})
        dates = sorted(row["date"] for row in part if "date" in row) or ["", ""]
        loads = [row["load"] for row in part if "load" in row]
        load = f"{statistics.mean(loads):.1f}" if loads else "not noted"
        lines.append(f"| {code or UNLABELLED} | {len(part)} | {', '.join(what)} | {dates[0]} | {dates[-1]} | {load} |")
    return [*lines, ""]


def _again(rows: list[Row]) -> list[str]:
    """Return what another state of the code came to at the same budgets, beside the rows of before."""
    again = _of(rows, "again")
    if not again:
        return []
    lines = ["## The same budgets by later code", "", AGAIN,
             "| data | budget | method | code | runs | hits | violation | utility | spent, s |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for case, share, method in dict.fromkeys((row["case"], row["share"], row["method"]) for row in again):
        for kind in ("run", "again"):
            part = _of(rows, kind, case=case, share=share, method=method)
            for code in dict.fromkeys(row.get("code", "") for row in part):
                own = [row for row in part if row.get("code", "") == code]
                cells = [case, f"{share:.0%}", method, code or "before", *_cells(own)]
                lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", *_phases(again)]


def _phases(rows: list[Row]) -> list[str]:
    """Return where the seconds of `plan` go, by state of the code."""
    told = [row for row in rows if row["method"] == "plan" and "phases" in row]
    names = list(dict.fromkeys(name for row in told for name in row["phases"] if name != "steps"))
    lines = ["Where the time of `plan` goes, in milliseconds, and what it trains:", "",
             f"| data | budget | code | runs | {' | '.join(names)} | steps |",
             f"|{'---|' * (5 + len(names))}"]  # fmt: skip
    keys = ("case", "share", "code")
    for case, share, code in dict.fromkeys(tuple(row[key] for key in keys) for row in told):
        own = [row["phases"] for row in told if (row["case"], row["share"], row["code"]) == (case, share, code)]
        spent = [f"{1000 * statistics.mean(one.get(name, 0.0) for one in own):.0f}" for name in names]
        steps = statistics.mean(one["steps"] for one in own)
        lines.append(f"| {case} | {share:.0%} | {code} | {len(own)} | {' | '.join(spent)} | {steps:.0f} |")
    return [*lines, ""] if told else []


def _wall(rows: list[Row]) -> list[str]:
    """Return the runs by the wall clock beside those by the CPU clock."""
    wall = _of(rows, "wall")
    if not wall:
        return []
    lines = ["## By the wall clock", "", WALL,
             "| data | budget | method | clock | runs | hits | violation | utility | spent, s |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for case, share, method in dict.fromkeys((row["case"], row["share"], row["method"]) for row in wall):
        for kind, clock in (("run", "cpu"), ("wall", "wall")):
            part = _of(rows, kind, case=case, share=share, method=method)
            if part:
                lines.append(f"| {case} | {share:.0%} | {method} | {clock} | {' | '.join(_cells(part))} |")
    return [*lines, ""]


def _cells(rows: list[Row]) -> list[str]:
    """Return runs, hits, violation, utility and what was spent, as text."""
    done = _done(rows)
    if not done:
        return [f"0 of {len(rows)}", _reason(rows[0]["error"]), "", "", ""]
    mean = {key: statistics.mean(row[key] for row in done) for key in ("violation", "utility", "spent")}
    hits = sum(row["hit"] for row in done)
    return [f"{len(done)} of {len(rows)}", f"{hits}", f"{mean['violation']:.4f}", f"{mean['utility']:.4f}",
            f"{mean['spent']:.2f}"]  # fmt: skip


def _costs(rows: list[Row]) -> list[str]:
    lines = ["## Unconstrained costs", "", "| data | targets | loading, s | unconstrained cost, s | epochs |",
             "|---|---|---|---|---|"]  # fmt: skip
    for row in _of(rows, "plateau"):
        if "error" not in row:
            targets = "; ".join(targets_of(row["case"], rows))
            lines.append(
                f"| {row['case']} | {targets} | {row['loading']:.2f} | {row['seconds']:.2f} | {row['epochs']:g} |"
            )
    return [*lines, ""]


def _pooled(rows: list[Row]) -> list[str]:
    """Return the paired comparison with `plan` over all data and budgets."""
    plan = {(r["case"], r["share"], r["seed"]): r for r in _done(_of(rows, "run", method="plan"))}
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row in _done(_of(rows, "run")):
        other = plan.get((row["case"], row["share"], row["seed"]))
        if other is not None and row["method"] != "plan" and not row["method"].startswith("static("):
            found[row["method"]].append((_score(row) - _score(other), float(row["hit"]) - float(other["hit"]),
                                         row["violation"] - other["violation"]))  # fmt: skip
    corrected = holm({name: sign_flips([one[0] for one in pairs]) for name, pairs in found.items()})
    lines = [
        "## Over all data and budgets", "",
        POOLED,
        "| method | pairs | score | 95 % | p (Holm) | hits | violation |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in sorted(found, key=lambda name: -statistics.mean(one[0] for one in found[name])):
        pairs = found[name]
        mean, low, high = interval([one[0] for one in pairs])
        lines.append(
            f"| {name} | {len(pairs)} | {mean:+.4f} | {low:+.4f} to {high:+.4f} | {corrected[name]:.3f} | "
            f"{statistics.mean(one[1] for one in pairs):+.2f} | {statistics.mean(one[2] for one in pairs):+.4f} |"
        )
    return [*lines, ""]


def _case(case: str, rows: list[Row]) -> list[str]:
    own = [
        row for row in _of(rows, "run", case=case) if row["seed"] < FRESH and not row["method"].startswith("static(")
    ]
    if not own:
        return []
    lines = [f"## {case}", ""]
    for share in sorted({row["share"] for row in own}):
        part = [row for row in own if row["share"] == share]
        lines += [
            f"### {share:.0%} of the unconstrained cost: {part[0]['seconds']:.2f} s", "",
            "| method | runs | hits | 95 % | violation | utility | utility of hits | spent, s | certified |",
            "|---|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        order = [*POLICIES, *BASELINES, *PEERS]
        names = sorted({row["method"] for row in part}, key=lambda name: order.index(name) if name in order else 99)
        lines += [_line(name, [row for row in part if row["method"] == name]) for name in names]
        lines.append("")
    return lines


def _line(name: str, rows: list[Row]) -> str:
    done = _done(rows)
    if not done:
        return f"| {name} | 0 of {len(rows)} | | | | | | | {_reason(rows[0]['error'])} |"
    hits = [row for row in done if row["hit"]]
    low, high = wilson(len(hits), len(done))
    statuses = [status for row in done for status in row["verdicts"].values()]
    spread = f" ± {statistics.stdev(row['utility'] for row in done):.3f}" if len(done) > 1 else ""
    of_hits = f"{statistics.mean(row['utility'] for row in hits):.4f}" if hits else ""
    return (
        f"| {name} | {len(done)} of {len(rows)} | {len(hits)} | {low:.0%} to {high:.0%} | "
        f"{statistics.mean(row['violation'] for row in done):.4f} | "
        f"{statistics.mean(row['utility'] for row in done):.4f}{spread} | {of_hits} | "
        f"{statistics.mean(row['spent'] for row in done):.2f} | {np.mean([s == 'certified' for s in statuses]):.0%} |"
    )


def _reason(error: str) -> str:
    return "not in this budget" if error.startswith("budget:") else error[:60].replace("|", "/")


def _oracle(rows: list[Row]) -> list[str]:
    lines: list[str] = []
    names = [f"static(lambda_fair={weight}, adversarial_share={share})" for weight, share in ORACLE_GRID]
    for case in CASES:
        grid = [row for row in _done(_of(rows, "run", case=case)) if row["method"] in names]
        first = {n: [_score(r) for r in grid if r["method"] == n and r["seed"] < FRESH] for n in names}
        if not all(first.values()):
            continue
        best = max(names, key=lambda name: statistics.mean(first[name]))
        fresh = [row for row in grid if row["method"] == best and row["seed"] >= FRESH]
        if not fresh:
            continue
        hits, utility = sum(row["hit"] for row in fresh), statistics.mean(row["utility"] for row in fresh)
        picked, again = statistics.mean(first[best]), statistics.mean(map(_score, fresh))
        said = f"score {picked:.4f} on the seeds it was picked on, {again:.4f} on fresh ones"
        there = f"there {hits} of {len(fresh)} hit, utility {utility:.4f}"
        lines.append(
            f"**{case}**: the best of {len(names)} static settings at full cost *on test* is `{best}`: {said};"
        )
        lines += [f"{there}. `plan`, which pays once:", ""]
        for share in sorted({row["share"] for row in _of(rows, "run", case=case, method="plan")}):
            own = _done(_of(rows, "run", case=case, method="plan", share=share))
            if own:
                gap = 100 * (statistics.mean(row["utility"] for row in own) - utility)
                mine = sum(row["hit"] for row in own)
                lines.append(f"- {share:.0%}: {mine} of {len(own)} hit, utility {gap:+.2f} points")
        lines.append("")
    return ["## The oracle grid", "", *lines] if lines else []


def _frontiers(rows: list[Row]) -> list[str]:
    lines: list[str] = []
    for case in CASES:
        for share in (1.0, 3.0):
            part = [row for row in _of(rows, "frontier", case=case, share=share) if "error" not in row]
            own = {row["seed"]: row["hypervolume"] for row in part if row["method"] == "conditional"}
            if not own:
                continue
            lines += [f"### {case}, {share:.0%} ({part[0]['seconds']:.2f} s)", "",
                      "| method | runs | hypervolume | against conditional | 95 % | spent, s | pick |",
                      "|---|---|---|---|---|---|---|"]  # fmt: skip
            for name in dict.fromkeys(row["method"] for row in part):
                mine = [row for row in part if row["method"] == name]
                ratios = [row["hypervolume"] / own[row["seed"]] - 1 for row in mine if own.get(row["seed"])]
                mean, low, high = interval(ratios)
                picks = [row["pick"] for row in mine if row["pick"]]
                pick = ", ".join(f"{value:.4f}" for value in np.mean(picks, axis=0)) if picks else "none"
                volume = statistics.mean(row["hypervolume"] for row in mine)
                spent = statistics.mean(row["spent"] for row in mine)
                cells = [name, len(mine), f"{volume:.5f}", f"{mean:+.1%}", _range(low, high), f"{spent:.1f}",
                         f"{pick} ({len(picks)} of {len(mine)})"]  # fmt: skip
                lines.append(f"| {' | '.join(map(str, cells))} |")
            lines.append("")
    if not lines:
        return []
    return [
        "## The whole curve from one budget", "",
        CURVES, *lines,
    ]  # fmt: skip


def _range(low: float, high: float) -> str:
    return "too few" if low != low else f"{low:+.1%} to {high:+.1%}"
