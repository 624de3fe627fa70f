"""The limit on trade-off plots: drawn where it lies, its distance told, and absent where there is none."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from page_reader import PageReader
from report_fixture import DPD, make_decisions, make_document, make_history
from test_frontier_page import make_document as make_curve

from efficienttrust.report import render_frontier, render_report
from efficienttrust.report._limit import LimitCurve, draw_limit, read_limit
from efficienttrust.report._read import Estimate
from efficienttrust.report._scale import Scale

HISTORY = make_history()
LIMIT: dict[str, Any] = {
    "metric": DPD, "utility_metric": "accuracy", "gap": [0.0, 0.1, 0.2], "utility": [0.85, 0.86, 0.87],
    "low": [0.845, 0.855, 0.865], "high": [0.855, 0.865, 0.875], "kind": "estimate", "how": "Estimated from trees.",
}  # fmt: skip


def curve() -> LimitCurve:
    found = read_limit({"limit": LIMIT})
    assert found is not None
    return found


def test_between_the_gaps_the_limit_is_a_line_and_beyond_them_it_stays():
    assert curve().at(0.05).value == pytest.approx(0.855)
    assert curve().at(0.9).value == 0.87
    assert not curve().at(math.nan).known


def test_the_distance_joins_both_intervals():
    found = curve().distance(Estimate(0.84, 0.83, 0.85), 0.1)
    assert found.value == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((0.02 - math.hypot(0.005, 0.01), 0.02 + math.hypot(0.005, 0.01)))
    assert curve().distance(Estimate(0.9), 0.1).value < 0  # a better model may beat an estimate


def test_it_is_drawn_where_it_lies():
    drawn = draw_limit(curve(), Scale(0.0, 0.2, 0.05), Scale(0.8, 0.9, 0.05))
    places = [tuple(map(float, place.split(","))) for place in drawn.line.split()]
    assert places[0] == (0.0, 50.0)
    assert places[-1] == (100.0, 30.0)
    assert len(drawn.band.split()) == 2 * len(places)


@pytest.mark.parametrize(
    "said", [None, {}, {"why_not": "x"}, {**LIMIT, "low": [0.1]}, {**LIMIT, "gap": [0.1], "utility": [0.2]}]
)
def test_what_is_no_limit_is_none(said):
    assert read_limit({"limit": said}) is None


def test_a_curve_shows_the_limit_over_its_own_axis_alone():
    html = render_frontier({**make_curve(), "limit": LIMIT}, "f")
    assert html.count('class="limit-band"') == 1
    assert "Distance to the limit" in html
    assert PageReader(html).faults == []
    assert 'class="limit-band"' not in render_frontier(make_curve(), "f")


def test_a_run_tells_what_stood_against_its_targets_and_how_far_it_is_from_the_limit():
    said = [
        {"target": "accuracy >= 0.9", "verdict": "impossible", "result": "T2", "sentence": "base rates <differ>"},
        {"target": f"{DPD} <= 0.05", "verdict": "open", "result": None, "sentence": "nothing that was asked limits it"},
    ]
    html = render_report({**make_document(), "limits": said, "limit": LIMIT}, HISTORY, make_decisions(HISTORY))
    page = PageReader(html)
    assert page.faults == []
    assert "base rates &lt;differ&gt;" in html
    assert "nothing that was asked" not in html
    assert re.search(r"is estimated to be attainable there", " ".join(page.text.split()))
    assert html.count('class="limit-band"') == 1


def test_a_run_without_a_limit_has_no_section():
    html = render_report(make_document(), HISTORY, make_decisions(HISTORY))
    assert 'id="limit"' not in html
    assert "#limit" not in html
