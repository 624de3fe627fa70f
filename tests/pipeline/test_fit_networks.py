"""`fit` with networks other than the plain one, on tables and sequences; and the width that meets the limits."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from efficienttrust import fit, load_run, verify
from efficienttrust.compression import (
    Decision,
    DeployedModel,
    ModuleScorer,
    QuantisedScorer,
    cut_encoded,
    parent_of,
    score_encoded,
)
from efficienttrust.data import Problem, load_problem
from efficienttrust.errors import InfeasibleError, RunInterrupted, UsageError
from efficienttrust.models import Inputs, make_network, parse_network
from efficienttrust.pipeline import _capacity as capacity
from efficienttrust.pipeline import _room as room
from efficienttrust.pipeline import request_stop
from efficienttrust.pipeline._document import ARTIFACTS
from efficienttrust.pipeline._weights import load_weights, save_weights
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import described, inputs_of
from tests.small_problems import FAIR, loans

ROBUST = "robust_accuracy(pgd, eps=0.1) >= 0.5"
CLOCKS = ["wall", "cpu"]


def wards(n: int = 400, seed: int = 0) -> Problem:
    """A wide table: two variables over four hours with gaps; the label is in their rise."""
    rng = np.random.default_rng(seed)
    rise = rng.normal(size=n)
    columns = {f"hr@{hour:02d}": 80 + 4 * rise * hour + rng.normal(0, 4, n) for hour in range(4)}
    columns |= {f"bp@{hour:02d}": 120 + rng.normal(0, 9, n) for hour in range(4)}
    table = pd.DataFrame(columns).assign(age=rng.normal(60, 9, n), sex=rng.choice(["f", "m"], n))
    table.loc[::7, "hr@02"] = np.nan
    table["died"] = np.where(rise + rng.normal(0, 0.5, n) > 0, "yes", "no")
    return load_problem(table, label="died", sensitive="sex", name="wards")


CASES = {
    "lstm": (wards, "lstm(width=0.25)"),
    "tabular": (loans, "tabular"),
    "ft_transformer": (loans, "ft_transformer(width=0.25, depth=1)"),
    "mlp with options": (loans, "mlp(widths=8-4)"),
}


def run_of(name: str, out: Path | None = None, **more: object):
    make, model = CASES[name]
    asked = {"budget": "time=40 steps", "targets": ["accuracy >= 0.5", FAIR, ROBUST], "model": model}
    return make(), fit(make(), out=out, **(asked | more))


def same(one, other) -> None:
    assert one.content == other.content
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    pd.testing.assert_frame_equal(one.history.drop(columns=CLOCKS), other.history.drop(columns=CLOCKS))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_network_is_delivered_with_its_proof(tmp_path, name):
    folder = tmp_path / "run"
    problem, run = run_of(name, folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(ARTIFACTS.values())
    assert run.document["spec"]["network"] == CASES[name][1].partition("(")[0]
    assert run.document["ledger"]["time"]["used"] <= 40
    test, raw = problem.splits["test"], problem.raw("test")
    again = load_run(folder)
    z = score_encoded(again.scorer, test.x)
    np.testing.assert_array_equal(z, score_encoded(run.scorer, test.x))
    said = DeployedModel(folder / "model.onnx").run(raw)
    np.testing.assert_allclose(said.margin, z - cut_encoded(again.decision, test.x, test.groups), atol=1e-4)
    np.testing.assert_array_equal(again.predictions["prediction"], said.decision)
    assert (again.predictions["prediction"] == again.predictions["label"]).mean() == run.metrics["accuracy"]["value"]
    assert all(one.confirmed for one in verify(folder, problem=problem))
    words = shlex.split(run.document["command"])
    assert parse_network(words[words.index("--model") + 1]) == parse_network(CASES[name][1])
    constant = run.document["stages"][0]["metrics"]["accuracy"]["value"]
    assert name != "lstm" or run.metrics["accuracy"]["value"] > constant + 0.1, "the rise can be learned"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "tabular", "ft_transformer"])
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(tmp_path, name):
    _, whole = run_of(name)
    seen = 0

    def stop(event):
        nonlocal seen
        seen += event.phase == "train"
        if seen == 4:
            request_stop()

    with pytest.raises(RunInterrupted):
        run_of(name, tmp_path / "run", progress=stop)
    same(run_of(name, tmp_path / "run")[1], whole)


@pytest.mark.slow
def test_the_true_group_may_be_used_on_tables():
    problem, run = run_of("lstm", use_groups_at_prediction=True)
    said = run.predict(problem.raw("test"))
    np.testing.assert_array_equal(said["decision"], run.predictions["prediction"])
    assert run.document["model"]["decision"]["group"] == "given"


def test_a_sequence_network_refuses_a_table_without_one():
    with pytest.raises(UsageError, match=r"lstm.* reads sequences.*NAME@00"):
        fit(loans(), budget="time=9 steps", targets=[], model="lstm")


@pytest.mark.parametrize("model", ["tabular(widht=1)", "tabulr", "resnet8", "no_such_module_here:net"])
def test_what_cannot_be_trained_is_refused_in_one_line(model):
    with pytest.raises(UsageError) as refused:
        fit(loans(), budget="time=9 steps", targets=[], model=model)
    assert "\n" not in str(refused.value)


OVERHEAD = 9000


def parameters(width: float) -> int:
    module = make_network("ft_transformer", inputs_of(loans(), 0), 1, seed=0, depth=1, width=width)
    return sum(parameter.numel() for parameter in module.parameters())


def size(width: float) -> int:
    return 4 * parameters(width) + OVERHEAD


class FakeFile:
    """What a file of this width would weigh, of floats or of whole numbers of 8 bits."""

    def __init__(self, width: float, whole: bool) -> None:
        self.n_parameters = parameters(width)
        self.size_bytes = (1 if whole else 4) * self.n_parameters + OVERHEAD


@pytest.fixture
def tried(monkeypatch) -> list[tuple[float, Decision]]:
    """The widths whose files were opened, with the rule that each was exported with."""
    seen: list[tuple[float, Decision]] = []

    def exported(problem, scorer, decision, metadata):
        seen.append((parent_of(scorer).options["width"], decision))
        return b"whole numbers" if isinstance(scorer, QuantisedScorer) else b""

    monkeypatch.setattr(room, "export_file", exported)
    monkeypatch.setattr(room, "open_file", lambda problem, content: FakeFile(seen[-1][0], bool(content)))
    return seen


def chosen(
    limits: str, *, aware: bool = False, head: bool = False, quantize: str = "none", **options: float
) -> capacity.Capacity:
    budget = Budget.parse(f"time=9 steps, {limits}")
    limits_of = room.Room(loans(), budget, aware, head, {})
    asked = {"depth": 1, **options}
    return capacity.choose_width(
        limits_of, Ledger(budget), network="ft_transformer", options=asked, seed=0, quantize=quantize
    )


@pytest.mark.parametrize("limit", ["size", "parameters"])
@pytest.mark.parametrize("width", capacity.FACTORS)
def test_the_widest_that_meets_the_limit_is_chosen(tried, limit, width):
    found = chosen(f"size={size(width)}B" if limit == "size" else f"parameters={parameters(width)}")
    assert found.options == {"depth": 1, "width": width}
    assert found.reason.startswith(f"ft_transformer at width {width:g}: it fits")
    wider = [factor for factor in capacity.FACTORS if factor > width]
    assert all(f"at width {factor:g}: " in found.reason for factor in wider)


def test_both_limits_have_to_be_met(tried):
    assert chosen(f"size={size(0.5)}B, parameters={parameters(0.35)}").options["width"] == 0.35
    assert chosen(f"size={size(0.35)}B, parameters={parameters(0.5)}").options["width"] == 0.35


@pytest.mark.parametrize(
    "limit", [f"size={size(capacity.FACTORS[-1]) - 1}B", f"parameters={parameters(capacity.FACTORS[-1]) - 1}"]
)
def test_what_nothing_meets_is_infeasible(tried, limit):
    with pytest.raises(InfeasibleError, match=r"ft_transformer at width 0\.125: .*ask for more"):
        chosen(limit)


def test_whole_numbers_let_a_wider_network_fit(tried):
    found = chosen(f"size={size(0.25)}B", quantize="auto")
    assert found.options["width"] > 0.25
    assert found.quantisation is not None
    assert found.quantisation.bits == 8
    assert parameters(found.options["width"]) + OVERHEAD <= size(0.25)
    assert chosen("size=9MB", quantize="auto").quantisation is None, "floats where they fit"


def test_a_width_of_ones_own_is_not_changed(tried):
    assert chosen("size=9MB", width=0.3).options == {"depth": 1, "width": 0.3}
    with pytest.raises(InfeasibleError, match="not even the smallest"):
        chosen(f"size={size(0.3) - 1}B", width=0.3)
    assert {width for width, _ in tried} == {0.3}


def test_files_are_weighed_with_the_largest_rule_that_calibration_may_find(tried):
    groups, d = len(loans().group_names), loans().encoder.n_features
    for aware, head in ((False, False), (False, True), (True, True)):
        chosen("size=9MB", aware=aware, head=head)
    blind, inferred, given = (decision for _, decision in tried)
    assert (blind.head, len(blind.group_offsets), blind.by_group) == (None, 0, False)
    assert inferred.head is not None
    assert (inferred.head[0].shape, len(inferred.group_offsets)) == ((d, groups), groups)
    assert (given.head, len(given.group_offsets), given.by_group) == (None, groups, True)


class Scaled(torch.nn.Module):
    """A module with a parameter and a buffer without dimensions, and one laid out channels last."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.linear, self.scale = torch.nn.Linear(d, 1), torch.nn.Parameter(torch.tensor(2.0))
        self.register_buffer("seen", torch.tensor(3))
        self.filters = torch.nn.Parameter(torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * self.linear(x).squeeze(1) + self.filters.sum() * 0


def test_weights_come_back_in_their_shapes(tmp_path, monkeypatch):
    from efficienttrust.pipeline import _weights

    inputs = Inputs("table", (5,), n_numeric=5)
    monkeypatch.setattr(_weights, "make_network", lambda *arguments, **options: Scaled(5))
    scorer = ModuleScorer(Scaled(5).eval(), (5,), 1, "scaled", {}, described(inputs))
    save_weights(tmp_path, scorer, Decision(0.25))
    again, decision = load_weights(tmp_path)
    assert decision.threshold == 0.25
    for name, value in scorer.module.state_dict().items():
        found = again.module.state_dict()[name]
        assert (found.shape, found.dtype) == (value.shape, value.dtype), name
        assert torch.equal(found, value), name
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    np.testing.assert_array_equal(again.score(x), scorer.score(x))


def test_weights_of_another_network_are_refused(tmp_path, monkeypatch):
    inputs = Inputs("table", (5,), n_numeric=5)
    module = make_network("mlp", inputs, 1, seed=0, widths=(4,)).eval()
    save_weights(tmp_path, ModuleScorer(module, (5,), 1, "mlp", {"widths": (4, 4)}, described(inputs)), Decision())
    with pytest.raises(UsageError, match="they do not belong to the network mlp"):
        load_weights(tmp_path)
