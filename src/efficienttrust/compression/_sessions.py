"""Opening model files in onnxruntime: one CPU thread, and one line for what is no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError


def read_file(path: Path) -> bytes:
    """Return the content of a model file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the model {path}: {error.strerror or error}.") from error


def open_session(content: bytes, name: str) -> Any:
    """Return an onnxruntime session on one CPU thread; raises `UsageError` for what is no model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises a dozen classes of its own
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{name} is not an ONNX file that onnxruntime {onnxruntime.__version__} can open (damaged?): {reason}"
        ) from error
