"""What attacks see is what is deployed: victims give the margins of the parent and of the exported file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from efficienttrust.compression import (
    Decision,
    DeployedModel,
    NetworkScorer,
    TreeScorer,
    export_onnx,
    margin_encoded,
    score_encoded,
)
from efficienttrust.evaluation.file_victims import FileVictim
from efficienttrust.evaluation.parent import NetworkVictim, ScorerVictim, short_attack, worst_logits
from efficienttrust.models import build_mlp
from efficienttrust.threats import reach
from efficienttrust.threats.catalogue.coordinate import MOST_COLUMNS
from tests.small_problems import loans

PROBLEM = loans()
TEST = PROBLEM.splits["test"]
P, D, G = len(PROBLEM.domain.lower), PROBLEM.encoder.n_features, len(PROBLEM.group_names)


def head(reads_numeric: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(D, G)).astype(np.float32)
    if not reads_numeric:
        weight[:P] = 0
    return weight, rng.normal(size=G).astype(np.float32)


OFFSETS = np.array([0.8, -0.3])
DECISIONS = {
    "threshold": Decision(0.4),
    "group inferred from fixed columns": Decision(0.1, OFFSETS, head(False)),
    "group inferred from all columns": Decision(0.1, OFFSETS, head(True)),
    "group given": Decision(0.1, OFFSETS, None, by_group=True),
}


def network(*widths: int) -> NetworkScorer:
    return NetworkScorer(build_mlp(n_features=D, widths=widths, seed=1).layers())


def trees() -> TreeScorer:
    train = PROBLEM.splits["train"]
    return TreeScorer.from_sklearn(HistGradientBoostingClassifier(max_iter=8, random_state=0).fit(train.x, train.y))


def moved(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Numeric columns moved at random inside the reach of eps = 0.3."""
    where = reach(PROBLEM.domain, torch.from_numpy(x), 0.3)
    noise = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (len(x), P)).astype(np.float32))
    return (where.origin + where.snap(noise * where.radius)).numpy()


@pytest.mark.parametrize("widths", [(), (8,), (8, 6)], ids=str)
@pytest.mark.parametrize("rule", DECISIONS)
def test_the_network_victim_gives_the_margin_of_the_parent(rule, widths):
    decision, scorer = DECISIONS[rule], network(*widths)
    victim = NetworkVictim(scorer, TEST.x, P, decision, TEST.groups)
    rows = np.array([5, 0, 17, 17])
    x = TEST.x[rows].copy()
    for numeric in (x[:, :P].copy(), moved(x)):
        x[:, :P] = numeric
        expected = margin_encoded(scorer, decision, x, TEST.groups[rows])
        found = victim.bind(torch.from_numpy(rows))(torch.from_numpy(numeric))
        np.testing.assert_allclose(found.numpy(), expected, atol=2e-5)


def test_without_a_decision_victims_give_the_logit():
    x = TEST.x[:9].copy()
    x[:, :P] = moved(x)
    numeric, rows = torch.from_numpy(x[:, :P].copy()), torch.arange(9)
    for victim, scorer in (
        (NetworkVictim(network(8), TEST.x, P), network(8)),
        (ScorerVictim(trees(), TEST.x, P), trees()),
    ):
        np.testing.assert_allclose(victim.bind(rows)(numeric).numpy(), score_encoded(scorer, x), atol=2e-5)


def test_the_gradient_is_that_of_the_margin():
    decision, scorer = DECISIONS["group inferred from all columns"], network(8)
    x = TEST.x[:6].copy()
    margin = NetworkVictim(scorer, x, P, decision).bind(torch.arange(6))
    numeric = torch.from_numpy(x[:, :P].copy()).requires_grad_(True)
    (gradient,) = torch.autograd.grad(margin(numeric).sum(), numeric)
    for column in range(P):
        shifted = []
        for step in (-1e-2, 1e-2):
            other = x.copy()
            other[:, column] += step
            shifted.append(margin_encoded(scorer, decision, other))
        slope = (shifted[1] - shifted[0]) / 2e-2
        np.testing.assert_allclose(gradient[:, column].numpy(), slope, atol=5e-3)


@pytest.mark.parametrize("rule", DECISIONS)
@pytest.mark.parametrize("kind", ["network", "trees"])
def test_the_file_victim_gives_the_margin_of_the_file(rule, kind):
    decision, scorer = DECISIONS[rule], network(8) if kind == "network" else trees()
    file = DeployedModel(
        export_onnx(
            None,
            PROBLEM.encoder,
            scorer,
            decision,
            attributes=PROBLEM.attributes,
            group_names=PROBLEM.group_names,
        )
    )
    raw = PROBLEM.raw("test")
    victim = FileVictim(file, file.prepare(raw), TEST.x, PROBLEM.encoder)
    rows = torch.arange(len(TEST.y))
    clean = victim.bind(rows)(torch.from_numpy(TEST.x[:, :P].copy())).numpy()
    np.testing.assert_allclose(clean, file.run(raw).margin, atol=1e-5)

    x = TEST.x.copy()
    x[:, :P] = moved(x)
    found = victim.bind(rows)(torch.from_numpy(x[:, :P].copy())).numpy()
    np.testing.assert_allclose(found, margin_encoded(scorer, decision, x, TEST.groups), atol=2e-3)

    # The same rows as a table: what the attack reports is a row that somebody could send.
    table = raw.copy()
    values = PROBLEM.encoder.raw_numeric(x)
    for position, feature in enumerate(PROBLEM.encoder.numeric):
        touched = x[:, position] != TEST.x[:, position]
        table.loc[touched, feature.column] = values[touched, position]
    assert table["age"].isna().equals(raw["age"].isna()), "a missing cell stays missing"
    np.testing.assert_allclose(found, file.run(table).margin, atol=1e-4)


@pytest.mark.parametrize("kind", ["network", "trees"])
def test_worst_logits_are_worse_and_inside_the_domain(kind):
    scorer = network(8) if kind == "network" else trees()
    rows = np.array([3, 1, 8, 40])
    clean = score_encoded(scorer, TEST.x[rows])
    found = worst_logits(PROBLEM, scorer, TEST.x[rows], TEST.y[rows], rows, attack="pgd", eps=0.3)
    sign = np.where(TEST.y[rows] > 0, 1, -1)
    assert np.array_equal(found.rows, rows)
    assert np.all(sign * (found.z - clean) <= 1e-6)
    assert np.any(sign * (found.z - clean) < -1e-3)
    nothing = worst_logits(PROBLEM, scorer, TEST.x[:0], TEST.y[:0], rows[:0], attack="pgd", eps=0.3)
    assert len(nothing.z) == 0


def test_trees_are_searched_and_pgd_is_shortened_while_training():
    assert short_attack("pgd", trees(), P).name == "coordinate"
    assert short_attack("pgd", trees(), MOST_COLUMNS).name == "coordinate"
    assert "5 steps" in short_attack("pgd", network(8), P).definition
    assert short_attack("fgsm", network(8), P).name == "fgsm"


def test_trees_too_wide_for_the_coordinate_search_meet_random_points():
    """It does nothing there, and calibration would take every row for robust."""
    assert short_attack("pgd", trees(), MOST_COLUMNS + 1).name == "random_points"
    assert "5 steps" in short_attack("pgd", network(8), MOST_COLUMNS + 1).definition
