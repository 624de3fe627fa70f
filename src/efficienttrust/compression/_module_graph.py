"""A torch module as part of an exported graph."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import logging
import warnings
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from efficienttrust.compression._graph import OPSET, Graph
from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.errors import EfficientTrustError

PREFIX = "scorer."
EXPORTED = 18  # what the exporter writes of itself; what lies between that and OPSET leaves its operators as they were

_MADE: WeakKeyDictionary[Any, tuple[str, bytes]] = WeakKeyDictionary()
"""What was exported last of each module that is alive: of which weights, and the model."""


def add_module(graph: Graph, scorer: ModuleScorer, rows: str) -> str:
    """Add a module to a graph.

    Args:
        graph: Is extended.
        scorer: The module.
        rows: Tensor of rows, float32 [N, *shape].

    Returns:
        Name of the tensor of logits, or of the numbers of a regression in the unit of the label, float32 [N, outputs].
    """
    from onnx import compose, helper

    model = compose.add_prefix(exported_module(scorer), PREFIX)
    inner = model.graph
    graph.nodes.append(helper.make_node("Identity", [rows], [inner.input[0].name], name=f"{PREFIX}rows"))
    graph.nodes.extend(inner.node)
    graph.initialisers.extend(inner.initializer)
    answer = str(inner.output[0].name)
    return in_unit(graph, scorer, answer)


def in_unit(graph: Graph, scorer: ModuleScorer, answer: str) -> str:
    """Add what brings the answers of a regression into the unit of the label; others stay as they are."""
    if (scorer.shift, scorer.scale) == (0.0, 1.0):
        return answer
    unit = graph.constant(f"{PREFIX}scale", np.float32(scorer.scale))
    scaled = graph.add("Mul", answer, unit, name=f"{PREFIX}scaled")
    return graph.add("Add", scaled, graph.constant(f"{PREFIX}shift", np.float32(scorer.shift)), name=f"{PREFIX}shifted")


def exported_module(scorer: ModuleScorer) -> Any:
    """Return the module as an ONNX model of one input and one output [N, outputs].

    It is exported once for as long as its weights and edits stay the same: an export takes seconds.
    """
    import onnx

    key = _fingerprint(scorer)
    known = _MADE.get(scorer.module)
    if known is None or known[0] != key:
        known = key, _exported(scorer).SerializeToString(deterministic=True)
        _MADE[scorer.module] = known
    return onnx.load_model_from_string(known[1])


def _fingerprint(scorer: ModuleScorer) -> str:
    digest = hashlib.sha256(repr((scorer.shape, sorted(scorer.edits.items()))).encode())
    for name, value in scorer.module.state_dict().items():
        digest.update(repr((name, value.dtype, tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _exported(scorer: ModuleScorer) -> Any:
    """Export a module."""
    import onnx.inliner
    import torch
    from torch import Tensor, nn

    class Columns(nn.Module):
        """The module with its single logit as a column."""

        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, rows: Tensor) -> Tensor:
            z: Tensor = self.module(rows)
            return z.unsqueeze(1) if z.ndim == 1 else z

    twin = Columns(copy.deepcopy(scorer.module).cpu().eval())
    loud, talkative = logging.WARNING, io.StringIO()
    names = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export", "torch.fx.experimental.symbolic_shapes")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(loud + 10)
        with warnings.catch_warnings(), torch.no_grad(), contextlib.redirect_stderr(talkative):
            warnings.simplefilter("ignore")  # of the exporter, about itself
            program = torch.onnx.export(
                twin,
                (torch.zeros(2, *scorer.shape),),
                dynamo=True,
                opset_version=EXPORTED,
                dynamic_shapes=({0: torch.export.Dim("N")},),
                input_names=["rows"],
                output_names=["logits"],
                verbose=False,
                external_data=False,
            )
    except Exception as error:
        first: BaseException = error
        while first.__cause__ is not None:  # torch wraps what happened in advice on its own repository
            first = first.__cause__
        reason = str(first).strip().partition("\n")[0].strip()
        raise EfficientTrustError(
            f"network {scorer.network!r} cannot be exported to ONNX ({type(first).__name__}: {reason}); write its "
            "forward pass in torch operations, without Python conditions on the values of tensors"
        ) from error
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
    assert program is not None
    model = onnx.inliner.inline_local_functions(program.model_proto)
    _strip(model)
    return model


def _strip(model: Any) -> None:
    """Remove what the exporter says of the source code: it is half of a small file, and names the user's folders."""
    inner = model.graph
    for things in (inner.node, inner.initializer, inner.input, inner.output):
        for thing in things:
            thing.doc_string = ""
            del thing.metadata_props[:]
    del inner.value_info[:]
    assert all(entry.version <= OPSET for entry in model.opset_import if entry.domain == "")
