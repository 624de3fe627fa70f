"""The page of a curve: self-contained, in order, true to the numbers, and whole for every kind of curve."""

from __future__ import annotations

import copy
import math
import re
import shlex
from typing import Any

import numpy as np
import pytest
from page_reader import PageReader

from efficienttrust.report import render_frontier, suggested_command
from efficienttrust.report._frontier_figure import scatter_panels
from efficienttrust.report._frontier_read import read_axes, read_points, unbeaten

DPD, ROBUST = "demographic_parity_difference", "robust_accuracy(pgd, eps=0.25, norm=linf)"


def cell(value: float, half: float = 0.01, n: int = 2000) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": n, "how": "Wilson 95%", "note": ""}


def make_point(index: int, accuracy: float, gap: float, robust: float) -> dict[str, Any]:
    return {
        "name": f"P{index + 1}",
        "model": f"λ_F {index}, q 0.5",
        "setting": {"lambda_fair": float(index), "adversarial_share": 0.5},
        "decision": {"threshold": -0.25, "group_offsets": [0.5, 0.0]},
        "calibrate": {"accuracy": accuracy + 0.002, DPD: gap - 0.004, ROBUST: robust + 0.001},
        "test": {"accuracy": cell(accuracy), DPD: cell(gap), ROBUST: cell(robust)},
        "size_bytes": 231_000,
        "groups": [],
    }


POINTS = [(0.86, 0.17, 0.80), (0.85, 0.08, 0.81), (0.84, 0.09, 0.83), (0.82, 0.03, 0.82)]


def make_document(points: list[tuple[float, float, float]] = POINTS) -> dict[str, Any]:
    listed = [make_point(index, *values) for index, values in enumerate(points)]
    return {
        "frontier_schema": 1,
        "efficienttrust_version": "0.1.0",
        "created": "2026-11-25T15:01:23+00:00",
        "command": "efficienttrust frontier adult --budget 'time=20s cpu'",
        "problem": {
            "name": "adult", "source": "adult", "kind": "table", "task": "binary", "label": "income",
            "positive": ">50K", "negative": "<=50K", "rows": 48842, "sensitive": ["sex"], "clinical": False,
            "splits": {"train": 24421, "calibrate": 7326, "test": 9769}, "columns": [], "groups": [], "notes": [],
        },
        "axes": {"utility": "accuracy", "fairness": f"{DPD} <= 1.0", "robustness": f"{ROBUST} >= 0.0"},
        "spec": {"budget": "time=20s cpu", "policy": "conditional(wide=1, least=1)", "seed": 0},
        "model": {
            "architecture": "mlp", "width_reason": "it fits", "trained": [], "blind": True,
            "group_names": ["Female", "Male"], "settings": [one["setting"] for one in listed],
        },
        "environment": {"python": "3.11", "versions": {"torch": "2"}},
        "fallbacks": [],
        "ledger": {
            "time": {
                "clock": "cpu", "asked": 20.0, "used": 18.0, "overrun": 0.0, "phases": {"train": 13.0, "calibrate": 5.0}
            },
            "clocks": {"wall": 20.0, "cpu": 18.0},
            "outside": {"evaluate": {"wall": 5.0, "cpu": 4.0}},
        },
        "points": listed,
    }  # fmt: skip


def text_of(page: PageReader) -> str:
    return " ".join(page.text.replace("\u00a0", " ").split())


def render(document: dict[str, Any]) -> PageReader:
    page = PageReader(render_frontier(document, "frontiers/adult"))
    assert page.faults == []
    return page


@pytest.fixture(scope="module")
def page() -> PageReader:
    return render(make_document())


def test_nothing_is_loaded_no_script_runs_and_ids_are_unique(page: PageReader) -> None:
    assert not {"script", "link", "img", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    assert "@import" not in page.style
    assert "url(" not in page.style
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link[1:] for tag in ("a", "use") for link in page.values(tag, "href")} <= set(ids)


def test_sections_stand_in_order(page: PageReader) -> None:
    assert page.headings[0][1].replace("\u00a0", " ") == (
        "Accuracy against demographic parity difference and robust accuracy: 4 points inside 20 s cpu"
    )
    words = [text for level, text in page.headings if level == 2]
    assert words == ["Budget: asked and used", "The points", "Deploy one", "Ledger: where the budget went",
                     "How it was made", "Data", "Make it again"]  # fmt: skip


def test_the_finding_names_points_chosen_on_calibrate_with_values_on_test(page: PageReader) -> None:
    (alt,) = [text for text in page.images() if text.startswith("Scatter plot")]
    assert "of 4 points" in alt
    assert f"The highest accuracy is that of P1, 0.860 (0.850 to 0.870), with {DPD} 0.170 (0.160 to 0.180)" in alt
    assert f"the lowest {DPD} is that of P4, 0.030 (0.020 to 0.040), at accuracy 0.820 (0.040 less)" in alt
    assert f"the highest {ROBUST} is that of P3, 0.830 (0.820 to 0.840), at accuracy 0.840 (0.020 less)" in alt
    document = make_document()
    document["points"][1]["test"][DPD] = cell(0.01)  # lucky on test, and not chosen for it
    assert "difference is that of P4" in text_of(render(document))


def test_the_table_holds_every_value_and_setting(page: PageReader) -> None:
    rows = [[" ".join(part.split()) for part in row] for row in page.rows]
    for index, values in enumerate(POINTS):
        readings = [f"{value:.3f} {value - 0.01:.3f} to {value + 0.01:.3f}" for value in values]
        assert [f"P{index + 1}", *readings, f"{index:.3f}", "0.500", "231 kB"] in rows
    assert ["P2", "λ_F 1, q 0.5", "0.852", "0.076", "0.811", "−0.250", "0.500", "0.000"] in rows


def test_every_point_is_drawn_with_its_number_and_words(page: PageReader) -> None:
    uses = [a for tag, a in page.tags if tag == "use" and a.get("class", "").startswith("deployed")]
    assert len(uses) == 2 * len(POINTS) + 2, "two panels, and the legend"
    assert all(0 <= float(a["x"].rstrip("%")) <= 100 and 0 <= float(a["y"].rstrip("%")) <= 100 for a in uses)
    assert page.text.count("P1: accuracy 0.860 (0.850 to 0.870)") == 2


def test_places_follow_the_numbers() -> None:
    document = make_document()
    axes = read_axes(document)
    over_gap, over_robust = scatter_panels(read_points(document, axes), axes)
    for panel, column, better in ((over_gap, 1, "further left is better"), (over_robust, 2, "further right is better")):
        by_x = [point.number for point in sorted(panel.points, key=lambda point: point.x)]
        by_y = [point.number for point in sorted(panel.points, key=lambda point: -point.y)]
        assert by_x == [str(i + 1) for i in sorted(range(4), key=lambda i: POINTS[i][column])]
        assert by_y == [str(i + 1) for i in sorted(range(4), key=lambda i: POINTS[i][0])]
        assert better in panel.across
        for point in panel.points:
            assert point.x_ends[0] < point.x < point.x_ends[1]
            assert point.y_ends[0] > point.y > point.y_ends[1]
    assert [point.number for point in over_gap.points if point.on_curve] == ["1", "2", "4"]
    assert [point.number for point in over_robust.points if point.on_curve] == ["1", "2", "3"]


def test_unbeaten_points_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (40, 3)) / 10
    document = make_document([tuple(map(float, row)) for row in values])
    for one, row in zip(document["points"], values, strict=True):
        one["calibrate"] = dict(zip(("accuracy", DPD, ROBUST), map(float, row), strict=True))
    axes = read_axes(document)
    better = values * [1, -1, 1]
    for chosen in ((0, 1), (0, 2), (0, 1, 2)):
        part = better[:, chosen]
        expected = [
            i for i in range(40) if not any((part[j] >= part[i]).all() and (part[j] > part[i]).any() for j in range(40))
        ]
        assert unbeaten(read_points(document, axes), axes, chosen) == expected


def test_the_commands_are_exact(page: PageReader) -> None:
    document = make_document()
    name, command = suggested_command(document, "my curves/f")
    assert name == "P3"
    words = shlex.split(command)
    assert words[:4] == ["efficienttrust", "fit", "--from", "my curves/f"]
    assert words[4:] == ["--target", f"{DPD} <= 0.09", "--target", f"{ROBUST} >= 0.83"]
    text = text_of(page)
    assert "efficienttrust fit --from frontiers/adult" in text
    assert document["command"] in text


def test_how_it_was_made_says_what_intervals_do_not(page: PageReader) -> None:
    text = text_of(page)
    assert "One network (mlp) was trained for all settings" in text
    assert "sought on the calibrate split" in text
    assert "An interval is for one point that is named beforehand" in text
    assert "nothing on this page is certified" in text
    assert not re.search(r"\b(fair|unbiased|safe) model", text)


def test_one_axis_alone() -> None:
    document = make_document()
    document["axes"]["fairness"] = None
    for one in document["points"]:
        del one["test"][DPD], one["calibrate"][DPD]
    found = render(document)
    assert found.headings[0][1].startswith("Accuracy against robust accuracy: 4")
    assert DPD not in found.text
    assert suggested_command(document, "f")[1].count("--target") == 1


def test_another_axis_where_higher_is_better() -> None:
    document = make_document()
    key = "demographic_parity_ratio"
    document["axes"]["fairness"] = f"{key} >= 0.0"
    for one in document["points"]:
        for part in ("test", "calibrate"):
            one[part][key] = one[part].pop(DPD)
    assert f"{key}, further right is better" in text_of(render(document))
    assert f"{key} >= 0.085" in suggested_command(document, "f")[1]


def test_radii_of_images_are_told_in_levels() -> None:
    document = make_document()
    key = f"robust_accuracy(pgd, eps={4 / 255:.6g}, norm=linf)"
    document["problem"]["kind"] = "image"
    document["axes"] = {"utility": "accuracy", "fairness": None, "robustness": f"{key} >= 0.0"}
    for one in document["points"]:
        for part in ("test", "calibrate"):
            one[part] = {"accuracy": one[part]["accuracy"], key: one[part][ROBUST]}
    assert "robust_accuracy(pgd, eps=4/255, norm=linf)" in text_of(render(document))


def test_a_policy_without_settings_deploys_nothing() -> None:
    document = make_document()
    document["spec"]["policy"], document["model"]["settings"] = "plan", []
    for one in document["points"]:
        one["setting"] = None
    text = text_of(render(document))
    assert suggested_command(document, "f") is None
    assert "made by policy plan, which leaves no network of all settings" in text
    assert "λ_F 0" in text, "the models keep their names"
    assert "decision rules of the candidates of one training" in text


def test_values_that_are_not_known_are_said_so_and_not_drawn() -> None:
    document = make_document()
    unknown = {"value": math.nan, "low": math.nan, "high": math.nan, "n": 0, "how": "", "note": "no such group"}
    document["points"][1]["test"][DPD] = unknown
    document["points"][1]["calibrate"] = dict.fromkeys(document["points"][1]["calibrate"])
    found = render(document)
    text = text_of(found)
    assert "not estimable" in text
    assert "no such group" in text
    assert "not drawn over it: P2." in text
    axes = read_axes(document)
    assert len(scatter_panels(read_points(document, axes), axes)[0].points) == 3
    assert "nan" not in text.lower().split()


def test_one_point_and_no_point_are_said_so() -> None:
    one = render(make_document(POINTS[:1]))
    assert "1 point inside" in one.headings[0][1].replace("\u00a0", " ")
    assert "There is one point, so nothing is traded" in text_of(one)
    assert "named beforehand" not in text_of(one)
    none = render(make_document([]))
    assert none.headings[0][1].replace("\u00a0", " ") == "No point was found inside 20 s cpu"
    assert "nothing to pick from" in text_of(none)
    assert suggested_command(make_document([]), "f") is None


def test_withheld_figures_of_clinical_data_stay_withheld() -> None:
    document = make_document()
    document["problem"]["clinical"] = True
    for one in document["points"]:
        gone = {"value": None, "low": None, "high": None, "n": 900, "how": "", "note": "withheld: too few"}
        one["test"][DPD], one["calibrate"] = gone, dict.fromkeys(one["calibrate"])
    text = text_of(render(document))
    assert "withheld" in text
    assert not re.search(r"0\.17\d|0\.076", text)


def test_a_document_of_nulls_and_one_that_lacks_almost_everything_render() -> None:
    document = copy.deepcopy(make_document())
    for one in document["points"]:
        for part in one["test"].values():
            part.update(value=None, low=None, high=None)
        one["decision"], one["size_bytes"] = None, None
    assert "not estimable" in text_of(render(document))
    assert render({"problem": {"name": "loans"}}).headings[0][1].startswith("No point")
