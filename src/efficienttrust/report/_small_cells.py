"""Small cells: what a document says of fewer than ten people is withheld before anybody reads it.

Reports of clinical data must not tell of single patients. `suppress_small_cells` takes `run.json` or `audit.json` as
plain values and returns the same document in which

- a count below the least is `<10`, and a figure computed on such a cell has no value and a note;
- where a group has so few positive or so few negative rows, its base rate and its rates by label go as well;
- a rate whose count, or the count of the rest, is 1 to 9 has no value: 0.350 of 20 rows are 7 decisions; accuracies
  over all rows as well, and what follows from the decision table of all rows where that has such a count;
- what would let a reader compute these from totals and other rates is `withheld` (see `_complementary` for counts of
  rows, `_decision_cells` for rates);
- a metric that compares groups stays where the groups that are shown give the very same value, and goes where a
  withheld group decides it;
- the smallest and the largest value of a column, each the value of one person, are gone;
- counts of few rows in notes are `<10`.

Not withheld is what is no count of rows: seeds, severities, repetitions of a timing. Not covered are
`predictions.parquet`, which holds rows, and `history.parquet`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.report._comparisons import Comparisons, attribute_of
from efficienttrust.report._complementary import ANY_COUNT, Cell, equations_of, protected
from efficienttrust.report._decision_cells import BY_LABEL, is_few, limit_of_few, withheld_rates
from efficienttrust.report._format import as_float
from efficienttrust.report._group_tables import UNKNOWN, GroupTable, add_unknown, tables_of_groups
from efficienttrust.report._read import WITHHELD, part, read_target, rows

LEAST = 10
FEW = WITHHELD + ": with it fewer than {least} rows could be told apart"
DECIDED = f"{WITHHELD}: a withheld group decides it"
_OF_DECISIONS = ("balanced_accuracy", "f1", "f1_macro", "mcc")
"""Figures that tell, beside accuracy and base rate, the decision table of all rows."""
_SHARE = re.compile(r"^(accuracy|(robust|corruption)_accuracy\b.*|clean|base_rate|selection_rate|tpr|fpr|precision)$")
_NO_ROWS = ("environment", "ledger", "alarms", "resources", "artifacts", "spec", "settings", "decision", "model")
_ENDS = ("value", "low", "high", "bound")
_COUNTED = ("n", "positives", "missing", "rows", "attacked", "fooled")
_UNITS = r"(?:(?:row|positive|negative|image|film|patient|stay|admission|value|cell)s?|ages)\b"
_IN_TEXT = re.compile(
    rf"(?<![\w.,/<≤≥-])(\d+)(?= (?:[a-z]+ ){{0,2}}{_UNITS}| of [\d,]+ (?:[a-z]+ )?{_UNITS}| of [\d,]+ in )"
)
_DECIDED = re.compile(r"for [\d.]+% of test rows")
"""How often an almost constant model decides for a class: of few rows, as a rule."""
_OF_GROUP = re.compile(r"(['\"])(?P<group>[^'\"]+)\1 \((?P<n>\d[\d,]*)(?P<unit>[a-z ]*)\)")


@dataclass(frozen=True)
class _Names:
    """Names of the groups that are withheld, and of those whose labels are."""

    groups: set[str]
    labels: set[str]


@dataclass(frozen=True)
class _Known:
    """What decides about figures outside the tables of groups; `told`: metrics that tell a count of a few.

    Attributes:
        names: Names of withheld groups.
        comparisons: Which comparisons of groups may stay.
        told: Metrics that tell a count of a few.
        calibrate: Rows on which candidates are compared, as far as they are known.
    """

    names: _Names
    comparisons: Comparisons
    told: frozenset[str]
    calibrate: object


def suppress_small_cells(document: Mapping[str, Any], least: int = LEAST) -> dict[str, Any]:
    """Return a document without small cells; the one that is given is not changed.

    Args:
        document: The content of `run.json` or `audit.json`.
        least: Smallest count that is shown.

    Returns:
        The same layout. A withheld count is the text `<10` (`least`), or `withheld` where it is not small itself; a
        withheld figure is None with a `note`. Suppressing it again changes nothing.
    """
    found: dict[str, Any] = _copy(document)
    before = _copy(rows(found, "groups"))
    tables = list(tables_of_groups(found, ()))
    add_unknown(tables, found, least)
    scopes = dict.fromkeys(table.scope for table in tables)
    withheld = [_withhold([table for table in tables if table.scope == scope], least) for scope in scopes]
    names = _Names({g for groups, _ in withheld for g in groups}, {g for _, labels in withheld for g in labels})
    known = _Known(
        names,
        Comparisons(before, found, bool(names.groups)),
        frozenset(_told_by_decisions(found, before, least)),
        part(part(found, "problem"), "splits").get("calibrate"),
    )
    _walk(found, (), least, known)
    return found


def _told_by_decisions(document: Mapping[str, Any], before: Sequence[Mapping[str, Any]], least: int) -> Iterator[str]:
    """Yield metrics over all rows that, with others, tell how few errors of one kind or decisions there are."""
    accuracy = part(part(document, "metrics"), "accuracy")
    few = is_few(accuracy.get("value"), accuracy.get("n"), least)
    for attribute in list(dict.fromkeys(map(attribute_of, before)))[:1]:  # its groups add up to all rows
        counts = dict.fromkeys(("selection_rate", "tpr", "fpr", "base_rate"), 0.0)
        sizes = dict(counts)
        for row in before:
            for name in counts if attribute_of(row) == attribute else ():
                n = as_float(part(row, name).get("n"))
                counts[name] += n * as_float(part(row, name).get("value")) if n else 0.0
                sizes[name] += n
        few |= any(is_few(counts[name] / sizes[name], sizes[name], least) for name in counts if sizes[name] > 0)
    if few:
        yield from _OF_DECISIONS
    if ("value" in accuracy and accuracy["value"] is None) or is_few(accuracy.get("value"), accuracy.get("n"), least):
        yield "accuracy"


def _figure(cell: Cell, row: Mapping[str, Any], name: str) -> tuple[Cell, float, float] | None:
    """Return what identifies a rate of a group wherever it stands."""
    holder = row if name == "value" else part(row, name)
    n, value = as_float(holder.get("n")), as_float(holder.get("value"))
    return (cell, n, value) if math.isfinite(n) and math.isfinite(value) else None


def _withhold(tables: Sequence[GroupTable], least: int) -> tuple[set[str], set[str]]:
    """Blank cells of tables over the same rows; return the names of groups withheld, and of those whose labels are."""
    hidden: set[Cell] = set()
    labels: set[Cell] = set()
    small: set[Cell] = set()
    known = [(table, table.counts(), table.positives(), equations_of(table.counts())) for table in tables]
    for table, counts, positives, _ in known:
        small |= {cell for cell, n in counts.items() if n < least}
        labels |= {cell for cell, k in positives.items() if min(k, counts[cell] - k) < least}
        hidden |= {cell for cell, row in table.rows if isinstance(row["n"], str)}

    def bounds(cell: Cell) -> tuple[float, float]:
        return (0.0, least - 1.0) if cell in small else (float(least), math.inf)

    hidden |= small
    size = -1
    while size != len(hidden) + len(labels):
        size = len(hidden) + len(labels)
        for _, counts, positives, equations in known:
            hidden |= protected(equations, counts, hidden & counts.keys(), bounds)
            known_groups = [[each for each in equation if each[0][1] != UNKNOWN] for equation in equations]
            by_label = [equation for equation in known_groups if all(cell in positives for cell, _ in equation)]
            labels |= protected(by_label, positives, (labels | hidden) & positives.keys(), lambda _: ANY_COUNT)
    rates = [withheld_rates(table.rows, hidden, labels, least) for table in tables]
    labels |= {cell for found in rates for cell, name in found if name == "base_rate"} - hidden
    repeated = {_figure(cell, row, name) for table, found in zip(tables, rates, strict=True)
                for cell, row in table.rows for name in row if (cell, name) in found}  # fmt: skip
    for table, found in zip(tables, rates, strict=True):
        for cell, row in table.rows:
            if cell in hidden:
                _blank_row(row, least)
                continue
            for name in list(row):
                if (cell, name) in found or _figure(cell, row, name) in repeated - {None}:
                    _blank(row if name == "value" else row[name], least, FEW.format(least=least))
            if cell in labels:
                _blank_labels(row, least)
    return {group for _, group in hidden} - {UNKNOWN}, {group for _, group in labels} - {UNKNOWN}


def _blank_row(row: dict[str, Any], least: int) -> None:
    n = row["n"]
    for key, cell in row.items():
        if key in ("n", "positives"):
            row[key] = _mark(cell, least)
        elif isinstance(cell, dict):
            _blank(cell, least)
        elif isinstance(cell, float | int) and not isinstance(cell, bool):
            row[key] = None
    if "value" in row:
        row["note"] = _note(n, least)


def _blank_labels(row: dict[str, Any], least: int) -> None:
    """Withhold what tells the label: its count, the base rate, and the rates among rows of one label."""
    for key, cell in row.items():
        if key == "positives":
            row[key] = _mark(cell, least)
        elif key == "base_rate" and not isinstance(cell, dict):
            row[key] = None
        elif isinstance(cell, dict) and (key in BY_LABEL or cell.get("n") != row["n"]):
            _blank(cell, least)
            if key == "fpr":
                cell["n"] = WITHHELD  # of rows that are shown less few negatives: it would tell more of the positives


def _blank(measurement: dict[str, Any], least: int, why: str = "") -> None:
    for key, cell in measurement.items():
        if isinstance(cell, dict):
            _blank(cell, least, why)
        elif key in _ENDS:
            measurement[key] = None
    if "n" in measurement:
        note = why or _note(measurement["n"], least)
        if not why:
            measurement["n"] = _mark(measurement["n"], least)
        if "value" in measurement:
            measurement["note"] = note


def _mark(count: object, least: int) -> object:
    if count is None or isinstance(count, str):
        return count
    return f"<{least}" if as_float(count) < least else WITHHELD


def _note(count: object, least: int) -> str:
    if count == f"<{least}" or (not isinstance(count, str) and as_float(count) < least):
        return f"{WITHHELD}: fewer than {least} rows"
    return FEW.format(least=least)


def _walk(node: Any, path: tuple[str, ...], least: int, known: _Known) -> None:
    """Withhold what stands outside the tables of groups: small measurements, comparisons, counts, texts."""
    if isinstance(node, list):
        for place, item in enumerate(node):
            if isinstance(item, str):
                node[place] = _scrub(item, least, known.names)
            else:
                _walk(item, path, least, known)
        return
    if not isinstance(node, dict) or (path and path[-1] in _NO_ROWS):
        return
    n = node.get("n")
    is_small = n is not None and not isinstance(n, str) and as_float(n) < least
    if "value" in node and math.isfinite(as_float(node["value"])):
        deployed = path[:1] in (("metrics",), ("verdicts",))
        key = _metric_key(node, path)
        if is_small:
            _blank(node, least)
            _forget_reason(node)
        elif (_SHARE.match(key) and is_few(node["value"], n, least)) or key in known.told:
            _blank(node, least, FEW.format(least=least))
            _forget_reason(node)
        elif not known.comparisons.may_stay(key, as_float(node["value"]), deployed=deployed):
            _blank(node, least, DECIDED)
            _forget_reason(node)
    elif "bound" in node and is_small:
        _blank(node, least)
    if "target" in node and _SHARE.match(_metric_key(node, path)) and limit_of_few(part(node, "certificate"), least):
        _blank(node["certificate"], least, FEW.format(least=least))
        node["reason"] = node["certificate"]["note"]
    if "class" in node and any(is_few(part(node, k).get("value"), part(node, k).get("n"), least) for k in node):
        for name in filter(_SHARE.match, node):
            _blank(node[name], least, FEW.format(least=least))
    for name, item in node.items():
        if isinstance(item, str):
            if name in ("note", "reason", "detail", "description"):
                node[name] = _scrub(item, least, known.names)
        elif isinstance(item, dict | list):
            _walk(item, (*path, str(name)), least, known)
        elif name in _COUNTED and item is not None and not isinstance(item, bool) and as_float(item) < least:
            node[name] = f"<{least}"
    if path[:1] == ("shift",) and any(map(is_withheld, rows(node, "groups"))):
        _blank(node.get("worst_group") or {}, least, DECIDED)
    if path == ("shift",):  # the worst environment's figure stands in a row of its own too
        lost = {row.get("name") for row in filter(is_withheld, rows(node, "environments"))}
        for name in ("worst_accuracy", "worst_error") if node.get("worst") in lost else ():
            _blank(node.get(name) or {}, least, DECIDED)
    if isinstance(node.get("by_group"), dict):
        _forget_gaps(node, least)
    if path[-2:] == ("problem", "columns"):
        node.update({end: None for end in ("low", "high") if end in node})
        if known.comparisons.row_count - as_float(node.get("missing")) < least:
            node["missing"] = WITHHELD
    elif path[-1:] == ("splits",):
        node.update({name: f"<{least}" for name, count in node.items() if as_float(count) < least})
    elif path[-2:] == ("candidates", "metrics"):
        gone = [k for k, v in node.items() if not known.comparisons.may_stay(k, as_float(v), deployed=False)]
        gone += [k for k, v in node.items() if k == "accuracy" and is_few(v, known.calibrate, least)]
        node.update(dict.fromkeys([*gone, *(k for k in node if k in known.told)]))


def _forget_gaps(node: dict[str, Any], least: int) -> None:
    """Withhold the gaps beside a table by group that withholds one of its figures."""
    for attribute, table in node["by_group"].items():
        if any(map(is_withheld, rows({"": table}, ""))):
            for gap in (node.get("gap"), (node.get("gaps") or {}).get(attribute)):
                _blank(gap or {}, least, DECIDED)


def is_withheld(row: Mapping[str, Any]) -> bool:
    """Tell whether a row of a table, or one of its figures, is withheld."""
    told = [row, *(cell for cell in row.values() if isinstance(cell, Mapping))]
    return any(isinstance(one.get("n"), str) or str(one.get("note") or "").startswith(WITHHELD) for one in told)


def _metric_key(node: Mapping[str, Any], path: tuple[str, ...]) -> str:
    if "target" in node:
        return read_target(str(node["target"])).key
    if path[-1:] == ("accuracy",) and node.get("name"):
        return str(node["name"])
    return f"gap(by={path[-1]})" if path[-2:-1] == ("gaps",) else path[-1] if path else ""


def _forget_reason(verdict: dict[str, Any]) -> None:
    """A reason repeats the figures of its verdict."""
    if verdict.get("reason"):
        verdict["reason"] = verdict.get("note") or WITHHELD


def _scrub(text: str, least: int, names: _Names) -> str:
    """Replace small counts of rows in a sentence, and any count right behind the name of a withheld group."""
    withheld = names.groups | names.labels if re.search("positive|negative", text) else names.groups

    def of_group(match: re.Match[str]) -> str:
        if match["group"] not in withheld and int(match["n"].replace(",", "")) >= least:
            return match[0]
        return f"{match[1]}{match['group']}{match[1]} ({WITHHELD})"

    text = _DECIDED.sub("for fewer than 1% or more than 99% of test rows", _OF_GROUP.sub(of_group, text))
    return _IN_TEXT.sub(lambda match: match[1] if int(match[1]) >= least else f"<{least}", text)


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _copy(item) for key, item in node.items()}
    return [_copy(item) for item in node] if isinstance(node, list | tuple) else node
