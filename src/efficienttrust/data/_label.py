"""The label: classes or numbers, which value is positive, and what to say when that is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import numbers
from efficienttrust.data._text import text_codes
from efficienttrust.errors import UsageError, did_you_mean, unknown_name

if TYPE_CHECKING:
    import pandas as pd

TASKS = ("binary", "multiclass", "regression")
OBVIOUS = (("1", "0"), ("1", "-1"), ("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("positive", "negative"))
MOST_CLASSES = 50  # that are taken for classes without being asked
LARGEST = 1e15  # squares of what is predicted, and their sums, have to fit into single precision


@dataclass(frozen=True, eq=False)
class Label:
    """The label of every row of the source.

    Attributes:
        task: `binary`, `multiclass` or `regression`.
        y: [n]: int8, 1 positive and 0 negative; int64 codes of the classes; or float32 numbers.
        known: bool [n], False where the label is missing; what `y` says there means nothing.
        classes: Names of the classes by code, negative and positive of a binary label; empty for numbers.
    """

    task: str
    y: NDArray[Any]
    known: NDArray[np.bool_]
    classes: tuple[str, ...]

    @property
    def positive(self) -> str:
        """Text of the positive value; "" unless the label is binary."""
        return self.classes[1] if self.task == "binary" else ""

    @property
    def negative(self) -> str:
        """Text of the negative value, `not <positive>` for one against the rest; "" unless the label is binary."""
        return self.classes[0] if self.task == "binary" else ""


def read_label(series: pd.Series[Any], positive: str | None, task: str | None, notes: list[str]) -> Label:
    """Read the label column.

    Args:
        series: The column.
        positive: The positive value; may be `None` where it is obvious, and for other tasks.
        task: One of `TASKS`, or `None`: binary where there are two values or a positive one is given, multiclass where
            there are more and they are texts.
        notes: Gets a line for each thing that a reader should know.

    Raises:
        UsageError: The label does not suit the task, or does not say which task it is for.
    """
    name = str(series.name)
    if task is not None and task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if positive is not None and task in ("multiclass", "regression"):
        raise UsageError(f"a {task} label has no positive value: leave out --positive {positive} or --task {task}.")
    label = _read_numbers(series) if task == "regression" else _read_classes(series, positive, task, notes)
    if missing := int(np.count_nonzero(~label.known)):
        notes.append(f"{missing} rows dropped: their label {name!r} is missing")
    return label


def _read_numbers(series: pd.Series[Any]) -> Label:
    name, values = str(series.name), numbers(series)
    known = ~np.isnan(values)
    if not known.any():
        raise UsageError(f"label column {name!r} has no values at all. Choose another column.")
    observed = values[known]
    if observed.min() == observed.max():
        raise UsageError(f"label column {name!r} is {observed[0]:g} in every row: there is nothing to predict.")
    if np.abs(observed).max() > LARGEST:
        raise UsageError(
            f"label column {name!r} holds {observed[np.abs(observed).argmax()]:g}, beyond {LARGEST:g}. "
            "Give it in a larger unit."
        )
    return Label("regression", values.astype(np.float32), known, ())


def _read_classes(series: pd.Series[Any], positive: str | None, task: str | None, notes: list[str]) -> Label:
    name = str(series.name)
    codes, texts = text_codes(series)
    if not texts:
        raise UsageError(f"label column {name!r} has no values at all. Choose another column.")
    if len(texts) == 1:
        raise UsageError(f"label column {name!r} has one class only, {texts[0]!r}. Two are needed to learn from.")
    if positive is None and len(texts) > 2 and task != "binary":
        if task is None:
            _refuse_unclear(series, texts)
            notes.append(f"label {name!r} has {len(texts)} values ({_shown(texts)}): taken as multiclass")
        texts, codes = _by_number(texts, codes)
        return Label("multiclass", codes.astype(np.int64), codes >= 0, texts)
    if task == "multiclass":
        raise UsageError(f"label column {name!r} has two values ({_shown(texts)}): leave out --task multiclass.")
    chosen = _obvious(name, texts) if positive is None else _known(name, texts, positive)
    negative = next(text for text in texts if text != chosen) if len(texts) == 2 else f"not {chosen}"
    if len(texts) > 2:
        others = ", ".join(repr(text) for text in texts if text != chosen)[:200]
        notes.append(f"label {name!r} is {chosen!r} against the rest ({others})")
    return Label("binary", (codes == texts.index(chosen)).astype(np.int8), codes >= 0, (negative, chosen))


def _refuse_unclear(series: pd.Series[Any], texts: tuple[str, ...]) -> None:
    """Raise `UsageError` unless the values are plainly classes: texts or categories, and not too many of them."""
    from pandas.api.types import is_numeric_dtype

    name, is_number = str(series.name), is_numeric_dtype(series.dtype)
    if not is_number and len(texts) <= MOST_CLASSES:
        return
    what = "numbers" if is_number else "texts"
    ways = [f"one value against the rest: --positive {_quoted(texts[0])} (positive=...)", "classes: --task multiclass"]
    if is_number:
        ways.insert(0, "a number to predict: --task regression (task=...)")
    raise UsageError(
        f"label column {name!r} has {len(texts)} values ({_shown(texts)}), and {what} do not say what they are for. "
        f"Say which: {'; '.join(ways)}."
    )


def _by_number(texts: tuple[str, ...], codes: NDArray[np.int32]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return classes that are whole numbers in their order, 2 before 10, with the codes that go with them."""
    if not all(text.removeprefix("-").isdecimal() for text in texts):
        return texts, codes
    order = sorted(range(len(texts)), key=lambda code: int(texts[code]))
    place = np.full(len(texts) + 1, -1, dtype=np.int32)  # the last stands for -1
    place[order] = np.arange(len(texts), dtype=np.int32)
    return tuple(texts[code] for code in order), place[codes]


def _known(name: str, texts: tuple[str, ...], positive: str) -> str:
    if positive not in texts:
        hint = did_you_mean(positive, texts)
        raise UsageError(f"label column {name!r} never holds the positive value {positive!r}.{hint}")
    return positive


def _obvious(name: str, texts: tuple[str, ...]) -> str:
    if len(texts) > 2:
        raise UsageError(
            f"label column {name!r} has {len(texts)} values ({_shown(texts)}). "
            f"Say which one counts as positive: --positive {_quoted(texts[0])} (or positive=...)."
        )
    lowered = {text.lower(): text for text in texts}
    for yes, no in OBVIOUS:
        if lowered.keys() == {yes, no}:
            return lowered[yes]
    above = [text for text in texts if text.startswith(">")]
    if len(above) == 1 and all(text.startswith(("<", ">")) for text in texts):
        return above[0]
    raise UsageError(
        f"label column {name!r} holds {_shown(texts)}: which one is positive? "
        f"Add --positive {_quoted(texts[0])} or --positive {_quoted(texts[1])} (positive=... in Python)."
    )


def _shown(texts: tuple[str, ...]) -> str:
    return ", ".join(repr(text) for text in texts[:6]) + (", …" if len(texts) > 6 else "")


def _quoted(text: str) -> str:
    return text if text.replace("_", "").replace("-", "").isalnum() else f'"{text}"'
