"""The proof of ATATS: targets by its rule, parts that are really taken out, and a page that is what the rows say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from efficienttrust.atats import Plan, policies
from efficienttrust.atats.catalogue import rl
from efficienttrust.atats.learning import reading_of
from efficienttrust.atats.learning._residual import READS
from efficienttrust.evaluation.targets import parse_target
from tests.atats.runs import constraint, state_of

BENCHMARKS = Path(__file__).resolve().parent.parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """Let the scripts be imported, and nothing else see them."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in [name for name in sys.modules if name == "atats" or name.startswith("_atats_")]:
        del sys.modules[name]


def plan_of(adversarial_start=0.5):
    return Plan(
        start=0.0, end=1.0, reserve=0.0, interval=0.25, adversarial_start=adversarial_start, start_share=0.5,
        start_lambda=0.25, attack="n_fgsm", fairness_slack=1.0, decisions=3, fallbacks={},
    )  # fmt: skip


def state_at(progress, action=None):
    """Return a state in which both targets are missed."""
    return state_of(constraint("fairness", 0.1), constraint("robustness", 0.1), progress=progress, action=action)


def test_ruled_targets_halve_both_defects():
    from _atats_cases import CASES, ruled_targets

    found = {"accuracy": 0.8, "dpd": 0.1, "robust_accuracy(pgd, eps=0.25)": 0.5}
    assert ruled_targets("diabetes130 ever", found) == ("dpd <= 0.050", "robust_accuracy(pgd, eps=0.25) >= 0.650")
    for case in CASES:
        assert ("ruled" in CASES[case]) != ("targets" in CASES[case]), case


def test_targets_on_record_are_those_of_the_rule():
    from _atats_cases import CASES, targets_of
    from atats import done_rows

    rows = done_rows()
    run = {row["case"] for row in rows if row["kind"] == "run" and "verdicts" in row}
    for case in run & {case for case in CASES if "ruled" in CASES[case]}:
        wanted = {parse_target(text).text for text in targets_of(case, rows)}
        said = {
            text for row in rows if row["kind"] == "run" and row["case"] == case for text in row.get("verdicts", ())
        }
        assert said == wanted, case


@pytest.mark.parametrize(("part", "dial", "usual", "changed"), [
    ("lambda_fair", "lambda_fair", 0.25, 0.0),
    ("interval", "next_monitor_in", 0.25, 0.05),
    ("on reweighing", "reweighing", 0.0, 1.0),
    ("on debias", "debias", 0.0, 1.0),
    ("on pgd", "attack", "n_fgsm", "pgd"),
    ("on sparsity", "sparsity", 0.0, 0.5),
    ("start", "adversarial_share", 0.0, 0.5),
])  # fmt: skip
def test_a_dial_is_changed_for_the_body_alone(part, dial, usual, changed):
    from _atats_ablations import ablated

    with ablated(part):
        assert getattr(policies.get("plan")().reset(plan_of()), dial) == changed
    assert getattr(policies.get("plan")().reset(plan_of()), dial) == usual


@pytest.mark.parametrize(("dial", "start"), [("lambda_fair", 0.25), ("adversarial_share", 0.5)])
def test_a_held_dial_stays_where_the_plan_put_it(dial, start):
    from _atats_ablations import ablated

    def end(part):
        with ablated(part):
            policy = policies.get("plan")()
            action = policy.reset(plan_of(adversarial_start=0.0))
            for progress in (0.25, 0.5, 0.75):
                action = policy.act(state_at(progress, action))
        return getattr(action, dial)

    assert end(f"held {dial}") == start
    assert end("") != start, "it would have moved"


@pytest.mark.parametrize("name", READS)
def test_the_learned_policy_reads_a_hidden_field_as_the_middle(name):
    from _atats_ablations import ablated

    network, place = rl.Learned()._network, READS.index(name)
    before = reading_of(state_at(0.3))
    with ablated(f"rl {name}"):
        found = rl.reading_of(state_at(0.3))
    assert found[place] == pytest.approx((network.low[place] + network.high[place]) / 2)
    assert [a for index, a in enumerate(found) if index != place] == [
        a for index, a in enumerate(before) if index != place
    ]


def test_every_ablation_is_known():
    from _atats_ablations import PARTS, ablated, finer

    for change in (*PARTS.values(), *finer().values()):
        with ablated(change.get("ablate", "")):
            pass
    with pytest.raises(ValueError, match="no part"), ablated("engine"):
        pass


def row(method, score, **more):
    usual = {"kind": "ablation", "case": "adult", "share": 0.3, "seed": 0, "code": "a", "hit": True, "violation": 0.0}
    return {**usual, "method": method, "utility": score, **more}


def test_ablations_are_paired_within_one_state_of_the_code():
    from _atats_ablation_tables import ablation_tables

    rows = [row("plan", 0.8), row("without guard", 0.7), row("without guard", 0.1, code="b"), row("plan", 0.9, seed=1)]
    said = "\n".join(ablation_tables(rows, lambda one: one["utility"]))
    assert "| guard | 1 | -0.1000 |" in said


def test_a_row_of_the_same_budget_by_other_code_is_another_row():
    from atats import _key

    one = {"kind": "again", "case": "adult", "method": "plan", "share": 0.1, "seed": 0}
    assert _key({**one, "code": "a"}) != _key({**one, "code": "b"})
    assert _key({**one, "kind": "run", "code": "a"}) == _key({**one, "kind": "run", "code": "b"})


def test_the_page_is_what_the_rows_say(monkeypatch, tmp_path):
    import _atats_page
    from atats import done_rows

    monkeypatch.setattr(_atats_page, "PAGE", tmp_path / "page.md")
    rows = done_rows()
    _atats_page.write_page(rows)
    made, kept = (path.read_text(encoding="utf-8") for path in (
        tmp_path / "page.md", BENCHMARKS.parent / "docs" / "benchmarks" / "atats.md"))  # fmt: skip
    own = [line for line in made.splitlines() if not line.startswith("_")]  # that one names the machine
    assert own == [line for line in kept.splitlines() if not line.startswith("_")]


def test_every_row_is_whole():
    from atats import ROWS

    for line in ROWS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert row["kind"] in ("plateau", "run", "frontier", "ablation", "wall", "again"), row
        assert "error" in row or row["kind"] in ("plateau", "frontier") or 0 <= row["utility"] <= 1, row
