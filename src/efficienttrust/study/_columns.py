"""The table of results: one row per trial, and what its columns are called.

`export` writes it as Parquet; the schema's metadata carry, under `efficienttrust.study`, a JSON text with the design:
name, question, factors with their levels in order, hypotheses, contrasts and margins, hashes, environment, command.

Columns:
    trial, cell, status, reason, attempt, seed, worker: who it is and how it ended.
    factor.NAME: level by factor.
    metric.KEY: value of a metric on the test split, by the exported file. Keys are those of `Run.metrics`
        (`accuracy`, `demographic_parity_difference`, `robust_accuracy(pgd, eps=0.25)` ...).
    group.KEY.GROUP: the same for one group, where it is known.
    verdict.TARGET: `certified`, `met`, `missed`, `uncertifiable` or `infeasible`, as text.
    hit: 1 where all targets are met by their point values, else 0; NaN without targets.
    cost.time_wall, cost.time_cpu (seconds), cost.steps, cost.samples, cost.flops: everything up to the file.
    cost.memory (peak bytes), cost.parameters, cost.nonzero_parameters, cost.size (bytes), cost.latency (ms, p95 of one
        row), cost.throughput (rows/s): of training and of the file.
    asked.RESOURCE, overrun.RESOURCE: what the budget asked, and by how much it was exceeded, in the unit of the cost.
    run.load, run.contended, run.threads, run.started, run.seconds: the circumstances; `run.started` is a Unix time.
    run.identity: number of the identity (metadata) under which the trial ran; 1 unless a change was accepted.
"""

from __future__ import annotations

METADATA_KEY = b"efficienttrust.study"

FACTOR = "factor."
METRIC = "metric."
GROUP = "group."
VERDICT = "verdict."
COST = "cost."
ASKED = "asked."
OVERRUN = "overrun."
RUN = "run."
IDENTITY = ("trial", "cell", "status", "reason", "attempt", "seed", "worker")
