"""What the audit page shows is what the document says: figures, places in the drawings, sentences."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from audit_fixture import (
    CORRUPTIONS,
    DPD,
    make_image_audit,
    make_regression_audit,
    make_table_audit,
    measurement,
    share,
)
from page_reader import PageReader

from efficienttrust.report import NOT_OF_NUMBERS, render_audit
from efficienttrust.report._audit_curve import curve_figure
from efficienttrust.report._audit_metrics import ERRORS, GAPS, GROUPS, STRESS, UTILITY, kind
from efficienttrust.report._audit_read import EpsScale, plain_number


def read(document: dict[str, Any]) -> PageReader:
    return PageReader(render_audit(document))


def cells(page: PageReader) -> list[list[str]]:
    return [[" ".join(cell.replace("\u00a0", " ").split()) for cell in row] for row in page.rows]


def text_of(page: PageReader) -> str:
    return " ".join(page.text.replace("\u00a0", " ").split())


def test_every_metric_stands_in_one_row_with_interval_rows_and_method() -> None:
    document = make_table_audit()
    found = cells(read(document))
    for name, raw in document["metrics"].items():
        rows = [row for row in found if len(row) == 5 and re.match(rf"{re.escape(name)}( |$)", row[0])]
        assert len(rows) == 1, name
        if raw["value"] is None:
            assert rows[0][2] == "not estimated"
            assert "Note: no positive rows in group Other." in rows[0][0]
        else:
            assert rows[0][2] == f"{raw['value']:.3f} {raw['low']:.3f} to {raw['high']:.3f}"
        assert rows[0][3:] == [f"{raw['n']:,}", "Wilson 95%"]


def test_a_target_is_shown_at_its_metric_with_the_side_it_is_on() -> None:
    found = [row[0] for row in cells(read(make_table_audit())) if "target" in row[0]]
    assert len(found) == 2
    assert f"{DPD} target reached: ≤ 0.05" in found[0]
    assert "target not reached: ≥ 0.8" in found[1]


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("accuracy", UTILITY),
        ("average_precision", UTILITY),
        ("r2", UTILITY),
        ("log_loss", ERRORS),
        ("calibration_error", ERRORS),
        ("worst_group_log_loss", ERRORS),
        ("mean_squared_error", ERRORS),
        ("demographic_parity_difference(by=sex)", GAPS),
        ("group_auc_gap", GAPS),
        ("kolmogorov_smirnov_distance", GAPS),
        ("demographic_parity_ratio", GROUPS),
        ("worst_group_accuracy", GROUPS),
        ("robust_accuracy(pgd, eps=0.25, norm=linf)", STRESS),
        ("worst_group_robust_accuracy(pgd, eps=0.25)", STRESS),
        ("mean_corruption_error", STRESS),
        ("relative_mce", STRESS),
        ("ood_auroc(msp)", STRESS),
    ],
)
def test_metrics_are_sorted_by_what_they_are_about(name: str, about: str) -> None:
    assert kind(name) == about


def test_the_heat_map_prints_every_figure_and_is_deeper_where_less_is_left() -> None:
    document = make_image_audit()
    html = render_audit(document)
    heat = html[html.index('<table class="heat-map">') :]
    heat = heat[: heat.index("</table>")]
    drawn = re.findall(r'<td class="heat" style="--tint: (\d+)%" title="[^"]*">(\d\.\d{3})( <span[^>]*>▼)?', heat)
    expected = [row["accuracy"]["value"] for row in document["corruptions"]["rows"]]
    assert [figure for _, figure, _ in drawn] == [f"{value:.3f}" for value in expected]
    by_depth = sorted(zip([int(tint) for tint, _, _ in drawn], expected, strict=True), key=lambda pair: pair[1])
    assert [tint for tint, _ in by_depth] == sorted((tint for tint, _ in by_depth), reverse=True)
    assert [float(figure) for _, figure, mark in drawn if mark] == [pytest.approx(min(expected), abs=5e-4)]
    assert len(re.findall(r'<th scope="row">', heat)) == len(CORRUPTIONS)


def test_a_small_loss_looks_small() -> None:
    document = make_image_audit()
    clean = document["corruptions"]["clean"]["value"]
    for row in document["corruptions"]["rows"]:
        row["accuracy"], row["worst_group"] = share("corruption_accuracy", clean - 0.01, 1000), None
    tints = {int(tint) for tint in re.findall(r'<td class="heat" style="--tint: (\d+)%"', render_audit(document))}
    assert max(tints) <= 5


def test_severities_of_different_scales_get_maps_of_their_own() -> None:
    document = make_table_audit()
    document["corruptions"]["rows"] += [
        {"name": "column_loss", "severity": severity, "accuracy": share("a", 0.7, 900)} for severity in (0.05, 0.5)
    ]
    page = read(document)
    heads = [row for row in cells(page) if row and row[0] == "corruption" and row[1] != "severity"]
    assert [row[1:6] for row in heads] == [
        ["1", "2", "3", "4", "5"],
        ["0.05", "0.5", "worst group, lowest"],
        ["1", "2", "3", "4", "5"],
        ["0.05", "0.5"],
    ]


def test_points_of_the_curve_stand_where_the_numbers_are() -> None:
    document = make_image_audit()
    figure = curve_figure(document)
    assert figure is not None
    overall = figure.panels[0].series[0]  # type: ignore[attr-defined]
    points = document["robustness"]["curve"]
    strongest = max(point["eps"] for point in points)
    for (x, y), (bar, low, high), point in zip(overall.marks, overall.whiskers, points, strict=True):
        accuracy = point["accuracy"]
        assert x == bar == pytest.approx(100 * point["eps"] / strongest, abs=0.01)
        assert [y, low, high] == pytest.approx(
            [100 * (1 - accuracy[key]) for key in ("value", "low", "high")], abs=0.01
        )


def test_the_axis_of_the_curve_names_both_ends_without_overlap() -> None:
    document = make_image_audit()
    document["robustness"]["curve"] = [
        {"eps": eps / 255, "accuracy": share("a", 0.9 / (1 + eps), 500), "by_group": {}, "gap": None}
        for eps in (0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 32)
    ]
    figure = curve_figure(document)
    assert figure is not None
    ticks = figure.panels[0].x_ticks  # type: ignore[attr-defined]
    assert (ticks[0].text, ticks[-1].text) == ("0", "32")
    assert min(b.at - a.at for a, b in pairwise(ticks)) >= 13


def test_strengths_are_in_255ths_for_pixels_only() -> None:
    strengths = [0.0, 8 / 255, 16 / 255]
    assert [EpsScale("pixels in [0, 1]", strengths).text(eps) for eps in strengths] == ["0", "8/255", "16/255"]
    assert EpsScale("training standard deviations", [0.2]).text(0.2) == "0.2"
    assert EpsScale("pixels in [0, 1]", [0.03]).text(0.03) == "0.03"


def test_the_curve_is_also_a_table_by_group() -> None:
    document = make_table_audit()
    found = cells(read(document))
    head = next(row for row in found if row[:3] == ["eps", "rows", "all rows"])
    assert head[3:6] == ["widest gap", "sex: Female", "sex: Male"]
    point = document["robustness"]["curve"][3]
    row = next(row for row in found if row[0] == "0.25" and len(row) == len(head))
    female = point["by_group"]["sex"][0]
    assert row[4] == f"{female['value']:.3f} {female['low']:.3f} to {female['high']:.3f}"


def test_attack_stages_stand_in_their_order() -> None:
    found = cells(read(make_table_audit()))
    start = next(index for index, row in enumerate(found) if row[:2] == ["attack", "rows attacked"])
    assert [row[0] for row in found[start + 1 : start + 5]] == ["clean", "pgd", "apgd_ce", "square"]
    assert found[start + 4] == ["square", "1,452", "30 (2.1 %)", "7,260,000", "0", "41.2 s"]


def test_an_evaluation_that_was_cut_short_is_called_an_upper_bound() -> None:
    document = make_table_audit()
    assert "Upper bound: the evaluation stopped before every attack had run" in text_of(read(document))
    document["robustness"]["complete"] = True
    assert "Upper bound" not in text_of(read(document))


def test_detectors_by_sets_with_their_intervals() -> None:
    document = make_table_audit()
    found = cells(read(document))
    row = next(row for row in found if row[0] == "knn" and len(row) == 3)
    expected = [one["detectors"][3]["auroc"] for one in document["ood"]["sets"]]
    assert row[1:] == [f"{e['value']:.3f} {e['low']:.3f} to {e['high']:.3f}" for e in expected]
    alarms = [row for row in found if row[1:3] == ["knn", "Female"]]
    assert len(alarms) == 2
    assert all(row[4].startswith("0.030 ") for row in alarms)


def test_a_detector_whose_interval_holds_chance_is_said_to_be_no_better() -> None:
    document = make_table_audit()
    for one in document["ood"]["sets"]:
        one["detectors"] = [one["detectors"][0] | {"auroc": measurement("auroc", 0.51, 0.04, 400)}]
    assert "50 would be chance, which its interval does not exclude" in text_of(read(document))


def test_the_largest_drop_is_named_and_tiny_environments_are_left_out() -> None:
    document = make_table_audit()
    document["shift"]["environments"][-1]["drop"]["value"] = 0.4  # 19 rows
    text = text_of(read(document))
    assert "accuracy drops most in 41-60: by 0.064 (0.052 to 0.076), to 0.778" in text
    assert "1 of 5 environments with fewer than 30 rows" in text


def test_times_say_in_words_that_the_machine_was_busy() -> None:
    document = make_table_audit()
    text = text_of(read(document))
    assert "Batches of 1: other work ran on the machine while this was measured" in text
    assert "One row takes 0.0854 ms at the 95th percentile" in text
    for row in document["resources"]["latency"]:
        row["contended"] = False
    assert "other work ran" not in text_of(read(document))


def test_resources_carry_units_and_energy_is_called_an_estimate() -> None:
    text = text_of(read(make_table_audit()))
    for part in ("248 kB", "60,417, of which 45,313 (75 %) are not zero", "120,320 FLOPs", "61 MB", "2.1 µJ (estimate"):
        assert part in text


def test_the_gap_that_is_named_does_not_rest_on_small_groups_or_chance() -> None:
    document = make_table_audit()
    gaps = document["metrics"]
    surest = (
        "The surest gap between groups is equalized_odds_difference, 0.113 (0.074 to 0.152): its interval lies above 0"
    )
    assert surest in text_of(read(document))
    gaps["accuracy_gap"] = gaps["equalized_odds_difference"] | {"value": 0.9, "low": 0.8, "high": 1.0}
    assert "is accuracy_gap, 0.900" in text_of(read(document))
    gaps["accuracy_gap"]["note"] = "fewer than 30 rows in female & 70+"
    assert surest in text_of(read(document))
    gaps["accuracy_gap"]["note"] = "about 0.81 of this is expected by chance with samples of this size"
    assert surest in text_of(read(document))
    for found in gaps.values():
        found["low"] = -0.01
    assert "No gap between groups has an interval above 0 beyond what is expected by chance" in text_of(read(document))


def test_a_certificate_shows_the_bound_that_decides_beside_an_interval_that_crosses_the_target() -> None:
    document = make_table_audit()
    proof = {"bound": 0.0487, "level": 0.95, "method": "exact", "satisfied": True, "certifiable": True, "n": 900}
    document["verdicts"][0] |= {"status": "certified", "qualifier": "", "certificate": proof}
    assert "decided by the one-sided bound ≤ 0.0487 at 95 %" in text_of(read(document))
    document["verdicts"][0] |= {"status": "met", "qualifier": "doubted"}
    text = text_of(read(document))
    assert "decided by" not in text
    assert "Met · doubted" in text
    assert "1 of 2 targets met, 1 of them in doubt" in text


def test_values_outside_the_unit_interval_are_drawn_on_axes_of_their_own() -> None:
    document = make_regression_audit()
    page = read(document)
    text = text_of(page)
    assert "−0.180 −0.290 to −0.070" in text
    assert "On average a prediction is off by 3,241.7 (3,119.7 to 3,363.7) in the units of the label" in text
    for tag, attributes in page.tags:
        if tag == "use" and attributes.get("class") == "deployed":
            assert 0 <= float(attributes["x"].rstrip("%")) <= 100


def test_a_page_about_numbers_does_not_speak_of_decisions() -> None:
    document = make_regression_audit() | {"shift": None, "alarms": []}
    text = text_of(read(document))
    assert "R² −0.180 (−0.290 to −0.070); brackets hold 95 % intervals" in text
    for why in NOT_OF_NUMBERS.values():
        assert f": {why}." in text
    for word in ("base rate", "selection rate", "decides", "Accuracy", "accuracy under", "Rates by group"):
        assert word not in text, word
    document["metrics"]["rmse_gap"] = measurement("rmse_gap", 40.0, 60.0, 800)
    told = text_of(read(document))
    assert "the groups do differ: mean_outcome_gap, 812.00 (572.00 to 1,052.0)." in told
    document["metrics"]["mean_outcome_gap"] |= {"low": 0.0}
    assert "No gap between groups has an interval above 0." in text_of(read(document))


def test_errors_by_environment_rise_where_accuracies_drop() -> None:
    document = make_regression_audit()
    document["shift"] = {
        "column": "site",
        "environments": [
            {"name": name, "n": 300, "trained_on": None, "error": measurement("error", error, 20.0, 300),
             "rise": measurement("rise", rise, 30.0, 600), "worst_group": None, "groups": []}
            for name, error, rise in (("A", 300.0, -100.0), ("B", 400.0, 100.0))
        ],
        "worst": "B",
        "worst_error": measurement("worst_environment_mean_absolute_error", 400.0, 25.0, 600),
        "notes": [],
    }  # fmt: skip
    text = text_of(read(document))
    assert "mean absolute error rises most in B: by 100.00 (70.000 to 130.00), to 400.00 (380.00 to 420.00)" in text
    assert (
        "In 1 of 2 environments the interval of the rise lies above 0, so there mean absolute error is higher" in text
    )
    assert "Highest mean absolute error: 400.00 (375.00 to 425.00) in B" in text


def test_all_rows_are_not_called_test_rows() -> None:
    document = make_table_audit()
    document["data"]["rows"] = "all rows"
    text = text_of(read(document))
    assert "test rows" not in text
    assert "If the model was trained on some of these rows, every figure is better than on new rows" in text


def test_command_seed_environment_and_files() -> None:
    document = make_table_audit()
    page = read(document)
    assert document["command"] in page.text
    assert "Seed 0:" in page.text
    assert ["predictions", "audits/m/predictions.parquet"] in cells(page)
    assert ["versions.torch", "2.9.1"] in cells(page)


@pytest.mark.parametrize(
    ("value", "near", "text"),
    [(214, 0, "214"), (0.0, 0.0, "0"), (0.002, 0.0021, "0.0020"), (float("nan"), 0.1, "not estimated"), (1, 2, "1")],
)
def test_numbers_of_alarms(value: float, near: float, text: str) -> None:
    assert plain_number(value, near) == text
