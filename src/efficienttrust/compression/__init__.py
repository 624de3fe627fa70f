"""What is deployed: a scorer and its decision as one ONNX file, and the runtime that measures that file.

A trained model is a *scorer* (network or trees over the encoded row, giving the logit z) and a *decision* (a threshold
and a group term, inferred or given). Both are frozen numpy values: `score_encoded` and `margin_encoded` are the float
parent that attacks and calibration work on.

`export_onnx` folds imputation, scaling, category encoding, scorer and decision into one file: raw columns in; `score`,
`margin` and `decision` out. `DeployedModel` runs that file; every figure that a run reports is measured on it. File and
parent agree to 1e-5.

Example:
    >>> import numpy as np
    >>> from efficienttrust.data import load_problem
    >>> problem = load_problem("german", sensitive="sex")
    >>> scorer = NetworkScorer(((np.zeros((problem.encoder.n_features, 1)), np.ones(1)),))
    >>> content = export_onnx(None, problem.encoder, scorer, Decision(threshold=0.3))
    >>> DeployedModel(content).run(problem.raw("test")).decision.mean()
    np.float64(1.0)
"""

from efficienttrust.compression._decision import Decision, cut_encoded, margin_encoded
from efficienttrust.compression._export import export_onnx
from efficienttrust.compression._images import DeployedImages, export_images, is_of_images
from efficienttrust.compression._inputs import Input
from efficienttrust.compression._lightgbm_trees import tree_scorer_of_lightgbm
from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._projection import Projection
from efficienttrust.compression._quantised_scorer import QuantisedScorer
from efficienttrust.compression._runtime import DeployedModel, DeployedOutput, Feeds
from efficienttrust.compression._scorers import NetworkScorer, Scorer, parent_of, score_encoded
from efficienttrust.compression._tree_scorer import TreeScorer
from efficienttrust.compression._workpiece import Workpiece, mlp_of, restore_edits, scorer_of, workpiece_of

__all__ = [
    "Decision",
    "DeployedImages",
    "DeployedModel",
    "DeployedOutput",
    "Feeds",
    "Input",
    "ModuleScorer",
    "NetworkScorer",
    "Projection",
    "QuantisedScorer",
    "Scorer",
    "TreeScorer",
    "Workpiece",
    "cut_encoded",
    "export_images",
    "export_onnx",
    "is_of_images",
    "margin_encoded",
    "mlp_of",
    "parent_of",
    "restore_edits",
    "score_encoded",
    "scorer_of",
    "tree_scorer_of_lightgbm",
    "workpiece_of",
]
