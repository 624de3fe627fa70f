"""Comparisons of groups in a document whose small cells are withheld: which of them may still be shown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from efficienttrust.report._format import as_float
from efficienttrust.report._read import part, rows

_COMPARES_GROUPS = re.compile(r"difference|distance|(^|_)(ratio|gap|group)|\bby=")
_BY = re.compile(r"\bby=([^,)]+)")
_NO_RATE = re.compile(r"auc|calibration|log_loss|rmse|mean_outcome|distance")
"""Comparisons of what is no rate: they tell no count of a group whose rows and labels are shown."""
_ROOM = 2
"""How many rows wide the span must be in which a comparison that is shown leaves a rate that is not."""

Row = Mapping[str, Any]
Values = Sequence[float]


def compares_groups(key: str) -> bool:
    """Tell whether a metric's key names a comparison of groups."""
    return bool(_COMPARES_GROUPS.search(key))


def attribute_of(row: Row) -> str:
    """Return the attribute of a row of the table of groups."""
    return str(row.get("attribute") or "")


class Comparisons:
    """Decides whether a metric that compares groups may be shown, by what is left of the table of groups.

    Attributes:
        row_count: Rows of the data.
    """

    def __init__(self, before: Sequence[Row], document: Mapping[str, Any], hidden: bool) -> None:
        """Compare the table of groups `before` with what `document` has left; `hidden`: some group is withheld."""
        self._hidden = hidden
        self.row_count = as_float(part(document, "problem").get("rows"))
        self._pairs: dict[str, list[tuple[Row, Row]]] = {}
        for was, row in zip(before, rows(document, "groups"), strict=True):
            self._pairs.setdefault(attribute_of(row), []).append((was, row))

    def may_stay(self, key: str, value: float, *, deployed: bool = True) -> bool:
        """Tell whether the groups that are shown give the value; `deployed` where it is of the model of the table."""
        if not compares_groups(key):
            return True
        if not self._pairs:
            return not self._hidden
        named = _BY.search(key)
        pairs = self._pairs.get(named[1].strip() if named else list(self._pairs)[-1])
        if pairs is None or all(was == row for was, row in pairs):
            return pairs is not None
        name, _, arguments = key.partition("(")
        if _NO_RATE.search(name):
            return all(was.get(count) == row.get(count) for was, row in pairs for count in ("n", "positives"))
        lowest = (f"{name.removeprefix('worst_group_')}({arguments}",)
        used: tuple[str, ...]
        formula: Callable[..., float] | None
        used, formula = _FORMULAS.get(name, (lowest, _lowest if name.startswith("worst_group") else None))
        shown = [[_value(row, rate) for _, row in pairs if math.isfinite(_value(row, rate))] for rate in used]
        if not deployed:
            return all(_same(pair, rate) for pair in pairs for rate in used) and all(shown)
        if formula is None or not all(shown):
            return False
        ends = [(min(values), 1.0 if formula is _lowest else max(values)) for values in shown]
        roomy = all(
            high > low if isinstance(row.get("n"), str) else (high - low) * as_float(row.get("n")) >= _ROOM
            for (low, high), rate in zip(ends, used, strict=True)
            for was, row in pairs
            if not _same((was, row), rate)
        )
        return roomy and math.isclose(formula(*shown), value, abs_tol=1e-9)


def _value(row: Row, rate: str) -> float:
    return as_float(part(row, rate).get("value"))


def _same(pair: tuple[Row, Row], rate: str) -> bool:
    was, row = (_value(one, rate) for one in pair)
    return was == row or (math.isnan(was) and math.isnan(row))


def _span(values: Values) -> float:
    return max(values) - min(values)


def _lowest(values: Values) -> float:
    return min(values)


def _ratio(values: Values) -> float:
    return min(values) / max(values) if max(values) > 0 else math.nan


_FORMULAS: Mapping[str, tuple[tuple[str, ...], Callable[..., float]]] = {
    "demographic_parity_difference": (("selection_rate",), _span),
    "demographic_parity_ratio": (("selection_rate",), _ratio),
    "equal_opportunity_difference": (("tpr",), _span),
    "equalized_odds_difference": (("tpr", "fpr"), lambda tpr, fpr: (_span(tpr) + _span(fpr)) / 2),
    "equalized_odds_difference_max": (("tpr", "fpr"), lambda tpr, fpr: max(_span(tpr), _span(fpr))),
    "accuracy_gap": (("accuracy",), _span),
    "worst_group_accuracy": (("accuracy",), _lowest),
}
"""Metric -> the rates that it is made of, and how."""
