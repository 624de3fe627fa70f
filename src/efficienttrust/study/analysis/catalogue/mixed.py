"""Mixed models with data sets as a random sample, and the chain of models where one does not converge."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._document import Mixed, Refusal
from efficienttrust.study.analysis._rows import Estimate, MixedRow
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Table
from efficienttrust.study.analysis._units import nanmean

if TYPE_CHECKING:
    import pandas as pd

Model = Literal["random slope", "random intercept", "fixed block"]
FEWEST_DATA_SETS = 3
"""Below, a variance over data sets is not estimated."""
BOUNDARY = 1e-4
"""Variance of a slope, as a share of the residual variance, below which it is on the boundary."""
METHOD = (
    (
        "Means of unit × level over the other factors, by restricted maximum likelihood: a random intercept for the "
        "data set, one for the unit in it, and (random slope) an effect of data set × level."
    ),
    (
        "The chain is random slope, random intercept, fixed block; a model is left when it does not converge, or when"
        " the variance of the slope is on the boundary. The table says which was used, and why the others were left."
    ),
    "Only a random slope speaks about data sets like these; the other two take the effect as the same in all.",
    "Intervals are Wald's with the normal distribution: with few data sets they are too short.",
)


@dataclass(frozen=True)
class Fitted:
    """A model of one factor: difference and standard error by level, and standard deviations."""

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
        refusals.append(Refusal("mixed models", f"{len(table.blocks)} data set(s): nothing varies over data sets"))
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
            if reference not in codes or len(codes) < 2 or not frame["y"].var() > 0:
                why = "empty reference" if reference not in codes else "one level or zero variance"
                refusals.append(Refusal(f"mixed model of {column} by {factor.name}", why))
                continue
            rows += _rows(column, factor, fit_chain(frame, reference, len(table.blocks)), material.options.level)
    return Mixed(title="Mixed models", method=METHOD, refusals=tuple(refusals), effects=tuple(rows))


def fit_chain(frame: pd.DataFrame, reference: int, data_sets: int) -> Fitted:
    """Fit the first model of the chain that holds.

    Args:
        frame: `y`, `level`, `data`, `unit`, the last three as codes.
        reference: Code of the level that the others are compared with.
        data_sets: Their number.
    """
    tried: list[str] = []
    chain: list[tuple[Model, Callable[[], Fitted | str]]] = [
        ("random slope", lambda: _random(frame, reference, slope=True)),
        ("random intercept", lambda: _random(frame, reference, slope=False)),
    ]
    if data_sets < FEWEST_DATA_SETS:
        tried += [f"{name}: {data_sets} data sets" for name, _ in chain]
        chain = []
    for name, attempt in chain:
        found = attempt()
        if isinstance(found, Fitted):
            return Fitted(
                name, tuple(tried), found.difference, found.data_sd, found.slope_sd, found.residual_sd
            )  # fmt: skip
        tried.append(f"{name}: {found}")
    return _fixed(frame, reference, tuple(tried))


def _formula(reference: int) -> str:
    return f"y ~ C(level, Treatment({reference}))"


def _random(frame: pd.DataFrame, reference: int, *, slope: bool) -> Fitted | str:
    """Return the fit of a mixed model, or why it cannot be used."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    scale = float(frame["y"].std())
    scaled = frame.assign(y=(frame["y"] - frame["y"].mean()) / scale)
    parts = {"unit": "0 + C(unit)"} | ({"slope": "0 + C(level)"} if slope else {})
    if frame.groupby("data")["unit"].nunique().max() == 1:
        if slope:
            return "one seed: the variance of the slope cannot be told from the residual"
        parts = {}  # the unit is the data set
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of every optimiser that it tries; the last one's word is asked below
        try:
            model = MixedLM.from_formula(
                _formula(reference), scaled, groups="data", re_formula="1", vc_formula=parts or None
            )
            found = model.fit(reml=True)
        except (np.linalg.LinAlgError, ValueError) as error:
            return str(error).partition("\n")[0]
    if not found.converged:
        return "did not converge"
    variances = dict(zip(model.exog_vc.names, found.vcomp, strict=True)) if parts else {}
    if slope and variances["slope"] < BOUNDARY * found.scale:
        return "the variance of the slope is on the boundary (0)"
    errors = found.bse_fe.to_numpy()
    if not np.isfinite(errors).all() or (errors <= 0).any():
        return "standard errors are not finite"
    return Fitted(
        "random slope" if slope else "random intercept", (),
        _differences(frame, reference, found.fe_params.to_numpy() * scale, errors * scale, np.inf),
        float(np.sqrt(found.cov_re.iloc[0, 0])) * scale,
        float(np.sqrt(variances.get("slope", np.nan))) * scale, float(np.sqrt(found.scale)) * scale,
    )  # fmt: skip


def _fixed(frame: pd.DataFrame, reference: int, tried: tuple[str, ...]) -> Fitted:
    """Fit levels and units as fixed effects by least squares."""
    from statsmodels.regression.linear_model import OLS

    found = OLS.from_formula(f"{_formula(reference)} + C(unit)", frame).fit()
    number = frame["level"].nunique()
    return Fitted(
        "fixed block", tried,
        _differences(
            frame, reference, found.params.to_numpy()[:number], found.bse.to_numpy()[:number], float(found.df_resid)
        ),
        float("nan"), float("nan"), float(np.sqrt(found.scale)),
    )  # fmt: skip


def _differences(
    frame: pd.DataFrame, reference: int, b: Any, errors: Any, df: float
) -> dict[int, tuple[float, float, float]]:
    codes = [code for code in sorted(frame["level"].unique()) if code != reference]
    return {int(code): (float(b[i]), float(errors[i]), df) for i, code in enumerate(codes, start=1)}


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
        reach = float(stats.t.ppf((1 + level) / 2, df)) * error
        p = 2 * float(stats.t.sf(abs(b) / error, df)) if error > 0 else float("nan")
        rows.append(
            MixedRow(
                column, factor.name, factor.levels[code], factor.reference, Estimate(b, b - reach, b + reach), p,
                found.model, found.tried, found.data_sd, found.slope_sd, found.residual_sd,
            )
        )  # fmt: skip
    return rows
