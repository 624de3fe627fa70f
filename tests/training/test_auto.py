"""`auto` trains trees and networks inside one budget; all stand for the choice, and each in its share."""

from __future__ import annotations

import itertools

import pytest

from efficienttrust import fit, verify
from efficienttrust.compression import ModuleScorer, NetworkScorer, TreeScorer, score_encoded
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import TrainingTask, trainers
from tests.small_problems import FAIR, ROBUST, loans, train
from tests.training.test_trees_of_every_task import kinds, prices

OPTIONS = {"mlp": {"widths": (16,)}, "tabular": {"width": 0.125, "members": 1}}


def auto(budget: str, targets=(FAIR,), *, seed: int = 0, options=OPTIONS, problem=None):
    from efficienttrust.atats import make_policy
    from efficienttrust.evaluation.targets import parse_target

    ledger = Ledger(Budget.parse(budget))
    task = TrainingTask(targets=tuple(parse_target(text) for text in targets), seed=seed, options=options)
    return trainers.get("auto")(task).fit(problem or loans(), ledger, make_policy("plan")), ledger


def models(candidates) -> list[str]:
    return [member.name.partition(":")[0] for member in candidates.members]


@pytest.mark.parametrize("budget", ["steps=20", "steps=100", "samples=8000", "flops=1e8"])
@pytest.mark.parametrize("targets", [(FAIR,), (FAIR, ROBUST)])
def test_no_counted_budget_is_exceeded_and_each_model_stays_in_its_share(budget, targets):
    candidates, ledger = auto(budget, targets)
    assert 0.5 * ledger.limit < ledger.used() <= ledger.limit
    spent = {row["model"]: row["used"] for row in candidates.history}
    share = 0.1 if ROBUST in targets else 0.25
    assert spent.get("trees", 0) <= share * ledger.limit
    assert spent["mlp"] <= spent.get("trees", 0) + 0.25 * (ledger.limit - spent.get("trees", 0)) + 1e-9
    assert list(spent)[-1] == "tabular"


def test_all_stand_side_by_side_with_the_last_of_each_first():
    candidates, _ = auto("steps=200")
    assert models(candidates)[:3] == ["trees", "mlp", "tabular"]
    assert set(models(candidates)[3:]) <= {"mlp", "tabular"}
    kinds = {"trees": TreeScorer, "mlp": NetworkScorer, "tabular": ModuleScorer}
    for member, name in zip(candidates.members, models(candidates), strict=True):
        assert isinstance(member.scorer, kinds[name])
        assert member.architecture


def test_under_attack_networks_come_before_trees():
    candidates, _ = auto("steps=100", (ROBUST,))
    assert models(candidates)[:3] == ["mlp", "tabular", "trees"]


def test_history_and_decisions_of_all_are_kept():
    candidates, ledger = auto("steps=120", (FAIR, ROBUST))
    names = [name for name, _ in itertools.groupby(row["model"] for row in candidates.history)]
    assert names == ["trees", "mlp", "tabular"]
    progress = [row["progress"] for row in candidates.history]
    assert progress == sorted(progress)
    assert all(row["progress"] == pytest.approx(row["used"] / ledger.limit) for row in candidates.history)
    started = [record.after for record in candidates.decisions if record.knob == "model"]
    assert started == ["trees", "mlp", "tabular"]
    assert {record.knob for record in candidates.decisions} > {"model"}
    assert any(text.startswith("trees: trees have no lever") for text in candidates.fallbacks)


def test_the_network_is_that_of_the_network_trainer():
    """Its part is an ordinary training with the options of that network: same seed, same steps, same weights."""
    from efficienttrust.atats import make_policy
    from efficienttrust.evaluation.targets import parse_target

    candidates, _ = auto("steps=200", options={"tabular": OPTIONS["tabular"]})
    trees = next(row["used"] for row in reversed(candidates.history) if row["model"] == "trees")
    ledger = Ledger(Budget.parse("steps=200"))
    ledger.count(steps=int(trees))
    task = TrainingTask(targets=(parse_target(FAIR),), seed=0, network="tabular", options=OPTIONS["tabular"])
    alone = trainers.get("network")(task).fit(loans(), ledger, make_policy("plan"))
    x = loans().splits["test"].x
    mine = next(member for member in candidates.members if member.name == "tabular: last")
    assert (score_encoded(mine.scorer, x) == score_encoded(alone.members[0].scorer, x)).all()


def test_the_seed_determines_it():
    x = loans().splits["test"].x
    one, again, other = (
        [score_encoded(member.scorer, x).tobytes() for member in auto("steps=100", seed=seed)[0].members]
        for seed in (0, 0, 1)
    )
    assert one == again != other


def test_a_network_that_does_not_fit_is_not_tried():
    candidates, _ = auto("steps=100", options={"mlp": OPTIONS["mlp"]})
    assert {row["model"] for row in candidates.history} == {"trees", "mlp"}
    assert [text for text in candidates.fallbacks if text.startswith("tabular was not tried: ")]


def test_where_no_network_fits_trees_have_the_whole_budget():
    candidates, ledger = auto("steps=60", options={"trees": {}})
    assert {row["model"] for row in candidates.history} == {"trees"}
    assert ledger.used() == 60
    left_out = [text.partition(" ")[0] for text in candidates.fallbacks if "was not tried: " in text]
    assert left_out == ["mlp", "tabular"]


@pytest.mark.parametrize("make", [kinds, prices])
def test_trees_are_tried_on_every_task(make):
    candidates, ledger = auto("steps=60", (), problem=make())
    assert models(candidates)[:3] == ["trees", "mlp", "tabular"]
    assert candidates.members[0].scorer.outputs == make().outputs
    assert ledger.used() <= 60


def test_what_the_budget_does_not_buy_is_said():
    candidates, ledger = auto("steps=3")
    assert ledger.used() <= 3
    assert models(candidates) == ["tabular"] * len(candidates.members)
    assert [text for text in candidates.fallbacks if text.startswith("trees was not tried")]


def test_too_little_for_anything_is_refused():
    with pytest.raises(InfeasibleError, match="≈"):
        train(loans(), "samples=31", trainer="auto")


@pytest.mark.slow
def test_five_seconds_hold():
    candidates, ledger = auto("time=5s cpu", (FAIR, ROBUST), problem=loans(3000))
    assert ledger.used() <= 5
    assert {"trees", "mlp", "tabular"} == {row["model"] for row in candidates.history}


def test_end_to_end(tmp_path):
    out = tmp_path / "run"
    run = fit(loans(), budget="time=5s cpu, size=60kB", targets=[FAIR], model="auto", out=out)
    assert run.ledger["time"]["overrun"] == run.ledger["size"]["overrun"] == 0
    assert run.document["model"]["trainer"] == "auto"
    chosen = next(one for one in run.document["candidates"] if one["chosen"])["name"]
    architecture = run.document["model"]["architecture"]
    assert architecture.startswith({"trees": "gradient-boosted trees", "mlp": "mlp"}[chosen.partition(":")[0]])
    assert "tabular: left out" in run.document["model"]["width_reason"]
    assert set(run.history["model"]) == {"trees", "mlp"}
    assert all(one.confirmed for one in verify(out, problem=loans()))
    assert "--model auto" in run.document["command"]
    assert (out / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_it_chooses_the_model_that_resists():
    """Trees meet no robustness target here; a network trained against the attack does."""
    run = fit(loans(3000), budget="time=600 steps", targets=[ROBUST.replace("0.7", "0.62")], model="auto")
    by_name = {one["name"]: one["metrics"] for one in run.document["candidates"]}
    chosen = next(one["name"] for one in run.document["candidates"] if one["chosen"])
    key = next(name for name in by_name[chosen] if name.startswith("robust_accuracy"))
    trees = next(name for name in by_name if name.startswith("trees"))
    assert not chosen.startswith("trees")
    assert by_name[chosen][key] > by_name[trees][key]


def test_images_are_not_for_it():
    from types import SimpleNamespace

    with pytest.raises(UsageError, match="--model"):
        trainers.get("auto")(TrainingTask(targets=(), seed=0)).fit(SimpleNamespace(kind="image"), None, None)
