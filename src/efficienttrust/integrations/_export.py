"""The calibrated model of somebody else as an ONNX file, and the answers of that file or of the model itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from efficienttrust import __version__
from efficienttrust.compression import Decision, DeployedImages, DeployedOutput, ModuleScorer, export_images
from efficienttrust.compression._classes import add_classes
from efficienttrust.compression._core import domains_of
from efficienttrust.compression._graph import IR_VERSION, OPSET, Graph
from efficienttrust.compression._module_graph import add_module
from efficienttrust.compression._sessions import open_session
from efficienttrust.data import Problem

ROWS = "rows"
OUTPUTS = ("score", "margin", "decision")
AT_ONCE = 1024


class AskedModel:
    """The model with its decision rule, which answers as its file would.

    Args:
        scorer: The model.
        decision: The threshold of two classes.
    """

    def __init__(self, scorer: ModuleScorer, decision: Decision) -> None:
        self._scorer, self._threshold = scorer, np.float32(decision.threshold)

    def run(self, x: Any) -> DeployedOutput:
        """Score and decide rows."""
        z = self._scorer.score(x)
        if z.ndim == 1:
            margin = z - self._threshold
            with np.errstate(over="ignore"):
                score = (1 / (1 + np.exp(-z))).astype(np.float32)
            return DeployedOutput(score, margin, (margin > 0).astype(np.int64))
        odds = np.exp(z - z.max(axis=1, keepdims=True))
        ordered = np.sort(z, axis=1)
        return DeployedOutput(
            odds / odds.sum(axis=1, keepdims=True), ordered[:, -1] - ordered[:, -2], z.argmax(axis=1).astype(np.int64)
        )


class AskedFile:
    """An exported file of rows [n, ...], evaluated by onnxruntime on one CPU thread.

    Args:
        content: What `exported` returned for rows that are no images.
    """

    def __init__(self, content: bytes) -> None:
        self._session = open_session(content, "the model")

    def run(self, x: npt.NDArray[np.float32]) -> DeployedOutput:
        """Score and decide rows; `score` is [n], or [n, K] with K > 2 classes."""
        parts = [
            self._session.run(list(OUTPUTS), {ROWS: np.ascontiguousarray(x[start : start + AT_ONCE], np.float32)})
            for start in range(0, max(len(x), 1), AT_ONCE)
        ]
        return DeployedOutput(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def exported(scorer: ModuleScorer, decision: Decision, problem: Problem, metadata: Mapping[str, str]) -> bytes:
    """Return model and decision rule as one ONNX file: rows in; score, margin and decision out.

    Images have the input `image` [N, C, H, W], everything else the input `rows` [N, ...], as the loader yields it.

    Args:
        scorer: The model, of one tensor of floating-point numbers.
        decision: The threshold of two classes.
        problem: The validation rows.
        metadata: What else the file says of itself, text to text.

    Raises:
        EfficientTrustError: The exporter of torch cannot read the model.
    """
    if len(scorer.shape) == 3:
        return export_images(scorer, decision, problem.classes, metadata=metadata)
    from onnx import TensorProto, helper

    graph = Graph([ROWS, *OUTPUTS])
    logits = add_module(graph, scorer, ROWS)
    if scorer.outputs == 1:
        column = graph.constant("column", np.array([1], dtype=np.int64))
        z = graph.add("Squeeze", logits, column, name="logit")
        graph.add("Sigmoid", z, name="score", out="score")
        margin = graph.add(
            "Sub", z, graph.constant("threshold", np.float32(decision.threshold)), name="m", out="margin"
        )
        above = graph.add("Greater", margin, graph.constant("zero", np.float32(0)), name="above")
        graph.add("Cast", above, name="decision", out="decision", to=TensorProto.INT64)
    else:
        add_classes(graph, logits)
    scores: list[str | int] = ["N"] if scorer.outputs == 1 else ["N", scorer.outputs]
    declared = [
        helper.make_tensor_value_info("score", TensorProto.FLOAT, scores),
        helper.make_tensor_value_info("margin", TensorProto.FLOAT, ["N"]),
        helper.make_tensor_value_info("decision", TensorProto.INT64, ["N"]),
    ]
    inputs = [helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, ["N", *scorer.shape])]
    made = helper.make_graph(graph.nodes, "efficienttrust", inputs, declared, graph.initialisers)
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET), *domains_of(graph.nodes)],
        ir_version=IR_VERSION,
        producer_name="efficienttrust",
        producer_version=__version__,
    )
    helper.set_model_props(model, dict(metadata) | {"efficienttrust_classes": json.dumps(list(problem.classes))})
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def opened(content: bytes, scorer: ModuleScorer) -> AskedFile | DeployedImages:
    """Return an exported file to be asked."""
    return DeployedImages(content) if len(scorer.shape) == 3 else AskedFile(content)
