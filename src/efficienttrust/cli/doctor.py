"""The verb `doctor`: what this machine offers and what is missing."""

from __future__ import annotations

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table


def doctor(*, json: bool = False) -> int:
    """Check cores, memory, torch, GPU, clock steadiness and the optional extras.

    Args:
        json: Print one JSON document on stdout.
    """
    from efficienttrust.resources import doctor as examine
    from efficienttrust.resources import environment

    checks = examine()
    if json:
        print_json({"environment": environment(), "checks": [check._asdict() for check in checks]})
    else:
        print_table(["check", "", "finding"], [(check.name, check.status, check.text) for check in checks])
    return 0
