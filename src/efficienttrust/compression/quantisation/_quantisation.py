"""What a quantisation is, and where one is found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.registry import Registry

Convert = Callable[[Any, NDArray[np.float32], Mapping[str, float]], Any]
"""Called with a prepared ONNX model, rows [m, *shape] to measure activations by, and options; returns another model."""


@dataclass(frozen=True)
class Quantisation:
    """A way to quantise a network.

    Attributes:
        name: Name on the command line.
        title: One sentence for reports, with the source.
        bits: Bits of a weight; those allowed, where the user says how many.
        convert: Makes the quantised model; None of a simulated method, which rounds weights and converts nothing.
        calibrated: Whether it measures the ranges of activations, for which it takes some rows.
        block: Weights along the inputs that share a scale; None for one scale per output.
        options: Names and defaults of the options.
    """

    name: str
    title: str
    bits: int | range
    convert: Convert | None
    calibrated: bool = False
    block: int | None = None
    options: Mapping[str, float] = field(default_factory=dict)

    @property
    def real(self) -> bool:
        """Whether the deployed file holds whole numbers."""
        return self.convert is not None


quantisations: Registry[Quantisation] = Registry(
    "quantisation", "efficienttrust.compression.quantisation.catalogue", of=Quantisation
)
