"""Which outputs of an ONNX graph say what: decisions, probabilities as a tensor or a list of dictionaries, logits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects._classes import texts_of
from efficienttrust.evaluation.subjects._outputs import Raw

NUMBERS = ("tensor(float)", "tensor(double)", "tensor(float16)")
LABELS = ("tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)")
PREFERRED = ("prob", "logit", "score", "output")
CLASS_ATTRIBUTES = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")


@dataclass(frozen=True)
class Outputs:
    """The outputs that are read.

    Attributes:
        values: Name of the output with numbers, or None.
        label: Name of the output with decisions, or None.
        zipped: Whether `values` is a list of dictionaries, class -> probability.
        classes: The classes of the columns, where the graph names them.
    """

    values: str | None
    label: str | None
    zipped: bool
    classes: tuple[str, ...] | None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs, values first."""
        return tuple(name for name in (self.values, self.label) if name is not None)

    def read(self, said: list[Any]) -> Raw:
        """Return what the graph said."""
        by_name = dict(zip(self.names, said, strict=True))
        labels = None if self.label is None else np.asarray(by_name[self.label]).reshape(-1)
        if self.values is None:
            return Raw(labels=labels, classes=self.classes)
        values, classes = by_name[self.values], self.classes
        if self.zipped:
            keys = list(values[0]) if len(values) else []
            return Raw(np.array([[row[key] for key in keys] for row in values]), labels, texts_of(keys))
        array = np.asarray(values)
        if array.ndim > 2:  # trailing axes of one, as a convolution leaves them
            array = array.reshape(array.shape[0], -1) if array.size == array.shape[0] * array.shape[1] else array
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        return Raw(array, labels, classes)


def choose_outputs(session: Any, path: Path) -> Outputs:
    """Choose the outputs to read: probabilities before logits before anything else, and decisions where given.

    Raises:
        UsageError: The graph gives nothing that can be read.
    """
    outputs = session.get_outputs()
    numeric = [output.name for output in outputs if output.type in NUMBERS]
    zipped = [output.name for output in outputs if output.type.startswith("seq(map(")]
    labels = [output.name for output in outputs if output.type in LABELS and len(output.shape or [0]) <= 2]
    values = (zipped or sorted(numeric, key=_preference) or [None])[0]
    if values is None and not labels:
        given = ", ".join(f"{output.name} {output.type}" for output in outputs)
        raise UsageError(f"{path.name} gives {given}; decisions, probabilities or logits are needed")
    return Outputs(values, labels[0] if labels else None, bool(zipped), _named_classes(path))


def _preference(name: str) -> int:
    lowered = name.lower()
    return next((place for place, word in enumerate(PREFERRED) if word in lowered), len(PREFERRED))


def _named_classes(path: Path) -> tuple[str, ...] | None:
    """Return the classes that a node of the graph names, in the order of its columns."""
    import onnx

    try:
        graph = onnx.load_model(str(path), load_external_data=False).graph
    except Exception:  # what onnx cannot read, onnxruntime has run: then the graph names no classes
        return None
    for node in reversed(graph.node):
        for entry in node.attribute:
            if entry.name in CLASS_ATTRIBUTES and (len(entry.strings) or len(entry.ints)):
                return texts_of([text.decode() for text in entry.strings] or list(entry.ints))
    return None
