"""What a level makes of the arguments of `fit`: nothing at 100 %, less and less below, the share that was asked."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from efficienttrust.compression import ModuleScorer
from efficienttrust.models import make_network, parse_network
from efficienttrust.pipeline.levels import Level, constraints
from efficienttrust.pipeline.levels._baseline import Baseline
from efficienttrust.pipeline.levels._fit_at_levels import apply_levels
from efficienttrust.pipeline.spec import fit_spec
from efficienttrust.resources import Budget
from efficienttrust.training import described, inputs_of
from tests.pipeline.levels.conftest import SAMPLES
from tests.small_problems import german

TABLES = [name for name in constraints.names() if name != "resolution"]
SHARES = (0.02, 0.1, 0.25, 0.5, 0.9)
FLOOR = 300_000_000


@pytest.fixture
def measured(baseline: Baseline) -> Baseline:
    """The baseline with a floor of its memory on record, so that none is measured."""
    memory = {**baseline.run.ledger["memory"], "floor": FLOOR, "used": FLOOR + 200_000_000}
    ledger = {**baseline.run.ledger, "memory": memory}
    return replace(baseline, run=replace(baseline.run, document={**baseline.run.document, "ledger": ledger}))


def asked(name: str, arguments) -> float:
    """Return how much of its resource a constraint leaves, read from what `fit` would be given."""
    budget = Budget.parse(arguments["budget"])
    if name in ("time", "epochs", "early_stopping"):
        return float(budget.in_samples(500).time.amount)
    if name == "throughput":
        return 1 / budget.throughput
    if name == "data":
        return 1 - float(re.fullmatch(r"fewer_rows\((.*)\)", arguments["limitations"][0])[1])
    if name == "width":
        first, second = parse_network(arguments["model"])[1]["widths"]
        return float((58 + 1) * first + (first + 1) * second + second + 1)
    if name == "sparsity":
        return 1 - float(arguments["prune"].removeprefix("gradual:"))
    if name == "bits":
        return float(arguments["quantize"].removeprefix("weights:"))
    return float(getattr(budget, name))


@pytest.mark.parametrize("name", TABLES)
def test_the_whole_is_the_arguments_of_the_baseline(name, measured, arguments):
    found, lines = apply_levels(measured, [Level(name, 1.0)], arguments)
    assert found == arguments
    assert lines[0]["measured"] > 0
    assert fit_spec(found).budget_text == f"time={SAMPLES} samples, size=1MB"


@pytest.mark.parametrize("name", TABLES)
def test_a_smaller_level_is_tighter(name, measured, arguments):
    before = dict(arguments)
    shares = SHARES if name != "bits" else (0.0625, 0.125, 0.25)
    left = [asked(name, apply_levels(measured, [Level(name, share)], arguments)[0]) for share in shares]
    assert left == sorted(left)
    assert left[0] < left[-1]
    assert arguments == before, "the arguments were changed in place"


@pytest.mark.parametrize(("name", "used"), [("time", SAMPLES), ("epochs", SAMPLES), ("data", 1), ("sparsity", 1)])
@pytest.mark.parametrize("share", SHARES)
def test_the_share_is_the_one_asked(name, used, share, measured, arguments):
    found, _ = apply_levels(measured, [Level(name, share)], arguments)
    assert asked(name, found) == pytest.approx(share * used, abs=0.5 if used > 1 else 1e-9)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_limits_on_the_file_are_shares_of_its_measured_figures(share, measured, arguments):
    for name in ("parameters", "size", "latency"):
        used = measured.run.ledger[name]["used"]
        found, _ = apply_levels(measured, [Level(name, share)], arguments)
        assert asked(name, found) == pytest.approx(share * used, rel=1e-5, abs=1.0 if name != "latency" else 0)
    rows = Budget.parse(apply_levels(measured, [Level("throughput", share)], arguments)[0]["budget"]).throughput
    assert rows == pytest.approx(measured.run.ledger["throughput"]["used"] / share, rel=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_memory_scales_what_lies_above_the_libraries(share, measured, arguments):
    found, _ = apply_levels(measured, [Level("memory", share)], arguments)
    assert Budget.parse(found["budget"]).memory == pytest.approx(FLOOR + share * 200_000_000, abs=1)


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.9])
def test_the_narrower_mlp_has_the_share_of_the_parameters(share, measured, arguments):
    found, _ = apply_levels(measured, [Level("width", share)], arguments)
    whole = constraints.get("width").measure(measured).value
    name, options = parse_network(found["model"])
    module = make_network(name, inputs_of(german(), 0), 1, seed=0, **options)
    assert sum(p.numel() for p in module.parameters()) == pytest.approx(share * whole, rel=0.1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_narrower_module_has_the_share_of_the_parameters(share, baseline, arguments):
    inputs = inputs_of(german(), 0)
    module = make_network("ft_transformer", inputs, 1, seed=0, depth=1)
    scorer = ModuleScorer(module, inputs.shape, 1, "ft_transformer", {"depth": 1, "width": 1.0}, described(inputs))
    deep = replace(baseline, run=replace(baseline.run, scorer=scorer))
    found, _ = apply_levels(deep, [Level("width", share)], arguments)
    name, options = parse_network(found["model"])
    assert options["depth"] == 1
    narrow = make_network(name, inputs, 1, seed=0, **options)
    assert sum(p.numel() for p in narrow.parameters()) == pytest.approx(share * scorer.n_parameters, rel=0.1)


def test_a_width_of_nothing_is_one_unit_and_is_said(measured, arguments):
    found, lines = apply_levels(measured, [Level("width", 1e-6)], arguments)
    assert set(parse_network(found["model"])[1]["widths"]) == {1}
    assert "a layer has at least one unit" in lines[0]["limit"]


def test_rows_that_the_baseline_lacked_stay_away(measured, arguments):
    limited = {**arguments, "limitations": ("fewer_rows(0.2)", "label_noise(0.1)")}
    found, _ = apply_levels(measured, [Level("data", 0.5)], limited)
    assert found["limitations"] == ("fewer_rows(0.6)", "label_noise(0.1)")


def test_early_stopping_ends_at_a_share_of_the_best_epoch(baseline, arguments):
    history = baseline.run.history.assign(accuracy=0.5)
    history.loc[history.index[3], "accuracy"] = 0.9
    history.loc[history.index[5], "accuracy"] = 0.9
    run = replace(baseline.run, history=history)
    clocks = run.ledger["clocks"]
    best = history["step"].iloc[3] * clocks["samples"] / clocks["steps"]
    found, lines = apply_levels(replace(baseline, run=run), [Level("early_stopping", 0.5)], arguments)
    assert lines[0]["measured"] == pytest.approx(best / 500)
    assert asked("early_stopping", found) == pytest.approx(best / 2, abs=0.5)


def test_levels_act_together(measured, arguments):
    levels = [Level("epochs", 0.5), Level("data", 0.5), Level("width", 0.1), Level("size", 0.9)]
    both, lines = apply_levels(measured, levels, arguments)
    back, _ = apply_levels(measured, levels[::-1], arguments)
    assert both == back
    assert [line["constraint"] for line in lines] == ["epochs", "data", "width", "size"]
    assert {key for key in both if both[key] != arguments.get(key)} == {"budget", "limitations", "model"}
