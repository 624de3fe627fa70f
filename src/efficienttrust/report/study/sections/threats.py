"""Threats to validity, each from a fact of this design."""

from __future__ import annotations

import math
from collections.abc import Iterator

from efficienttrust.report._format import as_float, number
from efficienttrust.report.study._content import Lines, Part, Text
from efficienttrust.report.study._source import Source
from efficienttrust.report.study.sections._common import listed, share

_FEW_DATA_SETS = 8  # below, a statement about data sets like these rests on too few of them
_FEW_SEEDS = 5


def threats_part(source: Source) -> Part:
    """Return what of this very design limits what may be concluded."""
    return Part("threats", "Threats to validity", (
        Text("Generated from the facts of the design and of the runs; the list is not complete."),
        Lines(tuple(_threats(source))),
    ))  # fmt: skip


def _threats(source: Source) -> Iterator[str]:
    design, overview = source.design, source.section("overview")
    sets, seeds = len(source.data_sets), len(design["seeds"])
    if sets < 2:
        yield "One data set: nothing here says what would hold on another one."
    elif sets < _FEW_DATA_SETS:
        yield (f"{sets} data sets: what holds for data sets like these is uncertain; the intervals of the forests are "
               "about these data sets only.")  # fmt: skip
    if seeds < 2:
        yield "One seed: chance of split and initialisation cannot be told from an effect."
    elif seeds < _FEW_SEEDS:
        yield f"{seeds} seeds: intervals within a data set are wide, and their coverage rests on normal scatter."
    yield from _counts(source)
    if design.get("fraction"):
        yield f"A fraction of the full design was planned, so that effects are mixed with others: {design['fraction']}"
    declared = overview.get("declared")
    if not design["hypotheses"]:
        yield "No hypothesis was declared: every effect is exploratory, and some are large by chance."
    elif declared == "changed":
        yield "The hypotheses are not those that were declared before the first trial."
    exploratory = sum(not one.get("planned") for one in source.rows("effects", "pooled"))
    if exploratory:
        yield (f"{exploratory} exploratory differences were computed; Holm's method is applied within one factor and "
               "metric, not over all of them.")  # fmt: skip
    yield from _circumstances(source)
    if single := [name for name, levels in source.levels.items() if len(levels) == 1]:
        yield f"{listed(single)} had one level: nothing is known about others."
    missing = source.rows("diagnostics", "missing")
    if missing:
        yield (f"{len(missing)} cells lack figures of some trials: means given feasible compare trials that survived "
               "the constraint.")  # fmt: skip
    skewed = [source.label(one["metric"]) for one in source.rows("diagnostics", "residuals")
              if abs(as_float(one["skewness"])) > 1 or as_float(one["kurtosis"]) > 3]  # fmt: skip
    if skewed:
        yield f"Residuals of {listed(skewed)} are far from normal: prefer the bootstrap and the pictures to F and t."
    unequal = {
        source.label(one["metric"])
        for one in source.rows("diagnostics", "variances")
        if as_float(one["smallest"]) > 0 and as_float(one["largest"]) / as_float(one["smallest"]) > 3
    }
    if unequal:
        yield f"The spread of {listed(sorted(unequal))} differs more than threefold between levels of a factor."
    if source.rows("mediation", "paths"):
        yield "Paths through a mediator rest on the assumption that no hidden cause acts on mediator and outcome."
    yield "Groups are those that the data name; nothing is known about groups that they do not name."


def _counts(source: Source) -> Iterator[str]:
    overview = source.section("overview")
    counts = {name: int(number) for name, number in overview["counts"].items()}
    planned, ended = int(overview["planned"]), sum(counts.values())
    if ended < planned:
        yield f"{share(planned - ended, planned)} planned trials have not ended: the table is of an unfinished study."
    if counts.get("failed"):
        yield (f"{share(counts['failed'], ended)} trials failed and say nothing; if failing depends on the outcome, "
               "means are off.")  # fmt: skip
    if counts.get("infeasible"):
        yield f"{share(counts['infeasible'], ended)} trials were infeasible: read means beside P(feasible)."


def _circumstances(source: Source) -> Iterator[str]:
    ran = source.section("diagnostics").get("circumstances") or {}
    if ran.get("contended"):
        yield (f"{ran['contended']} trials shared the machine with other work: their clocks are left out or refused, "
               "as the notes say.")  # fmt: skip
    if len(ran.get("threads") or ()) > 1:
        yield "Trials ran with different numbers of threads: clocks cannot be compared."
    attempts = as_float(ran.get("attempts"))
    if math.isfinite(attempts) and attempts > 1:
        yield f"Some trials needed up to {number(attempts, 0)} attempts."
    table = source.table
    if "run.identity" in table.columns and table["run.identity"].fill_nan(None).n_unique() > 1:
        yield "Trials ran under more than one version of code or data, which was accepted when the study went on."
