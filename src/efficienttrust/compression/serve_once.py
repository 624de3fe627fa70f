"""One batch through an ONNX file as the whole work of a fresh process: its peak memory is the deployed model's.

Nobody else imports this module: the runtime is imported at its top, so that it counts as floor and not as work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime

TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


def serve_once(path: str, shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Open the file on one thread and answer one batch of blank rows.

    Args:
        path: The ONNX file.
        shapes: Shape of each input, the batch first.

    Returns:
        The names of the outputs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds: dict[str, np.ndarray] = {}
    for entry in session.get_inputs():
        kind = TYPES[entry.type]
        blank = "" if kind is np.object_ else 0
        feeds[entry.name] = np.full(tuple(shapes[entry.name]), blank, dtype=kind)
    names = [output.name for output in session.get_outputs()]
    session.run(names, feeds)
    return names
