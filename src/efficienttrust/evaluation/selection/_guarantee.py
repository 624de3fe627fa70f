"""The guarantee: at which level the targets of the delivered candidate are proven, and what that rests on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from efficienttrust.evaluation.certification import Certificate, certify
from efficienttrust.evaluation.targets import Target
from efficienttrust.metrics import Outcome
from efficienttrust.metrics.gaps import EXACT
from efficienttrust.metrics.intervals import percent

Kind = Literal["individual", "joint", "fallback"]

SPENT = "the level was spent on the candidates that were tested before, so that this limit proves nothing"


@dataclass(frozen=True)
class Guarantee:
    """At which level the targets of the delivered candidate are proven.

    Attributes:
        kind: `individual`: one candidate was fixed before certify was read, and each target has its own certificate.
            `joint`: a sequence of candidates was tested on all targets at once, and this one passed. `fallback`: a
            sequence was tested and none passed; the candidate is the one that calibrate alone preferred.
        n_targets: Number of targets.
        total: Chance, in (0, 1), that any claim of the run is false.
    """

    kind: Kind
    n_targets: int
    total: float

    @property
    def joint_alpha(self) -> float:
        """Level of the sequence: half of the total, or all of it where there is one target, which leaves no other."""
        return self.total if self.n_targets <= 1 else self.total / 2

    @property
    def alpha(self) -> float:
        """Chance of a false certificate that is accepted for each target; 0 where a sequence has spent all of it."""
        if self.kind == "joint":
            return self.joint_alpha
        n = max(self.n_targets, 1)
        return self.total / n if self.kind == "individual" else (self.total - self.joint_alpha) / n

    def certify(self, target: Target, outcome: Outcome) -> Certificate:
        """Return what the certify rows prove about a target at the level that this guarantee leaves for it."""
        if self.alpha > 0:
            return certify(target, outcome, self.alpha)
        unspent = certify(target, outcome, self.total)
        note = "; ".join(filter(None, (unspent.note, SPENT)))
        return dataclasses.replace(unspent, satisfied=False, note=note)

    def words(self, certificate: Certificate) -> str:
        """Return what a verdict adds about the level of its certificate, empty where it stands by itself."""
        if self.kind == "joint" and certificate.satisfied:
            at_once = f"on all {self.n_targets} targets at once, at" if self.n_targets > 1 else "at"
            return (
                f"the model was tested {at_once} {percent(1 - self.alpha)} in a sequence of candidates that was fixed "
                "before certify was read"
            )
        if self.kind == "fallback":
            return SPENT if self.alpha == 0 else "no candidate that was tested for all targets at once had passed"
        return ""

    def assumptions(self, certificates: Sequence[Certificate]) -> tuple[str, ...]:
        """Return what the guarantee rests on, in sentences.

        Args:
            certificates: Those of the delivered candidate, for the methods of their limits.
        """
        methods = dict.fromkeys(one.method for one in certificates if one.method)
        exact = [method for method in methods if _at_any_n(method)]
        others = [method for method in methods if not _at_any_n(method)]
        order = (
            "The candidate was fixed before certify was read; each target has its own certificate."
            if self.kind == "individual"
            else "The order of the candidates and all levels were fixed before certify was read, from the calibrate "
            "split and the budget; testing stopped at the first failure."
        )
        rows = "drawn independently of each other (several of one person too), from where those of the model will come"
        return (
            f"All claims of the run together are false with a chance of at most {percent(self.total)}.",
            f"The rows of the certify split are {rows}.",
            order,
            *([f"Limits that hold at any number of rows: {'; '.join(exact)}."] if exact else []),
            *([f"Limits that hold approximately, for many rows: {'; '.join(others)}."] if others else []),
        )


def _at_any_n(method: str) -> bool:
    """Tell whether a limit has its level at any number of rows; sums in squares have it by simulation only."""
    return method.startswith(("Clopper-Pearson", "Hoeffding", "McDiarmid", EXACT)) and "in squares" not in method
