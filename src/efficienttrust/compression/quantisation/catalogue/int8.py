"""Whole numbers of 8 bits by the method that the runtime has kernels for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression.quantisation._quantisation import Quantisation, quantisations
from efficienttrust.compression.quantisation.catalogue.int8_dynamic import convert_dynamic
from efficienttrust.compression.quantisation.catalogue.int8_static import convert_static

RECURRENT = ("LSTM", "GRU", "RNN")


def convert(model: Any, rows: NDArray[np.float32], options: Mapping[str, float]) -> Any:
    """Return the model with static ranges, as a row is then answered alike in any company; a recurrent one without.

    onnxruntime has a dynamic kernel alone for LSTM.
    """
    recurrent = any(node.op_type in RECURRENT for node in model.graph.node)
    return (convert_dynamic if recurrent else convert_static)(model, rows, options)


quantisations.register("int8")(
    Quantisation(
        name="int8",
        title="8 bits for weights and activations: static ranges, or dynamic ones for recurrent networks.",
        bits=8,
        calibrated=True,
        convert=convert,
        options={"per_channel": 1.0},
    )
)
