"""The verbs as readable sequences: what `fit`, `audit` and `verify` do, from the data to the proof.

    problem -> capacity -> train -> calibrate -> export -> evaluate the exported file -> certify -> Run -> report

One way, no back and forth. Everything up to the delivered file is charged to the budget; the evaluation that proves it
is charged apart.

    >>> from efficienttrust import Budget, fit, load_problem
    >>> run = fit(load_problem("german"), budget="time=60 steps", targets=["dpd <= 0.2"])
    >>> run.verdicts[0].target.metric
    'demographic_parity_difference'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from efficienttrust.pipeline._audit import audit as audit
    from efficienttrust.pipeline._audit_request import make_audit_request as make_audit_request
    from efficienttrust.pipeline._audit_result import Audit as Audit
    from efficienttrust.pipeline._data import load_data as load_data
    from efficienttrust.pipeline._document import plain as plain
    from efficienttrust.pipeline._fit import fit as fit
    from efficienttrust.pipeline._progress import ProgressEvent as ProgressEvent
    from efficienttrust.pipeline._readers import for_readers as for_readers
    from efficienttrust.pipeline._readers import notes_for_readers as notes_for_readers
    from efficienttrust.pipeline._run import Run as Run
    from efficienttrust.pipeline._run import load_run as load_run
    from efficienttrust.pipeline._verify import VerifiedVerdict as VerifiedVerdict
    from efficienttrust.pipeline._verify import verify as verify
    from efficienttrust.pipeline.compressing._compress import compress as compress
    from efficienttrust.pipeline.frontier import Frontier as Frontier
    from efficienttrust.pipeline.frontier import deploy as deploy
    from efficienttrust.pipeline.frontier import frontier_for_readers as frontier_for_readers
    from efficienttrust.pipeline.frontier import load_frontier as load_frontier
    from efficienttrust.pipeline.levels import constrained as constrained
    from efficienttrust.pipeline.levels import fit_at_levels as fit_at_levels
    from efficienttrust.training import Settings as Settings
    from efficienttrust.training import parse_augmentation as parse_augmentation
    from efficienttrust.training import request_stop as request_stop

__all__ = [
    "Audit",
    "Frontier",
    "ProgressEvent",
    "Run",
    "Settings",
    "VerifiedVerdict",
    "audit",
    "compress",
    "constrained",
    "deploy",
    "fit",
    "fit_at_levels",
    "for_readers",
    "frontier_for_readers",
    "load_data",
    "load_frontier",
    "load_run",
    "make_audit_request",
    "notes_for_readers",
    "parse_augmentation",
    "plain",
    "request_stop",
    "verify",
]

_HOMES = {
    "Audit": "efficienttrust.pipeline._audit_result",
    "audit": "efficienttrust.pipeline._audit",
    "ProgressEvent": "efficienttrust.pipeline._progress",
    "Run": "efficienttrust.pipeline._run",
    "VerifiedVerdict": "efficienttrust.pipeline._verify",
    "compress": "efficienttrust.pipeline.compressing._compress",
    "constrained": "efficienttrust.pipeline.levels",
    "Frontier": "efficienttrust.pipeline.frontier",
    "deploy": "efficienttrust.pipeline.frontier",
    "frontier_for_readers": "efficienttrust.pipeline.frontier",
    "load_frontier": "efficienttrust.pipeline.frontier",
    "fit": "efficienttrust.pipeline._fit",
    "fit_at_levels": "efficienttrust.pipeline.levels",
    "Settings": "efficienttrust.training",
    "for_readers": "efficienttrust.pipeline._readers",
    "notes_for_readers": "efficienttrust.pipeline._readers",
    "load_data": "efficienttrust.pipeline._data",
    "parse_augmentation": "efficienttrust.training",
    "load_run": "efficienttrust.pipeline._run",
    "make_audit_request": "efficienttrust.pipeline._audit_request",
    "plain": "efficienttrust.pipeline._document",
    "request_stop": "efficienttrust.training",
    "verify": "efficienttrust.pipeline._verify",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that a misspelt option is reported before torch is loaded."""
    if name not in _HOMES:
        raise AttributeError(f"module 'efficienttrust.pipeline' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
