"""Any callable from a frame (or images) to scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects._build import build_subject
from efficienttrust.evaluation.subjects._layouts import Layout, Wish, encoded_layout
from efficienttrust.evaluation.subjects._outputs import Raw
from efficienttrust.evaluation.subjects._rows import Inputs, Rows
from efficienttrust.evaluation.subjects._subject import Subject


@dataclass(frozen=True, eq=False)
class CallableModel:
    """A function that runs.

    Attributes:
        function: Frame, encoded matrix or images in; scores [n] or [n, K], or decided labels, out.
        layout: What it is fed; None hands the frame on as it is.
    """

    function: Callable[[Any], Any]
    layout: Layout | None

    def prepare(self, inputs: Inputs) -> Any:
        """Return the frame, or what the layout makes of it."""
        return inputs if self.layout is None else self.layout.matrix(inputs)

    def run(self, prepared: Any) -> Raw:
        """Return the function's output as an array."""
        try:
            said = np.asarray(self.function(prepared))
        except Exception as error:  # the user's code may raise anything
            raise UsageError(f"the function failed on these rows: {' '.join(str(error).split())[:200]}") from error
        if said.ndim == 0:
            raise UsageError("the function returns a single value; one score or label a row is needed")
        if said.ndim == 2 and said.shape[1] == 1:
            said = said[:, 0]
        return Raw(values=said) if said.dtype.kind == "f" else Raw(labels=said)


def open_callable(function: Callable[[Any], Any], rows: Rows, wish: Wish) -> Subject:
    """Open a function; floats that it returns are scores, whole numbers and texts are decided labels."""
    if rows.kind == "image":
        layout: Layout | None = Layout("images", text="images [n, C, H, W] in [0, 1]")
    else:
        layout = encoded_layout(rows) if wish == "encoded" else None
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    return build_subject(
        CallableModel(function, layout),
        rows,
        name=name,
        source=f"<{name}>",
        kind="callable",
        inputs="a frame of raw columns" if layout is None else layout.text,
        encoded=layout is not None and layout.kind == "encoded",
        size_bytes=None,
        parameters=None,
    )
