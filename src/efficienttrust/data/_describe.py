"""A problem for people (`describe`, plain text) and for machines (`summary`, JSON values)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._bundled import availability
from efficienttrust.data._cards import DatasetCard
from efficienttrust.data._problem import Problem

MOST_CLASSES = 50
"""Classes whose shares are shown."""


def summary(problem: Problem) -> dict[str, Any]:
    """Return the `problem` part of run.json: rows, roles, splits, columns, groups with base rates, notes, licence."""
    return {
        "name": problem.name,
        "source": problem.source,
        "kind": problem.kind,
        "task": problem.task,
        "classes": list(problem.classes),
        "rows": len(problem.inputs),
        "label": problem.label,
        "positive": problem.positive,
        "negative": problem.negative,
        "sensitive": list(problem.sensitive),
        "splits": {name: len(split) for name, split in problem.splits.items()},
        "columns": [{**asdict(column), "categories": list(column.categories)} for column in problem.columns],
        "groups": _groups(problem),
        "notes": list(problem.notes),
        "clinical": problem.card is not None and problem.card.clinical,
        "licence": problem.card.licence if problem.card else None,
        "citation": problem.card.citation if problem.card else None,
        "fingerprint": problem.fingerprint,
    }


def describe(problem: Problem, shown: Mapping[str, Any] | None = None) -> str:
    """Return a plain-text page: inputs, groups with base rates, splits, notes, licence and traps.

    Args:
        problem: The problem.
        shown: What may be told of it, in the layout of `summary`, where that is not all; then labels are described by
            group only.
    """
    document = summary(problem) if shown is None else shown
    columns = [
        (c["name"], c["kind"], c["missing"], c["unique"], _range(c["low"], c["high"], c["categories"]),
         "" if c["mutable"] else "immutable")
        for c in document["columns"]
    ]  # fmt: skip
    binary = problem.task == "binary"
    y = np.concatenate([split.y for split in problem.splits.values()])
    n_features = problem.encoder.n_features
    learned = f"positive {problem.positive!r}" if binary else f"{len(problem.classes)} classes"
    if problem.task == "regression":
        learned = "a number"
    if problem.task == "regression" and shown is None:
        learned = f"a number from {y.min():g} to {y.max():g}, mean {y.mean(dtype=np.float64):g}"
    parts = [f"{problem.name}: {document['rows']} rows, label {problem.label!r}, {learned}"]
    if (pixels := problem.splits["train"].pixels) is not None:
        parts.append(f"Inputs: images of {'x'.join(map(str, pixels.shape))} (channels, height, width)")
    else:
        parts.append(f"Inputs ({len(columns)} columns, {n_features} features)")
        parts.append(_table(("column", "kind", "missing", "unique", "values", ""), columns))
    parts += _groups_and_splits(problem, document, y, whole=shown is None)
    if document["notes"]:
        parts += ["Notes", "\n".join(f"  - {note}" for note in document["notes"])]
    if card := problem.card:
        parts += [
            f"{card.title}\n{_origin(card)}",
            *_listed(("Cleaning", card.cleaning), ("Traps", card.traps)),
        ]
    return "\n\n".join([*parts, f"Fingerprint {problem.fingerprint}"]) + "\n"


def card_summary(card: DatasetCard) -> dict[str, Any]:
    """Return a card as JSON values, with `availability`: how to come by the data."""
    return {**asdict(card), "availability": availability(card.name)}


def describe_card(card: DatasetCard) -> str:
    """Return the plain-text page of a data set of which no file is at hand: what it is and how to get it."""
    lines = [f"  {line}" for line in (card.what, f"Size: {card.size}" if card.size else "") if line]
    parts = [
        "\n".join([f"{card.name}: {card.title}", *lines, _origin(card)]),
        *_listed(
            ("Groups", card.groups),
            ("Base rates", card.base_rates),
            ("Cleaning", card.cleaning),
            ("Traps", card.traps),
            ("How to get it", card.how_to_get),
        ),
    ]
    if card.fetch:
        parts.append(f"Download\n  {card.fetch.url}\n  {card.fetch.known}")
        if not (card.fetch.sha256 or card.fetch.md5 or card.fetch.members):
            parts[-1] += ": that of the first download is kept beside the file, and later copies have to match it"
    return "\n\n".join(parts) + "\n"


def _origin(card: DatasetCard) -> str:
    return f"  Licence: {card.licence}\n  Origin: {card.origin}\n  Cite: {card.citation}"


def _listed(*sections: tuple[str, Sequence[str]]) -> list[str]:
    return [title + "\n" + "\n".join(f"  - {line}" for line in lines) for title, lines in sections if lines]


def _groups_and_splits(problem: Problem, document: Mapping[str, Any], y: NDArray[Any], *, whole: bool) -> list[str]:
    """Return the tables of groups, splits and classes; `whole`: whether all may be told of labels."""
    binary = problem.task == "binary"
    groups = [(g["attribute"], g["group"], g["n"]) for g in document["groups"]]
    splits = [(name, document["splits"][name]) for name in problem.splits]
    by_group = _rates(document["groups"]) if binary else []
    by_split = []
    if whole and problem.task != "multiclass":
        by_group = by_group or [_mean(problem, y[member]) for _attribute, _group, member in _members(problem)]
        by_split = [_mean(problem, split.y) for split in problem.splits.values()]
    what = "base rate" if binary else f"mean {problem.label}"
    parts = [
        "Groups",
        _beside(("attribute", "group", "rows"), groups, what, by_group),
        "Splits",
        _beside(("split", "rows"), splits, what, by_split),
    ]
    if whole and _has_classes_to_show(problem):
        counts = np.bincount(y, minlength=len(problem.classes)).tolist()
        rows = [(name, n, f"{n / len(y):.3f}") for name, n in zip(problem.classes, counts, strict=True)]
        parts += ["Classes", _table(("class", "rows", "share"), rows)]
    return parts


def _rates(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    rates = [group["base_rate"] for group in groups]
    return ["" if rate is None or math.isnan(rate) else f"{rate:.3f}" for rate in rates]


def _mean(problem: Problem, y: NDArray[Any]) -> str:
    if not len(y):
        return ""
    return f"{y.mean(dtype=np.float64):.3f}" if problem.task == "binary" else f"{y.mean(dtype=np.float64):g}"


def _has_classes_to_show(problem: Problem) -> bool:
    """Return whether there are more than two classes, not too many for a page, and none of the groups are they."""
    told = any(attribute.groups == problem.classes for attribute in problem.attributes.values())
    return problem.task == "multiclass" and len(problem.classes) <= MOST_CLASSES and not told


def _groups(problem: Problem) -> list[dict[str, Any]]:
    y = np.concatenate([split.y for split in problem.splits.values()])
    rows = []
    for attribute, group, member in _members(problem):
        n = int(member.sum())
        rate = float(y[member].mean()) if n and problem.task == "binary" else float("nan")
        rows.append({"attribute": attribute, "group": group, "n": n, "base_rate": rate})
    return rows


def _members(problem: Problem) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield (attribute, group, which rows are of it), of each attribute and, unless that is one, of all together."""
    named = [
        (name, attribute.groups, np.concatenate([split.codes[name] for split in problem.splits.values()]))
        for name, attribute in problem.attributes.items()
    ]
    if len(named) != 1:
        together = np.concatenate([split.groups for split in problem.splits.values()])
        named.append((" & ".join(problem.sensitive) or "all", problem.group_names, together))
    for name, groups, codes in named:
        for code, group in enumerate(groups):
            yield name, group, codes == code


def _beside(header: tuple[str, ...], rows: Sequence[tuple[Any, ...]], what: str, values: Sequence[str]) -> str:
    """Return a table with a last column, where there are values for it."""
    if not values:
        return _table(header, rows)
    return _table((*header, what), [(*row, value) for row, value in zip(rows, values, strict=True)])


def _range(low: float | None, high: float | None, categories: Sequence[str]) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    shown = ", ".join(categories[:4]) + (", …" if len(categories) > 4 else "")
    return shown if len(shown) <= 48 else shown[:47] + "…"


def _table(header: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> str:
    cells = [header, *[tuple(str(cell) for cell in row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    numeric = [
        bool(rows) and all(isinstance(row[i], int) or _is_number(row[i]) for row in rows) for i in range(len(header))
    ]
    lines = []
    for row in cells:
        padded = [c.rjust(w) if right else c.ljust(w) for c, w, right in zip(row, widths, numeric, strict=True)]
        lines.append(("  " + "  ".join(padded)).rstrip())
    return "\n".join(lines)


def _is_number(cell: object) -> bool:
    return isinstance(cell, str) and cell.replace(".", "", 1).isdigit()
