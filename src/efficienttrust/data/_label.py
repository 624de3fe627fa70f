"""The label: which value is positive, and what to say when that is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._text import text_codes
from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

OBVIOUS = (("1", "0"), ("1", "-1"), ("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("positive", "negative"))


@dataclass(frozen=True, eq=False)
class Label:
    """The label of every row of the source.

    Attributes:
        y: int8 [n]: 1 positive, 0 negative, -1 missing.
        positive: Text of the positive value.
        negative: Text of the negative value, `not <positive>` for one against the rest.
    """

    y: NDArray[np.int8]
    positive: str
    negative: str


def read_label(series: pd.Series[Any], positive: str | None, notes: list[str]) -> Label:
    """Read the label column; `positive` may be `None` only where the positive value is obvious."""
    name = str(series.name)
    codes, texts = text_codes(series)
    if not texts:
        raise UsageError(f"label column {name!r} has no values at all. Choose another column.")
    if len(texts) == 1:
        raise UsageError(f"label column {name!r} has one class only, {texts[0]!r}. Two are needed to learn from.")
    chosen = _obvious(name, texts) if positive is None else _known(name, texts, positive)
    negative = next(text for text in texts if text != chosen) if len(texts) == 2 else f"not {chosen}"
    if len(texts) > 2:
        others = ", ".join(repr(text) for text in texts if text != chosen)[:200]
        notes.append(f"label {name!r} is {chosen!r} against the rest ({others})")
    y = np.where(codes < 0, -1, codes == texts.index(chosen)).astype(np.int8)
    if missing := int(np.count_nonzero(y < 0)):
        notes.append(f"{missing} rows dropped: their label {name!r} is missing")
    return Label(y, chosen, negative)


def _known(name: str, texts: tuple[str, ...], positive: str) -> str:
    if positive not in texts:
        hint = did_you_mean(positive, texts)
        raise UsageError(f"label column {name!r} never holds the positive value {positive!r}.{hint}")
    return positive


def _obvious(name: str, texts: tuple[str, ...]) -> str:
    shown = ", ".join(repr(text) for text in texts[:6]) + (", …" if len(texts) > 6 else "")
    if len(texts) > 2:
        raise UsageError(
            f"label column {name!r} has {len(texts)} values ({shown}); only binary labels are supported. "
            f"Say which value counts as positive: --positive {_quoted(texts[0])} (or positive=...)."
        )
    lowered = {text.lower(): text for text in texts}
    for yes, no in OBVIOUS:
        if lowered.keys() == {yes, no}:
            return lowered[yes]
    above = [text for text in texts if text.startswith(">")]
    if len(above) == 1 and all(text.startswith(("<", ">")) for text in texts):
        return above[0]
    raise UsageError(
        f"label column {name!r} holds {shown}: which one is positive? "
        f"Add --positive {_quoted(texts[0])} or --positive {_quoted(texts[1])} (positive=... in Python)."
    )


def _quoted(text: str) -> str:
    return text if text.replace("_", "").replace("-", "").isalnum() else f'"{text}"'
