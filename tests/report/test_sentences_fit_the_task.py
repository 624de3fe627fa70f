"""What a page says of groups, of a model and of its times fits the task and the figures beside it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from page_reader import PageReader
from report_fixture import make_document, make_history, rate

from efficienttrust.report import model_card, render_report
from efficienttrust.report._bars import budget_bars
from efficienttrust.report._format import in_levels
from efficienttrust.report._groups import group_figure, read_groups
from efficienttrust.report._sentences import does, intended_use


def finding(*rows: dict[str, Any], image: bool = False) -> str:
    document = {
        "groups": [{"attribute": "sex", "group": group, "n": 300} | row for group, row in zip("AB", rows, strict=True)]
    }
    figure = group_figure(read_groups(document), image=image)
    assert figure is not None
    return figure.finding


def test_rates_that_are_alike_do_not_differ_most():
    same = {"selection_rate": rate(0.4, 300), "tpr": rate(1.0, 100), "fpr": rate(0.0, 200)}
    told = finding(same, same)
    assert "differs most" not in told
    assert "Of the model's other rates, none differs between the groups." in told


def test_one_figure_of_the_model_begins_its_sentence():
    assert finding({"accuracy": rate(0.9, 300)}, {"accuracy": rate(0.8, 300)}) == (
        "The model's accuracy runs from 0.800 (B) to 0.900 (A)."
    )


def test_the_mean_label_is_a_fact_of_the_data():
    def row(label: float, predicted: float, error: float) -> dict[str, Any]:
        cells = {"mean_label": label, "mean_prediction": predicted, "rmse": error}
        return {name: {"value": value, "low": value, "high": value, "n": 300} for name, value in cells.items()}

    assert finding(row(10, 11, 2), row(90, 14, 3)) == (
        "In the data the mean label runs from 10.000 (A) to 90.000 (B). "
        "Of the model's figures, mean prediction differs most: 11.000 (A) to 14.000 (B)."
    )


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("robust_accuracy(standard, eps=0.0156863, norm=linf)", "robust_accuracy(standard, eps=4/255, norm=linf)"),
        ("robust_accuracy(pgd, eps=0.25)", "robust_accuracy(pgd, eps=0.25)"),
        ("robust_accuracy(pgd, eps=1e-05)", "robust_accuracy(pgd, eps=1e-05)"),
    ],
)
def test_radii_of_images_are_levels(key, told):
    assert in_levels(key) == told
    shown = finding({key: rate(0.9, 300)}, {key: rate(0.8, 300)}, image=True)
    assert told in shown
    assert key in finding({key: rate(0.9, 300)}, {key: rate(0.8, 300)})


@pytest.mark.parametrize(("task", "kind"), [("regression", "table"), ("multiclass", "table"), ("binary", "image")])
def test_no_rule_adjusts_by_group_where_there_is_none(task, kind):
    document = make_document()
    assert "adjusts by group" in " ".join(intended_use(document))
    document["problem"] |= {"task": task, "kind": kind, "classes": ["a", "b", "c"]}
    said = " ".join(intended_use(document))
    assert "adjusts by group" not in said
    assert "does not read" in said
    assert "adjusts by group" not in model_card(document)


def test_a_finding_is_not_decided_to_be_itself():
    assert does({"label": "Edema", "positive": "Edema"}) == "decides whether a row has “Edema”"
    assert does({"label": "Edema", "positive": "Edema", "kind": "image"}) == "decides whether an image shows “Edema”"
    assert does({"label": "income", "positive": ">50K"}) == "decides whether income is “>50K”"


@pytest.mark.parametrize("busy", [True, False])
def test_times_name_their_clock_and_say_when_the_machine_was_busy(busy):
    document = make_document()
    document["ledger"]["latency"] = {"asked": None, "used": 0.05, "overrun": 0.0, "contended": busy}
    document["ledger"]["throughput"] = {"asked": None, "used": 4000.0, "overrun": 0.0}
    told = {bar.label: bar.sentence for bar in budget_bars(document)}
    latency = told[f"latency, p95 of one row, {'cpu' if busy else 'wall'} clock"]
    throughput = told["throughput, wall clock"]
    assert ("busy" in latency) == ("busy" in throughput) == busy
    page = PageReader(render_report(document, make_history(), pd.DataFrame()))
    assert ("busy" in re.sub(r"\s+", " ", page.text)) == busy
