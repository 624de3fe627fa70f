"""Rules that attain a frontier, applied to rows: one threshold per group, or one score for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.theory._frontier_rows import Codes, Floats


@dataclass(frozen=True, eq=False)
class GroupRules:
    """One randomised threshold per allowed gap and group, for D gaps and G groups.

    A row of group a says 1 above `threshold`, at it with chance `tie`. With chance `coin` a coin decides instead, which
    says 1 with chance `coin_rate`; only equalized odds needs it, of groups that are easier than the others.

    Attributes:
        threshold: Scores [D, G].
        tie: [D, G].
        coin: [D, G].
        coin_rate: [D, G].
    """

    threshold: Floats
    tie: Floats
    coin: Floats
    coin_rate: Floats

    def probability(self, place: int, eta: Floats, codes: Codes) -> Floats:
        """Return the chance [n] that the rule of the gap at `place` says 1."""
        limit, tie = self.threshold[place, codes], self.tie[place, codes]
        says = np.where(eta > limit, 1.0, np.where(eta == limit, tie, 0.0))
        coin = self.coin[place, codes]
        mixed: Floats = says + coin * (self.coin_rate[place, codes] - says)
        return mixed


@dataclass(frozen=True, eq=False)
class BlindRules:
    """A mixture of at most a few scores per allowed gap, which do not read the group, only how probable each is.

    Attributes:
        shares: Per gap, the shares [J] of its rules; they add up to 1.
        prices: Per gap, the prices [J, K] of the K rates: rule j says 1 where 2 eta - 1 > sum_k v_k prices_jk, v_k
            being what the row adds to rate k per unit of its mass.
    """

    shares: Sequence[Floats]
    prices: Sequence[Floats]

    def probability(self, place: int, eta: Floats, v: Floats) -> Floats:
        """Return the chance [n] that the rule of the gap at `place` says 1, for the v [n, K] of the rows."""
        says = np.zeros(len(eta))
        for share, price in zip(self.shares[place], self.prices[place], strict=True):
            says += share * (2 * eta - 1 > v @ price)
        return says
