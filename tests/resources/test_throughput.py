"""Latency by batch size, its conditions, and the batch size with the most rows per second."""

from __future__ import annotations

import json

import pytest
import threadpoolctl
import torch

from efficienttrust.errors import UsageError
from efficienttrust.resources.exclusive import exclusive
from efficienttrust.resources.latency import LatencyReport
from efficienttrust.resources.throughput import BatchLatency, best_throughput, latency_profile


def entry(batch, mean_ms):
    return BatchLatency(batch, LatencyReport(mean_ms, mean_ms, mean_ms, mean_ms, mean_ms, 9, False, mean_ms, 0), 1, 1)


def test_every_batch_size_is_prepared_once_and_called(tmp_path):
    prepared, called = [], []

    def call_of_batch(batch):
        prepared.append(batch)
        return lambda: called.append(batch)

    profile = latency_profile(call_of_batch, (4, 1), repeats=7, warmup=2, lock=tmp_path / "lock")
    assert prepared == [4, 1]
    assert called == [4] * 9 + [1] * 9
    assert [row.batch for row in profile] == [4, 1]
    assert all(row.note == "" and row.latency.n == 7 for row in profile)


def test_entries_are_those_of_the_audit_document(tmp_path):
    (row,) = latency_profile(lambda batch: lambda: sum(range(500)), (16,), lock=tmp_path / "lock")
    document = json.loads(json.dumps(row.to_dict()))
    assert {"batch", "p50_ms", "p95_ms", "p99_ms", "rows_per_second", "contended", "n"} <= set(document)
    assert document["rows_per_second"] == pytest.approx(16 / (row.latency.mean_ms / 1000))
    assert document["threads"] == 1
    assert document["cores"] >= 1


def test_threads_are_pinned_meanwhile_and_given_back(tmp_path):
    seen = []

    def call():
        seen.append((torch.get_num_threads(), {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}))

    torch.set_num_threads(2)
    try:
        latency_profile(lambda batch: call, (1,), repeats=1, warmup=0, lock=tmp_path / "lock")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert seen == [(1, {1})]


def test_a_lock_that_cannot_be_had_is_noted_and_the_measurement_made(tmp_path):
    with exclusive(0, path=tmp_path / "lock"):
        (row,) = latency_profile(lambda batch: lambda: None, (1,), lock=tmp_path / "lock", lock_seconds=0.0)
    assert "another measurement" in row.note
    assert row.latency.n > 1


def test_the_best_batch_has_the_most_rows_per_second():
    rows = (entry(1, 1.0), entry(16, 2.0), entry(256, 40.0))
    assert [row.rows_per_second for row in rows] == [1000, 8000, 6400]
    assert best_throughput(rows).batch == 16
    assert best_throughput((entry(4, 4.0), entry(2, 2.0))).batch == 2


def test_wrong_batch_sizes_are_refused():
    for batches in ((), (0,), (4, -1)):
        with pytest.raises(UsageError, match="above zero"):
            latency_profile(lambda batch: lambda: None, batches)
    with pytest.raises(UsageError, match="empty"):
        best_throughput(())
