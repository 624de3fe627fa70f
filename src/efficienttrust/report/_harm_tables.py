"""The numbers behind the comparison of a dense and a compressed model, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from efficienttrust.report._arms import measured
from efficienttrust.report._figures import Cell, Reading, Table, reading
from efficienttrust.report._format import as_float, number, percent, signed
from efficienttrust.report._read import Document, count_text, part, rows

_FLIPS = ("flips", "right_to_wrong", "wrong_to_right")


def effect_table(harm: Document) -> Table:
    """Return error and flips of all rows, classes, groups and cells of group and class."""
    regression = harm.get("task") == "regression"
    body = []
    for label, row in _effects(harm):
        errors = [reading(measured(row.get(name))) for name in ("error_before", "error_after")]
        moved = [reading(measured(row.get(name))) for name in (["moved"] if regression else _FLIPS)]
        body.append([label, count_text(row.get("n")), *errors, change_cell(row), *moved])
    flips = ["prediction moved by"] if regression else ["flipped", "right to wrong", "wrong to right"]
    what = "Mean absolute error" if regression else "Error rate"
    return Table(
        f"{what} before and after on the same test rows, 95 % intervals",
        ["rows", "n", "error before", "error after", "paired change", *flips],
        body,
    )


def change_cell(row: Mapping[str, object]) -> Cell:
    """Return the change in error of a row with its sign."""
    change = measured(row.get("error_change"))
    if not change.known:
        return change.missing
    return Reading(signed(change.value), change.interval()) if change.bounded else signed(change.value)


def exemplar_table(harm: Document) -> Table | None:
    """Return the rows that the compressed model decides otherwise, those that moved most first."""
    body: list[list[Cell]] = [
        [str(row.get("row")), *(_said(row.get(name)) for name in ("label", "before", "after")),
         number(as_float(row.get("moved")))]
        for row in rows(part(harm, "exemplars"), "rows")
    ]  # fmt: skip
    if not body:
        return None
    columns = ["source row", "label", "before", "after", "moved by (logits)"]
    return Table("Rows decided otherwise, largest change of the margin first (at most 50)", columns, body)


def tail_table(harm: Document) -> Table | None:
    """Return the cells of group and class, rarest in training first."""
    tail = part(harm, "tail")
    body: list[list[Cell]] = []
    for row in rows(tail, "cells"):
        name = ", ".join(filter(None, (str(row.get("group") or ""), str(row.get("label") or "")))) or "all rows"
        trained = f"{count_text(row.get('train_rows'))} ({percent(as_float(row.get('train_share')))})"
        errors = [reading(measured(row.get(key))) for key in ("error_before", "error_after")]
        body.append([name, trained, count_text(row.get("n")), *errors, change_cell(row)])
    if not body:
        return None
    total = as_float(tail.get("count"))
    more = f"{len(body)} of {total:,.0f} cells, " if total > len(body) else ""
    columns = ["cell", "training rows", "test rows", "error before", "error after", "paired change"]
    return Table(f"{more}rarest in training first, 95 % intervals".capitalize(), columns, body)


def margin_table(harm: Document) -> Table | None:
    """Return quantiles of the margin before and after, of all rows and by group."""
    margins = part(harm, "margins")
    quantiles = _floats(margins.get("quantiles"))
    body: list[list[Cell]] = []
    for row in rows(margins, "rows"):
        before, after = _floats(row.get("before")), _floats(row.get("after"))
        cells = [f"{number(was)} → {number(now)}" for was, now in zip(before, after, strict=False)]
        body.append([_name(row), count_text(row.get("n")), *cells])
    columns = ["rows", "n", *(f"{100 * q:.3g} %" for q in quantiles)]
    return (
        Table("Quantiles of the distance to the threshold in logits, before → after", columns, body) if body else None
    )


def trust_table(harm: Document) -> Table | None:
    """Return the calibration error before and after, of all rows and by group."""
    body: list[list[Cell]] = [
        [
            _name(row),
            count_text(row.get("n")),
            reading(measured(row.get("before"))),
            reading(measured(row.get("after"))),
        ]
        for row in rows(harm, "calibration")
    ]
    columns = ["rows", "n", "before", "after"]
    return Table("Expected calibration error, 95 % intervals", columns, body) if body else None


def flip_bound_table(bound: Document) -> Table | None:
    """Return by group which share of rows may flip and did, and what a gap in selection can have become."""
    body: list[list[Cell]] = []
    for row in rows(bound, "groups"):
        shares = [_percent(row.get(name)) for name in ("undecided", "observed")]
        body.append([_name(row), count_text(row.get("n")), *shares, "–"])
    for row in rows(bound, "gaps"):
        before, low, high = (number(as_float(row.get(name))) for name in ("before", "low", "high"))
        name = f"demographic parity difference, {row.get('by') or 'all attributes together'}"
        body.append([name, "–", "–", "–", f"{before} → {low} to {high}"])
    columns = ["rows", "n", "may flip, at most", "flipped", "gap before → what it can be after"]
    return Table("Exact bound beside what was observed", columns, body) if body else None


def _effects(harm: Document) -> Iterator[tuple[str, Mapping[str, object]]]:
    if part(harm, "overall"):
        yield "all rows", part(harm, "overall")
    for row in rows(harm, "classes"):
        yield f"class {row.get('label')}", row
    for partition in rows(harm, "partitions"):
        by = str(partition.get("by") or "all attributes")
        for row in rows(partition, "groups"):
            yield f"{by}: {row.get('group')}", row
        for row in rows(partition, "cells"):
            yield f"{by}: {row.get('group')}, class {row.get('label')}", row


def _name(row: Mapping[str, object]) -> str:
    group = str(row.get("group") or "")
    return (f"{row['by']}: {group}" if row.get("by") else group) or "all rows"


def _said(raw: object) -> str:
    return raw if isinstance(raw, str) else number(as_float(raw))


def _percent(raw: object) -> str:
    return percent(as_float(raw))


def _floats(raw: object) -> list[float]:
    return [as_float(one) for one in raw] if isinstance(raw, Sequence) and not isinstance(raw, str) else []
