"""Out of distribution: whether the model's own scores tell rows from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from efficienttrust.compression import NetworkScorer
from efficienttrust.data import read_table
from efficienttrust.data.images import is_image_source, load_images
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import (
    Representation,
    evaluate_ood,
    ood_document,
    represent_module,
    represent_probabilities,
    represent_scorer,
)
from efficienttrust.evaluation.ood._evaluate import Nearness
from efficienttrust.evaluation.shift import HeldOut, held_out_category, same_schema, shifted_subgroup
from efficienttrust.evaluation.subjects import Rows, Subject, table_rows
from efficienttrust.pipeline._audit_examination import Examination, Section

MOST_OUTSIDE = 2000
"""Rows of a set of outside rows, at most."""

_CONDITION = re.compile(r"(?P<column>.+?)\s*(?P<sign>>=|<=|!=|==|=|>|<)\s*(?P<value>.+)")


def ood_section(exam: Examination) -> Section:
    """Measure every detector that the model allows against the sets that were named; nothing where none was."""
    if not exam.request.ood:
        return Section()
    if exam.subject.outputs == "decisions":
        return Section(notes=("detection was not measured: it needs scores, and the model says decisions only",))
    fit, inside, notes = _fit_and_inside(exam)
    nearness: dict[str, Nearness] = {}
    outside: dict[str, Any] = {}
    for text in exam.request.ood:
        given, what = _nearness(text)
        if exam.rows.kind == "image":
            outside[what], said = _other_images(what, exam)
            nearness[what], notes = given or "far", [*notes, *said]
        elif (cut := _held_out(what, inside)) is not None:
            outside[cut.what] = inside.inputs[cut.outside].reset_index(drop=True)
            nearness[cut.what] = given or "near"
            inside, fit = inside.take(np.flatnonzero(cut.inside)), _without(what, fit)
            notes.append(f"rows with {cut.what} were held out here; the model may have been trained on such rows")
        else:
            wanted = exam.rows.problem.encoder.columns
            outside[what] = same_schema(inside.inputs, _other_table(what), wanted).head(MOST_OUTSIDE)
            nearness[what] = given or "far"
    subject = exam.subject
    results = evaluate_ood(
        _represent(subject, fit.inputs, fit, fit.y),
        _represent(subject, inside.inputs, inside),
        {name: _represent(subject, inputs, exam.rows) for name, inputs in outside.items()},
        groups={} if inside.by_class else inside.attributes,
        nearness=nearness,
    )
    document = ood_document(results)
    return Section({**document, "notes": [*notes, *document["notes"]]})


def _fit_and_inside(exam: Examination) -> tuple[Rows, Rows, list[str]]:
    """Return the rows that detectors learn from and those that they are measured on, which are others."""
    rows = exam.rows
    if rows.kind == "table" and rows.which == "test split":
        everyone = table_rows(rows.problem, "all")
        train = np.flatnonzero(np.isin(everyone.row, rows.problem.splits["train"].rows))
        return everyone.take(train), rows, []
    order = np.random.default_rng(exam.request.seed).permutation(len(rows))
    half = len(rows) // 2
    said = f"detectors learn from {half} of the rows and are measured on the other {len(rows) - half}"
    return rows.take(np.sort(order[:half])), rows.take(np.sort(order[half:])), [said]


def _nearness(text: str) -> tuple[Nearness | None, str]:
    """Return what `near:` or `far:` in front says, and the rest."""
    word, _, rest = text.partition(":")
    return ("near", rest) if word == "near" else ("far", rest) if word == "far" else (None, text)


def _without(text: str, rows: Rows) -> Rows:
    """Return the rows to learn from without those that a condition names; all where it names none or all of them."""
    try:
        cut = _held_out(text, rows)
    except UsageError:
        return rows
    return rows if cut is None else rows.take(np.flatnonzero(cut.inside))


def _held_out(text: str, rows: Rows) -> HeldOut | None:
    """Return the cut that `column = value` or `column >= number` names; None where it names a source."""
    match = _CONDITION.fullmatch(text)
    if match is None or match["column"] not in rows.inputs.columns:
        return None
    if match["sign"] in ("=", "=="):
        return held_out_category(rows.inputs, match["column"], match["value"])
    return shifted_subgroup(rows.inputs, match["column"], f"{match['sign']} {match['value']}")


def _other_table(source: str) -> Any:
    from efficienttrust.data._bundled import bundled_names, data_sets

    return read_table(data_sets.get(source).read() if source in bundled_names() else source)


def _other_images(source: str, exam: Examination) -> tuple[Any, list[str]]:
    """Load images from elsewhere in the shape that the model takes: grey repeated, colours averaged, sides resized."""
    if not is_image_source(source):
        raise UsageError(f"ood {source!r} is no set of images: give cifar10:PATH, mnist:PATH or a .npz file")
    import torch

    channels, *size = exam.rows.inputs.shape[1:]
    loaded = load_images(source, limit=MOST_OUTSIDE, seed=exam.request.seed)
    x = torch.from_numpy(loaded.x.astype(np.float32) / 255)
    said = []
    if x.shape[1] != channels:
        x = x.repeat(1, channels, 1, 1) if x.shape[1] == 1 else x.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1)
        said.append(f"images of {source} were brought to {channels} channels")
    if list(x.shape[2:]) != size:
        said.append(f"images of {source} were resized from {x.shape[2]}x{x.shape[3]} to {size[0]}x{size[1]}")
        x = torch.nn.functional.interpolate(x, size=tuple(size), mode="bilinear", antialias=True).clamp(0, 1)
    return x.numpy(), said


def _represent(subject: Subject, inputs: Any, rows: Rows, y: Any = None) -> Representation:
    """Return features and logits of one forward pass, as far as the model shows them."""
    if subject.kind == "torch":
        import torch

        x: torch.Tensor = subject.model.prepare(inputs)  # as the module takes them: images, encoded rows, raw numbers
        try:
            return represent_module(subject.float_parent, x, y)
        except UsageError:  # no linear layer at the end: what its answers say is left
            return _by_answer(subject, inputs, rows, y)
    if (
        subject.kind == "run"
        and subject.float_parent is not None
        and isinstance(subject.float_parent[0], NetworkScorer)
    ):
        return represent_scorer(subject.float_parent[0], rows.problem.encoder.transform(inputs), y)
    return _by_answer(subject, inputs, rows, y)


def _by_answer(subject: Subject, inputs: Any, rows: Rows, y: Any) -> Representation:
    answer = subject.answer(inputs)
    if answer.logits is not None:
        return Representation(logits=answer.logits, y=y)
    if rows.kind == "image":
        shares = answer.score if answer.score.ndim == 2 else np.stack([1 - answer.score, answer.score], axis=1)
        return Representation(logits=np.log(np.maximum(shares, 1e-12)), y=y)
    return represent_probabilities(rows.problem.encoder.transform(inputs), answer.score, y)
