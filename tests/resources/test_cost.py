from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.resources import CostModel

_costs = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)


@given(_costs, st.floats(0.01, 1))
def test_the_prediction_is_the_upper_empirical_quantile(costs, quantile):
    model = CostModel()
    for cost in costs:
        model.observe("step", cost)
    predicted = model.predict("step", quantile)
    assert predicted == np.quantile(costs, quantile, method="inverted_cdf")
    assert model.mean("step") == pytest.approx(np.mean(costs))


def test_only_the_window_is_remembered():
    model = CostModel(window=4)
    for cost in (100, 1, 2, 3, 4):
        model.observe("step", cost)
    assert model.predict("step") == 4
    assert model.mean("step") == 2.5


def test_actions_are_apart_and_unknown_ones_get_the_default():
    model = CostModel()
    model.observe("step", 1.0)
    assert model.predict("attack") == 0
    assert model.predict("attack", default=3.0) == 3
    assert model.mean("attack", default=2.0) == 2


def test_state_survives_a_kill():
    model = CostModel(window=3)
    for cost in (5.0, 1.0, 2.0, 3.0):
        model.observe("step", cost)
    other = CostModel(window=3)
    other.observe("monitor", 9.0)
    other.load_state_dict(json.loads(json.dumps(model.state_dict())))
    assert other.state_dict() == model.state_dict() == {"step": [1.0, 2.0, 3.0]}
