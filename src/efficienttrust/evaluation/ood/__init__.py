"""Out-of-distribution detection: scores from what a model computes anyway, and how well they tell rows apart.

A detector looks at a `Representation`, the input and the output of a model's last layer, and gives each row a score;
higher means more in-distribution. Some read the logits alone (`msp`, `max_logit`, `energy`, `entropy`), others the
features (`mahalanobis`, `relative_mahalanobis`, `knn`) or both (`vim`). All are fitted on in-distribution rows and see
no outside row, so nothing is tuned on what it is measured with; one forward pass over each set of rows serves them all.

`evaluate_ood` measures every detector against every set of outside rows, with the false alarms of each group of inside
rows. One module in `catalogue` is one detector; a class that registers itself there can be named and targeted.

Example:
    >>> import numpy as np
    >>> from efficienttrust.evaluation.ood import detectors
    >>> rng = np.random.default_rng(0)
    >>> knn = detectors.get("knn")().fit(rng.normal(3.0, 1.0, size=(500, 4)), None)
    >>> near, far = knn.score(np.array([[3.0, 3.0, 3.0, 3.0], [3.0, -3.0, 3.0, -3.0]]), None)
    >>> near > far
    True
"""

from __future__ import annotations

from efficienttrust.evaluation.ood._detector import Detector as Detector
from efficienttrust.evaluation.ood._detector import Representation as Representation
from efficienttrust.evaluation.ood._detector import detectors as detectors
from efficienttrust.evaluation.ood._evaluate import DetectorResult as DetectorResult
from efficienttrust.evaluation.ood._evaluate import Nearness as Nearness
from efficienttrust.evaluation.ood._evaluate import OutsideResult as OutsideResult
from efficienttrust.evaluation.ood._evaluate import evaluate_ood as evaluate_ood
from efficienttrust.evaluation.ood._evaluate import ood_document as ood_document
from efficienttrust.evaluation.ood._features import penultimate as penultimate
from efficienttrust.evaluation.ood._features import represent_module as represent_module
from efficienttrust.evaluation.ood._features import represent_probabilities as represent_probabilities
from efficienttrust.evaluation.ood._features import represent_scorer as represent_scorer

__all__ = [
    "Detector",
    "DetectorResult",
    "Nearness",
    "OutsideResult",
    "Representation",
    "detectors",
    "evaluate_ood",
    "ood_document",
    "penultimate",
    "represent_module",
    "represent_probabilities",
    "represent_scorer",
]
