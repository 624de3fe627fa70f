"""Whole numbers of 8 bits for weights and activations, whose ranges are measured once (Jacob et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression.quantisation._quantisation import Quantisation, quantisations
from efficienttrust.compression.quantisation._temporary import in_a_folder

ROWS_AT_ONCE = 64
PRODUCTS = ["Gemm", "MatMul"]


def convert_static(model: Any, rows: NDArray[np.float32], options: Mapping[str, float]) -> Any:
    """Return a model of quantise and dequantise nodes, which onnxruntime fuses into kernels of whole numbers.

    Ranges are the least and largest value seen: percentiles and entropy are no better on these networks. Activations
    are unsigned and weights signed, which the kernels for x86 want: a ResNet-20 with signed activations is slower than
    in floating point. Without VNNI sums of products may saturate there, so figures are of the processor they were taken
    on. Only what multiplies is quantised, and a product of matrices is handed on in floating point, so that logits are
    neither rounded nor cut off at the largest one that was seen.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Hands the rows out in batches."""

        def __init__(self) -> None:
            starts = range(0, len(rows), ROWS_AT_ONCE)
            self._parts: Iterator[dict[str, Any]] = iter(
                [{"rows": rows[start : start + ROWS_AT_ONCE]} for start in starts]
            )

        def get_next(self) -> dict[str, Any] | None:
            """Return the next batch, None after the last."""
            return next(self._parts, None)

    return in_a_folder(
        lambda path: quantize_static(
            model,
            path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=bool(options["per_channel"]),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Relu", *PRODUCTS],
            extra_options={"OpTypesToExcludeOutputQuantization": PRODUCTS},
        )
    )


quantisations.register("int8_static")(
    Quantisation(
        name="int8_static",
        title="8 bits for weights and activations, ranges measured on training rows (Jacob et al. 2018).",
        bits=8,
        calibrated=True,
        convert=convert_static,
        options={"per_channel": 1.0},
    )
)
