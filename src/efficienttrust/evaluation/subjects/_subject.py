"""A model under audit, whatever it is made of: inputs in, `Answer` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects._outputs import Answer, Kind, Raw, Reading, refuse_not_finite
from efficienttrust.evaluation.subjects._rows import Inputs

CHUNK = 1024
"""Rows answered at once: bounds memory, keeps activations in the cache."""


class Model(Protocol):
    """What runs: converts inputs once, then answers as often as asked."""

    def prepare(self, inputs: Inputs) -> Any:
        """Convert a frame, an encoded matrix or images to what the model takes."""

    def run(self, prepared: Any) -> Raw:
        """Return what the model says, uninterpreted."""


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a model before anything is measured, with the number that decided.

    Attributes:
        name: E.g. `random_answers`.
        fired: Whether it is wrong.
        value: The number; None where there is none.
        threshold: What it was held against.
        meaning: What it means for the figures.
        detail: What was seen.
    """

    name: str
    fired: bool
    value: float | None
    threshold: float | None
    meaning: str
    detail: str


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """A model under audit, as deployed.

    Attributes:
        name: Short name.
        source: File, folder, `module:function`, or the type of a Python object.
        kind: What it is made of.
        task: `binary`, `multiclass` or `regression`.
        classes: Names of the classes that it answers with, in the order of the data's codes; empty for numbers.
        outputs: What its numbers are.
        inputs: What it takes, as text.
        encoded: Whether it takes the encoded matrix (`Rows.x`) rather than raw columns; `answer` takes both then.
        size_bytes: Bytes of the file, or of the parameters in memory; None where neither is known.
        parameters: Number of learned values; None where that has no meaning.
        float_parent: What gradients are taken of: a `torch.nn.Module` from encoded rows or images in [0, 1] to logits
            [m, K] (binary: margins [m]), or the `(Scorer, Decision)` of a run; None where there is none.
        model: What runs.
        reading: How its output becomes an answer.
        facts: What was found out about it: text to text.
        checks: What was checked before anything was measured.
        notes: What a reader must know, one line each.
        artefact: What can be counted: path or bytes of an ONNX file, module, estimator; None for a function.
    """

    name: str
    source: str
    kind: Literal["onnx", "sklearn", "torch", "run", "callable"]
    task: str
    classes: tuple[str, ...]
    outputs: Kind
    inputs: str
    encoded: bool
    size_bytes: int | None
    parameters: int | None
    float_parent: Any
    model: Model
    reading: Reading
    facts: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    artefact: Any = None

    def answer(self, inputs: Inputs) -> Answer:
        """Return decisions and scores, or predicted numbers, for a frame of raw columns, an encoded matrix, or images.

        Args:
            inputs: A frame with the columns of the source (others are ignored), encoded rows float32 [n, d] when
                `encoded`, or images [n, C, H, W], uint8 or float32 in [0, 1].

        Raises:
            UsageError: The model cannot take them, or answers with something that is not a number.
        """
        if not len(inputs):
            return self.reading.nothing()
        return self.reading.answer(run_in_chunks(self.model, inputs))

    def call(self, inputs: Inputs) -> Callable[[], object]:
        """Return a call that answers these rows, conversion done before, to measure latency with."""
        prepared = self.model.prepare(inputs)
        return lambda: self.model.run(prepared)

    def __repr__(self) -> str:
        return f"Subject({self.name!r}, {self.kind}: {self.inputs} -> {self.outputs})"


def run_in_chunks(model: Model, inputs: Inputs, size: int = CHUNK) -> Raw:
    """Run a model over all rows; raises `UsageError` when it answers NaN or another number of rows."""
    n = len(inputs)
    parts = []
    for start in range(0, n, size):
        stop = min(start + size, n)
        part = inputs.iloc[start:stop] if hasattr(inputs, "iloc") else inputs[start:stop]
        said = model.run(model.prepare(part))
        if len(said) != stop - start:
            raise UsageError(f"the model answers {len(said)} rows for {stop - start}; it must answer one row per row")
        if said.values is not None:
            refuse_not_finite(said.values, start)
        parts.append(said)
    return Raw.joined(parts)


def sample_rows(n: int, most: int) -> NDArray[np.int64]:
    """Return at most so many positions, spread evenly over n rows."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))
