"""`limit_loaded`: limitations as an argument of loading, so that the settings of a problem give it again."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from dataclasses import replace

from efficienttrust.data._problem import Problem
from efficienttrust.data.limitations._limit import limit
from efficienttrust.data.limitations._limitation import parse_limitation


def limit_loaded(problem: Problem, texts: str | Sequence[str], seed: int) -> Problem:
    """Return a problem that was just loaded with limitations put into it, and with their texts in its settings.

    Args:
        problem: Loaded data.
        texts: One limitation or several, as `limit` takes them; without any, the very object is returned.
        seed: Seed of all draws.

    Raises:
        UsageError: As `limit` raises it.
    """
    asked = [parse_limitation(text).text for text in ([texts] if isinstance(texts, str) else texts)]
    if not asked:
        return problem
    wall, cpu = clock.perf_counter(), clock.process_time()
    limited = limit(problem, asked, seed)
    spent = {"wall": clock.perf_counter() - wall, "cpu": clock.process_time() - cpu}
    return replace(
        limited,
        settings=dict(limited.settings) | {"limitations": asked},
        preparation={name: seconds + spent.get(name, 0.0) for name, seconds in limited.preparation.items()},
    )
