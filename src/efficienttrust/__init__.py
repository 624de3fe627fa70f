"""EfficientTrust trains the most trustworthy model that a limited budget buys, and proves what it delivered.

A `Problem` is data ready to learn from; a `Budget` limits resources; targets are sentences about metrics. `fit` turns
the three into a `Run`: a deployable model, a verdict for every target, and the ledger of what was spent.

Example:
    ```python
    from efficienttrust import fit, load_problem

    problem = load_problem("german", sensitive=["sex"])
    run = fit(problem, budget="time=200 steps", targets=["dpd <= 0.1"], seed=0)
    print(run.verdicts)
    ```

The names below are imported on first use, so that `import efficienttrust` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from efficienttrust.data import Problem as Problem
    from efficienttrust.data import load_problem as load_problem
    from efficienttrust.integrations import ATATS as ATATS
    from efficienttrust.integrations import TrustClassifier as TrustClassifier
    from efficienttrust.pipeline import Audit as Audit
    from efficienttrust.pipeline import Frontier as Frontier
    from efficienttrust.pipeline import Run as Run
    from efficienttrust.pipeline import audit as audit
    from efficienttrust.pipeline import compress as compress
    from efficienttrust.pipeline import deploy as deploy
    from efficienttrust.pipeline import fit as fit
    from efficienttrust.pipeline import load_frontier as load_frontier
    from efficienttrust.pipeline import load_run as load_run
    from efficienttrust.pipeline import verify as verify
    from efficienttrust.pipeline.frontier import frontier as frontier
    from efficienttrust.resources import Budget as Budget

__version__ = "0.1.0"

__all__ = [
    "ATATS",
    "Audit",
    "Budget",
    "Frontier",
    "Problem",
    "Run",
    "TrustClassifier",
    "__version__",
    "audit",
    "compress",
    "deploy",
    "fit",
    "frontier",
    "load_frontier",
    "load_problem",
    "load_run",
    "verify",
]

_HOMES = {
    "ATATS": "efficienttrust.integrations",
    "Audit": "efficienttrust.pipeline",
    "Budget": "efficienttrust.resources",
    "Frontier": "efficienttrust.pipeline",
    "Problem": "efficienttrust.data",
    "Run": "efficienttrust.pipeline",
    "TrustClassifier": "efficienttrust.integrations",
    "audit": "efficienttrust.pipeline",
    "compress": "efficienttrust.pipeline",
    "deploy": "efficienttrust.pipeline",
    "fit": "efficienttrust.pipeline",
    "frontier": "efficienttrust.pipeline.frontier",
    "load_frontier": "efficienttrust.pipeline",
    "load_problem": "efficienttrust.data",
    "load_run": "efficienttrust.pipeline",
    "verify": "efficienttrust.pipeline",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'efficienttrust' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not yet imported included."""
    return sorted({*globals(), *__all__})
