"""A threshold never lies on a row, so the exported file decides as the calibrator did, rows of equal logit included."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_problem
from efficienttrust.evaluation.calibration import APART, calibrate
from efficienttrust.evaluation.rule_data import CalibrationData
from efficienttrust.evaluation.targets import parse_target


@pytest.mark.parametrize("spacing", [1.0, 1e-3])
def test_the_threshold_keeps_its_distance_from_every_row(spacing):
    rng = np.random.default_rng(0)
    z = (rng.integers(0, 9, 400) * spacing).astype(np.float32)
    y = (rng.random(400) < z / z.max()).astype(np.int8)
    groups = rng.integers(0, 2, 400)
    data = CalibrationData(z, y, {"": (groups, 2)}, np.zeros((400, 0), np.float32), {})
    found = calibrate(data, [parse_target("dpd <= 0.1")], {})
    assert np.abs(z - found.threshold).min() > APART / 2


def test_rows_that_differ_by_rounding_only_stay_together():
    z = np.repeat(np.array([0.0, 0.1, 0.2], np.float32), 100) + np.tile(np.float32([0, 1e-7]), 150)
    y = (np.arange(300) % 3 == 0).astype(np.int8)
    data = CalibrationData(z, y, {"": (np.zeros(300, int), 1)}, np.zeros((300, 0), np.float32), {})
    assert np.abs(z - calibrate(data, [], {}).threshold).min() > 0.01


def test_one_row_and_a_constant_logit_are_calibrated_too():
    for n in (1, 50):
        y = (np.arange(n) % 3 > 0).astype(np.int8)
        data = CalibrationData(
            np.full(n, 0.7, np.float32), y, {"": (np.zeros(n, int), 1)}, np.zeros((n, 0), np.float32), {}
        )
        assert calibrate(data, [], {}).utility == max(y.mean(), 1 - y.mean())


@pytest.mark.parametrize("trainer", ["trees", "network"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_file_decides_as_calibrated_on_a_table_of_few_distinct_rows(trainer, seed):
    rng = np.random.default_rng(seed)
    n = 1500
    table = pd.DataFrame(
        {"a": rng.choice(list("xyzw"), n), "b": rng.choice(list("uvw"), n), "sex": rng.choice(["F", "M"], n)}
    )
    noisy = ((table.a == "x") | (table.b == "u")) & (table.sex == "M")
    table["y"] = np.where(noisy ^ (rng.random(n) < 0.3), "yes", "no")
    problem = load_problem(table, label="y", sensitive="sex")
    run = fit(problem, budget="time=60 steps", targets=["accuracy >= 0.5"], trainer=trainer, seed=seed)
    chosen = next(one for one in run.document["candidates"] if one["chosen"])
    said = run.predict(problem.raw("calibrate")).decision.to_numpy()
    assert np.mean(said == problem.splits["calibrate"].y) == pytest.approx(chosen["metrics"]["accuracy"])
