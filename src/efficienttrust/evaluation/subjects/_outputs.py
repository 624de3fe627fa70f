"""From what a model says to decisions and scores: probabilities or logits, whose classes, in which order.

How an output is read is settled once, on the rows under audit, and then held: an attack or a corruption must not change
what the numbers mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects._classes import match_classes, texts_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Kind = Literal["probabilities", "logits", "decisions", "numbers"]

SUM_TOLERANCE = 1e-3
"""How far the probabilities of a row may be from 1 together."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model answers.

    Attributes:
        prediction: Decision of each row, code of a class, int64 [n]; of a regression the predicted number, float64.
        score: Binary: probability of the positive class [n]; else of each class [n, K]. NaN where the model only
            decides. Of a regression the prediction itself [n].
        margin: Binary: positive where the decision is 1, in logits, float64 [n]. None where decisions and scores have
            no such number in common, and for more classes.
        logits: [n, K] raw outputs of a model with more classes than two that gives logits; else None.
    """

    prediction: NDArray[Any]
    score: Floats
    margin: Floats | None = None
    logits: Floats | None = None


@dataclass(frozen=True, eq=False)
class Raw:
    """What a model says, uninterpreted.

    Attributes:
        values: Numbers, [n] or [n, K]; None where it only decides.
        labels: Its own decisions [n]; None where it only gives numbers.
        classes: Its classes in the order of the columns of `values`; None where it does not name them.
        meaning: What the values are, where the model says so.
    """

    values: NDArray[Any] | None = None
    labels: NDArray[Any] | None = None
    classes: tuple[str, ...] | None = None
    meaning: Kind | None = None

    def __len__(self) -> int:
        for column in (self.values, self.labels):
            if column is not None:
                return len(column)
        return 0

    @classmethod
    def joined(cls, parts: Sequence[Raw]) -> Raw:
        """Return the answers of consecutive rows as one."""
        values = [part.values for part in parts if part.values is not None]
        labels = [part.labels for part in parts if part.labels is not None]
        return cls(
            np.concatenate(values) if values else None,
            np.concatenate(labels) if labels else None,
            parts[0].classes,
            parts[0].meaning,
        )

    def head(self, n: int) -> Raw:
        """Return the answers of the first n rows."""
        values = None if self.values is None else self.values[:n]
        return Raw(values, None if self.labels is None else self.labels[:n], self.classes, self.meaning)


@dataclass(frozen=True, eq=False)
class Reading:
    """How the output of one model is read.

    Attributes:
        kind: What its numbers are.
        n_classes: K of the data.
        codes: Class of the data behind each column of the model; for a single number, behind (low, high).
        decides: Whether the model's own decisions count, rather than the largest number of a row.
        label_codes: Text of a label that the model decides -> class of the data.
        facts: What was found out, text to text.
        notes: What a reader must know.
    """

    kind: Kind
    n_classes: int
    codes: tuple[int, ...]
    decides: bool
    label_codes: Mapping[str, int]
    facts: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def answer(self, raw: Raw) -> Answer:
        """Return decisions and scores."""
        own = self._own(raw) if self.decides else None
        if raw.values is None or self.kind == "decisions":
            if own is None:
                raise UsageError("the model gives neither decisions nor numbers")
            shape = (len(own),) if self.n_classes == 2 else (len(own), self.n_classes)
            return Answer(own, np.full(shape, np.nan))
        values = raw.values.astype(np.float64)
        if self.n_classes == 2:
            return self._binary(values, own)
        return self._multiclass(values, own)

    def nothing(self) -> Answer:
        """Return the answer to no rows, which not every model can give."""
        shape = (0,) if self.n_classes == 2 else (0, self.n_classes)
        has_margin = self.n_classes == 2 == len(self.codes) and not self.decides
        has_logits = self.n_classes > 2 and self.kind == "logits"
        empty = np.zeros(shape)
        return Answer(np.zeros(0, np.int64), empty, empty if has_margin else None, empty if has_logits else None)

    def _own(self, raw: Raw) -> Codes | None:
        if raw.labels is None:
            return None
        texts, where = np.unique(raw.labels, return_inverse=True)
        named = texts_of(texts)
        unknown = [text for text in named if text not in self.label_codes]
        if unknown:
            raise UsageError(f"the model decides {unknown[0]!r}, which is no label of the data")
        return np.array([self.label_codes[text] for text in named], dtype=np.int64)[where.reshape(-1)]

    def _binary(self, values: Floats, own: Codes | None) -> Answer:
        if values.ndim == 1:
            z = _logit(values) if self.kind == "probabilities" else values
            score = values if self.kind == "probabilities" else _sigmoid(values)
            if self.codes[1] == 0:  # the model's high side is the negative class
                z, score = -z, 1 - score
        elif len(self.codes) == 2:
            low, high = self.codes.index(0), self.codes.index(1)
            logs = np.log(np.maximum(values, np.finfo(float).tiny)) if self.kind == "probabilities" else values
            z = logs[:, high] - logs[:, low]
            score = values[:, high] if self.kind == "probabilities" else _sigmoid(z)
        else:  # one of many classes against the rest
            shares = values if self.kind == "probabilities" else _softmax(values)
            codes = np.array(self.codes)
            prediction = codes[values.argmax(axis=1)] if own is None else own
            return Answer(prediction, shares[:, codes == 1].sum(axis=1))
        return Answer((z > 0).astype(np.int64), score, z) if own is None else Answer(own, score)

    def _multiclass(self, values: Floats, own: Codes | None) -> Answer:
        ordered = np.empty_like(values)
        ordered[:, list(self.codes)] = values
        prediction = ordered.argmax(axis=1).astype(np.int64) if own is None else own
        if self.kind == "logits":
            return Answer(prediction, _softmax(ordered), logits=ordered)
        return Answer(prediction, ordered / ordered.sum(axis=1, keepdims=True))


def make_reading(raw: Raw, classes: tuple[str, ...], negative_is_rest: bool) -> Reading:
    """Settle how a model's output is read, from what it says on the rows under audit.

    Args:
        raw: What it says there.
        classes: Names of the data's classes by code.
        negative_is_rest: Whether class 0 stands for every class but class 1.

    Raises:
        UsageError: Shape or labels do not match the data.
    """
    facts: dict[str, str] = {}
    notes: list[str] = []
    names = raw.classes
    if names is None and raw.labels is not None:
        names = _label_names(raw, classes)
    width = 2 if raw.values is None or raw.values.ndim == 1 else raw.values.shape[1]
    if raw.values is not None:
        _refuse_shape(raw.values, names, classes)
    codes = match_classes(names, classes, width, negative_is_rest, facts)
    label_codes = {} if names is None else dict(zip(names, codes, strict=True))
    if raw.values is None:
        facts["outputs"] = "decisions only: what needs a score cannot be estimated"
        notes.append("the model gives decisions only: metrics that need a score cannot be estimated")
        return Reading("decisions", len(classes), codes, True, label_codes, facts, tuple(notes))
    kind = raw.meaning or _kind_of(raw.values, facts)
    if raw.values.ndim == 2 and kind == "probabilities" and np.any(raw.values.sum(axis=1) <= 0):
        raise UsageError("the model gives a row of probabilities that are all 0")
    facts.setdefault("outputs", _described(kind, raw.values))
    derived = Reading(kind, len(classes), codes, False, label_codes, facts)
    if raw.labels is None:
        return derived
    decided = Reading(kind, len(classes), codes, True, label_codes, facts, tuple(notes)).answer(raw).prediction
    differ = int((decided != derived.answer(raw).prediction).sum())
    if not differ:
        return derived
    note = f"the model's own decisions differ from its most probable class in {differ} rows: its decisions are measured"
    return Reading(kind, len(classes), codes, True, label_codes, facts, (*notes, note))


def refuse_not_finite(values: NDArray[Any], start: int = 0) -> None:
    """Raise `UsageError` where a row has a number that is NaN or infinite; `start` is the number of the first row."""
    broken = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if broken.any():
        first = start + int(np.flatnonzero(broken)[0])
        raise UsageError(
            f"the model answers NaN or infinity for {int(broken.sum())} of {len(broken)} rows, first for row {first}: "
            "does it take missing values, and the scale of these inputs?"
        )


def _label_names(raw: Raw, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Guess the names of the columns from the decisions: the sorted labels, as training libraries keep them."""
    labels = np.asarray(raw.labels)
    seen = set(texts_of(np.unique(labels)))
    width = 0 if raw.values is None or raw.values.ndim == 1 else raw.values.shape[1]
    if seen <= set(classes):
        return tuple(sorted(classes, key=int if labels.dtype.kind in "iu" and all(map(_is_whole, classes)) else None))
    if labels.dtype.kind in "iub":
        return tuple(str(code) for code in range(max(width, len(classes)))) if not seen & {"-1"} else ("-1", "1")
    return tuple(sorted(seen))


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _refuse_shape(values: NDArray[Any], names: tuple[str, ...] | None, classes: tuple[str, ...]) -> None:
    shown = ", ".join(classes[:6]) + (", …" if len(classes) > 6 else "")
    if values.ndim > 2:
        raise UsageError(
            f"the model answers an array of shape {list(values.shape)}; one row of numbers a row is needed"
        )
    if values.ndim == 1 and len(classes) != 2:
        raise UsageError(f"the model gives one number a row, the data have {len(classes)} classes ({shown})")
    if values.ndim == 2 and names is None and values.shape[1] != len(classes):
        width = values.shape[1]
        odd = [name for name in classes if not _is_whole(name) or int(name) not in range(width)]
        outside = f"; outside 0 to {width - 1}: {', '.join(odd[:6])}" if len(odd) < len(classes) and odd else ""
        raise UsageError(
            f"the model gives {width} numbers a row, the data have {len(classes)} classes ({shown}){outside}"
        )
    columns = 2 if values.ndim == 1 else values.shape[1]
    if names is not None and len(names) != columns:
        raise UsageError(f"the model names {len(names)} classes but gives {values.shape[1]} numbers a row")


def _kind_of(values: NDArray[Any], facts: dict[str, str]) -> Kind:
    within = bool(values.min() >= 0 and values.max() <= 1)
    if values.ndim == 1:
        return "probabilities" if within else "logits"
    if within and np.allclose(values.sum(axis=1), 1, atol=SUM_TOLERANCE):
        return "probabilities"
    if within:
        facts["outputs"] = "values in [0, 1] whose rows do not sum to 1: taken as logits"
    return "logits"


def _described(kind: Kind, values: NDArray[Any]) -> str:
    shape = "one number a row" if values.ndim == 1 else f"{values.shape[1]} numbers a row"
    low, high = float(values.min()), float(values.max())
    if kind == "probabilities":
        summed = "" if values.ndim == 1 else ", rows sum to 1"
        return f"probabilities: {shape} between {low:.3g} and {high:.3g}{summed}"
    return f"logits: {shape} between {low:.3g} and {high:.3g}"


def _logit(p: Floats) -> Floats:
    tiny = np.finfo(float).tiny
    z: Floats = np.log(np.maximum(p, tiny)) - np.log(np.maximum(1 - p, tiny))
    return np.where(p == 0.5, 0.0, z)


def _sigmoid(z: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(z), dtype=np.float64)


def _softmax(z: Floats) -> Floats:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
