"""Torch modules under attack, against closed forms: the worst logit of a linear module in a box is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from efficienttrust.compression import Decision, ModuleScorer, NetworkScorer, cut_encoded, score_encoded
from efficienttrust.data import load_image_problem
from efficienttrust.evaluation.calibration import calibrate, evaluate_rule
from efficienttrust.evaluation.judging import ClassData, judge
from efficienttrust.evaluation.parent import NetworkVictim, region_of, victim_of, worst_logits
from efficienttrust.evaluation.rule_data import Attacked
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Outcome, measure
from efficienttrust.models import build_mlp
from efficienttrust.threats import reach
from tests.small_problems import loans

PROBLEM = loans()
TEST = PROBLEM.splits["test"]
P, D, G = len(PROBLEM.domain.lower), PROBLEM.encoder.n_features, len(PROBLEM.group_names)
SHAPE = (1, 4, 4)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Images of two classes, dark and bright pixels among them, so that the box of pixels matters."""
    path = tmp_path_factory.mktemp("images") / "set.npz"
    x = RNG.choice(np.array([0, 3, 128, 255], dtype=np.uint8), size=(200, 4, 4))
    np.savez(path, x=x, y=np.arange(200) % 2, sex=RNG.choice(["f", "m"], 200))
    return load_image_problem(path, sensitive="sex")


def linear(features: int, outputs: int, shape: tuple[int, ...], scale: float = 1.0) -> ModuleScorer:
    layer = nn.Linear(features, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(scale * np.random.default_rng(1).normal(size=(outputs, features))))
        layer.bias.copy_(torch.linspace(-0.2, 0.2, outputs))
    module = nn.Sequential(nn.Flatten(), layer, *([nn.Flatten(0)] if outputs == 1 else []))
    return ModuleScorer(module.eval(), shape, outputs, "own")


def weights(scorer: ModuleScorer) -> np.ndarray:
    return scorer.module[1].weight.detach().numpy().astype(np.float64)


@pytest.mark.parametrize("eps", [0.0, 0.01, 0.1, 1.0])
def test_the_worst_logit_of_a_linear_module_of_images(images, eps):
    scorer, part = linear(16, 1, SHAPE), images.splits["test"]
    x, rows = part.inputs(slice(None)), np.arange(len(part))
    found = worst_logits(images, scorer, x, part.y, rows, attack="pgd", eps=eps)
    w, sign = weights(scorer)[0], np.where(part.y > 0, 1, -1)[:, None]
    flat = x.reshape(len(x), -1).astype(np.float64)
    worst = np.clip(flat - eps * sign * np.sign(w), 0, 1)
    expected = worst @ w + float(scorer.module[1].bias[0].detach())
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.z, expected, atol=1e-4)
    inside = (flat > eps).all(axis=1) & (flat < 1 - eps).all(axis=1)
    clean = scorer.score(x)
    np.testing.assert_allclose(found.z[inside], (clean - eps * sign[:, 0] * np.abs(w).sum())[inside], atol=1e-4)


def test_what_a_faster_stand_in_finds_is_judged_by_the_model_itself(images):
    """A stand-in in bfloat16 is off by a hundredth of a logit, and thresholds are fitted to these logits."""
    convolution = nn.Conv2d(1, 4, 3, padding=1)
    module = nn.Sequential(convolution, nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
    scorer, part = ModuleScorer(module.eval(), SHAPE, 1, "own"), images.splits["test"]
    x = part.inputs(slice(None))
    found = worst_logits(images, scorer, x, part.y, np.arange(len(x)), attack="pgd", eps=0.0)
    np.testing.assert_allclose(found.z, scorer.score(x), atol=1e-5)


@pytest.mark.parametrize("eps", [0.05, 0.2])
def test_the_worst_lead_of_a_linear_module_of_classes(images, eps):
    """Against the best of all wrong classes; PGD follows the loss, so it may miss a little and never overshoots."""
    scorer, part = linear(16, 3, SHAPE), images.splits["test"]
    x, y = part.inputs(slice(None)), RNG.integers(0, 3, len(part))
    w, bias = weights(scorer), scorer.module[1].bias.detach().numpy()
    flat = x.reshape(len(x), -1).astype(np.float64)
    leads = []
    for other in range(1, 3):
        apart = w[y] - w[(y + other) % 3]
        worst = np.clip(flat - eps * np.sign(apart), 0, 1)
        leads.append((worst * apart).sum(axis=1) + bias[y] - bias[(y + other) % 3])
    expected = np.min(leads, axis=0)
    multiclass = _as_classes(images)
    found = worst_logits(multiclass, scorer, x, y, np.arange(len(x)), attack="pgd", eps=eps).z
    assert (found >= expected - 1e-4).all()
    assert np.mean((found > 0) == (expected > 0)) > 0.97
    assert (found <= _lead(scorer.score(x), y) + 1e-2).all(), "no worse than nothing"


def _as_classes(problem):
    import dataclasses

    return dataclasses.replace(problem, task="multiclass", classes=("a", "b", "c"))


def _lead(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    rows = np.arange(len(z))
    others = z.copy()
    others[rows, y] = -np.inf
    return z[rows, y] - others.max(axis=1)


@pytest.mark.parametrize("eps", [0.05, 0.3])
def test_the_worst_logit_of_a_linear_module_of_a_table(eps):
    """Inside the domain: whole units, the range of training, missing values and fixed columns stay."""
    scorer = linear(D, 1, (D,))
    rows = np.arange(len(TEST.y))
    found = worst_logits(PROBLEM, scorer, TEST.x, TEST.y, rows, attack="pgd", eps=eps)
    where, w = reach(PROBLEM.domain, torch.from_numpy(TEST.x), eps), weights(scorer)[0]
    sign = np.where(TEST.y > 0, 1, -1)[:, None]
    falling = sign * w[:P] > 0
    moved = TEST.x.copy().astype(np.float64)
    moved[:, :P] += np.where(falling, -where.down.numpy(), where.up.numpy())
    expected = moved @ w + float(scorer.module[1].bias[0].detach())
    np.testing.assert_allclose(found.z, expected, atol=1e-4)


def test_a_module_of_a_table_and_its_layers_are_attacked_alike():
    network = build_mlp(n_features=D, widths=(8,), seed=1)
    by_hand, module = NetworkScorer(network.layers()), ModuleScorer(network.eval(), (D,), 1, "mlp")
    rows = np.arange(len(TEST.y))
    for attack in ("pgd", "fgsm"):
        one, other = (
            worst_logits(PROBLEM, scorer, TEST.x, TEST.y, rows, attack=attack, eps=0.3).z
            for scorer in (by_hand, module)
        )
        np.testing.assert_allclose(one, other, atol=1e-4)


def head(reads_numeric: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(D, G)).astype(np.float32)
    if not reads_numeric:
        weight[:P] = 0
    return weight, rng.normal(size=G).astype(np.float32)


DECISIONS = {
    "none": None,
    "threshold": Decision(0.4),
    "group inferred from fixed columns": Decision(0.1, np.array([0.8, -0.3]), head(False)),
    "group inferred from all columns": Decision(0.1, np.array([0.8, -0.3]), head(True)),
    "group given": Decision(0.1, np.array([0.8, -0.3]), None, by_group=True),
}


@pytest.mark.parametrize("rule", DECISIONS)
def test_the_victim_gives_the_margin_of_moved_rows(rule):
    decision, network = DECISIONS[rule], build_mlp(n_features=D, widths=(8,), seed=1)
    scorer = ModuleScorer(network.eval(), (D,), 1, "mlp")
    victim = victim_of(PROBLEM, scorer, TEST.x, decision, TEST.groups)
    rows = np.array([5, 0, 17, 17])
    x = TEST.x[rows].copy()
    x[:, :P] += RNG.normal(size=(4, P)).astype(np.float32)
    expected = score_encoded(scorer, x)
    if decision is not None:
        expected = expected - cut_encoded(decision, x, TEST.groups[rows])
    numeric = torch.from_numpy(x[:, :P].copy()).requires_grad_(True)
    answer = victim.bind(torch.from_numpy(rows))(numeric)
    np.testing.assert_allclose(answer.detach().numpy(), expected, atol=2e-5)
    by_hand = NetworkVictim(NetworkScorer(network.layers()), TEST.x, P, decision, TEST.groups)
    other = numeric.detach().clone().requires_grad_(True)
    for points, said in ((numeric, answer), (other, by_hand.bind(torch.from_numpy(rows))(other))):
        said.sum().backward()
        assert points.grad is not None
    np.testing.assert_allclose(numeric.grad.numpy(), other.grad.numpy(), atol=1e-5)


def test_the_victim_of_classes_gives_all_logits():
    scorer = linear(D, 4, (D,))
    answer = victim_of(PROBLEM, scorer, TEST.x, Decision(0.7)).bind(torch.arange(6))(torch.from_numpy(TEST.x[:6, :P]))
    np.testing.assert_allclose(answer.detach().numpy(), scorer.score(TEST.x[:6]), atol=1e-5)


def test_the_victim_of_images_is_lowered_by_the_threshold(images):
    scorer, x = linear(16, 1, SHAPE), images.splits["test"].inputs(slice(0, 5))
    for decision, cut in ((None, 0.0), (Decision(0.7), 0.7)):
        victim = victim_of(images, scorer, x, decision)
        bind = getattr(victim, "bind_exact", victim.bind)
        answer = bind(torch.arange(5))(torch.from_numpy(x))
        np.testing.assert_allclose(answer.detach().numpy(), scorer.score(x) - cut, atol=1e-5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_regions_are_balls_of_images_and_reaches_of_tables(images, norm):
    x = torch.from_numpy(images.splits["test"].inputs(slice(0, 7)))
    generator = torch.Generator().manual_seed(0)
    where = region_of(images, x, 0.1, norm)
    points = where.points(where.start(generator))
    assert points.shape == x.shape
    assert ((points >= 0) & (points <= 1)).all()
    far = (points - x).abs().amax() if norm == "linf" else (points - x).flatten(1).norm(dim=1).max()
    assert 0 < far <= 0.1 + 1e-6
    table = torch.from_numpy(TEST.x[:7])
    assert region_of(PROBLEM, table, 0.1, norm).origin.shape == (7, P)


def class_data(weighted: bool) -> tuple[ClassData, Outcome]:
    n, k = 400, 3
    rng = np.random.default_rng(5)
    y, sex = rng.integers(0, k, n), rng.integers(0, 2, n)
    z = rng.normal(size=(n, k)).astype(np.float32)
    z[np.arange(n), y] += 1.0 + 0.5 * sex
    rows = np.sort(rng.permutation(n)[:150])
    lead = (_lead(z[rows], y[rows]) - 0.5).astype(np.float32)
    weight = rng.uniform(0.5, 2, n).astype(np.float32) if weighted else None
    key = "pgd, eps=0.1, norm=linf"
    from efficienttrust.metrics import robust_key

    key = robust_key("pgd", 0.1, "linf")
    data = ClassData(
        z, y, {"": (sex, 2), "sex": (sex, 2)}, np.zeros((n, 0), np.float32), {key: Attacked(rows, lead)}, weight,
        names={"": ("f", "m"), "sex": ("f", "m")},
    )  # fmt: skip
    odds = np.exp(z.astype(np.float64))
    outcome = Outcome(
        y=y, prediction=z.argmax(axis=1), score=odds / odds.sum(axis=1, keepdims=True), groups=sex,
        group_names=("f", "m"), attributes={"sex": (sex, ("f", "m"))}, robust={key: lead > 0},
        robust_rows={key: rows}, weight=weight, task="multiclass",
    )  # fmt: skip
    return data, outcome


TARGETS = [
    parse_target(text)
    for text in (
        "accuracy >= 0.9",
        "worst_group_accuracy >= 0.3",
        "robust_accuracy(pgd, eps=0.1) >= 0.5",
        "worst_group_robust_accuracy(pgd, eps=0.1) >= 0.6",
    )
]


@pytest.mark.parametrize("weighted", [False, True])
def test_classes_are_judged_by_the_metrics_themselves(weighted):
    data, outcome = class_data(weighted)
    found = judge(data, TARGETS, {})
    violations = 0.0
    for target in TARGETS:
        value = measure(target.metric, outcome, dict(target.arguments)).value
        assert found.values[target.key] == pytest.approx(value)
        violations += max(target.bound - value, 0.0)
    assert found.utility == pytest.approx(measure("accuracy", outcome, {}).value)
    assert violations > 0.05
    assert found.violation == found.shortfall == pytest.approx(violations)
    assert found.objective == pytest.approx(found.utility - 10 * violations)
    assert (found.threshold, len(found.offsets)) == (0.0, 0)


def test_margins_tighten_what_classes_fall_short_of():
    data, _ = class_data(False)
    loose = parse_target("accuracy >= 0.2")
    assert judge(data, [loose], {}).shortfall == 0
    found = judge(data, [loose], {loose.key: 0.9})
    assert found.violation == 0
    assert found.shortfall == pytest.approx(0.2 + 0.9 - found.utility)


def test_there_is_no_rule_to_fit_for_classes():
    data, _ = class_data(False)
    judged = judge(data, TARGETS, {})
    for found in (calibrate(data, TARGETS, {}), evaluate_rule(data, 3.0, np.zeros(0, np.float32), TARGETS, {})):
        assert found.values == judged.values
        assert found.objective == judged.objective
