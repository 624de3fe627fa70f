"""frontier.json: a curve and how it came about, as one schema-versioned document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from efficienttrust import __version__
from efficienttrust.data import Problem, summary
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline._capacity import Capacity
from efficienttrust.pipeline._document import command
from efficienttrust.pipeline._request import Request
from efficienttrust.pipeline.frontier._axes import Axes
from efficienttrust.pipeline.frontier._measure import Measured
from efficienttrust.resources import Ledger, environment
from efficienttrust.training import Candidates

FRONTIER_SCHEMA = 1


def frontier_document(
    problem: Problem, request: Request, ledger: Ledger, capacity: Capacity, candidates: Candidates, axes: Axes,
    measured: Sequence[Measured], most: int,
) -> dict[str, Any]:  # fmt: skip
    """Collect a finished curve into one document of plain values.

    Its layout is described in docs/frontier.md. `groups` of a point is empty unless the data are clinical; `most` is
    how many points were asked for.
    """
    clinical = problem.card is not None and problem.card.clinical
    return {
        "frontier_schema": FRONTIER_SCHEMA,
        "efficienttrust_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": frontier_command(problem, request, most),
        "problem": {**summary(problem), "settings": dict(problem.settings)},
        "axes": axes.to_document(),
        "spec": {
            "budget": str(request.asked),
            "policy": request.policy_text,
            "network": request.network,
            "options": {**request.options, **capacity.options},
            "device": request.settings.device,
            "precision": request.settings.precision,
            "augmentation": None if request.settings.augmentation is None else dict(request.settings.augmentation),
            "seed": request.seed,
            "points": most,
            "use_groups_at_prediction": request.aware,
        },
        "model": {
            "architecture": candidates.architecture,
            "width_reason": capacity.reason,
            "trained": list(candidates.trained),
            "blind": not request.aware,
            "group_names": list(problem.group_names),
            "settings": [asdict(one) for one in candidates.settings],
        },
        "environment": environment(),
        "fallbacks": [*request.notes, *candidates.fallbacks],
        "ledger": ledger.to_dict(),
        "points": [
            {**_point(index, one, candidates, axes), "groups": list(one.groups) if clinical else []}
            for index, one in enumerate(measured)
        ],
    }


def frontier_command(problem: Problem, request: Request, most: int) -> str:
    """Return the command line that makes this curve again (the Python call's equivalent)."""
    as_asked = replace(request, settings=replace(request.settings, quantize="auto"))  # there is no option for it here
    words = shlex.split(command(problem, as_asked))
    words[1] = "frontier"
    for at, word in enumerate(words):
        if word == "--target":
            words[at : at + 2] = ["--axis", parse_target(words[at + 1]).key]
    return shlex.join([*words, "--points", str(most)])


def _point(index: int, one: Measured, candidates: Candidates, axes: Axes) -> Mapping[str, Any]:
    setting = asdict(candidates.settings[one.point.model]) if candidates.settings else None
    signs = np.array([1.0, *(-1.0 if target.relation == "<=" else 1.0 for target in axes.targets)])
    decision = one.point.decision
    return {
        "name": f"P{index + 1}",
        "model": candidates.members[one.point.model].name,
        "setting": setting,
        "decision": {
            "threshold": float(decision.threshold),
            "group_offsets": [float(value) for value in decision.group_offsets],
        },
        "calibrate": dict(zip(axes.keys, (float(value) for value in signs * one.point.values), strict=True)),
        "test": {
            key: {
                "value": cell.value,
                "low": cell.low,
                "high": cell.high,
                "n": cell.n,
                "how": cell.how,
                "note": cell.note,
            }
            for key, cell in one.test.items()
        },
        "size_bytes": one.size_bytes,
    }
