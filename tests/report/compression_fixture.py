"""A compressed run in the shape of `run.json`, its comparison counted row by row from drawn answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from report_fixture import DPD, make_document, rate

LOST = {"value": math.nan, "low": math.nan, "high": math.nan, "n": 0, "how": "not estimated", "note": "no rows"}
NAMES = {"sex": ("Female", "Male"), "site": ("A", "B", "C")}
CLASSES = ("no", "yes")


def arm(size: int, milliseconds: float, accuracy: float) -> dict[str, Any]:
    """What one file costs; the latency of 256 rows is eight times that of one."""
    speeds = {
        size: {"p50_ms": ms, "p95_ms": 1.5 * ms, "cpu_p50_ms": 0.9 * ms, "contended": False, "n": 200}
        for size, ms in (("1", milliseconds), ("256", 8 * milliseconds))
    }
    return {
        "size_bytes": size,
        "parameters": size // 4,
        "nonzero_parameters": size // 5,
        "latency": speeds,
        "throughput_rows_per_s": 32000 / milliseconds,
        "peak_memory_bytes": 65_000_000,
        "metrics": {"accuracy": rate(accuracy, 1000), DPD: rate(0.05, 1000), "balanced_accuracy": rate(0.7, 1000)},
    }


def estimate(share: float, n: int) -> dict[str, Any]:
    return {**(rate(share, n) if n else LOST), "how": "Wilson 95%", "note": ""}


def change(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    n = len(before)
    if n == 0:
        return dict(LOST)
    value, half = float(after.mean() - before.mean()), 1.96 * float(np.std(after - before)) / math.sqrt(n)
    return {"value": value, "low": value - half, "high": value + half, "n": n, "how": "paired", "note": ""}


def effect(before: np.ndarray, after: np.ndarray, group: str = "", label: str = "") -> dict[str, Any]:
    n = len(before)

    def share(event: np.ndarray) -> dict[str, Any]:
        return estimate(float(event.mean()) if n else math.nan, n)

    return {
        "group": group,
        "label": label,
        "n": n,
        "flips": share(before != after),
        "right_to_wrong": share(after > before),
        "wrong_to_right": share(before > after),
        "moved": None,
        "error_before": share(before),
        "error_after": share(after),
        "error_change": change(before, after),
    }


def make_harm(codes: Mapping[str, np.ndarray], y: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """Compare two models of a binary problem.

    Args:
        codes: Attribute -> code [n] of its groups, -1 of no known group; one or two attributes of `NAMES`.
        y: Labels [n], 0 or 1.
        before: Whether the dense model is wrong [n], 0 or 1.
        after: Whether the compressed one is.
    """
    n, names = len(y), {by: NAMES[by] for by in codes}
    asked = dict(codes)
    if len(codes) > 1:
        (first, one), (second, other) = codes.items()
        width = len(names[second])
        asked[""] = np.where((one >= 0) & (other >= 0), one * width + other, -1)
        names[""] = tuple(f"{a} & {b}" for a in names[first] for b in names[second])

    def of(mask: np.ndarray, group: str = "", label: str = "") -> dict[str, Any]:
        return effect(before[mask], after[mask], group, label)

    partitions, evenness = [], []
    for by, code in asked.items():
        groups = [of(code == g, name) for g, name in enumerate(names[by])]
        cells = [
            of((code == g) & (y == c), name, CLASSES[c])
            for g, name in enumerate(names[by])
            for c in range(len(CLASSES))
        ]
        partitions.append({"by": by, "groups": groups, "cells": cells, "unknown": int(np.sum(code < 0))})
        evenness.append({"by": by, "p": 0.2, "adjusted": 0.4, "n": n, "how": "chi-square", "note": ""})
    single = [(p["by"], g) for p in partitions if p["by"] for g in p["groups"] if g["n"]]
    worst = max(single, key=lambda pair: pair[1]["error_change"]["value"], default=None)
    tail = [
        {**{k: c[k] for k in ("group", "label", "n", "error_before", "error_after", "error_change")},
         "train_rows": 3 * c["n"], "train_share": c["n"] / n}
        for c in sorted(partitions[-1]["cells"] if partitions else [], key=lambda c: c["n"]) if c["n"]
    ]  # fmt: skip
    flipped = before != after
    listed = [
        {"row": int(i), "label": "no", "before": "yes", "after": "no", "moved": 0.5} for i in np.flatnonzero(flipped)
    ]
    of_flipped = of(flipped)
    margins = [{"by": "", "group": "", "n": n}]
    margins += [{"by": p["by"], "group": g["group"], "n": g["n"]} for p in partitions for g in p["groups"]]
    near, far = of(np.arange(n) < n // 10), of(np.arange(n) >= n // 10)
    return {
        "task": "binary",
        "split": "test",
        "n": n,
        "level": 0.95,
        "weighted": False,
        "exemplars": {
            "n": int(flipped.sum()),
            "share": estimate(float(flipped.mean()), n),
            "dense_models": 1,
            "churn": {**LOST, "note": "one dense model"},
            **{name: of_flipped[name] for name in ("error_before", "error_after", "error_change")},
            "rows": listed[:50],
        },
        "overall": of(np.ones(n, dtype=bool)),
        "classes": [of(y == c, "", name) for c, name in enumerate(CLASSES)],
        "partitions": partitions,
        "hurt_most": worst and {**{key: worst[1][key] for key in ("group", "n", "error_change")}, "by": worst[0],
                                "candidates": len(single)},
        "evenness": evenness,
        "tail": {"cells": tail, "count": len(tail), "correlation": 0.3, "p": 0.04, "cells_correlated": len(tail),
                 "note": ""},
        "margins": {
            "quantiles": [0.05, 0.25, 0.5, 0.75, 0.95],
            "rows": [{**row, "before": [0.1, 0.2, 0.3, 0.4, 0.5], "after": [0.2] * 5} for row in margins],
            "near_cut": 0.05,
            "near_flips": near["flips"],
            "far_flips": far["flips"],
            "foretold": estimate(0.7, n),
        },
        "calibration": [{**row, **{when: estimate(0.03, row["n"]) for when in ("before", "after")}} for row in margins],
        "notes": [],
    }  # fmt: skip


def drawn_harm(seed: int, n: int, unknown: float = 0.0, attributes: Sequence[str] = ("sex", "site")) -> dict[str, Any]:
    """Draw groups, labels and errors, and compare."""
    random = np.random.default_rng(seed)
    codes = {by: random.integers(0, len(NAMES[by]), n) for by in attributes}
    for code in codes.values():
        code[random.random(n) < unknown] = -1
    y, before = random.integers(0, 2, n), (random.random(n) < 0.3).astype(int)
    after = np.where(random.random(n) < 0.12, 1 - before, before)
    return make_harm(codes, y, before, after)


def make_compressed(harm: Mapping[str, Any] | None = None, **entries: Any) -> dict[str, Any]:
    """The document of a compressed run."""
    compression = {
        "chain": ["prune structured:0.5", "recover 5s", "quantize int8"],
        "label": "real",
        "why": "bytes and milliseconds fell",
        "before": arm(240_000, 0.040, 0.85),
        "after": arm(60_000, 0.020, 0.84),
        "quantisation": None,
        "search": None,
        "notes": ["half of the units were removed"],
        "harm": harm,
        "flip_bound": None,
        **entries,
    }
    return {**make_document(), "compression": compression}
