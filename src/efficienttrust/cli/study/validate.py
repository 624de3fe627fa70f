"""The verb `study validate`: all faults of a study file at once."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.cli._output import print_json


def validate(file: Path, /, *, json: bool = False) -> int:
    """Check a study file: form, names, contrasts, and whether every cell can be trained. Nothing runs.

    Args:
        file: The study file.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.study.spec import open_study

    design = open_study(file).design
    if json:
        print_json({"study": design.name, "trials": design.planned, "declared_hash": design.declared_hash})
    else:
        print(f"{file}: {design.planned} trials, {len(design.hypotheses)} hypotheses, no faults")
    return 0
