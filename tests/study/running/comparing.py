"""What of a trial is the same in every process."""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS = {
    "data": {"source": "german"},
    "policy": "static",
    "budget": "time=20 steps",
    "targets": ["dpd <= 0.2"],
    "seed": 3,
}
OF_CLOCKS = ("cost.time_", "cost.memory", "cost.latency", "cost.throughput", "run.")


def lasting(figures: Mapping[str, float]) -> dict[str, str]:
    """The figures that are the same in every process, to the last bit."""
    return {name: value.hex() for name, value in figures.items() if not name.startswith(OF_CLOCKS)}
