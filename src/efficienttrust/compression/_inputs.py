"""What the exported file takes and gives: the names, kinds and meanings of its inputs and outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from efficienttrust.data import Attribute, Encoder

OUTPUTS: Mapping[str, str] = {
    "score": "sigmoid of the model's logit, float [N]; without threshold and group term",
    "margin": "logit minus the threshold and the group term, float [N]",
    "decision": "1 where margin > 0, else 0, int64 [N]; 1 is the positive label",
}
"""Output name to what it means, in the order of the file, of a binary model."""
OF_CLASSES: Mapping[str, str] = {
    "score": "probability of each class, float [N, K]",
    "margin": "lead of the largest logit over the next, float [N]",
    "decision": "code of the class with the largest logit, int64 [N]",
}
"""The same of more than two classes."""
OF_NUMBERS: Mapping[str, str] = {"score": "the predicted number, in the unit of the label, float [N]"}
"""The same of a regression, which decides nothing."""


def outputs_of(task: str) -> Mapping[str, str]:
    """Return output name to what it means, in the order of the file of a task."""
    return {"multiclass": OF_CLASSES, "regression": OF_NUMBERS}.get(task, OUTPUTS)


@dataclass(frozen=True)
class Input:
    """One input of the file, [N, 1].

    Attributes:
        name: Name in the graph: that of the column, unless an output or another input has it already.
        column: Column of the user's table.
        numeric: True for a double (NaN = missing), False for a string ("" = missing).
        feature: True when it is encoded for the scorer, False when it only tells the group.
    """

    name: str
    column: str
    numeric: bool
    feature: bool


def name_inputs(encoder: Encoder, attributes: Iterable[Attribute]) -> tuple[Input, ...]:
    """List the inputs: the encoder's numeric columns, its categorical ones, then what else the group needs.

    A sensitive column that is an input already, of the same kind, is not asked for twice.
    """
    wanted = [(feature.column, True, True) for feature in encoder.numeric]
    wanted += [(feature.column, False, True) for feature in encoder.categorical]
    for attribute in attributes:
        kind = bool(attribute.edges)
        if (attribute.name, kind, True) not in wanted:
            wanted.append((attribute.name, kind, False))
    taken = {"", *OUTPUTS}
    inputs = []
    for column, numeric, feature in wanted:
        name = column
        while name in taken:
            name += " (input)"
        taken.add(name)
        inputs.append(Input(name, column, numeric, feature))
    return tuple(inputs)


def declare_input(entry: Input) -> Any:
    """Return the entry of the graph's list of inputs."""
    from onnx import TensorProto, helper

    kind, meaning = (TensorProto.DOUBLE, "NaN = missing") if entry.numeric else (TensorProto.STRING, "empty = missing")
    return helper.make_tensor_value_info(entry.name, kind, ["N", 1], doc_string=f"column {entry.column!r}; {meaning}")


def declare_outputs(task: str, n_classes: int) -> list[Any]:
    """Return the graph's list of outputs for a task."""
    from onnx import TensorProto, helper

    def declared(name: str, meaning: str) -> Any:
        kind = TensorProto.INT64 if name == "decision" else TensorProto.FLOAT
        shape: list[str | int | None] = ["N", n_classes] if task == "multiclass" and name == "score" else ["N"]
        return helper.make_tensor_value_info(name, kind, shape, doc_string=meaning)

    return [declared(name, meaning) for name, meaning in outputs_of(task).items()]


def columns_to_text(inputs: Iterable[Input]) -> str:
    """Write for the file's metadata which column each input takes and whether it is a feature."""
    return json.dumps([[entry.column, entry.feature] for entry in inputs], ensure_ascii=False)


def columns_from_text(text: str) -> list[tuple[str, bool]]:
    """Read `columns_to_text` back."""
    return [(str(column), bool(feature)) for column, feature in json.loads(text)]
