"""The verb `limits`: what nobody can achieve on these data, and whether targets can be had at all."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

from efficienttrust.cli._data_options import NO_DATA_OPTIONS, DataOptions
from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table

if TYPE_CHECKING:
    from efficienttrust.pipeline.limits import TargetLimits

WIDTH = 80  # columns of running text


def limits(
    source: str,
    /,
    *,
    data: DataOptions = NO_DATA_OPTIONS,
    target: list[str],
    budget: str | None = None,
    seed: int = 0,
    use_groups_at_prediction: bool = False,
    quick: bool = False,
    show_small_cells: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Say of every target whether it can be had at all, and which result of the theory decides, before any training.

    Verdicts: `impossible` (by a rigorous bound), `uncertifiable` (so few rows can prove it of no model), `tight` and
    `comfortable` (by what is estimated to be attainable), `open` (no result bounds the metric). Exit codes: 0 done,
    2 wrong usage or input, 3 a target is impossible by a result that would refuse a training.

    Args:
        source: A data set by name (see `efficienttrust data list`), your copy of one as `diabetes130:PATH` or
            `cifar10:PATH`, a .csv, .csv.gz or .parquet file, or images as `folder:PATH`.
        data: What the columns of the data mean.
        target: A target, as `demographic_parity_difference <= 0.05`; may be repeated.
        budget: Limits of the training that is planned, as `time=20s cpu`.
        seed: Seed of the split, of the folds and of the bootstrap.
        use_groups_at_prediction: Assess models that read the sensitive columns.
        quick: Leave out what has to be estimated: rigorous bounds and arithmetic alone, in a fraction of a second.
        show_small_cells: Do not withhold figures about fewer than ten people of clinical data.
        json: Print one JSON document on stdout.
        quiet: Print no notes.
    """
    from efficienttrust import pipeline
    from efficienttrust.pipeline.limits import assess, question_of
    from efficienttrust.pipeline.spec import fit_spec

    spec = fit_spec({"source": source, **data.values(), "budget": budget or "steps=1", "targets": target, "seed": seed})
    problem = pipeline.load_data(spec.data.source, spec.data.settings(), seed=spec.data_seed)
    if not quiet:
        for note in pipeline.notes_for_readers(problem, show_small_cells=show_small_cells):
            print(f"note: {note}", file=sys.stderr)
    question = question_of(problem, target, budget=budget or "", aware=use_groups_at_prediction, seed=seed)
    if not quiet:
        for note in question.notes:
            print(f"note: {note}", file=sys.stderr)
    found = assess(question, cheap=quick, show_small_cells=show_small_cells)
    if json:
        print_json({"targets": [_plain(one) for one in found]})
    else:
        _print(found)
    return 3 if any(finding.refuses for one in found for finding in one.findings) else 0


def _print(found: tuple[TargetLimits, ...]) -> None:
    rows = [(one.target.text, one.verdict, one.findings[0].code if one.findings else "–") for one in found]
    print_table(["target", "verdict", "by"], rows)
    for one in found:
        print(f"\n{one.target.text}: {one.verdict}")
        said = [f"{finding.code} ({finding.bound.kind}): {finding.sentence}" for finding in one.findings]
        for sentence in said or [one.sentence]:
            print(textwrap.fill(sentence, WIDTH, initial_indent="  ", subsequent_indent="      "))


def _plain(one: TargetLimits) -> dict[str, Any]:
    return {
        "target": one.target.text,
        "verdict": one.verdict,
        "findings": [
            {
                "verdict": finding.verdict,
                "result": finding.code,
                "sentence": finding.sentence,
                "refuses": finding.refuses,
                "value": finding.bound.value,
                "kind": finding.bound.kind,
                "assumptions": finding.bound.assumptions,
                "source": finding.bound.source,
                "inputs": finding.bound.inputs,
            }
            for finding in one.findings
        ],
    }
