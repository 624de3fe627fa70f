"""For tools that write models to files only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_a_folder(write: Callable[[str], object]) -> Any:
    """Let a function write a model to a path, and return the model that it wrote."""
    import onnx

    with tempfile.TemporaryDirectory(prefix="efficienttrust-") as folder:
        path = Path(folder) / "model.onnx"
        write(str(path))
        return onnx.load_model(path)
