"""Re-weighed rows have group and label independent, at every weight of rows, with unknown groups and empty cells."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from efficienttrust.training.interventions import Answers, interventions
from tests.training.interventions.cases import made_groups


def factors(groups, setting=1.0):
    n = len(groups.codes)
    answers = Answers(torch.arange(n), groups.y, torch.zeros(0), lambda: torch.zeros(0))
    return interventions.get("reweighing")(groups).take(answers, setting).factor.double()


@pytest.mark.parametrize("seed", range(5))
def test_weighed_shares_are_products_and_the_mean_is_one(seed):
    groups = made_groups(seed=seed)
    w = factors(groups) * groups.weight.double() * groups.known
    for g in range(3):
        for label in (0, 1):
            joint = w[(groups.codes == g) & (groups.y == label)].sum() / w.sum()
            product = w[groups.codes == g].sum() * w[groups.y == label].sum() / w.sum() ** 2
            assert float(joint) == pytest.approx(float(product), rel=1e-5)
    assert float(w.sum() / groups.weight[groups.known].sum()) == pytest.approx(1.0, rel=1e-5)
    assert torch.all(factors(groups)[~groups.known] == 1.0)


def test_less_than_all_the_way_is_a_power():
    groups = made_groups()
    whole, half = factors(groups), factors(groups, 0.5)
    ratio = whole.sqrt() / half
    assert float(ratio[groups.known].std()) < 1e-6
    one, other = (factors(groups, setting) for setting in (0.2, 0.9))
    assert float((whole[groups.known] - 1).abs().max()) > float((other[groups.known] - 1).abs().max())
    assert float((other[groups.known] - 1).abs().max()) > float((one[groups.known] - 1).abs().max())


def test_a_cell_without_rows_leaves_the_others_finite():
    groups = made_groups()
    groups = dataclasses.replace(groups, y=torch.where(groups.codes == 2, 1, groups.y))
    w = factors(groups)
    assert torch.isfinite(w).all()
    assert float((w * groups.weight)[groups.known].sum() / groups.weight[groups.known].sum()) == pytest.approx(
        1.0, 1e-5
    )


def test_more_than_two_classes():
    groups = made_groups()
    groups = dataclasses.replace(groups, y=(torch.arange(400) * 7 + groups.codes) % 4, task="multiclass")
    w = factors(groups) * groups.weight.double() * groups.known
    for g in range(3):
        for label in range(4):
            joint = w[(groups.codes == g) & (groups.y == label)].sum() / w.sum()
            assert float(joint) == pytest.approx(
                float(w[groups.codes == g].sum() * w[groups.y == label].sum() / w.sum() ** 2), rel=1e-5
            )
