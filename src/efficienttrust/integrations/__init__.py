"""EfficientTrust inside other people's tools: what they know how to call, on top of the same pipeline.

`TrustClassifier` is a scikit-learn estimator: it takes arrays or frames, trains under a budget and targets as `fit`
does, and answers from the exported file. It stands in `Pipeline`, `GridSearchCV` and `clone` as any classifier does.
`ATATS` steers a training loop of your own: `batches` ends when the budget does, `loss` holds the penalties and attacks
that the targets call for, `step` looks and decides, `finish` calibrates, exports and judges. `TrustCallback` is the
same for Lightning, `TrustTrainerCallback` with `TrustTrainerMixin` for the Trainer of Hugging Face.

Example:
    ```python
    from efficienttrust.integrations import TrustClassifier

    classifier = TrustClassifier(budget="time=20s", targets=["dpd <= 0.05"], random_state=0)
    classifier.fit(X, y, sensitive_features=sex)
    classifier.predict(X_new), classifier.run_.verdicts
    ```

The names below are imported on first use: each asks for a library that the others do not need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from efficienttrust.integrations._atats import ATATS as ATATS
    from efficienttrust.integrations._huggingface import TrustTrainerCallback as TrustTrainerCallback
    from efficienttrust.integrations._huggingface import TrustTrainerMixin as TrustTrainerMixin
    from efficienttrust.integrations._lightning import TrustCallback as TrustCallback
    from efficienttrust.integrations._result import TrustResult as TrustResult
    from efficienttrust.integrations._sklearn import TrustClassifier as TrustClassifier
    from efficienttrust.integrations._validation import table_domain as table_domain

__all__ = [
    "ATATS",
    "TrustCallback",
    "TrustClassifier",
    "TrustResult",
    "TrustTrainerCallback",
    "TrustTrainerMixin",
    "table_domain",
]

_HOMES = {
    "ATATS": "efficienttrust.integrations._atats",
    "TrustCallback": "efficienttrust.integrations._lightning",
    "TrustClassifier": "efficienttrust.integrations._sklearn",
    "TrustResult": "efficienttrust.integrations._result",
    "TrustTrainerCallback": "efficienttrust.integrations._huggingface",
    "TrustTrainerMixin": "efficienttrust.integrations._huggingface",
    "table_domain": "efficienttrust.integrations._validation",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'efficienttrust.integrations' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not yet imported included."""
    return sorted({*globals(), *__all__})
