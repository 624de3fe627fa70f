"""Small cells: what a document says of fewer than ten people is withheld before anybody reads it.

Reports of clinical data must not tell of single patients. `suppress_small_cells` takes `run.json` or `audit.json` as
plain values and returns the same document in which

- a count below the least is `<10`, and a figure computed on such a cell has no value and a note;
- where a group has so few positive or so few negative rows, its base rate and its rates by label go as well;
- what would let a reader compute these from totals is `withheld` (see `_complementary`);
- a metric that compares groups stays where the groups that are shown give the very same value, and goes where a
  withheld group decides it;
- the smallest and the largest value of a column, each the value of one person, are gone;
- counts of few rows in notes are `<10`.

Not withheld are rates of a model's decisions on cells that are large enough, even where they count few errors, and
what is no count of rows: seeds, severities, repetitions of a timing. Not covered are `predictions.parquet`, which holds
rows, and `history.parquet`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.report._complementary import ANY_COUNT, Cell, equations_of, protected
from efficienttrust.report._format import as_float
from efficienttrust.report._read import WITHHELD, read_target, rows

LEAST = 10
UNKNOWN = "(unknown)"
DECIDED = f"{WITHHELD}: a withheld group decides it"
_NO_ROWS = ("environment", "ledger", "alarms", "resources", "artifacts", "spec", "settings", "decision", "model")
_ENDS = ("value", "low", "high", "bound")
_COUNTED = ("n", "positives", "missing", "rows", "attacked", "fooled")
_COMPARES_GROUPS = re.compile(r"difference|distance|(^|_)(ratio|gap|group)|\bby=")
_BY = re.compile(r"\bby=([^,)]+)")
_UNITS = r"(?:(?:row|positive|negative|image|film|patient|stay|admission|value|cell)s?|ages)\b"
_IN_TEXT = re.compile(
    rf"(?<![\w.,/<≤≥-])(\d+)(?= (?:[a-z]+ ){{0,2}}{_UNITS}| of [\d,]+ (?:[a-z]+ )?{_UNITS}| of [\d,]+ in )"
)
_OF_GROUP = re.compile(r"(['\"])(?P<group>[^'\"]+)\1 \((?P<n>\d[\d,]*)(?P<unit>[a-z ]*)\)")

Rates = Mapping[str, list[float]]


@dataclass
class _Table:
    """Rows about groups that were counted together; `scope` tells which tables count the same rows."""

    scope: str
    rows: list[tuple[Cell, dict[str, Any]]]

    def counts(self) -> dict[Cell, int]:
        return {cell: int(as_float(row["n"])) for cell, row in self.rows if math.isfinite(as_float(row["n"]))}

    def positives(self) -> dict[Cell, int]:
        found = {cell: _positives(row) for cell, row in self.rows}
        return {cell: count for cell, count in found.items() if count is not None}


@dataclass(frozen=True)
class _Names:
    """Names of the groups that are withheld, and of those whose labels are."""

    groups: set[str]
    labels: set[str]


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
    before = list(found["groups"]) if isinstance(found.get("groups"), list) else []
    rates = {attribute: _rates(before, attribute) for attribute in dict.fromkeys(map(_attribute, before))}
    tables = list(_tables(found, ()))
    _add_unknown(tables, found, least)
    scopes = dict.fromkeys(table.scope for table in tables)
    withheld = [_withhold([table for table in tables if table.scope == scope], least) for scope in scopes]
    names = _Names({g for groups, _ in withheld for g in groups}, {g for _, labels in withheld for g in labels})
    _walk(found, (), least, _Comparisons(found, rates, bool(names.groups)), names)
    return found


def _add_unknown(tables: Sequence[_Table], document: Mapping[str, Any], least: int) -> None:
    """Add the rows of no known group to the tables of the data, where they are few: all rows less those shown."""
    for table in tables:
        total = _row_count(document) if table.scope == "problem" else math.nan
        for attribute in dict.fromkeys(attribute for (attribute, _), _ in table.rows):
            unknown = total - sum(as_float(row["n"]) for (other, _), row in table.rows if other == attribute)
            if 0 < unknown < least:  # not where a count is withheld already
                table.rows.append(((attribute, UNKNOWN), {"n": int(unknown)}))


def _row_count(document: Mapping[str, Any]) -> float:
    return as_float((document.get("problem") or {}).get("rows"))


def _withhold(tables: Sequence[_Table], least: int) -> tuple[set[str], set[str]]:
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
    for table in tables:
        for cell, row in table.rows:
            if cell in hidden:
                _blank_row(row, least)
            elif cell in labels:
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
        elif isinstance(cell, dict) and (key == "base_rate" or cell.get("n") != row["n"]):
            _blank(cell, least)


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
    return f"{WITHHELD}: with it fewer than {least} rows could be told apart"


def compares_groups(key: str) -> bool:
    """Tell whether a metric's key names a comparison of groups."""
    return bool(_COMPARES_GROUPS.search(key))


class _Comparisons:
    """Decides whether a metric that compares groups may be shown, by what is left of the table of groups."""

    def __init__(self, document: Mapping[str, Any], before: Mapping[str, Rates], hidden: bool) -> None:
        rows = document["groups"] if isinstance(document.get("groups"), list) else []
        self._before, self._hidden = before, hidden
        self.rows = _row_count(document)
        self._after = {attribute: _rates(rows, attribute) for attribute in before}

    def may_stay(self, key: str, value: float, *, deployed: bool = True) -> bool:
        """Tell whether the groups that are shown give the value; `deployed` where it is of the model of the table."""
        if not compares_groups(key):
            return True
        if not self._before:
            return not self._hidden
        named = _BY.search(key)
        attribute = named[1].strip() if named else list(self._before)[-1]
        before, after = self._before.get(attribute), self._after.get(attribute)
        if before is None or after is None or before == after:
            return before is not None
        name, _, arguments = key.partition("(")
        formula = _FORMULAS.get(name, _lowest(f"{name.removeprefix('worst_group_')}({arguments}"))
        try:
            return deployed and math.isclose(formula(after), value, abs_tol=1e-9)
        except (KeyError, ValueError, ZeroDivisionError):  # no such rate, or none of it is left
            return False


def _spread(name: str) -> Callable[[Rates], float]:
    return lambda rates: max(rates[name]) - min(rates[name])


def _lowest(name: str) -> Callable[[Rates], float]:
    return lambda rates: min(rates[name])


_FORMULAS: Mapping[str, Callable[[Rates], float]] = {
    "demographic_parity_difference": _spread("selection_rate"),
    "demographic_parity_ratio": lambda rates: min(rates["selection_rate"]) / max(rates["selection_rate"]),
    "equal_opportunity_difference": _spread("tpr"),
    "equalized_odds_difference": lambda rates: (_spread("tpr")(rates) + _spread("fpr")(rates)) / 2,
    "equalized_odds_difference_max": lambda rates: max(_spread("tpr")(rates), _spread("fpr")(rates)),
    "accuracy_gap": _spread("accuracy"),
    "worst_group_accuracy": _lowest("accuracy"),
}


def _walk(node: Any, path: tuple[str, ...], least: int, comparisons: _Comparisons, names: _Names) -> None:
    """Withhold what stands outside the tables of groups: small measurements, comparisons, counts, texts."""
    if isinstance(node, list):
        for place, item in enumerate(node):
            if isinstance(item, str):
                node[place] = _scrub(item, least, names)
            else:
                _walk(item, path, least, comparisons, names)
        return
    if not isinstance(node, dict) or (path and path[-1] in _NO_ROWS):
        return
    n = node.get("n")
    is_small = n is not None and not isinstance(n, str) and as_float(n) < least
    if "value" in node and math.isfinite(as_float(node["value"])):
        deployed = path[:1] in (("metrics",), ("verdicts",))
        if is_small:
            _blank(node, least)
            _forget_reason(node)
        elif not comparisons.may_stay(_metric_key(node, path), as_float(node["value"]), deployed=deployed):
            _blank(node, least, DECIDED)
            _forget_reason(node)
    elif "bound" in node and is_small:
        _blank(node, least)
    for name, item in node.items():
        if isinstance(item, str):
            if name in ("note", "reason", "detail", "description"):
                node[name] = _scrub(item, least, names)
        elif isinstance(item, dict | list):
            _walk(item, (*path, str(name)), least, comparisons, names)
        elif name in _COUNTED and item is not None and not isinstance(item, bool) and as_float(item) < least:
            node[name] = f"<{least}"
    if path[:1] == ("shift",) and any(isinstance(row.get("n"), str) for row in rows(node, "groups")):
        _blank(node.get("worst_group") or {}, least, DECIDED)
    if path[-2:] == ("problem", "columns"):
        node.update({end: None for end in ("low", "high") if end in node})
        if comparisons.rows - as_float(node.get("missing")) < least:
            node["missing"] = WITHHELD
    elif path[-1:] == ("splits",):
        node.update({name: f"<{least}" for name, count in node.items() if as_float(count) < least})
    elif path[-2:] == ("candidates", "metrics"):
        node.update({k: None for k, v in node.items() if not comparisons.may_stay(k, as_float(v), deployed=False)})


def _metric_key(node: Mapping[str, Any], path: tuple[str, ...]) -> str:
    if "target" in node:
        return read_target(str(node["target"])).key
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

    text = _OF_GROUP.sub(of_group, text)
    return _IN_TEXT.sub(lambda match: match[1] if int(match[1]) >= least else f"<{least}", text)


def _tables(node: Any, path: tuple[str, ...]) -> Iterator[_Table]:
    """Yield every table of groups: `groups`, and lists of `{group, n, …}` by attribute."""
    if isinstance(node, list):
        for place, item in enumerate(node):
            yield from _tables(item, (*path, str(place)))
        return
    if not isinstance(node, dict):
        return
    scope = "problem" if path[:1] == ("problem",) else "/".join(path) if path[:1] == ("shift",) else "measured"
    together: list[tuple[Cell, dict[str, Any]]] = []
    for key, item in node.items():
        name = "name" if key == "environments" else "group"
        if not (isinstance(item, list) and item and all(isinstance(r, dict) and {name, "n"} <= r.keys() for r in item)):
            yield from _tables(item, (*path, key))
            continue
        rows = [((_attribute(row) or key, str(row[name])), row) for row in item]
        if "attribute" in item[0]:
            yield _Table(scope, rows)
        else:
            together += rows
        for place, row in enumerate(item):
            yield from _tables(row, (*path, key, str(place)))
    if together:
        yield _Table(scope, together)


def _attribute(row: Mapping[str, Any]) -> str:
    return str(row.get("attribute") or "")


def _positives(row: Mapping[str, Any]) -> int | None:
    """Return how many rows of a group are positive, counted or told by the base rate."""
    if "positives" in row:
        count = as_float(row["positives"])
    else:
        rate = row.get("base_rate")
        count = as_float(rate.get("value") if isinstance(rate, Mapping) else rate) * as_float(row["n"])
    return round(count) if math.isfinite(count) else None


def _rates(rows: Sequence[Any], attribute: str) -> dict[str, list[float]]:
    """Return the rates of an attribute's groups by name, without those that have no value."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if isinstance(row, Mapping) and _attribute(row) == attribute:
            for name, cell in row.items():
                value = as_float(cell.get("value")) if isinstance(cell, Mapping) else math.nan
                if math.isfinite(value):
                    found.setdefault(str(name), []).append(value)
    return found


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _copy(item) for key, item in node.items()}
    return [_copy(item) for item in node] if isinstance(node, list | tuple) else node
