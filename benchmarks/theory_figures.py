"""A figure for each result of the theory: docs/images/theory/T01.svg to T16.svg.

    .venv/bin/python benchmarks/theory_figures.py            # all of them
    .venv/bin/python benchmarks/theory_figures.py T04 T14    # some

What was measured on real data is read from docs/benchmarks/theory_tightness.md, so a figure shows the numbers of that
page; closed forms, and the models of COMPAS in T01 and T02, are computed here. The same input gives the same bytes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from efficienttrust import Problem, fit, load_problem, theory

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "theory_tightness.md"
FOLDER = ROOT / "docs" / "images" / "theory"
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#aa4499", "#767676"  # Okabe and Ito; Tol
GROUND = "#ffffff"  # an opaque panel: pages may be read on a dark ground
STYLE = {
    "svg.hashsalt": "efficienttrust", "svg.fonttype": "path", "font.size": 10, "axes.titlesize": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.facecolor": GROUND, "figure.facecolor": GROUND,
    "savefig.facecolor": GROUND, "legend.frameon": False, "legend.fontsize": 9, "lines.linewidth": 1.8,
    "lines.markersize": 5, "axes.grid": True, "grid.color": "#e3e3e3", "grid.linewidth": 0.6, "axes.axisbelow": True,
}  # fmt: skip
SIZE = (4.3, 3.0)  # inches: readable at 320 pixels


def main() -> None:
    """Draw the figures that the command line names, or all."""
    wanted = sys.argv[1:] or list(FIGURES)
    if unknown := set(wanted) - set(FIGURES):
        sys.exit(f"unknown figure {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name in wanted:
            figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
            FIGURES[name](axes)
            figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
            plt.close(figure)
            print(name, flush=True)


# ------------------------------------------------------------------------------------------------ information, samples


def fair_bayes_frontier(axes: Axes) -> None:
    """T1: the estimated frontier of COMPAS, and delivered models."""
    found = theory.estimated_frontier(compas(), attribute="blind", deltas=np.round(np.linspace(0, 0.5, 51), 2))
    axes.fill_between(found.delta, found.low, found.high, color=BLUE, alpha=0.18, linewidth=0)
    axes.plot(found.delta, found.accuracy.value, color=BLUE, label="frontier, 95 % band")
    axes.plot(*delivered(), "o", color=ORANGE, label="delivered linear models")
    axes.set(xlabel="demographic parity difference", ylabel="accuracy on COMPAS", xlim=(0, 0.35))
    axes.legend(loc="lower right")


def base_rate_gap(axes: Axes) -> None:
    """T2: what base rates of COMPAS allow, far above delivered models."""
    part = compas().splits["test"]
    sizes = np.bincount(part.groups)
    rates = [part.y[part.groups == code].mean() for code in range(len(sizes))]
    gaps = np.linspace(0, 0.5, 51)
    axes.plot(gaps, [float(theory.base_rate_bound(rates, sizes, gap)) for gap in gaps], color=BLUE, label="bound (T2)")
    axes.plot(*delivered(), "o", color=ORANGE, label="delivered linear models")
    axes.set(xlabel="demographic parity difference", ylabel="accuracy on COMPAS", xlim=(0, 0.5), ylim=(0.5, 1.02))
    axes.legend(loc="center right")


def regression_price(axes: Axes) -> None:
    """T3: what is paid over the share of unfairness that may stay."""
    alpha = np.linspace(0, 1, 101)
    for apart, colour in ((0.5, GREEN), (1.0, BLUE), (1.5, ORANGE)):
        price = [float(theory.gaussian_regression_price([0, apart], [1, 2], [1, 1], one)) for one in alpha]
        axes.plot(alpha, price, color=colour, label=f"means {apart:g} apart")
    axes.set(xlabel="share of the unfairness that stays", ylabel="added squared error", xlim=(0, 1), ylim=(0, None))
    axes.legend(title="predictions N(0, 1), N(m, 4)", title_fontsize=9)


def fairness_certificates(axes: Axes) -> None:
    """T7: half-widths of intervals of a gap, and the one that would have covered, on samples of Adult."""
    rows = table("samples", "Certificates and chance gaps")
    n = column(rows, 0)
    for place, name, style in ((6, "Clopper–Pearson", "s"), (4, "McDiarmid", "^"), (2, "Newcombe", "o")):
        colour = {"s": GREEN, "^": BLUE, "o": ORANGE}[style]
        axes.plot(n, column(rows, place), f"-{style}", color=colour, label=name)
    axes.plot(n, column(rows, 1), "--", color="black", label="needed to cover 95 %")
    axes.set(xscale="log", yscale="log", xlabel="rows per group (Adult, sex)", ylabel="half-width of the gap")
    plain_ticks(axes, x=n, y=(0.02, 0.05, 0.1, 0.2))
    axes.legend()


def description_length(axes: Axes) -> None:
    """T10: observed and proven distance of the error, over bits."""
    rows = table("samples", "Description length")
    bits, seen = column(rows, 1), column(rows, 4)
    n = np.full(len(bits), 24_421)
    n[-1] = 4_884
    axes.plot(bits, [float(theory.occam_width(b, m)) for b, m in zip(bits, n, strict=True)], "s", color=BLUE,
              label="proven by length")  # fmt: skip
    axes.plot(bits, seen, "o", color=ORANGE, label="observed on test")
    axes.axhline(0.5, color=GREY, linestyle=":")
    axes.text(7, 0.55, "a coin does as well", color=GREY, fontsize=9)
    axes.set(
        xscale="log", yscale="log", xlabel="bits of the model (Adult)", ylabel="distance of errors", ylim=(2e-4, 5)
    )
    axes.legend(loc="lower left")


def group_size(axes: Axes) -> None:
    """T11: rows that any test needs, that the best test needs, over the difference."""
    taus = np.array([0.03, 0.05, 0.075, 0.1, 0.15, 0.2])
    best = [float(theory.exact_test_size(0.3, tau)) for tau in taus]
    axes.plot(taus, best, "-o", color=ORANGE, label="the best test needs")
    axes.plot(taus, [float(theory.min_group_n_lower(0.3, tau)) for tau in taus], "--", color=BLUE, label="lower bound")
    axes.set(xscale="log", yscale="log", xlabel="difference from a rate of 0.3", ylabel="rows of the group")
    plain_ticks(axes, x=(0.03, 0.05, 0.1, 0.2), y=(30, 100, 300, 1000, 3000))
    axes.legend()


def law_of_robustness(axes: Axes) -> None:
    """T6: certified and attacked radius, and the slope that the law asks for."""
    rows = table("radius", "Certified radius")
    places = np.arange(len(rows))
    axes.bar(places - 0.2, column(rows, 3), 0.38, color=BLUE, label="certified")
    axes.bar(places + 0.2, column(rows, 4), 0.38, color=ORANGE, label="nearest attack found")
    axes.set_xticks(places, [row[0].strip("`").replace("mlp(widths=", "").replace(")", " units") for row in rows])
    axes.set(ylabel="median radius, l2 (Adult)", ylim=(0, 0.58))
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper left", ncols=2)


# ------------------------------------------------------------------------------------------------------- robustness


def gaussian_robust_risk(axes: Axes) -> None:
    """T4: the least robust error and the robust error of the Bayes rule, over the size of the attack."""
    mu, sizes = (1.2, 0.8, 0.3, 0.1), np.linspace(0, 0.9, 91)
    rules = [theory.gaussian_robust_classifier(mu, eps, "linf") for eps in sizes]
    bayes = [theory.linear_pareto_front(mu, eps, "linf", points=2).robust.value[0] for eps in sizes]
    axes.plot(sizes, bayes, color=ORANGE, label="Bayes rule under attack")
    axes.plot(sizes, [float(rule.robust) for rule in rules], color=BLUE, label="least of any classifier")
    axes.plot(sizes, [float(rule.standard) for rule in rules], "--", color=GREEN, label="its error without an attack")
    axes.set(xlabel="size of the l∞ attack", ylabel="error", xlim=(0, 0.9), ylim=(0, None))
    axes.legend(loc="upper left")


def linear_robustness(axes: Axes) -> None:
    """T5: the attack against the exact value, on linear models of Adult and COMPAS."""
    for place, (name, colour) in enumerate((("adult", BLUE), ("compas", ORANGE))):
        rows = [row for row in table("matching", "Robust error against", place) if row[4]]
        axes.plot(column(rows, 4), column(rows, 3), "os"[place], color=colour, label=name.replace("compas", "COMPAS")
                  .replace("adult", "Adult"))  # fmt: skip
    axes.axline((0, 0), slope=1, color=GREY, linewidth=1, linestyle="--")
    axes.text(0.47, 0.5, "equal", color=GREY, fontsize=9, rotation=38)
    axes.set(xlabel="exact robust error", ylabel="error found by APGD", xlim=(0.1, 0.65), ylim=(0.1, 0.65))
    axes.legend(title="linear models", title_fontsize=9)


def class_conflict(axes: Axes) -> None:
    """T12: errors of the narrow and the wide class, by the attack that a rule is robust against."""
    sizes = np.linspace(0, 1.5, 61)
    errors = np.array([theory.gaussian_class_tradeoff(2.0, 2.0, e).rules["robust"].standard.value for e in sizes])
    even = theory.gaussian_class_tradeoff(2.0, 2.0, 0.5).rules["fair"].standard.value[0]
    axes.fill_between(sizes, errors[:, 0], errors[:, 1], color=GREY, alpha=0.15, linewidth=0)
    axes.plot(sizes, errors[:, 1], color=ORANGE, label="wide class")
    axes.plot(sizes, errors[:, 0], color=BLUE, label="narrow class")
    axes.axhline(even, color=GREEN, linestyle="--", label="both, of the levelled rule")
    axes.set(xlabel="attack that the rule is robust against", ylabel="error without an attack", xlim=(0, 1.5))
    axes.set_ylim(0, None)
    axes.legend(loc="upper left")


def matching(axes: Axes) -> None:
    """T13: the least robust error of any classifier beside robust models."""
    for place, (name, colour) in enumerate((("Adult", BLUE), ("COMPAS", ORANGE))):
        rows = [row for row in table("matching", "Robust error against", place) if row[1] == "`mlp(widths=32)`, robust"]
        eps = column(rows, 0)
        axes.plot(eps, column(rows, 3), "-o", color=colour, label=f"{name}, network")
        axes.plot(eps, column(rows, 2), "--s", color=colour, markerfacecolor=GROUND, label=f"{name}, least")
    axes.set(xlabel="size of the l∞ attack, standard deviations", ylabel="robust error on test", ylim=(0, 0.75))
    axes.legend(loc="upper left", ncols=2, fontsize=8, columnspacing=0.8, handlelength=1.4)


# ------------------------------------------------------------------------------------------------- under a budget


def iterations(axes: Axes) -> None:
    """T8: error above least squares after k steps, and the worst case."""
    rows = [row for row in table("steps", "Linear scores", 0) if row[0] != "inf"]
    axes.plot(column(rows, 0), column(rows, 6), "--s", color=BLUE, label="worst case")
    axes.plot(column(rows, 0), column(rows, 5), "-o", color=ORANGE, label="gradient descent")
    axes.set(xscale="log", yscale="log", xlabel="steps (Adult)", ylabel="squared error above the least")
    axes.legend()


def flip_bounds(axes: Axes) -> None:
    """T9: largest and observed share of flips over bits."""
    for place, (name, colour) in enumerate((("linear", BLUE), ("16 units", GREEN), ("64-32 units", ORANGE))):
        rows = [row for row in table("flips", "Flips of compressed", place) if row[0].endswith("bits")]
        bits = [int(row[0].split()[0]) for row in rows]
        axes.plot(bits, column(rows, 1), "--", color=colour, label=name)
        axes.plot(bits, column(rows, 3), "-o", color=colour)
    axes.plot([], [], "--", color="black", label="bound")
    axes.plot([], [], "-o", color="black", label="observed")
    axes.set(yscale="log", xlabel="bits of a weight (Adult)", ylabel="share of decisions that flip", ylim=(3e-6, 2))
    axes.set_yticks([1e-4, 1e-3, 1e-2, 1e-1, 1], ["0.01 %", "0.1 %", "1 %", "10 %", "100 %"])
    axes.legend(ncols=2, loc="lower left", fontsize=8)


def compute_allocation(axes: Axes) -> None:
    """T14: robust accuracy over attack steps, under three budgets."""
    rows = table("attack_steps", "Attack steps")
    steps = [int(one.removeprefix("k = ")) for one in header("attack_steps", "Attack steps")[1:-3]]
    places = np.arange(len(steps))
    for row, colour, marker in zip(rows, (GREEN, BLUE, ORANGE), "^so", strict=True):
        found = [re.match(r"([\d.]+) ± ([\d.]+)", cell) for cell in row[1:-3]]
        values, half = np.array([[float(one[1]), float(one[2])] for one in found if one]).T
        planned = steps.index(min(steps, key=lambda k, wanted=int(row[-2]): abs(k - wanted)))
        shift = places + 0.09 * ("^so".index(marker) - 1)
        label = f"{float(row[0]) / 1e9:g} · 10⁹ FLOPs"
        axes.errorbar(shift, values, half, color=colour, marker=marker, capsize=2, linewidth=1.4, label=label)
        axes.plot(shift[planned], values[planned], "o", markersize=13, markerfacecolor="none", markeredgecolor=colour)
    axes.plot([], [], marker="o", markersize=11, markerfacecolor="none", markeredgecolor="black", linestyle="none",
              label="planned (nearest)")  # fmt: skip
    axes.set_xticks(places, map(str, steps))
    axes.set(xlabel="attack steps in training", ylabel="robust accuracy (Adult)")
    axes.legend(fontsize=8)


def trust_front(axes: Axes) -> None:
    """T15: best accuracy with a small gap, and the share of rules in conflict, over steps."""
    rows = table("three_way", "Accuracy, robustness")
    places = np.arange(len(rows))
    axes.plot(places, column(rows, 3), "-o", color=BLUE, label="linear, exact")
    network = [re.match(r"([\d.]+) ± ([\d.]+)", row[7]) for row in rows]
    values, half = np.array([[float(one[1]), float(one[2])] for one in network if one]).T
    axes.errorbar(places[: len(values)] + 0.06, values, half, color=ORANGE, marker="s", capsize=2, label="network")
    axes.plot(places, column(rows, 4), ":", color=GREY, label="share of linear rules in conflict")
    axes.set_xticks(places, [row[0].replace("improved to the end", "end") for row in rows])
    axes.set(xlabel="steps of gradient descent", ylabel="smallest gap; share of rules", ylim=(0, 1.05))
    axes.legend(loc="upper left")


def step_frontier(axes: Axes) -> None:
    """T16: error that is reached with a small gap, and the floor, over steps."""
    rows = [row for row in table("steps", "Linear scores", 0) if row[0] != "inf"]
    end = float(next(row for row in table("steps", "Linear scores", 0) if row[0] == "inf")[2])
    axes.plot(column(rows, 0), column(rows, 1), "-o", color=ORANGE, label="gradient descent, best penalty")
    axes.plot(column(rows, 0), column(rows, 2), "--s", color=BLUE, label="floor of any k gradients")
    axes.axhline(end, color=GREY, linewidth=1)
    free = re.search(r"least squares ([\d.]+) at a gap", PAGE.read_text(encoding="utf-8"))
    assert free is not None
    axes.axhline(float(free[1]), color=GREY, linewidth=1, linestyle=":")
    axes.text(0.9, end - 0.0006, "no limit on steps", color=GREY, fontsize=9, va="top")
    axes.text(1000, float(free[1]) + 0.0006, "nor on the gap", color=GREY, fontsize=9, ha="right")
    axes.set(xscale="log", xlabel="steps (Adult, gap of mean scores ≤ 0.05)", ylabel="squared error")
    axes.legend()


# ---------------------------------------------------------------------------------------------------------- shared


@cache
def compas() -> Problem:
    """Return COMPAS by race."""
    return load_problem("compas", sensitive="race", seed=0)


@cache
def delivered() -> tuple[list[float], list[float]]:
    """Return gaps and accuracies, on test, of linear models trained with and without a target."""
    gaps, accuracies = [], []
    for targets in ((), ("dpd <= 0.2",), ("dpd <= 0.1",), ("dpd <= 0.05",)):
        made = fit(compas(), budget="time=500 steps", targets=targets, model="linear", seed=0)
        gaps.append(made.metrics["demographic_parity_difference"]["value"])
        accuracies.append(made.metrics["accuracy"]["value"])
    return gaps, accuracies


def table(section: str, heading: str, place: int = 0) -> list[list[str]]:
    """Return the cells of a table of the page: the one that follows a heading, or one of the next."""
    return _tables(section, heading)[place][1:]


def header(section: str, heading: str) -> list[str]:
    """Return the names of the columns of the table that follows a heading."""
    return _tables(section, heading)[0][0]


def column(rows: Sequence[Sequence[str]], place: int) -> np.ndarray:
    """Return the first number in each cell of a column; NaN where there is none."""
    found = [re.search(r"-?[\d.]+(?:e[+-]?\d+)?", row[place].replace(",", "")) for row in rows]
    return np.array([float(one[0]) if one else np.nan for one in found])


def plain_ticks(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """Label logarithmic axes with plain numbers."""
    axes.set_xticks(x, [f"{one:,g}" for one in x], minor=False)
    axes.set_yticks(y, [f"{one:,g}" for one in y], minor=False)
    axes.minorticks_off()


def _tables(section: str, heading: str) -> list[list[list[str]]]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- begin {section} -->(.*?)<!-- end {section} -->", text, flags=re.DOTALL)
    if found is None or f"## {heading}" not in found[1]:
        sys.exit(f"{PAGE} has no section {section} with {heading!r}: run benchmarks/theory_tightness.py {section}")
    after = found[1].split(f"## {heading}", 1)[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^\|.*\n)+", after, flags=re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for place, line in enumerate(block.splitlines())
         if place != 1]
        for block in blocks
    ]  # fmt: skip


FIGURES: dict[str, Callable[[Axes], None]] = {
    "T01": fair_bayes_frontier,
    "T02": base_rate_gap,
    "T03": regression_price,
    "T04": gaussian_robust_risk,
    "T05": linear_robustness,
    "T06": law_of_robustness,
    "T07": fairness_certificates,
    "T08": iterations,
    "T09": flip_bounds,
    "T10": description_length,
    "T11": group_size,
    "T12": class_conflict,
    "T13": matching,
    "T14": compute_allocation,
    "T15": trust_front,
    "T16": step_frontier,
}

if __name__ == "__main__":
    main()
