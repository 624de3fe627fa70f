"""The selection: the sequence and the individual certificates under one level, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.evaluation.certification import Certificate
from efficienttrust.evaluation.selection._guarantee import Guarantee
from efficienttrust.evaluation.selection._order import Entrant
from efficienttrust.evaluation.selection._sequence import Tested, run_sequence

LEAST_CHANCE = 0.5  # below it a sequence more often costs the individual certificates half their level for nothing


@dataclass(frozen=True)
class Selection:
    """Which candidate is delivered, and at which level its targets are proven.

    Attributes:
        preferred: Position of the candidate that calibrate alone prefers.
        chosen: Position of the candidate that is delivered.
        guarantee: The level of its certificates.
        order: The candidates that were worth a test, in order.
        tested: Those that were tested on certify, in order; empty where no sequence was run.
        ended: Why there was no sequence, or why it ended.
    """

    preferred: int
    chosen: int
    guarantee: Guarantee
    order: tuple[Entrant, ...]
    tested: tuple[Tested, ...]
    ended: str

    def record(self, names: Sequence[str], certificates: Sequence[Certificate]) -> Mapping[str, Any]:
        """Return the selection as plain values.

        Args:
            names: Names of all candidates.
            certificates: Those of the delivered file.
        """
        return {
            "method": "fixed sequence" if self.tested else "calibrate alone",
            "guarantee": self.guarantee.kind,
            "level": 1 - self.guarantee.alpha,
            "level_of_the_sequence": 1 - self.guarantee.joint_alpha if self.tested else None,
            "level_of_all_claims": 1 - self.guarantee.total,
            "preferred": names[self.preferred],
            "chosen": names[self.chosen],
            "ended": self.ended,
            "order": [
                {"name": names[one.index], "lead": one.lead, "chance": one.chance, "utility": one.utility}
                for one in self.order
            ],
            "tested": [
                {
                    "name": names[one.entrant.index],
                    "valid": one.valid,
                    "limits": [
                        {"target": limit.target.text, "bound": limit.bound, "satisfied": limit.satisfied, "n": limit.n}
                        for limit in one.certificates
                    ],
                }
                for one in self.tested
            ],
            "assumptions": list(self.guarantee.assumptions(certificates)),
        }


def select(
    order: Sequence[Entrant],
    test: Callable[[int, float], Sequence[Certificate]],
    *,
    preferred: int,
    n_targets: int,
    total: float,
    affordable: Callable[[int], bool],
) -> Selection:
    """Deliver the most useful candidate that a fixed sequence proves on all targets, else the preferred one.

    A sequence is run where at least two candidates are worth a test and can be afforded, and the first is more likely
    to pass than not; this is decided before certify is read. Otherwise the preferred candidate has a certificate at
    `total` / T for each of the T targets.

    **All claims of a run together are false with a chance of at most `total`.** Condition on the calibrate split, the
    training and the budget; the order, the preferred candidate and the levels are then fixed, and certify is
    independent of them. Let a be the level of the sequence (`Guarantee.joint_alpha`).

    1. *The sequence claims something false with a chance of at most a.* If no candidate of the order violates a target,
       nothing false can be claimed. Otherwise let i be the first one that does, and t a target that it violates. What
       passes is a prefix of the order, so that anything false is claimed only if i passes, and i passes only if its
       limit for t satisfies t although the truth does not, which a one-sided limit at level 1 − a does with a chance of
       at most a. Neither the number of targets nor that of candidates enters, and how the metrics or the candidates
       depend on each other does not matter. Stopping earlier, for want of budget, only removes claims.
    2. *The fallback claims something false with a chance of at most `total` − a.* The preferred candidate is fixed, and
       each of its T certificates is wrong with a chance of at most (`total` − a) / T. With one target a = `total`, and
       the fallback claims nothing.
    3. The two add up to `total` (Boole), whichever of them is reported, and whichever of the valid candidates is
       delivered: all of them are valid at once outside of the event of 1.

    Args:
        order: From `plan_order`, at the level `Guarantee("joint", n_targets, total).alpha`.
        test: Called with the position of a candidate and a level: its limits on certify, one for each target.
        preferred: Position of the candidate that calibrate alone prefers.
        n_targets: T.
        total: Chance, in (0, 1), of any false claim that is accepted.
        affordable: Asked with a number of tests: whether the budget affords so many more.

    References:
        Angelopoulos, Bates, Candès, Jordan and Lei 2021, "Learn then test". Differs in that candidates are tested by
        confidence limits, exact ones where there are, instead of concentration inequalities.
    """
    if (why_not := _against(order, n_targets, affordable)) is not None:
        return calibrate_alone(preferred, n_targets, total, why_not, order)
    level = Guarantee("joint", n_targets, total).alpha
    tested = run_sequence(order, lambda index: test(index, level), affordable=affordable)
    valid = [one.entrant for one in tested if one.valid]
    ended = (
        f"stopped at the first failure, test {len(tested)}"
        if not tested[-1].valid
        else f"all {len(tested)} candidates of the order passed"
        if len(tested) == len(order)
        else f"the budget ended after {len(tested)} of {len(order)} tests"
    )
    if not valid:
        return Selection(preferred, preferred, Guarantee("fallback", n_targets, total), tuple(order), tested, ended)
    best = max(valid, key=lambda one: one.utility)
    return Selection(preferred, best.index, Guarantee("joint", n_targets, total), tuple(order), tested, ended)


def calibrate_alone(preferred: int, n_targets: int, total: float, why: str, order: Sequence[Entrant] = ()) -> Selection:
    """Return the selection without a sequence: the preferred candidate, an individual certificate for each target."""
    return Selection(preferred, preferred, Guarantee("individual", n_targets, total), tuple(order), (), why)


def _against(order: Sequence[Entrant], n_targets: int, affordable: Callable[[int], bool]) -> str | None:
    """Return why no sequence is run, from what was known before certify was read; None where one is."""
    if not n_targets:
        return "there is no target to prove"
    if len(order) < 2:
        return "no two candidates were worth a test on certify: no other was surer or more useful"
    if order[0].chance < LEAST_CHANCE:
        return (
            f"the surest candidate was predicted to prove all targets with a chance of {order[0].chance:.0%} only: "
            "too little to spend level on"
        )
    if not affordable(2):
        return "the budget did not afford to test two candidates on certify"
    return None
