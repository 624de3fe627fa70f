"""Small cells of a compression: of clinical data, its comparison tells of no fewer than ten people.

A table of the comparison stands whole or not at all, which is stricter than `suppress_small_cells` and leaves nothing
to compute from what is left: with a row about fewer than ten people the table goes; with a count of 1 to 9 behind a
rate (errors before or after, or flips), or of that many others, those rates go in all its rows. Rows of no known group
count as a row, being all less those shown. What goes from a coarse table goes from all finer ones. Rows themselves are
never listed, and what the report withholds by group or over all rows is withheld here too. A change in error is shown
where the errors before and after are: the difference of two counts of many rows counts nobody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.report._comparisons import attribute_of, compares_groups
from efficienttrust.report._decision_cells import is_few
from efficienttrust.report._format import as_float
from efficienttrust.report._read import WITHHELD, Document, part, rows
from efficienttrust.report._small_cells import LEAST, is_withheld

ERRORS = ("error_before", "error_after", "error_change")
FLIPS = ("flips", "right_to_wrong", "wrong_to_right")
_TELLS_DECISIONS = ("balanced_accuracy", "f1", "f1_macro", "mcc")
_ONE_IN_20 = 20  # so many rows have one in the lowest and the highest 5 %
_FEW_ROWS = re.compile(r"(?<![\d,.])[1-9] (?=rows?\b)")


@dataclass(frozen=True)
class _Rules:
    """What is too little to be told.

    Attributes:
        least: Smallest count that is shown.
        counted: Whether errors are counts of rows, as those of decisions are.
    """

    least: int
    counted: bool

    def small(self, table: Sequence[Document], total: float) -> bool:
        """Tell whether a row is of fewer than the least, or are those that are in none."""
        counts = [as_float(row.get("n")) for row in table]
        return any(n < self.least for n in counts) or (bool(table) and 0 < total - sum(counts) < self.least)

    def few(self, row: Document, names: Sequence[str]) -> bool:
        """Tell whether a rate is of a count of 1 to 9, or of that many others."""
        return self.counted and any(self.rate_few(part(row, name)) for name in names if name != "error_change")

    def rate_few(self, rate: Document) -> bool:
        """Tell whether one rate is of such a count."""
        return is_few(rate.get("value"), rate.get("n"), self.least)

    def table_few(self, table: Sequence[Document], whole: Document, names: Sequence[str]) -> bool:
        """Tell whether a rate of a row, or of the rows that are in none, is of such a count."""
        if any(self.few(row, names) for row in table):
            return True
        left = [_hits(whole, name) - sum(_hits(row, name) for row in table) for name in names if name != "error_change"]
        return self.counted and any(0 < round(hits) < self.least for hits in left if math.isfinite(hits))


def withhold_harm(compression: Document, shown: Document, least: int = LEAST) -> dict[str, Any]:
    """Return `document["compression"]` of clinical data as readers may see it; what is given is not changed.

    Args:
        compression: The entry as it was measured.
        shown: The document without it, small cells suppressed already.
        least: Smallest count that is shown.

    Returns:
        The same layout; a table that is withheld is empty, with a truth value `withheld` beside it where it is of a
        partition, and a figure that is withheld is None with a note.
    """
    found: dict[str, Any] = _copy(compression)
    _withhold_metrics(found, shown)
    harm, bound = found.get("harm"), found.get("flip_bound")
    if not harm:
        if bound and not bound.get("reason"):
            found["flip_bound"] = {"reason": f"{WITHHELD}, as there is no comparison beside it", "kind": None}
        return found
    rules = _Rules(least, harm.get("task") != "regression")
    gone = {family: _overall_gone(harm, shown, family, rules) for family in (ERRORS, FLIPS)}
    for family in (family for family in gone if gone[family]):
        _blank_family([harm["overall"]], family)
    _withhold_classes(harm, gone, rules)
    lost = _withhold_partitions(harm, gone, _attributes_withheld(shown), rules)
    _withhold_tail(harm, lost, gone[ERRORS], rules)
    _withhold_exemplars(harm["exemplars"], gone, rules)
    _withhold_rest(harm, lost, gone, rules)
    if bound and not bound.get("reason"):
        _withhold_bound(bound, lost, gone, rules)
    return found


def _withhold_metrics(found: dict[str, Any], shown: Document) -> None:
    """Withhold what the report withholds, and of the former run what with others tells a few decisions or groups."""
    deployed = part(shown, "metrics")
    for arm in ("before", "after"):
        for key, raw in part(part(found, arm), "metrics").items():
            told = arm == "before" and (compares_groups(key) or key in _TELLS_DECISIONS)
            if isinstance(raw, dict) and (told or is_withheld(part(deployed, key))):
                _blank(raw)


def _overall_gone(harm: Document, shown: Document, family: Sequence[str], rules: _Rules) -> bool:
    overall = part(harm, "overall")
    if as_float(overall.get("n")) < rules.least or rules.few(overall, family):
        return True
    return family is ERRORS and is_withheld(part(part(shown, "metrics"), "accuracy"))


def _withhold_classes(harm: dict[str, Any], gone: Mapping[Any, bool], rules: _Rules) -> None:
    """Withhold the table of classes where it is small; then cells of groups and classes are small as well."""
    if rules.small(harm["classes"], as_float(harm["n"])):
        harm["classes"] = []
    for family in gone:
        if gone[family] or rules.table_few(harm["classes"], part(harm, "overall"), family):
            _blank_family(harm["classes"], family)


def _withhold_partitions(
    harm: dict[str, Any], gone: Mapping[Any, bool], attributes: set[str], rules: _Rules
) -> dict[str, set[Any]]:
    """Withhold tables by group; return by partition what went: families of rates, and "size" for all of it."""
    lost: dict[str, set[Any]] = {}
    for partition in sorted(harm["partitions"], key=lambda one: one["by"] == ""):  # all together is the finest
        by, groups, cells = partition["by"], partition["groups"], partition["cells"]
        joint = by == ""
        inherited = set().union(*lost.values()) if joint else set()
        asked = bool(attributes) if joint else by in attributes
        if asked or "size" in inherited or rules.small(groups, as_float(harm["n"])):
            partition.update(groups=[], cells=[], unknown=None, withheld=True)
            lost[by] = {"size", *gone}
            continue
        families = {f for f in gone if gone[f] or f in inherited or rules.table_few(groups, harm["overall"], f)}
        lost[by] = families
        for family in families:
            _blank_family(groups, family)
        known = sum(as_float(row["n"]) for row in groups)
        if families or "cells" in inherited or rules.small(cells, known) or any(
            rules.few(row, family) for row in cells for family in gone
        ):  # fmt: skip
            partition.update(cells=[], withheld=True)
            lost[by] = {*families, "cells"}
    return lost


def _withhold_tail(harm: dict[str, Any], lost: Mapping[str, set[Any]], gone: bool, rules: _Rules) -> None:
    tail = harm["tail"]
    cells = tail["cells"]
    small = any(as_float(row[key]) < rules.least for row in cells for key in ("n", "train_rows"))
    few = any(rules.few(row, ERRORS) for row in cells)
    if gone or small or few or as_float(tail["count"]) > len(cells) or any(lost.values()):
        note = f"{WITHHELD}: a cell is of too few people"
        tail.update(cells=[], count=None, correlation=None, p=None, cells_correlated=None, note=note)


def _withhold_exemplars(exemplars: dict[str, Any], gone: Mapping[Any, bool], rules: _Rules) -> None:
    exemplars["rows"] = []
    n = as_float(exemplars["n"])
    share = exemplars.get("share") or {}
    if gone[FLIPS] or 0 < n < rules.least or rules.rate_few(share):
        exemplars["n"] = f"<{rules.least}" if 0 < n < rules.least else WITHHELD
        for name in ("share", "churn", *ERRORS):
            _blank(exemplars.get(name))
        return
    churn = exemplars.get("churn") or {}
    if rules.rate_few(churn):
        _blank(churn)
    if gone[ERRORS] or rules.few(exemplars, ERRORS):
        _blank_family([exemplars], ERRORS)


def _withhold_rest(harm: dict[str, Any], lost: Mapping[str, set[Any]], gone: Mapping[Any, bool], rules: _Rules) -> None:
    """Withhold what is told beside the tables: the group hurt most, tests, margins, calibration, notes."""
    worst = harm.get("hurt_most")
    if worst and ERRORS in lost.get(worst["by"], {ERRORS}):
        harm["hurt_most"] = {WITHHELD: True}
    for row in harm["evenness"]:
        if FLIPS in lost.get(row["by"], {FLIPS}):
            row.update(p=None, adjusted=None, n=WITHHELD, note=WITHHELD)

    def stays(row: Mapping[str, Any], families: Sequence[Any]) -> bool:
        if not row["group"]:
            return as_float(row["n"]) >= rules.least
        return not lost.get(row["by"], {"size"}) & {"size", *families}

    margins = harm.get("margins")
    if margins:
        margins["rows"] = [
            row for row in margins["rows"] if stays(row, ()) and as_float(row["n"]) >= _ONE_IN_20 * rules.least
        ]
        near, far = margins["near_flips"], margins["far_flips"]
        if gone[FLIPS] or any(rules.rate_few(one) or as_float(one["n"]) < rules.least for one in (near, far)):
            for one in (near, far, margins["foretold"]):
                _blank(one)
        if as_float(harm["n"]) < 10 * rules.least:
            margins["near_cut"] = None
    harm["calibration"] = [row for row in harm["calibration"] if stays(row, (ERRORS,))]
    harm["notes"] = [_FEW_ROWS.sub(f"<{rules.least} ", str(note)) for note in harm["notes"]]


def _withhold_bound(
    bound: dict[str, Any], lost: Mapping[str, set[Any]], gone: Mapping[Any, bool], rules: _Rules
) -> None:
    """Withhold shares of few rows of the bound; groups stand where all of them may, gaps of the former run never."""
    shares = ("undecided", "observed")
    bound.update(gaps=[], largest_reach=None)
    for key in shares:
        if gone[FLIPS] or is_few(bound.get(key), bound.get("n"), rules.least):
            bound[key] = None
    listed = rows(bound, "groups")
    few = {row["by"] for row in listed if any(is_few(row.get(key), row.get("n"), rules.least) for key in shares)}
    if few or any(lost.values()) or any(bound[key] is None for key in shares):
        bound["groups"] = []


def _attributes_withheld(shown: Document) -> set[str]:
    """Return the attributes of which the report withholds a figure; those of intersections are named `a & b`."""
    listed = [*rows(shown, "groups"), *rows(part(shown, "problem"), "groups")]
    return {attribute_of(row) for row in listed if is_withheld(row)}


def _hits(row: Mapping[str, Any], name: str) -> float:
    one = part(row, name)
    n = as_float(one.get("n"))
    return 0.0 if n == 0 else as_float(one.get("value")) * n


def _blank_family(table: Sequence[dict[str, Any]], family: Sequence[str]) -> None:
    for row in table:
        for name in family:
            _blank(row.get(name))


def _blank(estimate: dict[str, Any] | None) -> None:
    if estimate:
        estimate.update(value=None, low=None, high=None, note=f"{WITHHELD}: a count of few people is behind it")


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _copy(item) for key, item in node.items()}
    return [_copy(item) for item in node] if isinstance(node, list | tuple) else node
