"""Analysis of variance gives the figures that R and statsmodels print for textbook data."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from efficienttrust.study.analysis._linear import Coding, fit, hc3, sums
from efficienttrust.study.analysis._term_designs import ModelDesign

NPK = """0 1 1 49.5 1 1 0 62.8 0 0 0 46.8 1 0 1 57.0 1 0 0 59.8 1 1 1 58.5 0 0 1 55.5 0 1 0 56.0
0 1 0 62.8 1 1 1 55.8 1 0 0 69.5 0 0 1 55.0 1 0 0 62.0 1 1 1 48.8 0 0 1 45.5 0 1 0 44.2
1 1 0 52.0 0 0 0 51.5 1 0 1 49.8 0 1 1 48.8 1 0 1 57.2 1 1 0 59.0 0 1 1 53.2 0 0 0 56.0"""
"""N, P, K and yield of 24 plots in 6 blocks (Venables and Ripley 2002, section 6.7; data set `npk` of R)."""
NPK_TABLE = {"N": 189.2817, "P": 8.4017, "K": 95.2017, "N:P": 21.2817, "N:K": 33.1350, "P:K": 0.4817}
NPK_RESIDUAL = 185.2867, 12
"""As `npk.aov <- aov(yield ~ block + N*P*K, npk)` prints them: output of the example of `help(npk)` in R's MASS."""

WARPBREAKS = {
    ("A", "L"): (26, 30, 54, 25, 70, 52, 51, 26, 67),
    ("A", "M"): (18, 21, 29, 17, 12, 18, 35, 30, 36),
    ("A", "H"): (36, 21, 24, 18, 10, 43, 28, 15, 26),
    ("B", "L"): (27, 14, 29, 19, 29, 31, 41, 20, 44),
    ("B", "M"): (42, 26, 19, 16, 39, 28, 21, 39, 29),
    ("B", "H"): (20, 21, 24, 17, 13, 15, 15, 16, 28),
}
"""Breaks by wool and tension (Tippett 1950; data set `warpbreaks` of R)."""
WARPBREAKS_TABLE = {"wool": (450.7, 3.765), "tension": (2034.3, 8.498), "wool:tension": (1002.8, 4.189)}
"""Sum of squares and F, as `anova(lm(breaks ~ wool*tension, warpbreaks))` prints them (`example(warpbreaks)`)."""
WARPBREAKS_R = (44.556, -16.333, -20.556, -20.000, 21.111, 10.556), 10.94, (5.828, 5, 48)
"""Coefficients with treatment coding, residual standard error, and F of all terms: `summary.lm(aov(breaks ~ wool *
tension))` as printed on R-help, 2 December 2016 (stat.ethz.ch/pipermail/r-help/2016-December/443515.html)."""


def npk() -> pd.DataFrame:
    rows = np.array(NPK.split(), dtype=float).reshape(24, 4)
    frame = pd.DataFrame(rows, columns=["N", "P", "K", "crop"])
    return frame.assign(block=np.repeat(np.arange(6), 4))


def warpbreaks() -> pd.DataFrame:
    return pd.DataFrame([(*cell, one) for cell, each in WARPBREAKS.items() for one in each]).set_axis(
        ["wool", "tension", "breaks"], axis=1
    )


def test_the_data_are_those_of_r():
    """Numbers of rows and means as R's `summary` prints them, and tables of treatments per block."""
    peas, yarn = npk(), warpbreaks()
    assert (len(peas), round(float(peas["crop"].mean()), 3)) == (24, 54.875)
    assert (len(yarn), round(float(yarn["breaks"].mean()), 3)) == (54, 28.148)
    assert (peas.groupby("block")[["N", "P", "K"]].sum() == 2).all(axis=None)
    parity = peas[["N", "P", "K"]].sum(axis=1) % 2  # N P K is confounded with blocks
    assert (parity.groupby(peas["block"]).nunique() == 1).all()
    assert yarn["breaks"].agg(["min", "median", "max"]).tolist() == [10, 26, 70]


def squares(cells: np.ndarray, y: np.ndarray, block: np.ndarray, kind: str) -> tuple[list[float], float, int]:
    """Return the sums of squares of all terms, the residual's, and its degrees of freedom."""
    coding = Coding(cells, 2)
    data = sums(coding, y, block)
    design = ModelDesign(coding, data, np.ones((1, len(data.rows))))
    found = fit(data, design.full.kept)
    out = []
    for one in (one for one in design.terms if one.kind == kind):
        b = fit(data, one.columns).b[one.mine]
        out.append(float(b @ one.metric @ b))
    return out, found.rss, found.df


def theirs(formula: str, frame: pd.DataFrame, kind: str) -> tuple[list[float], float, int]:
    """Return sums of squares of all terms but the block, the residual's, and its degrees of freedom."""
    model = ols(formula, frame).fit()
    table = anova_lm(model, typ=2 if kind == "II" else 3).drop(index=["Intercept", "C(block, Sum)"], errors="ignore")
    return table["sum_sq"].drop("Residual").tolist(), float(model.ssr), int(model.df_resid)


@pytest.mark.parametrize("kind", ["II", "III"])
def test_npk_is_as_r_and_statsmodels_print_it(kind):
    frame = npk()
    cells, cell = np.unique(frame[["N", "P", "K"]].to_numpy(dtype=int), axis=0, return_inverse=True)
    y = np.full((6, len(cells)), np.nan)
    y[frame["block"], cell.ravel()] = frame["crop"]
    found, residual, df = squares(cells, y, np.arange(6), kind)
    assert np.round(found, 4).tolist() == list(NPK_TABLE.values())
    assert (round(residual, 4), df) == NPK_RESIDUAL
    pairs = "C(N, Sum) + C(P, Sum) + C(K, Sum) + C(N, Sum):C(P, Sum) + C(N, Sum):C(K, Sum) + C(P, Sum):C(K, Sum)"
    expected = theirs(f"crop ~ C(block, Sum) + {pairs}", frame, kind)
    assert (found, residual, df) == (pytest.approx(expected[0]), pytest.approx(expected[1]), expected[2])


@pytest.mark.parametrize("kind", ["II", "III"])
def test_warpbreaks_is_as_r_and_statsmodels_print_it(kind):
    cells = np.array(list(itertools.product(range(2), range(3))))
    y = np.array(list(WARPBREAKS.values()), dtype=float).T  # nine replicates, one block
    found, residual, df = squares(cells, y, np.zeros(9, dtype=int), kind)
    assert np.round(found, 1).tolist() == [ss for ss, _ in WARPBREAKS_TABLE.values()]
    f = [ss / k / (residual / df) for ss, k in zip(found, (1, 2, 2), strict=True)]
    assert np.round(f, 3).tolist() == [one for _, one in WARPBREAKS_TABLE.values()]
    coefficients, error, all_terms = WARPBREAKS_R
    assert round(float(np.sqrt(residual / df)), 2) == error
    assert (round(sum(found) / 5 / (residual / df), 3), 5, df) == all_terms
    expected = theirs("breaks ~ C(wool, Sum) * C(tension, Sum)", warpbreaks(), kind)
    assert (found, residual, df) == (pytest.approx(expected[0]), pytest.approx(expected[1]), expected[2])
    order = "C(wool, levels=['A', 'B']) * C(tension, levels=['L', 'M', 'H'])"
    printed = ols(f"breaks ~ {order}", warpbreaks()).fit().params
    assert np.round(sorted(printed), 3).tolist() == sorted(coefficients)


@pytest.fixture
def unbalanced():
    """Two factors, 6 units, an eighth of the trials lost at random but no cell empty."""
    rng = np.random.default_rng(5)
    cells = np.array(list(itertools.product(range(2), range(3))))
    y = rng.normal(0, 1, (6, 6)) + rng.normal(0, 1, 6)[:, None] + cells[:, 0] + 0.3 * cells[:, 1] * cells[:, 0]
    y[rng.random(y.shape) < 1 / 8] = np.nan
    unit, cell = np.nonzero(np.isfinite(y))
    frame = pd.DataFrame({"y": y[unit, cell], "unit": unit, "a": cells[cell, 0], "b": cells[cell, 1]})
    return cells, y, frame


@pytest.mark.parametrize("kind", ["II", "III"])
def test_unbalanced_tables_agree_with_statsmodels(unbalanced, kind):
    cells, y, frame = unbalanced
    found, residual, df = squares(cells, y, np.arange(6), kind)
    model = ols("y ~ C(unit, Sum) + C(a, Sum) * C(b, Sum)", frame).fit()
    table = anova_lm(model, typ=2 if kind == "II" else 3)
    expected = table.loc[["C(a, Sum)", "C(b, Sum)", "C(a, Sum):C(b, Sum)"], "sum_sq"]
    assert found == pytest.approx(expected.tolist(), rel=1e-8)
    assert (residual, df) == (pytest.approx(model.ssr), int(model.df_resid))


def test_the_robust_covariance_agrees_with_statsmodels(unbalanced):
    cells, y, frame = unbalanced
    coding = Coding(cells, 2)
    data = sums(coding, y, np.arange(6))
    found = fit(data, np.arange(5))
    model = ols("y ~ C(unit, Sum) + C(a, Sum) * C(b, Sum)", frame).fit(cov_type="HC3")
    names = [name for name in model.params.index if "C(a" in name or "C(b" in name]
    theirs = model.cov_params().loc[names, names].to_numpy()
    assert np.diag(hc3(coding, data, found)) == pytest.approx(np.diag(theirs), rel=1e-8)


def test_type_three_needs_sum_coding(unbalanced):
    """With the usual coding statsmodels answers another question; the difference is what the note warns of."""
    cells, y, frame = unbalanced
    found, _, _ = squares(cells, y, np.arange(6), "III")
    usual = anova_lm(ols("y ~ C(unit) + C(a) * C(b)", frame).fit(), typ=3)
    assert abs(found[0] - usual.loc["C(a)", "sum_sq"]) > 0.1 * found[0]
