"""Robust error of the plug-in rule over the number of rows it is learnt from.

Letters: mu, sigma of the classes N(y mu, sigma^2 I), balanced; w = mean of y x over n rows, hence N(mu, sigma^2 I / n);
its robust error is Phi((eps |w|_q - w.mu) / (sigma |w|_2)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, positive, whole
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._embedding import Floats

CELLS = 2_000_000
NODES = 200
"""Gauss-Legendre nodes between two kinks."""
NARROW = 9.0
"""Spreads from the mean beyond which no probability is left in float64."""


def robust_sample_curve(
    mu: ArrayLike,
    eps: float,
    norm: AttackNorm = "linf",
    *,
    n: Sequence[int],
    sigma: float = 1.0,
    draws: int = 2000,
    seed: int = 0,
) -> Bound:
    """Return the expected robust error of the plug-in rule sign(w.x), w = mean(y x), learnt from n rows.

    Exact by quadrature for d = 1 and 2, where the direction of w has a known density; an estimate with its standard
    error by simulation for more columns, where only w is drawn: the error given w is in closed form.

    Args:
        mu: Mean of the positive class [d]; that of the other is -mu; the classes are equally frequent.
        eps: Size of the attack on each row.
        norm: Norm of the attack.
        n: Numbers of rows.
        sigma: Standard deviation of every column within a class.
        draws: Simulated training sets for d > 2.
        seed: Of the simulation; all n share the draws.

    Returns:
        Errors [len(n)]; `details`: `standard` (the same without attack) and `standard_error`, 0 where exact.
    """
    mean = np.atleast_1d(np.asarray(mu, dtype=np.float64))
    if mean.ndim != 1 or not np.isfinite(mean).all() or not mean.any():
        raise UsageError(f"mu has the shape {mean.shape}: give finite numbers, one for each column, not all 0")
    not_negative("eps", eps)
    positive("sigma", sigma)
    dual_sizes(mean, norm)  # refuses an unknown norm
    rows = np.array([whole("n", count) for count in n], dtype=np.float64)
    if len(mean) <= 2:
        found = np.array([_by_direction(mean, sigma / math.sqrt(count), eps, norm, sigma) for count in rows])
        values, standard, error = found[:, 0], found[:, 1], np.zeros(len(rows))
    else:
        values, standard, error = _simulated(mean, eps, norm, sigma, rows, whole("draws", draws, least=2), seed)
    return Bound(
        value=values,
        kind="exact" if len(mean) <= 2 else "estimate",
        assumptions=("two balanced Gaussian classes", "the rule is the plug-in one: others may learn faster"),
        source="closed form given w, as in Schmidt et al. 2018",
        inputs={"mu": mean, "eps": eps, "norm": norm, "n": tuple(n), "sigma": sigma, "draws": draws, "seed": seed},
        details={"standard": standard, "standard_error": error},
    )


def robust_sample_scaling(d: int, eps: float) -> Bound:
    """Return eps^2 sqrt(d) / ln d, of whose order the rows are that robust learning under linf needs at least.

    Means of length sqrt(d) and sigma of at most the order of d^(1/4), where a single row suffices without an attack;
    eps^2 sqrt(d) rows suffice. The constants are unspecified: for numbers see `robust_sample_curve`.
    """
    columns = whole("d", d)
    not_negative("eps", eps)
    reason = "ln d is 0 in one dimension: the statement is one of many columns" if columns == 1 else ""
    return Bound(
        value=math.nan if columns == 1 else eps**2 * math.sqrt(columns) / math.log(columns),
        kind="scaling",
        assumptions=("two balanced Gaussian classes with |mu| = sqrt(d)", "any learner"),
        source="Schmidt et al. 2018, theorem 6",
        inputs={"d": d, "eps": eps},
        vacuous=columns == 1,
        reason=reason,
        details={"sufficient": eps**2 * math.sqrt(columns)},
    )


def _errors(w: Floats, mu: Floats, eps: float, norm: str, sigma: float) -> Floats:
    from scipy.special import ndtr

    errors: Floats = ndtr((eps * dual_sizes(w, norm) - w @ mu) / (sigma * np.linalg.norm(w, axis=-1)))
    return errors


def _by_direction(mu: Floats, spread: float, eps: float, norm: str, sigma: float) -> tuple[float, float]:
    """Return the expected errors with and without attack over w ~ N(mu, spread^2 I), d = 1 or 2.

    In the plane the angle of N(a, I) has the density exp(-|a|^2 / 2) / (2 pi) + t exp((t^2 - |a|^2) / 2) Phi(t) /
    sqrt(2 pi) with t = a.u. Norms have kinks only on the axes; where the density is narrow, only its angles are taken.
    """
    from scipy.special import ndtr

    if len(mu) == 1:
        right = float(ndtr(mu[0] / spread))
        u, weights = np.array([[1.0], [-1.0]]), np.array([right, 1 - right])
    else:
        a = mu / spread
        length, middle = float(np.linalg.norm(a)), math.atan2(mu[1], mu[0])
        half = math.pi if length < NARROW else math.asin(NARROW / length)
        axes = np.arange(-4, 5) * math.pi / 2
        edges = np.concatenate([[middle - half], axes[np.abs(axes - middle) < half], [middle + half]])
        nodes, node_weights = np.polynomial.legendre.leggauss(NODES)
        widths = np.diff(edges)[:, None] / 2
        angles = (edges[:-1, None] + widths * (nodes + 1)).ravel()
        u = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        t = u @ a
        density = np.exp(-(length**2) / 2) / (2 * math.pi)
        density = density + t * np.exp((t**2 - length**2) / 2) * ndtr(t) / math.sqrt(2 * math.pi)
        weights = density * (widths * node_weights).ravel()
    return float(weights @ _errors(u, mu, eps, norm, sigma)), float(weights @ _errors(u, mu, 0.0, norm, sigma))


def _simulated(
    mu: Floats, eps: float, norm: str, sigma: float, rows: Floats, draws: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    chunk = max(1, CELLS // len(mu))
    robust: list[Floats] = []
    plain: list[Floats] = []
    for start in range(0, draws, chunk):
        noise = rng.standard_normal((min(chunk, draws - start), len(mu)))
        for found, size in ((robust, eps), (plain, 0.0)):
            found.append(
                np.stack([_errors(mu + sigma / math.sqrt(k) * noise, mu, size, norm, sigma) for k in rows], axis=1)
            )
    all_robust, all_plain = np.concatenate(robust), np.concatenate(plain)
    return all_robust.mean(axis=0), all_plain.mean(axis=0), all_robust.std(axis=0, ddof=1) / math.sqrt(draws)
