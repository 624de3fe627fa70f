"""Whole numbers of 8 bits for weights; activations are scaled anew in every call, by its largest value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression.quantisation._quantisation import Quantisation, quantisations
from efficienttrust.compression.quantisation._temporary import in_a_folder


def convert_dynamic(model: Any, rows: NDArray[np.float32], options: Mapping[str, float]) -> Any:
    """Return a model whose matrix products and LSTMs are of whole numbers; the rows are not needed."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    del rows
    return in_a_folder(
        lambda path: quantize_dynamic(
            model, path, per_channel=bool(options["per_channel"]), weight_type=QuantType.QInt8
        )
    )


quantisations.register("int8_dynamic")(
    Quantisation(
        name="int8_dynamic",
        title="8 bits for weights; activations are scaled in every call by the largest of all its rows.",
        bits=8,
        convert=convert_dynamic,
        options={"per_channel": 1.0},
    )
)
