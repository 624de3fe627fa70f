"""How well detectors tell rows of another distribution from the audited ones: detectors by sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import by_group, group_label, measured, of_hundred
from efficienttrust.report._figures import Cell, Figure, Table, dot_panel, reading
from efficienttrust.report._format import count
from efficienttrust.report._read import Document, Estimate, TargetText, count_text, part, rows

_CHANCE = TargetText("", "", "chance", 0.5)
_SCORES = (
    ("auroc", "AUROC"),
    ("fpr_at_95_tpr", "FPR at 95 % TPR"),
    ("aupr_in", "AUPR, in"),
    ("aupr_out", "AUPR, out"),
)


@dataclass(frozen=True)
class OodSet:
    """One set of other rows and what each detector made of it: detector -> score -> estimate."""

    title: str
    n: str
    detectors: Mapping[str, Mapping[str, Estimate]]
    groups: Mapping[str, Sequence[tuple[str, str, Estimate]]]


def read_ood(document: Document) -> list[OodSet]:
    """Read the sets in their order."""
    found = []
    for row in rows(part(document, "ood"), "sets"):
        detectors = rows(row, "detectors")
        nearness = f" ({row['nearness']})" if row.get("nearness") else ""
        named = [(str(one.get("name") or "–"), one) for one in detectors]
        found.append(
            OodSet(
                title=f"{row.get('against') or 'other rows'}{nearness}",
                n="–" if row.get("n") is None else count_text(row["n"]),
                detectors={name: {key: measured(one.get(key)) for key, _ in _SCORES} for name, one in named},
                groups={name: by_group(one.get("by_group")) for name, one in named},
            )
        )
    return found


def ood_figure(document: Document) -> Figure | None:
    """Draw the AUROC of every detector, one panel per set; None where no other rows were scored."""
    sets = read_ood(document)
    if not any(one.detectors for one in sets):
        return None
    panels = [
        dot_panel(
            one.title,
            [(name, "deployed", scores["auroc"]) for name, scores in one.detectors.items()],
            target=_CHANCE,
        )
        for one in sets
        if one.detectors
    ]
    finding = _finding(sets)
    return Figure(
        name="ood",
        finding=finding,
        alt=f"Dot plot of AUROC with 95 % intervals, {len(panels)} sets of other rows. {finding}",
        table=matrix(sets),
        panels=panels,
        meaning=_meaning(sets),
    )


def matrix(sets: Sequence[OodSet]) -> Table:
    """Return the AUROC as detectors by sets."""
    names = dict.fromkeys(name for one in sets for name in one.detectors)
    body: list[list[Cell]] = []
    for name in names:
        cells = [one.detectors.get(name) for one in sets]
        body.append([name, *(reading(cell["auroc"]) if cell else "–" for cell in cells)])
    return Table("AUROC of each detector against each set, with 95 % intervals", ["detector", *titles(sets)], body)


def titles(sets: Sequence[OodSet]) -> list[str]:
    """Return the column names of the sets, with their rows."""
    return [f"{one.title}, {one.n} rows" for one in sets]


def score_table(document: Document) -> Table | None:
    """Return every score of every detector against every set."""
    body: list[list[Cell]] = [
        [one.title, name, *(reading(scores[key]) for key, _ in _SCORES)]
        for one in read_ood(document)
        for name, scores in one.detectors.items()
    ]
    columns = ["set", "detector", *(title for _, title in _SCORES)]
    return Table("All scores, with 95 % intervals", columns, body, labels=2) if body else None


def false_alarm_table(document: Document) -> Table | None:
    """Return the share of false alarms by group where it was measured."""
    sets = read_ood(document)
    attributes = [attribute for one in sets for listed in one.groups.values() for attribute, _, _ in listed]
    body: list[list[Cell]] = [
        [one.title, name, group_label(attribute, group, attributes), count(e.n) if e.n else "–", reading(e)]
        for one in sets
        for name, listed in one.groups.items()
        for attribute, group, e in listed
    ]
    columns = ["set", "detector", "group", "rows", "false alarms"]
    note = "Share of the audited rows that look foreign at the threshold that 95 % of all audited rows pass."
    caption = "False alarms by group, with 95 % intervals"
    return Table(caption, columns, body, labels=3, note=note) if body else None


def _best(one: OodSet) -> tuple[str, Estimate] | None:
    known = [(name, scores["auroc"]) for name, scores in one.detectors.items() if scores["auroc"].known]
    return max(known, key=lambda pair: pair[1].value, default=None)


def _finding(sets: Sequence[OodSet]) -> str:
    parts = []
    for one in sets:
        best = _best(one)
        if best is not None:
            rest = " alone" if len(one.detectors) == 1 else f" of {len(one.detectors)} detectors"
            parts.append(f"{best[0]}{rest} on {one.title}, {best[1].text()}")
    return f"Highest AUROC by set: {'; '.join(parts)}." if parts else "No AUROC was estimated."


def _meaning(sets: Sequence[OodSet]) -> str:
    bests = [(one.title, *found) for one in sets if (found := _best(one)) is not None]
    if not bests:
        return ""
    title, name, best = min(bests, key=lambda triple: triple[2].value)
    text = f"On {title}, the hardest set, the best detector ({name}) gives a row of the other set the less familiar "
    text += f"score in about {of_hundred(best.value)} of 100 pairs; 50 would be chance"
    near_chance = best.bounded and best.low <= 0.5
    return f"{text}, which its interval does not exclude." if near_chance else f"{text}."
