"""Report and card say how the delivered candidate was chosen, at which level, and what that rests on."""

from __future__ import annotations

from page_reader import PageReader
from report_fixture import make_decisions, make_document, make_history

from efficienttrust.report import model_card, render_report
from efficienttrust.report._selection import selection_lines

JOINT = {
    "guarantee": "joint",
    "level": 0.975,
    "level_of_the_sequence": 0.975,
    "preferred": "last",
    "chosen": "step <2>",
    "ended": "stopped at the first failure, test 2",
    "tested": [{"name": "step <2>", "valid": True}, {"name": "last", "valid": False}],
    "assumptions": ["All claims of the run together are false with a chance of at most 5%."],
}


def lines(**changed) -> list[str]:
    return selection_lines(make_document() | {"selection": JOINT | changed})


def test_a_sequence_is_told_test_by_test():
    told, delivered, assumption = lines()
    assert "“step <2>” passed, “last” failed (97.5 %; stopped at the first failure, test 2)" in told
    assert delivered.startswith("“step <2>” is delivered")
    assert assumption == JOINT["assumptions"][0]


def test_a_sequence_that_proved_nothing_says_at_which_level_targets_are_certified_then():
    failed = lines(guarantee="fallback", level=0.9875, chosen="last", tested=[{"name": "step <2>", "valid": False}])
    assert failed[1] == (
        "None passed: “last” is delivered, which the calibrate split alone prefers; each target has a certificate of "
        "its own, at 98.75 %."
    )
    assert "no level is left" in lines(guarantee="fallback", level=1.0)[1]


def test_without_a_sequence_the_reason_is_given():
    told = lines(guarantee="individual", tested=[], chosen="last", ended="the budget did not afford two tests")
    assert told[0] == "“last” was chosen on the calibrate split alone: the budget did not afford two tests."
    assert told[1] == "Each target has a certificate of its own, at 97.5 %."


def test_a_run_without_a_record_says_nothing():
    assert selection_lines(make_document()) == selection_lines({"selection": None}) == []


def test_odd_records_are_no_error():
    assert selection_lines({"selection": {"tested": [{}], "level": "x"}})
    assert selection_lines({"selection": {"tested": "x", "ended": None, "assumptions": None, "chosen": 3}})


def test_page_and_card_show_it_escaped():
    document, history = make_document() | {"selection": JOINT}, make_history()
    html = render_report(document, history, make_decisions(history))
    assert PageReader(html).faults == []
    assert "How the model was chosen" in html
    assert "“step &lt;2&gt;” is delivered" in html
    assert "“step &lt;2&gt;” is delivered" in model_card(document)
