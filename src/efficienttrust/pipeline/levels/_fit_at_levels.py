"""A training at levels of a baseline: from the two to the arguments of `fit`, and to the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._baseline import (
    Baseline,
    arguments_of,
    read_document,
    refuse_other_data,
    sha256_of,
)
from efficienttrust.pipeline.levels._constraint import Arguments, constraints
from efficienttrust.pipeline.levels._level import Level, parse_levels

if TYPE_CHECKING:
    from efficienttrust.data import Problem
    from efficienttrust.pipeline._progress import ProgressEvent
    from efficienttrust.pipeline._run import Run
    from efficienttrust.pipeline.spec import FitSpec


@dataclass(frozen=True, eq=False)
class Constrained:
    """A training as levels shape it.

    Attributes:
        spec: What is asked of `fit`, limits included.
        problem: The data, of which levels may have taken away.
        record: The `constraints` of run.json: baseline, its sha256, and for each level what was measured and the limit.
    """

    spec: FitSpec
    problem: Problem
    record: Mapping[str, Any]


def constrained(spec: FitSpec) -> Constrained:
    """Measure the baseline of a spec and apply its levels.

    Args:
        spec: With a `baseline`; from `fit_spec`, which filled in what it does not say from the baseline.

    Raises:
        UsageError: The baseline is no run, failed, is of other data, or lacks the figure that a level is a share of.
    """
    from efficienttrust.pipeline._data import load_data
    from efficienttrust.pipeline._run import load_run

    assert spec.baseline is not None
    folder = Path(spec.baseline)
    problem = load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    return _constrained(load_run(folder), folder, problem, spec.arguments(), parse_levels(spec.levels))


def fit_at_levels(
    baseline: Run | Path | str,
    levels: Sequence[str],
    *,
    problem: Problem | None = None,
    out: Path | str | None = None,
    overwrite: bool = False,
    show_small_cells: bool = False,
    progress: Callable[[ProgressEvent], None] | None = None,
    **changes: Any,
) -> Run:
    """Train again as the baseline was trained, with a share of what it used.

    Args:
        baseline: A run of `fit`, or its folder.
        levels: E.g. `["time=50%", "width=10%"]`.
        problem: The data of the baseline, where they cannot be loaded again from what it recorded (a table in memory).
        out: Folder for the run; None keeps it in memory.
        overwrite: Replace an earlier run in `out`.
        show_small_cells: As `fit` takes it.
        progress: As `fit` takes it.
        **changes: Fields of `FitSpec` or `DataSpec` that shall differ from the baseline: `targets=["dpd <= 0.1"]`.

    Raises:
        UsageError: As `constrained` raises it; or an argument that a level sets too.
        InfeasibleError: The arithmetic of the budget excludes what was asked.
    """
    from efficienttrust.pipeline._data import load_data
    from efficienttrust.pipeline._fit import fit
    from efficienttrust.pipeline._run import load_run
    from efficienttrust.pipeline.spec import fit_spec

    folder = Path(baseline) if isinstance(baseline, str | Path) else None
    document = baseline.document if folder is None else read_document(folder)  # type: ignore[union-attr]
    refuse_both(levels, changes)
    spec = fit_spec({**arguments_of(document), **changes})
    if problem is None:
        problem = load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    run = baseline if folder is None else load_run(folder)
    found = _constrained(run, folder, problem, spec.arguments(), parse_levels(tuple(levels)))  # type: ignore[arg-type]
    return fit(
        found.problem,
        **found.spec.training(),
        out=out,
        overwrite=overwrite,
        show_small_cells=show_small_cells,
        progress=progress,
        constraints=found.record,
    )


def refuse_both(levels: Sequence[str], given: Mapping[str, Any]) -> None:
    """Raise `UsageError` for an argument that was given and that a level sets too.

    Args:
        levels: Texts of levels.
        given: Arguments by name, those of the baseline left out.
    """
    limits = _limits(given.get("budget") or "")
    for level in parse_levels(tuple(levels)):
        for claim in constraints.get(level.constraint).claims:
            part, _, resource = claim.partition(".")
            if (resource in limits) if resource else given.get(part) is not None and part not in COMPOSED:
                what = f"a limit on {resource} in --budget" if resource else f"--{part}"
                raise UsageError(f"--level {level} sets what {what} sets too: leave out one of the two")


COMPOSED = ("limitations",)
"""Arguments that a level adds to."""


def _limits(budget: str | Mapping[str, Any]) -> set[str]:
    """Return the names of what a budget limits."""
    from efficienttrust.resources import Budget

    parts = (
        [] if isinstance(budget, str) else [f"{name}={value}" for name, value in budget.items() if value is not None]
    )
    limits = vars(Budget.parse(budget if isinstance(budget, str) else ", ".join(parts)))
    return {name for name, value in limits.items() if value is not None}


def _constrained(
    run: Run, folder: Path | None, problem: Problem, arguments: Arguments, levels: Sequence[Level]
) -> Constrained:
    from efficienttrust.pipeline.spec import fit_spec

    refuse_other_data(run.document, problem, str(folder or "in memory"))
    baseline = Baseline(run, problem, None if folder is None else str(folder), sha256_of(run, folder))
    applied, lines = apply_levels(baseline, levels, arguments)
    record = {"baseline": baseline.path, "baseline_sha256": baseline.sha256, "levels": lines}
    return Constrained(fit_spec(applied), _data_at(problem, arguments, applied), record)


def apply_levels(
    baseline: Baseline, levels: Sequence[Level], arguments: Arguments
) -> tuple[Arguments, list[dict[str, Any]]]:
    """Return the arguments at all levels, and for each what was measured and which limit came of it.

    Args:
        baseline: What the levels are shares of.
        levels: No two of which set the same thing.
        arguments: Those of the baseline, with changes.

    Raises:
        UsageError: The baseline lacks the figure that a level is a share of.
    """
    lines = []
    for level in levels:
        constraint = constraints.get(level.constraint)
        measured = constraint.measure(baseline)
        limit = "that of the baseline"
        if level.share < 1:
            limited = constraint.apply(level.share, measured, arguments, baseline)
            arguments, limit = limited.arguments, limited.limit
        lines.append(
            {
                "constraint": level.constraint,
                "level": level.share,
                "measured": measured.value,
                "unit": measured.unit,
                "how": measured.how,
                "limit": limit,
            }
        )
    return arguments, lines


def _data_at(problem: Problem, before: Arguments, after: Arguments) -> Problem:
    """Return the data as the levels leave them."""
    from efficienttrust.data import load_image_problem
    from efficienttrust.data.limitations import limit_loaded

    changed = {name for name in ("limitations", "resolution") if before.get(name) != after.get(name)}
    if not changed:
        return problem
    if "resolution" not in changed and not before.get("limitations"):
        return limit_loaded(problem, after["limitations"], int(str(problem.settings["seed"])))
    from efficienttrust.data import load_problem

    load = load_image_problem if problem.kind == "image" else load_problem
    asked = {**problem.settings, **{name: after[name] for name in changed}}
    return load(problem.source, **asked)
