"""How a logit becomes a decision: one threshold, and an offset per group that is inferred (blind) or given (aware)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from efficienttrust.compression._scorers import Codes, Floats, Scorer, frozen, score_encoded


@dataclass(frozen=True, eq=False)
class Decision:
    """The rule `decision = margin > 0` with `margin(x) = z(x) - threshold - sum_g group_offsets[g] * P_g(x)`.

    P is what the group head infers from the row, `softmax(x @ W + b)`, when there is a head (blind: nobody is asked for
    the group), the one-hot of the row's own group when `by_group` (aware), and absent when neither.

    Attributes:
        threshold: Logit at which a row without group term turns positive.
        group_offsets: Logit added to the threshold for each group, float64 [G]; empty without a group term.
        head: `(W [d, G], b [G])` of the group head, or None.
        by_group: True when the true group is used at prediction. A row of unknown group (code -1) gets no offset.
    """

    threshold: float = 0.0
    group_offsets: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    head: tuple[Floats, Floats] | None = None
    by_group: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "group_offsets", np.array(self.group_offsets, dtype=np.float64))
        if self.head is not None:
            object.__setattr__(self, "head", (frozen(self.head[0]), frozen(self.head[1])))
        if self.head is not None and self.by_group:
            raise ValueError("a decision either infers the group (head) or is given it (by_group), not both")
        if self.head is not None:
            weight, bias = self.head
            if bias.shape != self.group_offsets.shape or weight.shape[1:] != bias.shape:
                raise ValueError(
                    f"group head {weight.shape}, {bias.shape} does not fit {len(self.group_offsets)} group offsets"
                )


def cut_encoded(decision: Decision, x: npt.ArrayLike, groups: Codes | None = None) -> Floats:
    """Return the logit that each row must exceed: the threshold plus the group term.

    Args:
        decision: The rule.
        x: Encoded rows [n, d].
        groups: Code of each row's group, -1 unknown; needed when `decision.by_group`, else unused.

    Returns:
        The cut of each row, float32 [n].
    """
    rows = np.asarray(x, dtype=np.float32)
    cuts = group_cuts(decision)
    if decision.by_group:
        if groups is None:
            raise ValueError("this decision uses the group at prediction: give the rows' group codes")
        if len(groups) and int(np.max(groups)) >= len(cuts):
            raise ValueError(f"group code {int(np.max(groups))} has no offset: the decision knows {len(cuts)} groups")
        return np.append(cuts, np.float32(decision.threshold))[groups]
    if decision.head is None:
        return np.full(len(rows), decision.threshold, dtype=np.float32)
    weight, bias = decision.head
    logits = rows @ weight + bias
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((odds / odds.sum(axis=1, keepdims=True)) @ cuts, dtype=np.float32)


def margin_encoded(scorer: Scorer, decision: Decision, x: npt.ArrayLike, groups: Codes | None = None) -> Floats:
    """Return the margin of encoded rows, float32 [n]: positive where the decision is 1.

    Args:
        scorer: Network or trees.
        decision: The rule.
        x: Encoded rows [n, d].
        groups: Code of each row's group, -1 unknown; needed when `decision.by_group`, else unused.
    """
    return score_encoded(scorer, x) - cut_encoded(decision, x, groups)


def group_cuts(decision: Decision) -> Floats:
    """Return threshold + offset of each group, float32 [G]; as P sums to one, the cut of a row is `P @ group_cuts`."""
    return (decision.group_offsets + decision.threshold).astype(np.float32)
