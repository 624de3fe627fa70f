"""Restricted maximum likelihood gives what lme4 and statsmodels do, and never less than a smaller model."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from efficienttrust.study.analysis._reml import grouped, reml
from efficienttrust.study.analysis.catalogue.mixed import fit_chain

DYESTUFF = """1545 1440 1440 1520 1580 1540 1555 1490 1560 1495 1595 1550 1605 1510 1560
1445 1440 1595 1465 1545 1595 1630 1515 1635 1625 1520 1455 1450 1480 1445"""
"""Yield of six batches of five (Davies and Goldsmith 1972, table 6.3; data set `Dyestuff` of R's lme4)."""


def table(seed: int, slope: float, *, data_sets: int = 5, units: int = 4, levels: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data, unit, level = (one.ravel() for one in np.indices((data_sets, units, levels)))
    y = (
        rng.normal(0, 1, data_sets)[data]
        + rng.normal(0, 0.5, data_sets * units)[data * units + unit]
        + slope * rng.normal(0, 1, data_sets * levels)[data * levels + level]
        + rng.normal(0, 0.3, len(data))
    )
    return pd.DataFrame({"y": y, "data": data, "unit": data * units + unit, "level": level})


def products(frame: pd.DataFrame):
    x = np.column_stack([np.ones(len(frame)), *((frame["level"] == i) * 1.0 for i in range(1, 3))])
    return grouped(x, *(frame[name].to_numpy() for name in ("y", "data", "unit", "level")))


def test_dyestuff_is_as_lme4_prints_it():
    """Standard deviations 42.00 and 49.51, standard error 19.38, criterion 319.6543 (Bates 2010, section 1.3)."""
    y = np.array(DYESTUFF.split(), dtype=float)
    batch, scale = np.repeat(np.arange(6), 5), float(y.std())
    found = reml(
        grouped(np.ones((30, 1)), (y - y.mean()) / scale, batch, np.arange(30), np.zeros(30, dtype=np.int64)), (0,)
    )
    sd = np.sqrt([found.variances[0], found.residual, found.covariance[0, 0]]) * scale
    assert (y.mean(), *np.round(sd, 2)) == (1527.5, 42.0, 49.51, 19.38)
    assert -2 * found.likelihood + 2 * 29 * np.log(scale) == pytest.approx(319.6543, abs=5e-5)


@pytest.mark.parametrize("lost", [0.0, 0.15])
def test_it_agrees_with_statsmodels_where_that_converges(lost):
    """A variance well above 0; near 0 statsmodels stops early, below the likelihood of the smaller model."""
    frame = table(3, 1.0)
    frame = frame[np.random.default_rng(0).random(len(frame)) >= lost]
    ours = reml(products(frame), (0, 1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = {"slope": "0 + C(level)", "unit": "0 + C(unit)"}
        theirs = MixedLM.from_formula("y ~ C(level)", frame, groups="data", re_formula="1", vc_formula=parts).fit()
    assert theirs.converged
    assert ours.converged
    assert ours.likelihood == pytest.approx(theirs.llf, abs=1e-5)
    assert ours.b == pytest.approx(theirs.fe_params.to_numpy(), abs=1e-4)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse_fe.to_numpy(), rel=1e-3)
    assert (*ours.variances[[2, 1]], ours.residual) == pytest.approx((*theirs.vcomp, theirs.scale), rel=5e-3)


@pytest.mark.parametrize("seed", range(8))
def test_a_larger_model_never_has_less_likelihood(seed):
    one = products(table(seed, 0.0))
    small, large = reml(one, (0, 1)), reml(one, (0, 1, 2))
    assert small.converged
    assert large.converged
    assert large.likelihood >= small.likelihood - 1e-6


def test_without_a_residual_there_is_no_fit():
    frame = table(0, 0.0).assign(y=lambda one: 1.0 * one["level"])
    assert reml(products(frame), (0, 1)) is None


def test_balanced_tables_have_the_t_test_of_their_stratum():
    """With a random slope: means of data set × level, with the data set as block."""
    frame = table(5, 1.0)
    found = fit_chain(frame, 0)
    assert found.model == "random slope"
    means = frame.pivot_table("y", "data", "level").to_numpy()
    left = means - means.mean(0) - means.mean(1, keepdims=True) + means.mean()
    error = np.sqrt((left**2).sum() / 8 * 2 / 5)
    b, their_error, df = found.difference[1]
    assert (b, their_error, df) == pytest.approx((float((means[:, 1] - means[:, 0]).mean()), error, 8), rel=1e-3)


@pytest.mark.parametrize("runs", [10, pytest.param(600, marks=pytest.mark.slow)])
def test_a_slope_that_is_not_there_stays_at_the_rate_of_its_test(runs):
    kept = sum(fit_chain(table(seed, 0.0), 0).model == "random slope" for seed in range(runs))
    assert kept / runs <= 0.2 + 4 * (0.2 * 0.8 / runs) ** 0.5


def test_a_slope_that_is_there_is_kept_in_its_size():
    found = [fit_chain(table(seed, 1.0), 0) for seed in range(6)]
    assert {one.model for one in found} == {"random slope"}
    df = 6 * 8  # whose estimate of 1 + 0.3² / 4 scatters as a chi-square variable does
    assert np.mean([one.slope_sd**2 for one in found]) == pytest.approx(1, abs=4 * 1.0225 * (2 / df) ** 0.5)


@pytest.mark.slow
def test_intervals_about_other_data_sets_cover():
    runs, hits = 1000, 0
    for seed in range(runs):
        b, error, df = fit_chain(table(seed, 1.0), 0).difference[1]
        hits += abs(b) <= stats.t.ppf(0.975, df) * error
    assert abs(hits / runs - 0.95) <= 4 * (0.95 * 0.05 / runs) ** 0.5
