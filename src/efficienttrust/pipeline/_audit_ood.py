"""Out of distribution: whether the model's own scores tell rows from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import NetworkScorer
from efficienttrust.data._loading import open_table
from efficienttrust.data.images import is_image_source, load_images
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import (
    OutsideResult,
    Representation,
    evaluate_ood,
    ood_document,
    represent_module,
    represent_probabilities,
    represent_scorer,
)
from efficienttrust.evaluation.ood._evaluate import Nearness
from efficienttrust.evaluation.shift import HeldOut, held_out_category, same_schema, shifted_subgroup
from efficienttrust.evaluation.subjects import Rows, Subject, as_unit, table_rows
from efficienttrust.pipeline._audit_examination import Examination, Section

MOST_OUTSIDE = 2000
"""Rows of a set of outside rows, at most."""

Floats = NDArray[np.float64]

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
        elif (cuts := _held_out(what, fit, inside)) is not None:
            name, learn, measured = cuts
            outside[name] = inside.inputs[measured.outside].reset_index(drop=True)
            nearness[name] = given or "near"
            fit, inside = fit.take(np.flatnonzero(learn.inside)), inside.take(np.flatnonzero(measured.inside))
            notes.append(f"rows with {name} were held out here; the model may have been trained on such rows")
        else:
            outside[what], said = _other_rows(what, inside, exam)
            nearness[what], notes = given or "far", [*notes, *said]
    subject = exam.subject
    results = evaluate_ood(
        _represent(subject, fit.inputs, fit, fit.y),
        _represent(subject, inside.inputs, inside),
        {name: _represent(subject, inputs, exam.rows) for name, inputs in outside.items()},
        groups={} if inside.by_class else inside.attributes,
        nearness=nearness,
    )
    if len(results) > 1:
        notes.append(f"metrics and targets about a detector count the outside rows of all {len(results)} sets together")
    document = ood_document(results)
    scores = _scores(results, np.isin(exam.rows.row, inside.row))
    return Section({**document, "notes": [*notes, *document["notes"]]}, {"ood": scores})


def _scores(results: Sequence[OutsideResult], scored: NDArray[np.bool_]) -> dict[str, tuple[Floats, Floats]]:
    """Return the scores of each detector as an outcome holds them: of all rows [n], and of the rows of all sets.

    Rows that were not scored have NaN.
    """
    found = {}
    for detector, (inside, _) in results[0].scores.items():
        everyone = np.full(len(scored), np.nan)
        everyone[scored] = inside
        found[detector] = everyone, np.concatenate([result.scores[detector][1] for result in results])
    return found


def _fit_and_inside(exam: Examination) -> tuple[Rows, Rows, list[str]]:
    """Return the rows that detectors learn from and those that they are measured on, which are others."""
    rows = exam.rows
    if rows.kind == "table" and rows.which == "test split":
        everyone = table_rows(rows.problem, "all", rows.table)
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


def _held_out(text: str, fit: Rows, inside: Rows) -> tuple[str, HeldOut, HeldOut] | None:
    """Return what `column = value` or `column >= number` holds out, and both cuts; None where it names a source.

    The first cut is of the rows to learn from, the second of those to measure on. The condition is read on both
    together, so that it means the same for both.

    Raises:
        UsageError: It cannot be read, or leaves nothing to learn from, to measure on, or to detect.
    """
    match = _CONDITION.fullmatch(text)
    if match is None or match["column"] not in inside.inputs.columns:
        return None
    import pandas as pd

    column, sign, value = match["column"], match["sign"], match["value"]
    both = pd.concat([rows.inputs[[column]] for rows in (fit, inside)], ignore_index=True)
    equal = sign in ("=", "==")
    cut = held_out_category(both, column, value) if equal else shifted_subgroup(both, column, f"{sign} {value}")
    learn, measured = (
        HeldOut(cut.what, cut.inside[part], cut.outside[part])
        for part in (slice(None, len(fit)), slice(len(fit), None))
    )
    for side, lacking in (
        (learn.inside, "no row is left that detectors could learn from"),
        (measured.inside, "no row is left that detectors could be measured on"),
        (measured.outside, "no row under audit is outside"),
    ):
        if not side.any():
            raise UsageError(f"ood {text!r}: {lacking} when {cut.what} is held out. Choose another condition.")
    return cut.what, learn, measured


def _other_table(source: str) -> Any:
    return open_table(source)[0]


def _other_rows(source: str, inside: Rows, exam: Examination) -> tuple[Any, list[str]]:
    """Return rows of another table with the columns that the model reads, at most `MOST_OUTSIDE`, drawn by the seed."""
    found = same_schema(inside.inputs, _other_table(source), exam.rows.problem.encoder.columns)
    if len(found) <= MOST_OUTSIDE:
        return found, []
    drawn = np.random.default_rng(exam.request.seed).choice(len(found), MOST_OUTSIDE, replace=False)
    return found.iloc[np.sort(drawn)], [f"{MOST_OUTSIDE:,} of the {len(found):,} rows of {source} were drawn at random"]


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
        how = "the grey one repeated" if x.shape[1] == 1 else "the mean of their colours"
        x = x.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1)
        said.append(f"images of {source} were brought to {channels} channels: {how}")
    if list(x.shape[2:]) != size:
        said.append(f"images of {source} were resized from {x.shape[2]}x{x.shape[3]} to {size[0]}x{size[1]}")
        x = torch.nn.functional.interpolate(x, size=tuple(size), mode="bilinear", antialias=True).clamp(0, 1)
    return x.numpy(), said


def _represent(subject: Subject, inputs: Any, rows: Rows, y: Any = None) -> Representation:
    """Return features and logits of one forward pass, as far as the model shows them."""
    import torch

    if subject.kind == "torch":
        x: torch.Tensor = subject.model.prepare(inputs)  # as the module takes them: images, encoded rows, raw numbers
        try:
            return represent_module(subject.float_parent, x, y)
        except UsageError:  # no linear layer at the end: what its answers say is left
            return _by_answer(subject, inputs, rows, y)
    if subject.kind == "run" and isinstance(subject.float_parent, tuple):
        scorer = subject.float_parent[0]
        if isinstance(scorer, NetworkScorer):
            return represent_scorer(scorer, rows.problem.encoder.transform(inputs), y)
    elif subject.kind == "run" and subject.float_parent is not None:
        return represent_module(subject.float_parent, torch.from_numpy(as_unit(inputs)), y)
    return _by_answer(subject, inputs, rows, y)


def _by_answer(subject: Subject, inputs: Any, rows: Rows, y: Any) -> Representation:
    answer = subject.answer(inputs)
    if answer.logits is not None:
        return Representation(logits=answer.logits, y=y)
    if rows.kind == "image":
        shares = answer.score if answer.score.ndim == 2 else np.stack([1 - answer.score, answer.score], axis=1)
        return Representation(logits=np.log(np.maximum(shares, 1e-12)), y=y)
    return represent_probabilities(rows.problem.encoder.transform(inputs), answer.score, y)
