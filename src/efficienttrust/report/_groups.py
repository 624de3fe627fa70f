"""Per-group rates: a table with intervals and the same as dots, groups too small to conclude from flagged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._figures import Figure, Table, dot_panel, reading
from efficienttrust.report._format import NOT_ESTIMABLE, as_float, in_levels, number, shorten, words
from efficienttrust.report._read import Document, Estimate, count_text, group_estimates, rows

SMALL_GROUP = 30
_NAMED_APART = ("base_rate", "mean_label", "selection_rate")
_TITLES = {"tpr": "true positive rate", "fpr": "false positive rate"}


@dataclass(frozen=True)
class GroupRow:
    """One group with its rates; `counts` (rows; of two classes positives) as shown, so also `<10` and `withheld`."""

    attribute: str
    group: str
    n: int
    counts: tuple[str, ...]
    rates: Mapping[str, Estimate]
    withheld: bool = False

    @property
    def small(self) -> bool:
        """Tell whether there are too few rows to conclude anything, where that may be told."""
        return self.n < SMALL_GROUP and not self.withheld


def read_groups(document: Document, missing: str = NOT_ESTIMABLE) -> list[GroupRow]:
    """Read the group table, rows of one attribute together, in the order of appearance."""
    found = []
    for row in rows(document, "groups"):
        shown = ["0" if row.get("n") is None else count_text(row["n"])]
        shown += [count_text(row["positives"])] if row.get("positives") is not None else []
        found.append(
            GroupRow(
                attribute=str(row.get("attribute", "")),
                group=str(row.get("group", "")),
                n=_count(row.get("n")),
                counts=tuple(shown),
                rates=group_estimates(row, missing),
                withheld=isinstance(row.get("n"), str),
            )
        )
    order = list(dict.fromkeys(row.attribute for row in found))
    return sorted(found, key=lambda row: order.index(row.attribute))


def group_figure(groups: Sequence[GroupRow], where: str = "test rows", *, image: bool = False) -> Figure | None:
    """Draw every rate of every group, one panel per rate, measured on `where`; None where there are no groups."""
    names = list(dict.fromkeys(name for row in groups for name in row.rates))
    if not groups or not names:
        return None
    several = len({row.attribute for row in groups}) > 1
    missing = Estimate(math.nan)
    panels = []
    for name in names:
        listed = [
            (
                _label(row, several=several),
                "small" if row.small or row.withheld else "hard",
                row.rates.get(name, missing),
            )
            for row in groups
        ]
        panels.append(dot_panel(title(name, image=image), listed))
    gaps = widest_gaps(groups, names)
    finding = _finding(gaps, groups, where, image=image)
    kind = "figures" if "mean_label" in names else "rates"
    ranges = "; ".join(f"{title(name, image=image)} {_range(name, pair)}" for name, pair in gaps.items())
    return Figure(
        name="groups",
        finding=finding,
        alt=f"Dot plot with 95 % intervals of {len(names)} {kind} for {len(groups)} groups. {finding} "
        f"Lowest to highest group: {ranges or 'none comparable'}.",
        table=group_table(groups, names, several=several, image=image),
        panels=panels,
        note=_small_note(groups, where),
    )


def group_table(groups: Sequence[GroupRow], names: Sequence[str], *, several: bool, image: bool = False) -> Table:
    """Return the rates of every group as text with intervals."""
    body = []
    for row in groups:
        label = _label(row, several=several) + (" (too small)" if row.small else " (withheld)" * row.withheld)
        cells = [reading(row.rates[name]) if name in row.rates else "–" for name in names]
        counts = [*row.counts, *["0"] * (max(len(other.counts) for other in groups) - len(row.counts))]
        body.append([label, *counts, *cells])
    counted = ["n", "positives"][: max(len(row.counts) for row in groups)]
    return Table(
        "Rates by group on test, with 95 % intervals",
        ["group", *counted, *(title(name, image=image) for name in names)],
        body,
    )


def title(name: str, *, image: bool = False) -> str:
    """Return a rate's name as a reader says it; robust accuracies keep their key, with radii of images in 255ths."""
    if "(" in name:
        return in_levels(name) if image else name
    return _TITLES.get(name, words(name))


def _label(row: GroupRow, *, several: bool) -> str:
    return f"{row.attribute}: {row.group}" if several and row.attribute else row.group


def _small_note(groups: Sequence[GroupRow], where: str) -> str:
    small, withheld = sum(row.small for row in groups), sum(row.withheld for row in groups)
    found = []
    if small:
        which = "1 group has" if small == 1 else f"{small} groups have"
        found.append(
            f"{which} fewer than {SMALL_GROUP} {where} (open marks): too small to conclude from, left out of the "
            "finding."
        )
    if withheld:
        which = "1 group is" if withheld == 1 else f"{withheld} groups are"
        found.append(f"{which} withheld, so that nothing is told of a few people.")
    return " ".join(found)


def widest_gaps(groups: Sequence[GroupRow], names: Sequence[str]) -> dict[str, tuple[GroupRow, GroupRow]]:
    """Return, by rate, the lowest and the highest group of the attribute with the widest gap."""
    found: dict[str, tuple[GroupRow, GroupRow]] = {}
    for name in names:

        def value(row: GroupRow, name: str = name) -> float:
            return row.rates[name].value

        usable = [row for row in groups if not row.small and name in row.rates and row.rates[name].known]
        pairs = []
        for attribute in dict.fromkeys(row.attribute for row in usable):
            same = [row for row in usable if row.attribute == attribute]
            if len(same) > 1:
                pairs.append((min(same, key=value), max(same, key=value)))
        if pairs:
            found[name] = max(pairs, key=lambda pair: value(pair[1]) - value(pair[0]))
    return found


def _range(name: str, pair: tuple[GroupRow, GroupRow]) -> str:
    low, high = pair
    ends = [f"{number(row.rates[name].value)} ({shorten(row.group)})" for row in (low, high)]
    return " to ".join(ends)


def _finding(
    gaps: Mapping[str, tuple[GroupRow, GroupRow]], groups: Sequence[GroupRow], where: str, *, image: bool
) -> str:
    if not gaps:
        return f"No two of the {len(groups)} groups have the {SMALL_GROUP} {where} that a comparison needs."
    sentences = []
    if "base_rate" in gaps:
        sentences.append(f"In the data the base rate runs from {_range('base_rate', gaps['base_rate'])}.")
    if "mean_label" in gaps:
        sentences.append(f"In the data the mean label runs from {_range('mean_label', gaps['mean_label'])}.")
    if "selection_rate" in gaps:
        sentences.append(f"The model selects from {_range('selection_rate', gaps['selection_rate'])}.")
    others = {name: pair for name, pair in gaps.items() if name not in _NAMED_APART}
    if others:

        def width(name: str) -> float:
            return others[name][1].rates[name].value - others[name][0].rates[name].value

        widest = max(others, key=width)
        which = "Of the model's other rates" if "selection_rate" in gaps else "Of the model's figures"
        if not width(widest) > 0:
            sentences.append(f"{which}, none differs between the groups.")
        elif len(others) == 1 and "selection_rate" not in gaps:
            sentences.append(f"The model's {title(widest, image=image)} runs from {_range(widest, others[widest])}.")
        else:
            said = title(widest, image=image)
            sentences.append(f"{which}, {said} differs most: {_range(widest, others[widest])}.")
    return " ".join(sentences)


def _count(raw: object) -> int:
    value = as_float(raw)
    return int(value) if math.isfinite(value) else 0
