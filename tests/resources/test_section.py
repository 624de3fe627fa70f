"""The resources part of an audit document: plain values, null where nothing was measured, all notes."""

from __future__ import annotations

import json

from efficienttrust.resources.energy import EnergyEstimate
from efficienttrust.resources.flops import Cost, FlopCount
from efficienttrust.resources.latency import LatencyReport
from efficienttrust.resources.parameters import ParameterCount
from efficienttrust.resources.peak_memory import PeakMemory
from efficienttrust.resources.section import resource_section
from efficienttrust.resources.throughput import BatchLatency


def test_nothing_measured_is_null():
    section = resource_section()
    assert section["latency"] == section["notes"] == []
    assert {value for key, value in section.items() if key not in ("latency", "notes")} == {None}


def test_everything_measured():
    report = LatencyReport(1.0, 2.0, 3.0, 1.0, 1.5, 50, True, 1.25, 3)
    section = resource_section(
        latency=[BatchLatency(1, report, 1, 2, "no lock"), BatchLatency(8, report, 1, 2, "no lock")],
        parameters=ParameterCount(10, 8, "an estimate"),
        size_bytes=1234,
        flops=FlopCount.of([("a", Cost(3, 1)), ("b", Cost()), ("a", Cost(1))], rows=2, note="real pass"),
        memory=PeakMemory("ok", 40, 100, 1.0),
        energy=EnergyEstimate(0.2, 0.1, 0.4, "assumed"),
        notes=["first"],
    )
    assert json.loads(json.dumps(section)) == section
    assert [row["rows_per_second"] for row in section["latency"]] == [800, 6400]
    assert section["parameters"] == {"total": 10, "nonzero": 8}
    assert (section["flops_per_row"], section["multiply_adds_per_row"]) == (4.5, 2)
    assert (section["peak_memory_bytes"], section["memory_floor_bytes"]) == (100, 40)
    assert section["energy"]["label"] == "estimate"
    assert section["notes"][:4] == ["first", "no lock", "an estimate", "real pass"]
    assert "contended" in section["notes"][4]


def test_the_peak_of_a_run_that_failed_is_no_figure():
    section = resource_section(memory=PeakMemory("killed", 40, 100, 1.0, note="ended by signal 9"))
    assert section["peak_memory_bytes"] is None
    assert section["notes"] == ["ended by signal 9"]
