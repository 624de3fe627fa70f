"""Energy of a call, as an estimate that says how it came about; never more than that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.resources.clocks import Clocks

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of the processor (RAPL)."""

WATTS_PER_CORE = (2.0, 10.0)
"""Assumed power of a busy core without a counter: many-core servers and laptops draw little, desktops much."""

_SECONDS_APART = 0.05  # counters are renewed every millisecond or so: shorter spans say nothing


@dataclass(frozen=True)
class EnergyEstimate:
    """The energy one row costs; an estimate whatever it rests on.

    Attributes:
        joule_per_row: The estimate: by the counter, or the geometric mean of the range.
        low: Lower end of the range; the estimate itself when a counter was read.
        high: Upper end of the range.
        how: What was read or assumed.
        label: Always `estimate`.
    """

    joule_per_row: float
    low: float
    high: float
    how: str
    label: str = "estimate"

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the audit document."""
        return {
            "joule_per_row": self.joule_per_row,
            "low": self.low,
            "high": self.high,
            "label": self.label,
            "how": self.how,
        }


def estimate_energy(
    call: Callable[[], object],
    rows: int,
    *,
    repeats: int = 1000,
    max_seconds: float = 1.0,
    powercap: Path = POWERCAP,
    watts_per_core: tuple[float, float] = WATTS_PER_CORE,
    clocks: Clocks | None = None,
) -> EnergyEstimate:
    """Estimate the energy of a call on `rows` rows: from RAPL counters where they can be read, else from CPU time.

    The counters see the whole processor package, other processes and the idle share included, and neither GPU nor power
    supply. CPU time × assumed watts is a constant times time: it cannot tell two kinds of work of equal time apart.

    Args:
        call: What is repeated.
        rows: Rows it works on.
        repeats: Calls, at most.
        max_seconds: Wall seconds after which no further call is started.
        powercap: Folder of the counters.
        watts_per_core: Assumed range, low and high, for machines without counters.
        clocks: Tell the time; those of the machine by default.
    """
    if rows < 1 or repeats < 1:
        raise UsageError(f"energy per row needs at least one row and one call, not rows={rows}, repeats={repeats}.")
    clocks = clocks or Clocks()
    call()
    before = _counters(powercap)
    start, cpu = clocks.wall(), clocks.cpu()
    calls = 0
    while calls < repeats and (calls == 0 or clocks.wall() - start < max_seconds):
        call()
        calls += 1
    wall, cpu = clocks.wall() - start, clocks.cpu() - cpu
    after = _counters(powercap)
    counted = calls * rows
    if before and before.keys() == after.keys() and wall >= _SECONDS_APART:
        joule = sum(_risen(before[zone], after[zone]) for zone in before) / 1e6 / counted
        zones = ", ".join(sorted(zone.name for zone in before))
        how = (
            f"RAPL counters {zones} over {wall:.2g} s: the whole processor package, with other processes and "
            "idle power; no GPU, no power supply"
        )
        return EnergyEstimate(joule, joule, joule, how)
    low, high = watts_per_core
    seconds = cpu / counted
    how = (
        f"{seconds:.3g} CPU-seconds a row × an assumed {low:g} to {high:g} W per busy core (geometric mean); "
        "no energy counter could be read"
    )
    return EnergyEstimate((low * high) ** 0.5 * seconds, low * seconds, high * seconds, how)


def _counters(powercap: Path) -> Mapping[Path, tuple[int, int]]:
    """Return (microjoules, where the counter wraps) of every package zone; empty unless all of them can be read.

    Zones inside a package (cores, graphics) are part of it, and `psys` contains the packages: neither is added again.
    """
    counters = {}
    try:
        for zone in sorted(powercap.glob("intel-rapl:[0-9]*")):
            if zone.name.count(":") == 1 and (zone / "name").read_text().startswith("package"):
                energy = int((zone / "energy_uj").read_text())
                counters[zone] = energy, int((zone / "max_energy_range_uj").read_text())
    except (OSError, ValueError):  # mostly readable by root only
        return {}
    return counters


def _risen(before: tuple[int, int], after: tuple[int, int]) -> int:
    rise = after[0] - before[0]
    return rise if rise >= 0 else rise + before[1]  # it wrapped
