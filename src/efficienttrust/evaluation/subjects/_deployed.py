"""Files of ours: `model.onnx` alone, or a run with the float parent next to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficienttrust.compression import (
    Decision,
    DeployedImages,
    DeployedModel,
    DeployedOutput,
    Feeds,
    Scorer,
    is_of_images,
)
from efficienttrust.compression._images import INPUT
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.parent import lowered
from efficienttrust.evaluation.subjects._build import build_subject
from efficienttrust.evaluation.subjects._outputs import Answer, Raw, Reading
from efficienttrust.evaluation.subjects._rows import Inputs, Rows, as_unit
from efficienttrust.evaluation.subjects._subject import Subject

UNSEEN = "the model was trained on these data with this split: it has not seen the rows of the test split"


@dataclass(frozen=True, eq=False)
class OurModel:
    """A file that `fit` exported.

    Attributes:
        file: The file.
    """

    file: DeployedModel

    def prepare(self, inputs: Inputs) -> Feeds:
        """Return the raw columns converted once."""
        return self.file.prepare(inputs)

    def run(self, prepared: Any) -> Raw:
        """Return score and margin side by side of two classes, probabilities of more; and decisions. Or numbers."""
        return _raw(self.file.run_feeds(prepared))


def _raw(said: DeployedOutput) -> Raw:
    import numpy as np

    if not len(said.margin) and said.score.ndim == 1:  # a number has neither margin nor decision
        return Raw(said.score)
    if said.score.ndim == 1:
        return Raw(np.stack([said.score, said.margin], axis=1), said.decision)
    return Raw(said.score, said.decision)


class OurReading(Reading):
    """Reads the outputs of our files: the margin carries the threshold and the group term, the score does not."""

    def answer(self, raw: Raw) -> Answer:
        """Return decisions, scores and margins as the file gives them."""
        assert raw.values is not None
        assert raw.labels is not None
        return Answer(raw.labels.astype("int64"), raw.values[:, 0], raw.values[:, 1].astype("float64"))


@dataclass(frozen=True, eq=False)
class OurImages:
    """A file of images that `fit` exported.

    Attributes:
        file: The file.
    """

    file: DeployedImages

    def prepare(self, inputs: Inputs) -> Any:
        """Return the images as float32 in [0, 1], by the name of the input."""
        return {INPUT: as_unit(inputs)}

    def run(self, prepared: Any) -> Raw:
        """Return score and margin side by side of two classes, probabilities of more; and decisions."""
        return _raw(self.file.run(prepared[INPUT]))


def open_deployed(
    content: Path | bytes,
    rows: Rows,
    *,
    name: str,
    source: str,
    parent: tuple[Scorer, Decision] | None = None,
) -> Subject:
    """Open a file that `fit` exported, given by path or content, with its float parent where there is one.

    Raises:
        UsageError: It was trained on rows of another kind or size, on other classes, or for another task.
    """
    file = DeployedImages(content) if is_of_images(content) else DeployedModel(content)
    _refuse_other_rows(file, rows, source)
    of_numbers = rows.task == "regression"
    facts = {"made by": _made_by(file.metadata)}
    if not of_numbers:
        facts["outputs"] = "score, margin and decision of an exported file"
    same = file.metadata.get("data_sha256") == getattr(rows.source, "fingerprint", None)
    if same:
        facts["data"] = UNSEEN
    lost = ""
    float_parent: Any = None
    if isinstance(file, DeployedImages):
        inputs = f"images of {'x'.join(map(str, file.shape))} in [0, 1]"
        float_parent = None if parent is None else lowered(*parent)
    else:
        inputs = f"raw columns {', '.join(entry.name for entry in file.inputs[:6])}{', …' * (len(file.inputs) > 6)}"
        float_parent = parent if same and not of_numbers else None
        if parent and not same and not of_numbers:
            lost = "the float parent was trained with another encoder: gradients are not taken of it"
    return build_subject(
        OurImages(file) if isinstance(file, DeployedImages) else OurModel(file),
        rows,
        name=name,
        source=source,
        kind="onnx" if parent is None else "run",
        inputs=inputs,
        encoded=False,
        size_bytes=file.size_bytes,
        parameters=file.n_parameters,
        reading=OurReading("probabilities", 2, (0, 1), False, {}, facts) if rows.task == "binary" else None,
        float_parent=float_parent,
        facts=facts,
        notes=(lost,),
        artefact=content,
    )


def _refuse_other_rows(file: DeployedModel | DeployedImages, rows: Rows, source: str) -> None:
    """Raise `UsageError` where a file does not fit the rows."""
    if isinstance(file, DeployedModel):
        if rows.kind == "image":
            raise UsageError(f"{source} takes the columns of a table, the data are images")
        _refuse_other_classes(file, rows, source)
        return
    if rows.kind != "image":
        raise UsageError(f"{source} takes images, the data are a table")
    if file.classes != rows.classes:
        raise _other_classes(file.classes, rows, source)
    if rows.inputs.shape[1:] != file.shape:
        taken, given = ("x".join(map(str, shape)) for shape in (file.shape, rows.inputs.shape[1:]))
        raise UsageError(f"{source} takes images of {taken}, the data have {given}")


def _other_classes(known: tuple[str, ...], rows: Rows, source: str) -> UsageError:
    theirs, ours = (", ".join(names[:5]) for names in (known, rows.classes))
    return UsageError(f"{source} decides between {theirs}; the data have {ours}")


def _refuse_other_classes(file: DeployedModel, rows: Rows, source: str) -> None:
    """Raise `UsageError` where a file of a table was trained for another task or other classes than the data have."""
    if (file.task == "regression") != (rows.task == "regression"):
        said, hint = "predicts a number", "for a label that is a number add --task regression"
        if file.task != "regression":
            said, hint = "decides between classes", "give a model of numbers, or a label with classes"
        what = "a number" if rows.task == "regression" else f"one of {len(rows.classes)} classes"
        raise UsageError(f"{source} {said}; the label {rows.problem.label!r} of the data is {what}: {hint}")
    if file.task == "regression":
        return
    if file.classes:
        if file.classes != rows.classes:
            raise _other_classes(file.classes, rows, source)
        return
    positive = file.metadata.get("positive")
    if positive is not None and positive != rows.classes[1]:
        raise UsageError(
            f"{source} was trained with the positive label {positive!r}; the data have {rows.classes[1]!r} (negative "
            f"{rows.classes[0]!r}): say --positive {positive!r}"
        )


def _made_by(metadata: Mapping[str, str]) -> str:
    version, targets = metadata.get("efficienttrust_version", "?"), metadata.get("targets", "")
    return f"efficienttrust {version}" + (f", for the targets {targets}" if targets else "")
