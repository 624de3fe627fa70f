"""A small builder of ONNX graphs: names tensors, keeps nodes in the order in which they were added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

OPSET = 20  # StringConcat; onnxruntime 1.17 and later
ML_OPSET = 3
IR_VERSION = 9


class Graph:
    """A graph under construction.

    Args:
        taken: Tensor names that are not free: the inputs and outputs of the graph.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.nodes: list[Any] = []
        self.initialisers: list[Any] = []
        self._taken = set(taken)

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Add an array that is part of the file; returns its tensor name."""
        from onnx import numpy_helper

        free = self._claim(name)
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), free))
        return free

    def add(self, op: str, *inputs: str, name: str, out: str | None = None, **attributes: Any) -> str:
        """Add a node with one output; returns the tensor name of the output.

        Args:
            op: Operator; those of the machine-learning domain are recognised by name.
            inputs: Tensor names.
            name: Wanted name of the node and of its output; underscores follow when it is taken.
            out: Exact name of the output, for the outputs of the graph.
            attributes: Attributes of the operator.
        """
        from onnx import helper

        free = out if out is not None else self._claim(name)
        domain = "ai.onnx.ml" if op in ("LabelEncoder", "TreeEnsembleRegressor") else ""
        self.nodes.append(helper.make_node(op, inputs, [free], name=free, domain=domain, **attributes))
        return free

    def add_pair(self, op: str, *inputs: str, names: tuple[str, str], **attributes: Any) -> tuple[str, str]:
        """Add a node with two outputs of the wanted names; returns their tensor names."""
        from onnx import helper

        one, other = (self._claim(name) for name in names)
        self.nodes.append(helper.make_node(op, inputs, [one, other], name=one, **attributes))
        return one, other

    def _claim(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name
