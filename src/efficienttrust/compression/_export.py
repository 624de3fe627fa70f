"""Write a scorer and its decision as one ONNX file that takes the raw columns of the user's table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from efficienttrust import __version__
from efficienttrust.compression._classes import add_classes
from efficienttrust.compression._core import add_layers, add_quantised, domains_of
from efficienttrust.compression._cut import add_given_cut, add_inferred_cut
from efficienttrust.compression._decision import Decision
from efficienttrust.compression._encoding import add_encoding
from efficienttrust.compression._graph import IR_VERSION, ML_OPSET, OPSET, Graph
from efficienttrust.compression._inputs import (
    OUTPUTS,
    columns_to_text,
    declare_input,
    declare_outputs,
    name_inputs,
    outputs_of,
)
from efficienttrust.compression._module_graph import add_module
from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._quantised_scorer import QuantisedScorer
from efficienttrust.compression._scorers import NetworkScorer, Scorer
from efficienttrust.compression._sparse_storage import store_sparse
from efficienttrust.compression._tree_graph import add_trees
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.data import Attribute, Encoder

FORMAT_KEY = "efficienttrust_format"
FORMAT = "1"
COLUMNS_KEY = "efficienttrust_columns"
TASK_KEY = "efficienttrust_task"  # absent of a binary model
CLASSES_KEY = "efficienttrust_classes"  # of more than two


def export_onnx(
    path: str | os.PathLike[str] | None,
    encoder: Encoder,
    scorer: Scorer,
    decision: Decision,
    *,
    attributes: Mapping[str, Attribute] | None = None,
    group_names: Sequence[str] = (),
    task: str = "binary",
    classes: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Export a model as one ONNX file: raw columns in, score, margin and decision out; of a regression the score alone.

    Each raw column is an input `[N, 1]` with the column's name: a double for a numeric column (NaN = missing), a string
    for a categorical one ("" = missing). The same arguments give the same bytes.

    Args:
        path: Where to write, atomically; None to have the bytes only.
        encoder: Imputation, scaling and category encoding, fitted on train.
        scorer: Network or trees over the encoded row.
        decision: Threshold and group term. When it is `by_group`, the sensitive columns are inputs too: a string, or a
            double where the attribute is a number cut into bands.
        attributes: `Problem.attributes`; used when `decision.by_group`.
        group_names: `Problem.group_names`, one per offset of the decision; a row of any other group gets no offset.
        task: `binary`, `multiclass` or `regression`; the decision rule is of a binary model only.
        classes: Names of the classes by code, of a multiclass model.
        metadata: What else the file says of itself (label, positive label, targets…), text to text.

    Returns:
        The content of the file.
    """
    from onnx import helper

    if scorer.n_features != encoder.n_features:
        raise ValueError(f"the scorer takes {scorer.n_features} features, the encoder gives {encoder.n_features}")
    if decision.head is not None and len(decision.head[0]) != encoder.n_features:
        raise ValueError(
            f"the group head takes {len(decision.head[0])} features, the encoder gives {encoder.n_features}"
        )
    if task == "multiclass" and getattr(scorer, "outputs", 1) != len(classes):
        raise ValueError(f"the scorer gives {getattr(scorer, 'outputs', 1)} logits, there are {len(classes)} classes")
    given = dict(attributes or {}) if decision.by_group else {}
    if decision.by_group and not given:
        raise ValueError("a decision by group needs the sensitive attributes and their group names")
    inputs = name_inputs(encoder, given.values())
    graph = Graph([*OUTPUTS, *(entry.name for entry in inputs)])
    encoded = add_encoding(graph, encoder, [entry.name for entry in inputs if entry.feature])
    logit = _add_scorer(graph, scorer, encoded)
    if task == "multiclass":
        add_classes(graph, logit)
    elif task == "regression":
        column = graph.constant("column", np.array([1], dtype=np.int64))
        graph.add("Squeeze", logit, column, name="score", out="score")
    elif given:
        tensors = {(entry.column, entry.numeric): entry.name for entry in inputs}
        cells = [tensors[attribute.name, bool(attribute.edges)] for attribute in given.values()]
        _add_outputs(graph, logit, add_given_cut(graph, decision, given, cells, group_names))
    else:
        _add_outputs(graph, logit, add_inferred_cut(graph, decision, encoded))
    store_sparse(graph)
    declared = [declare_input(entry) for entry in inputs]
    outputs = declare_outputs(task, len(classes))
    made = helper.make_graph(graph.nodes, "efficienttrust", declared, outputs, graph.initialisers)
    model = helper.make_model(
        made,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            helper.make_opsetid("ai.onnx.ml", ML_OPSET),
            *domains_of(graph.nodes),
        ],
        ir_version=IR_VERSION,
        producer_name="efficienttrust",
        producer_version=__version__,
        doc_string="Raw columns in (double, NaN = missing; string, empty = missing). Out: "
        + "; ".join(f"{name} = {meaning}" for name, meaning in outputs_of(task).items()),
    )
    said = {FORMAT_KEY: FORMAT, COLUMNS_KEY: columns_to_text(inputs)}
    if task != "binary":
        said[TASK_KEY] = task
    if task == "multiclass":
        said[CLASSES_KEY] = json.dumps(list(classes), ensure_ascii=False)
    clash = said.keys() & (metadata or {}).keys()
    if clash:
        raise ValueError(f"metadata key {min(clash)!r} is reserved")
    helper.set_model_props(model, said | dict(metadata or {}))
    content: bytes = model.SerializeToString(deterministic=True)
    if path is not None:
        _write_atomically(Path(path), content)
    return content


def _add_scorer(graph: Graph, scorer: Scorer, encoded: str) -> str:
    if isinstance(scorer, NetworkScorer):
        return add_layers(graph, scorer, encoded)
    if isinstance(scorer, QuantisedScorer):
        return add_quantised(graph, scorer, encoded)
    return add_module(graph, scorer, encoded) if isinstance(scorer, ModuleScorer) else add_trees(graph, scorer, encoded)


def _add_outputs(graph: Graph, logit: str, cut: str) -> None:
    from onnx import TensorProto

    column = graph.constant("column", np.array([1], dtype=np.int64))
    z = graph.add("Squeeze", logit, column, name="logit")
    graph.add("Sigmoid", z, name="score", out="score")
    margin = graph.add("Sub", z, cut, name="margin", out="margin")
    above = graph.add("Greater", margin, graph.constant("zero", np.float32(0)), name="above")
    graph.add("Cast", above, name="decision", out="decision", to=TensorProto.INT64)


def _write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target, then rename: a killed process leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write the model to {path}: {error.strerror or error}. Choose another folder."
        ) from error
