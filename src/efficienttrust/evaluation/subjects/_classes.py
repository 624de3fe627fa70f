"""Which class of the data stands behind each class of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from efficienttrust.data._text import cell_text
from efficienttrust.errors import UsageError

YES_NO = (("0", "1"), ("False", "True"), ("-1", "1"))
"""Pairs that mean (negative, positive) whatever the data call them."""


def texts_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the texts of labels as the data floor writes them: 1.0 is `1`."""
    return tuple(cell_text(value.item() if hasattr(value, "item") else value) or "" for value in values)


def match_classes(
    names: tuple[str, ...] | None, classes: tuple[str, ...], width: int, negative_is_rest: bool, facts: dict[str, str]
) -> tuple[int, ...]:
    """Return the code of the data's class behind each class of the model.

    Args:
        names: The model's classes in the order of its columns; None where it does not name them: the order of the
            data's codes is taken.
        classes: The data's classes by code.
        width: Number of columns of the model, 2 for a single number.
        negative_is_rest: Whether class 0 stands for every class but class 1.
        facts: Is told what was taken for what.

    Raises:
        UsageError: The two sets cannot be the same; the message names both.
    """
    if names is None:
        facts["classes"] = f"unnamed: columns are taken as {_shown(classes)}"
        return tuple(range(width))
    if set(names) == set(classes):
        return tuple(classes.index(name) for name in names)
    if len(classes) == 2 and (pair := next((pair for pair in YES_NO if set(pair) == set(names)), None)):
        facts["classes"] = f"{pair[0]} is taken as {classes[0]!r}, {pair[1]} as {classes[1]!r}"
        return tuple(pair.index(name) for name in names)
    if negative_is_rest and classes[1] in names and len(names) > 1:
        facts["classes"] = f"{classes[1]!r} against the rest of {_shown(names)}"
        return tuple(int(name == classes[1]) for name in names)
    if len(names) == len(classes) and set(names) == {str(code) for code in range(len(classes))}:
        facts["classes"] = f"numbers 0 to {len(classes) - 1} are taken as {_shown(classes)}"
        return tuple(int(name) for name in names)
    odd = [name for name in classes if name not in names]
    unknown = f" ({', '.join(map(repr, odd[:6]))} unknown to the model)" if 0 < len(odd) < len(classes) else ""
    raise UsageError(
        f"the model's classes {_shown(names)} are not those of the data {_shown(classes)}{unknown}: "
        "is it the right --label, or --positive?"
    )


def _shown(names: tuple[str, ...]) -> str:
    return "{" + ", ".join(map(repr, names[:8])) + (", …" if len(names) > 8 else "") + "}"
