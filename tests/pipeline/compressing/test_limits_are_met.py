"""`--to` finds a model whose exported file meets every limit, inside the budget, or says what comes nearest."""

from __future__ import annotations

import pytest

from efficienttrust import compress
from efficienttrust.compression import DeployedModel
from efficienttrust.errors import InfeasibleError, UsageError
from tests.small_problems import loans


@pytest.mark.parametrize("limit", [12_000, pytest.param(7_000, marks=pytest.mark.slow)])
def test_the_exported_file_meets_the_limits(dense_run, limit):
    made = compress(dense_run[0], to=f"size={limit} B, latency=5ms", budget="time=400 steps", problem=loans())
    assert len(made.content) <= limit
    assert DeployedModel(made.content).size_bytes <= limit
    assert made.ledger["time"]["used"] <= 400
    search = made.document["compression"]["search"]
    chosen = [one for one in search["grid"] if one["chosen"]]
    assert len(chosen) == 1
    assert chosen[0]["chain"] == made.document["compression"]["chain"]
    assert chosen[0]["exceeds"] == []
    assert any(one["exceeds"] for one in search["grid"]), "the dense network does not fit"


def test_a_network_that_fits_is_not_made_smaller(dense_run):
    made = compress(dense_run[0], to="size=10MB", budget="time=100 steps", problem=loans())
    assert made.scorer.layers[0][0].shape[1] == 64


def test_limits_that_nothing_meets_say_the_nearest(dense_run):
    with pytest.raises(InfeasibleError, match="comes nearest") as caught:
        compress(dense_run[0], to="size=100 B", budget="time=100 steps", problem=loans())
    assert "structured:0.95" in str(caught.value)
    assert caught.value.exit_code == 3


def test_time_and_memory_are_no_limits_of_a_file(dense_run):
    with pytest.raises(UsageError, match="--budget"):
        compress(dense_run[0], to="memory=3GB", problem=loans())
    with pytest.raises(UsageError, match="not both"):
        compress(dense_run[0], [("prune", "magnitude:0.5")], to="size=9kB", problem=loans())
    with pytest.raises(UsageError, match="not neither"):
        compress(dense_run[0], problem=loans())
