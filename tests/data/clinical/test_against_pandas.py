"""A generated release: the reader agrees with pandas, and labels with the probabilities they were drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from efficienttrust.data.clinical import read_mimic_iv

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture
def mimic(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import _mimic

    return _mimic


@pytest.mark.parametrize("window", [24, 48])
def test_the_table_is_that_of_an_independent_reading_in_pandas(mimic, tmp_path, window):
    mimic.write_release(tmp_path, stays=300, events=40_000, seed=window)
    ours, theirs = read_mimic_iv(tmp_path, window=window), mimic.read_with_pandas(tmp_path, window)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-6, atol=0)
    assert ours.filter(like="@").notna().to_numpy().sum() > 5_000


def test_the_law_is_that_of_the_labels_that_are_read(mimic, tmp_path):
    law = mimic.write_release(tmp_path, stays=4_000, events=400_000, seed=1)
    table = read_mimic_iv(tmp_path, variables=["heart_rate"])
    np.testing.assert_array_equal(np.sort(table.index), law.stay)
    table = table.loc[law.stay]
    for label, drawn in law.labels.items():
        known = drawn >= 0
        np.testing.assert_array_equal(table[label].to_numpy()[known], drawn[known])
        assert table[label].isna().to_numpy()[~known].all()
        for p in (law.hidden[label][known], law.recorded[label][known]):
            assert abs(p.mean() - drawn[known].mean()) < 4 * np.sqrt((p * (1 - p)).mean() / known.sum())
            assert abs(mimic.bayes_auc(p) - roc_auc_score(drawn[known], p)) < 0.04
        assert mimic.bayes_auc(law.recorded[label][known]) < mimic.bayes_auc(law.hidden[label][known])


def test_the_bayes_auc_is_the_expected_share_of_concordant_pairs(mimic):
    p = np.random.default_rng(0).random(50)
    one, other = np.meshgrid(p, p, indexing="ij")
    pairs = one * (1 - other) * ~np.eye(50, dtype=bool)
    assert mimic.bayes_auc(p) == pytest.approx((pairs * (one > other)).sum() / pairs.sum())
    assert mimic.bayes_accuracy(p) == pytest.approx(np.maximum(p, 1 - p).mean())
