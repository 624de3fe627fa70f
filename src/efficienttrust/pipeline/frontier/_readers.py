"""What readers of a curve get to see: of clinical data, nothing about fewer than ten people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from efficienttrust.pipeline._document import plain

ENDS = ("value", "low", "high")


def frontier_for_readers(document: Mapping[str, Any], *, show_small_cells: bool = False) -> Mapping[str, Any]:
    """Return the document of a curve as page, table and printed output show it.

    Of clinical data small cells are withheld, see `efficienttrust.report.withhold_points`; all other documents are
    returned as they are.

    Args:
        document: The content of frontier.json.
        show_small_cells: Withhold nothing.
    """
    if show_small_cells or not document["problem"].get("clinical"):
        return document
    from efficienttrust.report import withhold_points

    return with_nan(withhold_points(plain(document)))


def with_nan(document: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the nulls of the values of points into NaN, as they are in a document in memory."""

    def number(value: Any) -> Any:
        return math.nan if value is None else value

    points = [
        {
            **one,
            "calibrate": {key: number(value) for key, value in one["calibrate"].items()},
            "test": {
                key: {name: number(value) if name in ENDS else value for name, value in cell.items()}
                for key, cell in one["test"].items()
            },
        }
        for one in document["points"]
    ]
    return {**document, "points": points}
