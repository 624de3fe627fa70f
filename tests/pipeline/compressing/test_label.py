"""A compression is real where bytes and milliseconds of the deployed file fell, and simulated everywhere else."""

from __future__ import annotations

import pytest

from efficienttrust.pipeline.compressing._figures import label


def figures(size: int, one: float, many: float) -> dict:
    return {"size_bytes": size, "latency": {"1": {"cpu_p50_ms": one}, "256": {"cpu_p50_ms": many}}}


@pytest.mark.parametrize(
    ("size", "one", "many", "expected", "said"),
    [
        (500, 1.0, 5.0, "real", "bytes and milliseconds fell"),
        (500, 0.5, 10.0, "real", "bytes and milliseconds fell"),
        (500, 1.09, 5.0, "simulated", "bytes fell, speed did not"),
        (500, 1.0, 9.9, "simulated", "bytes fell, speed did not"),
        (1000, 0.5, 5.0, "simulated", "speed rose, bytes did not fall"),
        (1000, 1.0, 10.0, "simulated", "neither bytes nor speed changed"),
    ],
)
def test_the_label_follows_from_the_figures(size, one, many, expected, said):
    found, why = label(figures(1000, 1.0, 10.0), figures(size, one, many), ["quantize int8"])
    assert found == expected
    assert why.startswith(said)
