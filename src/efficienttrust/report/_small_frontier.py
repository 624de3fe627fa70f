"""Small cells of a curve: every point by the rules of a run, as each is a model measured on the same people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.report._comparisons import compares_groups
from efficienttrust.report._read import WITHHELD, part, rows
from efficienttrust.report._small_cells import LEAST, suppress_small_cells

UNCOUNTED = f"{WITHHELD}: how many rows of each group were right under attack is not on record"


def withhold_points(document: Mapping[str, Any], least: int = LEAST) -> dict[str, Any]:
    """Return the document of a curve without small cells; the one that is given is not changed.

    A point's values on test are withheld as those of a run are, which goes by its rates by group (`groups`). Values on
    the calibrate split are gone altogether, and the limit: how many rows are behind each is not on record.

    Args:
        document: The content of `frontier.json`, as plain values.
        least: Smallest count that is shown.
    """
    found = suppress_small_cells({**document, "points": []}, least)
    found.pop("limit", None)
    found["points"] = [_withhold_point(one, document["problem"], least) for one in document["points"]]
    return found


def _withhold_point(point: Mapping[str, Any], problem: Mapping[str, Any], least: int) -> dict[str, Any]:
    judged = suppress_small_cells(
        {"problem": problem, "metrics": point["test"], "groups": point.get("groups") or []}, least
    )
    test = {
        key: _uncounted(cell) if _unjudged(key, point) and cell.get("value") is not None else cell
        for key, cell in judged["metrics"].items()
    }
    return {
        **point,
        "test": test,
        "groups": judged["groups"],
        "calibrate": dict.fromkeys(part(point, "calibrate")),
    }


def _unjudged(key: str, point: Mapping[str, Any]) -> bool:
    """Tell whether a metric compares groups by something that the point's rates by group do not hold."""
    if not compares_groups(key):
        return False
    table = rows(point, "groups")
    return not table or ("robust" in key and not any("robust" in name for row in table for name in row))


def _uncounted(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {**cell, "value": None, "low": None, "high": None, "note": UNCOUNTED}
