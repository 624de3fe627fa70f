"""A module and its decision as one ONNX file that takes images; and the runtime that measures that file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from efficienttrust import __version__
from efficienttrust.compression._classes import add_classes
from efficienttrust.compression._core import add_quantised, count_weights, domains_of
from efficienttrust.compression._decision import Decision
from efficienttrust.compression._graph import IR_VERSION, OPSET, Graph
from efficienttrust.compression._module_graph import add_module
from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._quantised_scorer import QuantisedScorer
from efficienttrust.compression._runtime import DeployedOutput
from efficienttrust.compression._sessions import open_session, read_file
from efficienttrust.compression._sparse_storage import store_sparse
from efficienttrust.errors import UsageError

FORMAT_KEY = "efficienttrust_images"
FORMAT = "1"
CLASSES_KEY = "efficienttrust_classes"
INPUT = "image"
OUTPUTS = ("score", "margin", "decision")
MEANINGS = {
    "image": "pixels in [0, 1], float [N, C, H, W]",
    "score": "probability of each class, float [N, K]",
    "margin": "how far the decision is from changing, in logits, float [N]; of two classes: logit minus threshold",
    "decision": "class code, int64 [N]",
}
_CELLS = 2**21  # of the images of one call


def export_images(
    scorer: ModuleScorer | QuantisedScorer,
    decision: Decision,
    classes: Sequence[str],
    *,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Export a model of images as one ONNX file: pixels in, probabilities, margin and decision out.

    Args:
        scorer: The module, on images, or its quantised network.
        decision: Threshold of a binary model; of others the largest logit decides.
        classes: Names of the classes by code.
        metadata: What else the file says of itself, text to text.

    Returns:
        The content of the file.
    """
    from onnx import TensorProto, helper

    graph = Graph([INPUT, *OUTPUTS])
    add = add_quantised if isinstance(scorer, QuantisedScorer) else add_module
    logits = add(graph, scorer, INPUT)  # type: ignore[arg-type]
    if scorer.outputs == 1:
        _add_two_classes(graph, logits, decision)
    else:
        add_classes(graph, logits)
    kinds = {"image": TensorProto.FLOAT, "score": TensorProto.FLOAT, "margin": TensorProto.FLOAT}
    shapes: dict[str, list[str | int | None]] = {"image": ["N", *scorer.shape], "score": ["N", len(classes)]}

    def declared(name: str) -> Any:
        kind, shape = kinds.get(name, TensorProto.INT64), shapes.get(name, ["N"])
        return helper.make_tensor_value_info(name, kind, shape, doc_string=MEANINGS[name])

    store_sparse(graph)
    made = helper.make_graph(
        graph.nodes, "efficienttrust", [declared(INPUT)], [declared(name) for name in OUTPUTS], graph.initialisers
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET), *domains_of(graph.nodes)],
        ir_version=IR_VERSION,
        producer_name="efficienttrust",
        producer_version=__version__,
        doc_string="; ".join(f"{name}: {meaning}" for name, meaning in MEANINGS.items()),
    )
    said = {FORMAT_KEY: FORMAT, CLASSES_KEY: json.dumps(list(classes), ensure_ascii=False)}
    helper.set_model_props(model, said | dict(metadata or {}))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def is_of_images(source: str | Path | bytes) -> bool:
    """Return whether a model file, given by path or content, is one that `export_images` wrote."""
    content = source if isinstance(source, bytes) else read_file(Path(source))
    return FORMAT_KEY in open_session(content, "the model").get_modelmeta().custom_metadata_map


class DeployedImages:
    """An exported model of images, evaluated by onnxruntime on one CPU thread.

    Args:
        source: Path of the file, or its content.

    Attributes:
        classes: Names of the classes by code.
        metadata: What the file says of itself, text to text.
        shape: Channels, height and width of an image.
        size_bytes: Size of the file.
    """

    def __init__(self, source: str | Path | bytes) -> None:
        name = "the model" if isinstance(source, bytes) else str(source)
        content = source if isinstance(source, bytes) else read_file(Path(source))
        self._content, self._session = content, open_session(content, name)
        self.metadata: Mapping[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        if self.metadata.get(FORMAT_KEY) != FORMAT:
            raise UsageError(f"{name} is no model of images that EfficientTrust wrote. Give the model.onnx of a run.")
        self.classes: tuple[str, ...] = tuple(json.loads(self.metadata[CLASSES_KEY]))
        channels, height, width = self._session.get_inputs()[0].shape[1:]
        self.shape = (int(channels), int(height), int(width))
        self.size_bytes = len(content)

    @cached_property
    def n_parameters(self) -> int:
        """Number of values in the weights of the file; statistics count too."""
        import onnx

        return count_weights(onnx.load_model_from_string(self._content).graph)

    def run(self, images: npt.NDArray[np.float32]) -> DeployedOutput:
        """Score and decide images, float32 [n, C, H, W] in [0, 1]; `score` is [n], or [n, K] with K > 2 classes."""
        self._refuse_misfits(images)
        step = max(1, _CELLS // int(np.prod(self.shape)))
        parts = [
            self._session.run(list(OUTPUTS), {INPUT: np.ascontiguousarray(images[start : start + step], np.float32)})
            for start in range(0, len(images), step)
        ]
        if not parts:
            empty = np.zeros(0, np.float32)
            score = empty if len(self.classes) == 2 else np.zeros((0, len(self.classes)), np.float32)
            return DeployedOutput(score, empty, np.zeros(0, np.int64))
        score, margin, decision = (np.concatenate(column) for column in zip(*parts, strict=True))
        return DeployedOutput(score[:, 1] if len(self.classes) == 2 else score, margin, decision)

    def _refuse_misfits(self, images: npt.NDArray[np.float32]) -> None:
        """Raise `UsageError` for images of another size."""
        wanted = "x".join(map(str, self.shape))
        if images.ndim != 4 or images.shape[1:] != self.shape:
            raise UsageError(
                f"the model takes images [n, {wanted}] (channels first), got an array {list(images.shape)}"
            )

    def single_row_call(self, image: npt.NDArray[np.float32]) -> Callable[[], object]:
        """Return a call that scores one image [1, C, H, W], to measure latency with."""
        self._refuse_misfits(image)
        feed, session = {INPUT: np.ascontiguousarray(image[:1], np.float32)}, self._session
        return lambda: session.run(list(OUTPUTS), feed)


def _add_two_classes(graph: Graph, logits: str, decision: Decision) -> None:
    """Add the outputs of one logit: a threshold decides."""
    from onnx import TensorProto

    column = graph.constant("column", np.array([1], dtype=np.int64))
    z = graph.add("Squeeze", logits, column, name="logit")
    positive = graph.add("Sigmoid", logits, name="positive")
    negative = graph.add("Sub", graph.constant("one", np.float32(1)), positive, name="negative")
    graph.add("Concat", negative, positive, name="score", out="score", axis=1)
    margin = graph.add("Sub", z, graph.constant("threshold", np.float32(decision.threshold)), name="m", out="margin")
    above = graph.add("Greater", margin, graph.constant("zero", np.float32(0)), name="above")
    graph.add("Cast", above, name="decision", out="decision", to=TensorProto.INT64)
