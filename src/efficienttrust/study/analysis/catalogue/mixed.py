"""Mixed models with data sets as a random sample, and the chain of models where one does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._document import Mixed, Refusal
from efficienttrust.study.analysis._reml import Grouped, Reml, grouped, reml
from efficienttrust.study.analysis._rows import Estimate, MixedRow
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Floats, Table
from efficienttrust.study.analysis._units import nanmean

if TYPE_CHECKING:
    import pandas as pd

Model = Literal["random slope", "random intercept", "fixed block"]
FEWEST_DATA_SETS = 3
"""Below, a variance over data sets is not estimated."""
MOST_LEVELS = 200
"""Beyond, the factors of matrices with a row per level take too long."""
ALPHA_OF_SLOPE = 0.2
"""Error rate at which the variance of the slope is tested: to leave out one that is there costs more than to keep one
that is not (Matuschek, Kliegl, Vasishth, Baayen and Bates 2017)."""
METHOD = (
    (
        "Means of unit × level over the other factors, by restricted maximum likelihood: a random intercept for the "
        "data set, one for the unit in it, and (random slope) an effect of data set × level."
    ),
    (
        "The chain is random slope, random intercept, fixed block. The slope is kept where a likelihood-ratio test of "
        "its variance has p < 0.2; under a variance of 0 the ratio is a mixture in halves of 0 and chi-square with one "
        "degree of freedom (Stram and Lee 1994). A model is also left when it does not converge, or needs more data "
        "sets or seeds. The table says which was used, and why the others were left."
    ),
    "Only a random slope speaks about data sets like these; the other two take the effect as the same in all.",
    (
        "Intervals are by t; its degrees of freedom are those of the stratum of the effect (data set × level with a "
        "random slope, else the residual), which is exact for balanced tables and a slope's variance above 0."
    ),
)


@dataclass(frozen=True)
class Fitted:
    """A model of one factor.

    Attributes:
        model: Of the chain.
        tried: Models before it, with the reason why each was left.
        difference: Difference, standard error and degrees of freedom by code of the level.
        data_sd: Standard deviation of data sets; NaN where it is no part of the model.
        slope_sd: Of data set × level; likewise.
        residual_sd: Of the residual.
    """

    model: Model
    tried: tuple[str, ...]
    difference: dict[int, tuple[float, float, float]]
    data_sd: float
    slope_sd: float
    residual_sd: float


@sections.register("mixed")
def mixed(material: Material) -> Mixed:
    """Fit the chain for the headline metrics and every factor."""
    table, rows, refusals = material.table, [], []
    if len(table.blocks) < 2 or table.units < FEWEST_DATA_SETS:
        refusals.append(
            Refusal("mixed models", "one data set, or fewer than three units: nothing varies over data sets")
        )
        return Mixed(title="Mixed models", method=METHOD, refusals=tuple(refusals))
    skipped = [name for name in material.columns if name not in material.headline]
    if skipped:
        refusals.append(
            Refusal(f"mixed models of {len(skipped)} other columns", "they are fitted for headline metrics")
        )
    for column in material.headline:
        for factor in table.factors:
            frame = _means(material, column, factor)
            codes = sorted(frame["level"].unique())
            reference = factor.levels.index(factor.reference)
            found: Fitted | str
            if reference not in codes:
                found = "the reference has no figures"
            elif len(codes) < 2 or not frame["y"].var() > 0:
                found = "one level or zero variance"
            elif len(codes) > MOST_LEVELS:
                found = f"more than {MOST_LEVELS} levels"
            else:
                found = fit_chain(frame, reference)
            if isinstance(found, Fitted):
                rows += _rows(column, factor, found, material.options.level)
            else:
                refusals.append(Refusal(f"mixed model of {column} by {factor.name}", found))
    return Mixed(title="Mixed models", method=METHOD, refusals=tuple(refusals), effects=tuple(rows))


def fit_chain(frame: pd.DataFrame, reference: int) -> Fitted | str:
    """Fit the first model of the chain that holds, or say why none does.

    Args:
        frame: `y`, `level`, `data`, `unit`, the last three as codes.
        reference: Code of the level that the others are compared with.
    """
    data_sets = frame["data"].nunique()
    if data_sets < FEWEST_DATA_SETS:
        return _fixed(frame, reference, tuple(f"{name}: {data_sets} data sets" for name in _RANDOM))
    codes, level = np.unique(frame["level"], return_inverse=True)
    y, centre, scale = frame["y"].to_numpy(), float(frame["y"].mean()), float(frame["y"].std())
    others = [i for i, code in enumerate(codes) if code != reference]
    x = np.column_stack([np.ones(len(y)), *((level == i).astype(float) for i in others)])
    products = grouped(x, (y - centre) / scale, frame["data"].to_numpy(), frame["unit"].to_numpy(), level)
    repeated = bool(frame.groupby("data")["unit"].nunique().max() > 1)
    simple = reml(products, (0, 1) if repeated else (0,))  # without, the unit is the data set
    if simple is None:
        return _fixed(frame, reference, tuple(f"{name}: nothing is left for the residual" for name in _RANDOM))
    slope = _slope(products, simple) if repeated else _ONE_SEED
    tried = (f"{_RANDOM[0]}: {slope}",) if isinstance(slope, str) else ()
    if isinstance(slope, str) and not simple.converged:
        return _fixed(frame, reference, (*tried, f"{_RANDOM[1]}: did not converge"))
    found = simple if isinstance(slope, str) else slope
    cells = len(frame[["data", "level"]].drop_duplicates())
    degrees = len(y) - frame["unit"].nunique() if isinstance(slope, str) else cells - data_sets
    errors = np.sqrt(np.diag(found.covariance)) * scale
    sd = np.sqrt(np.append(found.variances, found.residual)) * scale
    return Fitted(
        _RANDOM[1] if isinstance(slope, str) else _RANDOM[0], tried,
        _differences([int(codes[i]) for i in others], found.b[1:] * scale, errors[1:], float(degrees - len(others))),
        float(sd[0]), float("nan") if isinstance(slope, str) else float(sd[2]), float(sd[3]),
    )  # fmt: skip


_RANDOM: tuple[Model, Model] = ("random slope", "random intercept")
_ONE_SEED = "one seed: the variance of the slope cannot be told from the residual"


def _slope(products: Grouped, simple: Reml) -> Reml | str:
    """Return the fit with a random slope, or why it is left."""
    from scipy import stats

    found = reml(products, (0, 1, 2), (simple,))
    if found is None or not found.converged:
        return "did not converge"
    ratio = max(0.0, 2 * (found.likelihood - simple.likelihood))
    p = float(stats.chi2.sf(ratio, 1)) / 2 if found.variances[2] > 0 else 1.0
    if p >= ALPHA_OF_SLOPE:
        return f"its variance is not clear of 0 (likelihood ratio {ratio:.2f}, p = {p:.2f})"
    return found


def _fixed(frame: pd.DataFrame, reference: int, tried: tuple[str, ...]) -> Fitted | str:
    """Fit levels and units as fixed effects by least squares."""
    from statsmodels.regression.linear_model import OLS

    model = OLS.from_formula(f"y ~ C(level, Treatment({reference})) + C(unit)", frame)
    if np.linalg.matrix_rank(model.exog) < model.exog.shape[1]:
        return "no units connect all levels"
    found = model.fit()
    if found.df_resid < 1:
        return "no degree of freedom is left for the residual"
    codes = [int(code) for code in sorted(frame["level"].unique()) if code != reference]
    own = slice(1, 1 + len(codes))
    return Fitted(
        "fixed block", tried,
        _differences(codes, found.params.to_numpy()[own], found.bse.to_numpy()[own], float(found.df_resid)),
        float("nan"), float("nan"), float(np.sqrt(found.scale)),
    )  # fmt: skip


def _differences(codes: list[int], b: Floats, errors: Floats, df: float) -> dict[int, tuple[float, float, float]]:
    return {code: (float(one), float(error), df) for code, one, error in zip(codes, b, errors, strict=True)}


def _means(material: Material, column: str, factor: Factor) -> pd.DataFrame:
    import pandas as pd

    table: Table = material.table
    means = nanmean(table.spread(material.values(column), table.factors.index(factor)), 2)
    unit, level = np.nonzero(np.isfinite(means))
    return pd.DataFrame({"y": means[unit, level], "level": level, "data": table.block_of_unit[unit], "unit": unit})


def _rows(column: str, factor: Factor, found: Fitted, level: float) -> list[MixedRow]:
    from scipy import stats

    rows = []
    for code, (b, error, df) in found.difference.items():
        usable = error > 0 and df > 0
        reach = float(stats.t.ppf((1 + level) / 2, df)) * error if usable else float("nan")
        p = 2 * float(stats.t.sf(abs(b) / error, df)) if usable else float("nan")
        rows.append(
            MixedRow(
                column, factor.name, factor.levels[code], factor.reference, Estimate(b, b - reach, b + reach), p,
                found.model, found.tried, found.data_sd, found.slope_sd, found.residual_sd,
            )
        )  # fmt: skip
    return rows
