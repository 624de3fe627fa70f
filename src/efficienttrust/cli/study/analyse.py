"""The verb `study analyse`: effects with intervals, declared tests, and what is refused, from the table of results."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.cli._output import SCHEMA_VERSION
from efficienttrust.cli._tables import print_table, text
from efficienttrust.cli.study._store import opened
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.study.analysis import Analysis, Estimate

SHOWN = 30  # effects and refusals without --all


def analyse(
    study: str,
    /,
    *,
    out: Path | None = None,
    metric: list[str] | None = None,
    margin: list[str] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    store: str | None = None,
    all: bool = False,
    json: bool = False,
) -> int:
    """Analyse the results of a study: effects, analysis of variance, declared tests, feasibility, doses, trade-offs.

    Writes analysis.json beside the table, from which `study report` is made. Given a study, its table is exported
    first. What the table cannot answer is refused with the reason; that is no error.

    Args:
        study: Study file, or a table of results (trials.parquet).
        out: File to write; by default analysis.json in the folder of the table.
        metric: Metric to look at closely, as `accuracy` (mixed models, mediation, trade-offs); may be repeated.
        margin: Equivalence margin of a metric where no hypothesis declares one, as `accuracy=0.01`; may be repeated.
        level: Confidence level of intervals.
        resamples: Bootstrap replicates.
        seed: Of the bootstrap.
        store: The store, where it is not beside the study file.
        all: Print all effects and refusals, and not the first 30 of each.
        json: Print the whole analysis as one JSON document on stdout.
    """
    from efficienttrust.study.analysis import Options, analyse_table, write_analysis
    from efficienttrust.study.analysis._table import read_table

    given = dict(_margin(one) for one in margin or ())
    path = Path(study)
    if path.suffix != ".parquet":
        path = _exported(study, store)
    table = read_table(path)
    columns = table.columns()
    options = Options(
        headline=tuple(_column(one, columns) for one in metric or ()),
        margins={_column(name, columns): value for name, value in given.items()},
        level=level,
        resamples=resamples,
        seed=seed,
    )
    found = analyse_table(table, options=options)
    where = out or path.with_name("analysis.json")
    write_analysis(found, where)
    if json:
        print(dumps({"schema_version": SCHEMA_VERSION, **found.as_plain()}, ensure_ascii=False, allow_nan=False))
    else:
        _print(found, all=all)
        print(f"\n{where}")
    return 0


def _exported(study: str, store: str | None) -> Path:
    from efficienttrust.study.export import exporters

    folder = Path() if "://" in study else Path(study).with_suffix("")
    with opened(study, store) as one:
        return Path(exporters.get("parquet")(one, str(folder / "trials.parquet")))


def _margin(given: str) -> tuple[str, float]:
    name, sign, value = given.rpartition("=")
    try:
        margin = float(value)
    except ValueError:
        margin = -1.0
    if not sign or not margin > 0:
        raise UsageError(f"--margin {given}: give a metric and a number above 0, as accuracy=0.01")
    return name, margin


def _column(name: str, columns: list[str]) -> str:
    """Return a metric's column; a name that is none is left for the analysis to refuse."""
    return f"metric.{name}" if f"metric.{name}" in columns else name


def _print(found: Analysis, *, all: bool) -> None:
    overview = found.overview
    counts = ", ".join(f"{number} {status}" for status, number in overview.counts.items() if number)
    sets = f"{len(overview.data_sets)} data set{'s' * (len(overview.data_sets) != 1)}"
    print(f"{found.design.name}: {counts} of {overview.planned} planned trials; {sets}, "
          f"{overview.units} units of inference (data set × seed)")  # fmt: skip
    if found.hypotheses.contrasts:
        print()
        print_table(
            ["hypothesis", "statement", "contrast", "p (Holm)", "verdict"],
            [(one.name, one.statement, _estimate(one.contrast), one.p_holm, one.verdict)
             for one in found.hypotheses.contrasts],
            title=f"Declared hypotheses ({overview.declared})",
        )  # fmt: skip
    effects = [one for one in found.effects.pooled if one.metric in _headline(found)]
    print()
    print_table(
        ["metric", "factor", "level", "reference", "difference, these data sets", "data sets like these", "p (Holm)"],
        [(one.metric.removeprefix("metric."), one.factor, one.level, one.reference, _estimate(one.difference),
          _estimate(one.across_t), one.p_adjusted) for one in (effects if all else effects[:SHOWN])],
        title="Effects (exploratory)",
    )  # fmt: skip
    refusals = [(name, one.what, one.reason) for name, part in found.sections().items() for one in part.refusals]
    if refusals:
        print()
        print_table(["section", "refused", "reason"], refusals if all else refusals[:SHOWN], title="Refused")
    hidden = 0 if all else max(0, len(effects) - SHOWN) + max(0, len(refusals) - SHOWN)
    if hidden:
        print(f"\n{hidden} more rows with --all")


def _headline(found: Analysis) -> set[str]:
    """Return the metrics that were looked at closely; each has a table beside P(feasible)."""
    return {one.metric for one in found.feasibility.censored}


def _estimate(one: Estimate) -> str:
    return f"{text(one.value)} [{text(one.low)}, {text(one.high)}]"
