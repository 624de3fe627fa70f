"""Whom a compression hurt: the change in error by group with its interval, and what lies behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from efficienttrust.report._arms import NOT_MEASURED, measured
from efficienttrust.report._figures import Cell, DotPanel, Figure, LegendItem, Table, dot_panel
from efficienttrust.report._format import as_float, count, number, percent, shorten, signed
from efficienttrust.report._groups import SMALL_GROUP
from efficienttrust.report._harm_tables import (
    effect_table,
    exemplar_table,
    flip_bound_table,
    margin_table,
    tail_table,
    trust_table,
)
from efficienttrust.report._read import WITHHELD, Document, Estimate, TargetText, part, rows

MOST_ROWS = 24
"""Rows of a panel; the groups whose error rose most are drawn, the table has all."""
_NO_CHANGE = TargetText("", "", "", 0.0)


@dataclass(frozen=True)
class HarmPart:
    """One aspect: its heading, its finding in sentences and its numbers, folded where they are many."""

    heading: str
    lines: Sequence[str]
    table: Table | None = None
    folded: str = ""


def error_sentences(harm: Document) -> list[str]:
    """Return what became of the error of all rows, and which group was hurt most."""
    overall, rises = part(harm, "overall"), "mean absolute error" if _numbers(harm) else "error rate"
    change = read_change(overall)
    found = []
    if change.known:
        before, after = (measured(overall.get(name)) for name in ("error_before", "error_after"))
        found.append(
            f"The {rises} went from {number(before.value)} to {number(after.value)} on the same test rows: "
            f"{change_text(change)}, paired interval{_chance(change)}."
        )
    elif overall:
        found.append(f"How the {rises} changed is {change.missing}.")
    rises_most = max(rows(harm, "classes"), key=lambda row: _or_least(read_change(row).value), default={})
    change = read_change(rises_most)
    if change.known and change.value > 0:
        label = shorten(str(rises_most.get("label")))
        found.append(f"Of the classes, the error of “{label}” rose most: {change_text(change)}{_chance(change)}.")
    worst = part(harm, "hurt_most")
    if worst.get(WITHHELD):
        found.append(f"Which group was hurt most is {WITHHELD}.")
    elif worst:
        change = read_change(worst)
        who = f"{shorten(str(worst.get('group')))} ({worst.get('by')})"
        candidates = count(worst.get("candidates"))
        among = f"among {candidates} groups, interval that allows for choosing it"
        if change.known and change.value > 0:
            found.append(f"Hurt most is {who}: {change_text(change)} {among}{_chance(change)}.")
        elif change.known:
            found.append(f"The error rose in none of {candidates} groups; {who} gained least: {change_text(change)}.")
    elif rows(harm, "partitions"):
        found.append("No test row is of a known group, so no group can be said to be hurt most.")
    elif harm:
        found.append("No sensitive attribute was named, so no group can be said to be hurt most.")
    return found


def change_figure(harm: Document) -> Figure | None:
    """Draw the change in error of all rows, classes and groups, a panel each; None where nothing was compared."""
    overall = part(harm, "overall")
    if not overall:
        return None
    classes = rows(harm, "classes")
    told = [(str(row.get("label")), row) for row in classes]
    panels = [_panel("all rows and by class" if classes else "all rows", [("all rows", overall), *told])]
    for partition in rows(harm, "partitions"):
        listed = [(str(row.get("group")), row) for row in rows(partition, "groups") if as_float(row.get("n")) != 0]
        if listed:
            panels.append(_panel(_named(partition), listed))
    table = effect_table(harm)
    finding = " ".join(error_sentences(harm))
    cut = any(len(rows(partition, "groups")) > MOST_ROWS for partition in rows(harm, "partitions"))
    few = any(row.mark == "small" for panel in panels for row in panel.rows)
    hidden = ", ".join(_named(one) for one in rows(harm, "partitions") if one.get(WITHHELD) and not rows(one, "groups"))
    notes = [
        "Each interval holds by itself; above 0 the compression did harm.",
        f"Open marks: fewer than {SMALL_GROUP} rows, too few to conclude from." if few else "",
        f"Of many groups the {MOST_ROWS} whose error rose most are drawn." if cut or len(classes) >= MOST_ROWS else "",
        f"{WITHHELD.capitalize()}, so that nothing is told of a few people: figures by {hidden}." if hidden else "",
    ]
    return Figure(
        name="harm",
        finding="Change in error by group, after less before.",
        alt=f"Dot plot with paired 95 % intervals of the change in error in {len(panels)} panels. {finding}",
        table=table,
        legend=[LegendItem("target", "no change")],
        panels=panels,
        note=" ".join(filter(None, notes)),
    )


def harm_parts(harm: Document, flip_bound: Document) -> list[HarmPart]:
    """Return everything else that the comparison found, aspect by aspect; aspects without content are left out."""
    found = [_evenness(harm), _exemplars(harm), _tail(harm), _margins(harm), _calibration(harm)]
    found.append(_flip_bound(flip_bound))
    return [one for one in found if one is not None]


def read_change(row: Mapping[str, object]) -> Estimate:
    """Read the change in error of a row."""
    return measured(row.get("error_change"))


def change_text(change: Estimate) -> str:
    """Return a change with its sign and its interval, `+0.012 (0.003 to 0.021)`."""
    return signed(change.value) + (f" ({change.interval()})" if change.bounded else "")


def _chance(change: Estimate) -> str:
    if not change.bounded:
        return "; it has no interval"
    return "; the interval includes 0" if change.low <= 0 <= change.high else ""


def _numbers(harm: Document) -> bool:
    return harm.get("task") == "regression"


def _panel(title: str, listed: Sequence[tuple[str, Mapping[str, object]]]) -> DotPanel:
    if len(listed) > MOST_ROWS:
        listed = sorted(listed, key=lambda pair: -_or_least(read_change(pair[1]).value))[:MOST_ROWS]
    changes = [(label, _mark(row), read_change(row)) for label, row in listed]
    panel = dot_panel(title, changes, target=_NO_CHANGE)
    texts = [signed(change.value) if change.known else change.missing for _, _, change in changes]
    shown = [replace(row, text=text) for row, text in zip(panel.rows, texts, strict=True)]
    return replace(panel, rows=shown, line_text="")


def _named(row: Mapping[str, object]) -> str:
    return str(row.get("by") or "all attributes together")


def _mark(row: Mapping[str, object]) -> str:
    n = as_float(row.get("n"))
    return "hard" if math.isfinite(n) and n >= SMALL_GROUP else "small"


def _or_least(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _evenness(harm: Document) -> HarmPart | None:
    body: list[list[Cell]] = []
    for row in rows(harm, "evenness"):
        p, adjusted = (as_float(row.get(key)) for key in ("p", "adjusted"))
        why = str(row.get("note") or "not estimable")
        shown = [number(p), number(adjusted)] if math.isfinite(p) else [why, "–"]
        body.append([_named(row), *shown, str(row.get("how") or "–")])
    overall = part(harm, "overall")
    flips, worse, better = (measured(overall.get(k)) for k in ("flips", "right_to_wrong", "wrong_to_right"))
    if _numbers(harm):
        lines = [f"Predictions moved by {measured(overall.get('moved')).text()} on average."]
    elif flips.known:
        ways = f"{_share(worse)} of all rows went from right to wrong, {_share(better)} from wrong to right"
        lines = [f"{_share(flips)} of the test rows are decided otherwise than before: {ways}."]
    elif overall:
        lines = [f"How many decisions flipped is {flips.missing}."]
    else:
        return None
    uneven = [str(row[0]) for row, raw in zip(body, rows(harm, "evenness"), strict=True)
              if as_float(raw.get("adjusted")) < 0.05]  # fmt: skip
    if uneven:
        lines.append(f"They do not fall on the groups alike: {', '.join(uneven)} (adjusted p below 0.05).")
    elif any(math.isfinite(as_float(raw.get("adjusted"))) for raw in rows(harm, "evenness")):
        lines.append("That they fall on the groups alike was not rejected at 0.05, which does not show that they do.")
    columns = ["attribute", "p", "p, adjusted (Holm)", "test"]
    table = Table("Do changed decisions fall on groups alike?", columns, body) if body else None
    return HarmPart("Changed predictions" if _numbers(harm) else "Flipped decisions", lines, table)


def _share(estimate: Estimate) -> str:
    if not estimate.known:
        return estimate.missing
    return f"{percent(estimate.value)}" + (
        f" ({percent(estimate.low)} to {percent(estimate.high)})" if estimate.bounded else ""
    )


def _exemplars(harm: Document) -> HarmPart | None:
    exemplars = part(harm, "exemplars")
    if not exemplars or _numbers(harm):
        return None
    n, models = as_float(exemplars.get("n")), count(exemplars.get("dense_models"))
    whose = "the dense model" if models == "1" else f"most of the {models} dense models"
    if not math.isfinite(n):
        missing = WITHHELD if isinstance(exemplars.get("n"), str) else NOT_MEASURED
        lines = [f"How many rows are decided unlike {whose} is {missing}."]
    else:
        are = "row is" if n == 1 else "rows are"
        lines = [f"{count(n)} test {are} decided unlike {whose} (compression-identified exemplars)."]
        errors = [measured(exemplars.get(name)) for name in ("error_before", "error_after")]
        if all(one.known for one in errors):
            lines.append(f"On them the error rate is {errors[0].text()} before and {errors[1].text()} after.")
    churn = measured(exemplars.get("churn"))
    if churn.known:
        lines.append(f"Another seed alone moves {_share(churn)} of the rows.")
    elif churn.note and churn.missing != WITHHELD:
        lines.append(f"{churn.note[:1].upper()}{churn.note[1:]}.")
    return HarmPart("Exemplars", lines, exemplar_table(harm), "The rows whose score moved most")


def _tail(harm: Document) -> HarmPart | None:
    tail = part(harm, "tail")
    if not tail:
        return None
    tau, p = as_float(tail.get("correlation")), as_float(tail.get("p"))
    if math.isfinite(tau):
        cells = count(tail.get("cells_correlated"))
        way = "rarer cells were hurt more" if tau > 0 else "rarer cells were not hurt more"
        line = f"Rarity in training and rise of the error: Kendall's tau {number(tau, 2)} over {cells} cells, "
        line += f"p {number(p)}: {way}" + ("" if p < 0.05 else ", by no more than chance explains" * (tau > 0)) + "."
    else:
        line = f"Whether rare cells were hurt more is not estimable: {tail.get('note') or 'not measured'}."
        if str(tail.get("note") or "").startswith(WITHHELD):
            line = f"What became of the rare cells is {tail['note']}."
    table = tail_table(harm)
    many = table is not None and len(table.rows) > 8
    return HarmPart("The long tail", [line], table, "All cells, rarest first" if many else "")


def _margins(harm: Document) -> HarmPart | None:
    margins = part(harm, "margins")
    if not margins:
        return None
    near, far, foretold = (measured(margins.get(name)) for name in ("near_flips", "far_flips", "foretold"))
    lines = []
    if near.known and far.known:
        lines.append(
            f"Of the tenth of rows nearest to the old threshold {_share(near)} flipped, of all others {_share(far)}."
        )
    if foretold.known:
        lines.append(f"A small old margin foretells flips with an AUROC of {foretold.text()}; 0.5 is no sign.")
    else:
        why = f" ({foretold.note})" if foretold.note and foretold.missing != WITHHELD else ""
        lines.append(f"Whether small old margins foretell flips is {foretold.missing}{why}.")
    return HarmPart("Margins", lines, margin_table(harm), "Margins before and after")


def _calibration(harm: Document) -> HarmPart | None:
    table = trust_table(harm)
    if table is None:
        return None
    first = rows(harm, "calibration")[0]
    was, now = measured(first.get("before")), measured(first.get("after"))
    whom = "Expected calibration error" if first.get("by") else "Expected calibration error of all rows"
    line = f"{whom}: {was.text()} before, {now.text()} after."
    return HarmPart("Calibration by group", [line], table, "Calibration error by group" if len(table.rows) > 8 else "")


def _flip_bound(bound: Document) -> HarmPart | None:
    if not bound:
        return None
    if bound.get("reason"):
        return HarmPart("Bound on flips", [f"Not computed: {bound['reason']}."])
    undecided, observed = as_float(bound.get("undecided")), as_float(bound.get("observed"))
    seen = percent(observed) if math.isfinite(observed) else WITHHELD
    most = percent(undecided) if math.isfinite(undecided) else WITHHELD
    lines = [f"From the weights alone at most {most} of the test rows can flip; {seen} did."]
    low, high = as_float(bound.get("error_change_low")), as_float(bound.get("error_change_high"))
    if math.isfinite(low) and math.isfinite(high):
        lines.append(f"The error rate can have changed by {signed(low)} to {signed(high)}.")
    if undecided > 0.5:
        lines.append("A bound on more than half of the rows says little.")
    lines += [str(bound["citation"])] if bound.get("citation") else []
    return HarmPart("Bound on flips", lines, flip_bound_table(bound))
