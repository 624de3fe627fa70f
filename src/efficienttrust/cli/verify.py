"""The verb `verify`: recomputes every verdict of a run from its model file and the data."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from efficienttrust.cli._output import print_failures, print_json, print_verification, verify_document


def verify(run: Path, /, *, json: bool = False) -> int:
    """Recompute every verdict of a run from model.onnx and the data, whose hash is checked.

    Of clinical data the values that the report withholds are not printed; run.json holds them.

    Exit codes: 0 every verdict was confirmed, 1 at least one was not, 2 wrong usage or input.

    Args:
        run: Folder of a run.
        json: Print one JSON document on stdout.
    """
    from efficienttrust import pipeline

    verified = pipeline.verify(run)
    run_document = pipeline.load_run(run).document
    shown = pipeline.for_readers(run_document)["verdicts"]
    verified = [
        replace(one, value=math.nan, recorded_value=math.nan)
        if str(told.get("note") or "").startswith("withheld")
        else one
        for one, told in zip(verified, shown, strict=True)
    ]
    if json:
        print_json(verify_document(verified))
    else:
        print_verification(verified)
    print_failures(run_document.get("failed", ()))
    return int(not all(one.confirmed for one in verified))
