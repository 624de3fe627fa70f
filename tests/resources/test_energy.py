"""Energy is an estimate: by the counters of the processor where they can be read, else by assumed watts."""

from __future__ import annotations

import json

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.resources import Clocks
from efficienttrust.resources.energy import WATTS_PER_CORE, estimate_energy

WRAP = 1_000_000


class Powered:
    """A machine whose counters rise with every call: two packages, and zones that must not be added to them."""

    def __init__(self, folder, *, names=("package-0", "package-1"), start=0):
        self.wall = self.cpu = 0.0
        self.calls = 0
        self.clocks = Clocks(wall=lambda: self.wall, cpu=lambda: self.cpu)
        self.zones = {}
        for index, name in enumerate((*names, "psys")):
            self.add(folder / f"intel-rapl:{index}", name, start)
        self.add(folder / "intel-rapl:0:0", "core", start)
        (folder / "intel-rapl").mkdir()

    def add(self, zone, name, start):
        zone.mkdir(parents=True)
        (zone / "name").write_text(f"{name}\n")
        (zone / "max_energy_range_uj").write_text(f"{WRAP}\n")
        self.zones[zone] = start
        self.write()

    def write(self):
        for zone, energy in self.zones.items():
            (zone / "energy_uj").write_text(f"{energy % WRAP}\n")

    def call(self):
        self.calls += 1
        self.wall += 0.02
        self.cpu += 0.01
        for zone in self.zones:
            self.zones[zone] += 3_000
        self.write()


@pytest.mark.parametrize("start", [0, WRAP - 5_000])
def test_packages_are_added_up_and_counters_may_wrap(tmp_path, start):
    machine = Powered(tmp_path, start=start)
    found = estimate_energy(machine.call, 4, repeats=10, powercap=tmp_path, clocks=machine.clocks)
    assert machine.calls == 11
    assert found.joule_per_row == pytest.approx(2 * 3e-3 / 4)
    assert found.low == found.high == found.joule_per_row
    assert "RAPL counters intel-rapl:0, intel-rapl:1 over" in found.how


def without_counters(tmp_path):
    machine = Powered(tmp_path)
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("")
    return machine, lambda: machine.__dict__.update(wall=machine.wall + 0.02, cpu=machine.cpu + 0.01)


def test_without_counters_cpu_time_times_watts(tmp_path):
    machine, call = without_counters(tmp_path)
    found = estimate_energy(call, 4, repeats=10, powercap=tmp_path, clocks=machine.clocks, watts_per_core=(2.0, 8.0))
    assert (found.low, found.joule_per_row, found.high) == pytest.approx((0.005, 0.01, 0.02))
    assert "assumed 2 to 8 W per busy core" in found.how


def test_a_span_too_short_for_the_counters(tmp_path):
    machine = Powered(tmp_path)
    found = estimate_energy(machine.call, 1, repeats=1, powercap=tmp_path, clocks=machine.clocks)
    assert "assumed" in found.how


def test_it_is_always_labelled(tmp_path):
    found = estimate_energy(lambda: sum(range(20_000)), 1, max_seconds=0.05, powercap=tmp_path / "none")
    document = json.loads(json.dumps(found.to_dict()))
    assert document["label"] == "estimate"
    assert 0 < document["low"] < document["joule_per_row"] < document["high"]
    assert document["high"] / document["low"] == pytest.approx(WATTS_PER_CORE[1] / WATTS_PER_CORE[0])


def test_calls_end_at_the_time_limit(tmp_path):
    machine, call = without_counters(tmp_path)
    estimate_energy(call, 1, max_seconds=0.1, powercap=tmp_path, clocks=machine.clocks)
    assert machine.wall == pytest.approx(0.02 * 6)


def test_no_rows_are_refused():
    with pytest.raises(UsageError, match="rows=0"):
        estimate_energy(lambda: None, 0)
