"""Analysis and report of 100,000 trials: the measurement is `_study_report`'s."""

from __future__ import annotations

import _study_report


def run(quick: bool) -> list[str]:
    """Return lines of Markdown; a quick trial measures nothing, as the measurement takes a minute."""
    head = ["## Analysis and report", ""]
    return head if quick else [*head, *_study_report.run().splitlines()]
