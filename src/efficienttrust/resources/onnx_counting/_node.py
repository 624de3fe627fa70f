"""What a formula sees of a node."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """One node of a graph, with the shapes of what goes in and comes out.

    Attributes:
        operator: Its name, e.g. `Conv`; with the domain unless that is ONNX's own, e.g. `ai.onnx.ml.Scaler`.
        inputs: Shape of every input; None for one that is left out.
        outputs: Shape of every output; None for one that is left out.
        attributes: As Python values.
        floating: Whether any input or output is floating-point; what works on indices alone costs nothing.
    """

    operator: str
    inputs: tuple[Shape | None, ...]
    outputs: tuple[Shape | None, ...]
    attributes: Mapping[str, Any]
    floating: bool

    def input(self, index: int) -> Shape:
        """Return the shape of an input that has to be there."""
        shape = self.inputs[index]
        assert shape is not None, f"{self.operator} lacks its input {index}"
        return shape

    def has_input(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    @property
    def output(self) -> Shape:
        """The shape of the first output that is there."""
        return next(shape for shape in self.outputs if shape is not None)

    @property
    def input_size(self) -> int:
        """Elements of the first input."""
        return math.prod(self.input(0))

    @property
    def output_size(self) -> int:
        """Elements of the first output that is there."""
        return math.prod(self.output)
