"""From a run to the columns of the table of results, and to what is kept beside them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.compression import parent_of
from efficienttrust.compression.pruning import zero_parameters
from efficienttrust.pipeline import for_readers, plain
from efficienttrust.pipeline.methods import MethodResult, row_of
from efficienttrust.pipeline.methods._row import limit_of
from efficienttrust.study._columns import ASKED, COST, GROUP, METRIC, OVERRUN, RUN
from efficienttrust.study._trial import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from efficienttrust.data import Problem

WORST = 20  # rows that are named
RATES = ("accuracy", "selection_rate", "tpr", "fpr", "base_rate")
WITHHELD = "withheld"


def outcome_of(result: MethodResult, problem: Problem, *, latency: bool) -> Outcome:
    """Return what a finished run came to, as the table of results and the report read it.

    Of clinical data, figures about fewer than ten people are NaN, and no single row is named.

    Args:
        result: The run, and which of its stages is the method's model.
        problem: What it was trained on.
        latency: Keep latency and throughput although the budget does not ask for them.
    """
    run = result.run
    shown = for_readers(run.document)
    row = row_of(result, [verdict.target for verdict in run.verdicts])
    metrics: Mapping[str, Any] = shown["metrics"]
    if row["stage"] != "deployed":
        metrics = next(one["metrics"] for one in shown["stages"] if one["name"] == row["stage"])
    figures = {METRIC + key: float(one["value"]) for key, one in metrics.items()}
    figures |= dict(_by_group(shown)) if row["stage"] == "deployed" else {}
    figures["hit"] = float(row["hit"]) if row["verdicts"] else math.nan
    zeros = zero_parameters(parent_of(run.scorer))
    figures |= {**_costs(run.ledger, latency, zeros), **_asked(result)}
    environment = run.document["environment"]
    load = environment["load_average"]
    figures[RUN + "load"] = float(load[0]) if load else math.nan
    figures[RUN + "contended"] = float(bool(load) and load[0] > environment["cores_available"])
    figures[RUN + "threads"] = float(environment["torch_threads"])
    details = {
        "method": result.method,
        "description": result.description,
        "stage": row["stage"],
        "verdicts": row["verdicts"],
        "intervals": {key: [one["low"], one["high"]] for key, one in metrics.items()},
        "notes": {key: one["note"] for key, one in metrics.items() if one.get("note")},
        "groups": shown["groups"],
        "proof": shown["verdicts"],
        "ledger": run.document["ledger"],
        "model": run.document["model"],
        "environment": {key: environment[key] for key in ("processor", "versions", "calibration_kernel_seconds")},
        "rows": _rows(run.predictions, problem),
    }
    broken = [*run.failed, *_missing(metrics)]
    return Outcome("failed" if broken else "done", figures, "; ".join(broken), details=plain(details))


def _missing(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is no number though no note says why it cannot be estimated."""
    for key, one in metrics.items():
        if math.isnan(float(one["value"])) and not one.get("note"):
            yield f"{key} is no number"


def _by_group(shown: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for row in shown["groups"]:
        for rate in RATES:
            value = row.get(rate)
            if isinstance(value, Mapping):
                yield f"{GROUP}{rate}.{row['attribute']}={row['group']}", _number(value["value"])


def _number(value: object) -> float:
    """Return a number; one that is withheld, or cannot be estimated, is NaN."""
    return float(value) if isinstance(value, int | float) else math.nan


def _costs(ledger: Mapping[str, Any], latency: bool, zeros: int) -> dict[str, float]:
    clocks = ledger["clocks"]
    found = {COST + f"time_{name}": float(clocks[name]) for name in ("wall", "cpu")}
    found |= {COST + name: float(clocks[name]) for name in ("steps", "samples", "flops")}
    timed = [name for name in ("latency", "throughput") if latency or ledger[name]["asked"] is not None]
    for name in ("memory", "parameters", "size", *timed):
        found[COST + name] = _number(ledger[name]["used"])
    found[COST + "nonzero_parameters"] = found[COST + "parameters"] - zeros
    return found


def _asked(result: MethodResult) -> dict[str, float]:
    """Return what the budget asked, and by how much it was exceeded; of time on the clock that was asked for."""
    found: dict[str, float] = {}
    limits = {"time": limit_of(result)}
    limits |= {name: getattr(result.budget, name) for name in ("memory", "parameters", "size", "latency", "throughput")}
    for name, asked in limits.items():
        if asked is None or math.isinf(asked):
            continue
        column = name if name != "time" else {"wall": "time_wall", "cpu": "time_cpu"}.get(result.clock, result.clock)
        used = result.spent if name == "time" else _number(result.run.ledger[name]["used"])
        found[ASKED + column] = float(asked)
        found[OVERRUN + column] = max(asked - used if name == "throughput" else used - asked, 0.0)
    return found


def _rows(predictions: pd.DataFrame, problem: Problem) -> dict[str, Any]:
    """Return which test rows the file decides wrongly, and the rows that are wrong by the widest margin.

    `wrong` are bits in the order of the test split, packed, in base 64: two trials on the same split differ where these
    do, so that flips against any other trial can be counted later.
    """
    if problem.card is not None and problem.card.clinical:
        return {WITHHELD: "single rows of clinical data are not kept"}
    rows = predictions["row"].to_numpy()
    label, said = predictions["label"].to_numpy(), predictions["prediction"].to_numpy()
    if problem.task == "regression":
        distance = np.abs(label - said)
        return {"worst": rows[np.argsort(-distance, kind="stable")[:WORST]].tolist()}
    wrong = label != said
    margin = np.abs(predictions["margin"].to_numpy(np.float64)) if "margin" in predictions else wrong.astype(np.float64)
    order = np.argsort(-np.where(wrong, margin, -1.0), kind="stable")[: min(WORST, int(wrong.sum()))]
    return {
        "n": len(rows),
        "wrong": base64.b64encode(np.packbits(wrong).tobytes()).decode(),
        "worst": rows[order].tolist(),
    }
