"""A fit tests candidates on certify inside its budget, says so in the run, and `verify` comes to the same verdicts."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

from efficienttrust import fit, verify
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.selection import Entrant
from efficienttrust.pipeline import _selecting
from efficienttrust.pipeline._progress import Tell
from efficienttrust.pipeline._request import make_request
from efficienttrust.pipeline._selecting import PHASE, certify_choice, rows_tested
from efficienttrust.pipeline._stages import calibrate_members
from efficienttrust.resources import Budget, Ledger
from efficienttrust.resources.clocks import Clocks
from efficienttrust.training import Settings
from tests.small_problems import loans, train

EASY = ("dpd <= 0.6", "robust_accuracy(pgd, eps=0.1) >= 0.4", "accuracy >= 0.5")
BUDGET = "time=60 steps"


def believed(chances, utilities=(0.6, 0.7, 0.8, 0.9)):
    """An order in which the candidates stand as they are, whatever calibrate says."""
    return lambda *_, **__: tuple(
        Entrant(index, 1.0, chance, utilities[index]) for index, chance in enumerate(chances)
    )  # fmt: skip


def edit(folder, change) -> None:
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    change(document)
    (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture(scope="module")
def proven(tmp_path_factory):
    """A run with a sequence of two candidates that both pass, and its folder."""
    folder = tmp_path_factory.mktemp("proven") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_selecting, "plan_order", believed((0.9, 0.8)))
        return fit(loans(), budget=BUDGET, targets=EASY, out=folder), folder


@pytest.fixture
def folder(proven, tmp_path):
    return shutil.copytree(proven[1], tmp_path / "copy")


def test_the_most_useful_that_passed_is_delivered_and_all_targets_hold_together(proven):
    run, _ = proven
    record = run.document["selection"]
    assert [row["valid"] for row in record["tested"]] == [True, True]
    assert record["chosen"] == record["tested"][1]["name"] != record["preferred"]
    assert [row["chosen"] for row in run.document["candidates"]].index(True) == 1
    for verdict, limit in zip(run.document["verdicts"], record["tested"][1]["limits"], strict=True):
        assert verdict["status"] == "certified"
        assert verdict["certificate"]["level"] == record["level"] == 0.975
        assert verdict["certificate"]["bound"] == limit["bound"], "the file that was tested is the one delivered"
        assert "tested on all 3 targets at once, at 97.5%" in verdict["reason"]


def test_the_pages_say_how_the_model_was_chosen(proven):
    _, folder = proven
    chosen = "Candidates were tested on certify for all targets at once"
    assert chosen in (folder / "report.html").read_text(encoding="utf-8")
    assert chosen in (folder / "README.md").read_text(encoding="utf-8")


def test_verify_comes_to_the_same_verdicts(proven):
    assert all(one.confirmed and one.status == "certified" for one in verify(proven[1], problem=loans()))


def test_a_joint_guarantee_that_no_test_bears_out_is_noticed(folder):
    def fail(document) -> None:
        document["selection"]["tested"][1]["valid"] = False

    edit(folder, fail)
    with pytest.raises(UsageError, match="none of its tests bears out"):
        verify(folder, problem=loans())


def test_an_unknown_guarantee_is_noticed(folder):
    edit(folder, lambda document: document["selection"].update(guarantee="certain"))
    with pytest.raises(UsageError, match="'certain' that does not exist"):
        verify(folder, problem=loans())


def test_a_run_from_before_selections_is_verified_target_by_target(folder):
    edit(folder, lambda document: document.pop("selection"))
    assert all(one.status == "certified" for one in verify(folder, problem=loans()))


def test_where_the_first_fails_the_preferred_one_is_certified_at_what_is_left(monkeypatch, tmp_path):
    monkeypatch.setattr(_selecting, "plan_order", believed((0.9, 0.8)))
    run = fit(loans(), budget=BUDGET, targets=["accuracy >= 0.97", "accuracy_gap <= 0.9"], out=tmp_path / "run")
    record = run.document["selection"]
    assert (record["guarantee"], record["chosen"]) == ("fallback", record["preferred"])
    assert [verdict["certificate"]["level"] for verdict in run.document["verdicts"]] == [0.9875, 0.9875]
    assert [one.status for one in run.verdicts] == ["missed", "certified"]
    assert [one.confirmed for one in verify(tmp_path / "run", problem=loans())] == [True, True]


def test_with_one_target_a_failed_sequence_leaves_nothing_to_certify_with(monkeypatch, tmp_path):
    monkeypatch.setattr(_selecting, "plan_order", believed((0.9, 0.8)))
    real = _selecting.certify
    monkeypatch.setattr(
        _selecting, "certify", lambda t, o, a: SimpleNamespace(**vars(real(t, o, a)) | {"satisfied": False})
    )
    run = fit(loans(), budget=BUDGET, targets=["accuracy >= 0.5"], out=tmp_path / "run")
    assert run.verdicts[0].status == "met"
    assert "proves nothing" in run.verdicts[0].reason
    assert [(one.status, one.confirmed) for one in verify(tmp_path / "run", problem=loans())] == [("met", True)]


def test_a_run_without_a_sequence_is_certified_as_ever(monkeypatch):
    monkeypatch.setattr(_selecting, "plan_order", believed((0.9,)))
    run = fit(loans(), budget=BUDGET, targets=EASY)
    assert run.document["selection"]["method"] == "calibrate alone"
    levels = [verdict["certificate"]["level"] for verdict in run.document["verdicts"]]
    assert levels == pytest.approx([1 - 0.05 / 3] * 3)
    assert PHASE not in run.document["ledger"]["time"]["phases"]


class Rehearsed:
    """A wall clock that only tests move: `seconds` for each on certify, a share of it for the rehearsal."""

    def __init__(self, monkeypatch, seconds: float) -> None:
        self.now, self.splits = 0.0, []
        real = _selecting.evaluate_file

        def evaluate_file(file, problem, split, targets, **given):
            self.splits.append((split, len(problem.splits[split])))
            self.now += seconds * len(problem.splits[split]) / len(loans(3000).splits["certify"])
            return real(file, problem, split, targets, **given)

        monkeypatch.setattr(_selecting, "evaluate_file", evaluate_file)


def asked(budget: str):
    return make_request(
        loans(3000), budget=budget, targets=EASY, policy="plan", trainer="network", model=None, settings=Settings(),
        seed=0, aware=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def calibrated():
    """Candidates of a short training, the one that calibrate prefers, and what each came to."""
    candidates, ledger = train(loans(3000), "time=60 steps", EASY)
    return candidates, *calibrate_members(
        loans(3000), asked("time=60 steps"), ledger, candidates, 0.0, Tell(None, ledger)
    )  # fmt: skip


def chosen(monkeypatch, calibrated, budget: str):
    clock = Rehearsed(monkeypatch, 1.0)
    monkeypatch.setattr(_selecting, "plan_order", believed((0.9, 0.8, 0.7)))
    candidates, choice, tried = calibrated
    ledger = Ledger(Budget.parse(budget), clock_override=Clocks(wall=lambda: clock.now, cpu=lambda: clock.now))
    tell = Tell(None, ledger)
    _, selection = certify_choice(loans(3000), asked(budget), ledger, candidates, choice, tried, 0.0, tell)
    return selection, ledger, clock


@pytest.mark.parametrize(("seconds", "tests"), [(0.5, 0), (2.5, 0), (3.2, 2), (20, 3)])
def test_tests_are_run_as_far_as_the_budget_affords_them(monkeypatch, calibrated, seconds, tests):
    """A test costs 1 s, its rehearsal 2/3 s; two must be affordable, with 30 % to spare, before certify is read."""
    selection, ledger, clock = chosen(monkeypatch, calibrated, f"time={seconds}s wall")
    assert len(selection.tested) == tests
    assert sum(split == "certify" for split, _ in clock.splits) == tests
    assert clock.splits[0] == ("calibrate", 200)
    assert selection.guarantee.kind == ("joint" if tests else "individual")
    if tests:
        assert ledger.to_dict()["time"]["phases"][PHASE] == ledger.used() == pytest.approx(tests + 200 / 300, rel=0.02)
        assert ledger.used() <= seconds


def test_operations_of_tests_are_counted(monkeypatch, calibrated):
    problem = loans(3000)
    selection, ledger, _ = chosen(monkeypatch, calibrated, "time=1e12 flops")
    assert len(selection.tested) == 3
    assert ledger.to_dict()["time"]["phases"][PHASE] >= 3 * rows_tested(problem, [])
    poor, _, clock = chosen(monkeypatch, calibrated, "time=1e8 flops")
    assert poor.tested == ()
    assert clock.splits == []
