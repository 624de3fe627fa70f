"""What does not go together in a cell, known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from efficienttrust.study.constraints import ConstraintLevel, Situation, constraint_kinds
from efficienttrust.study.spec._mitigation import FIT

OF_TREES = ("trees_eg", "trees_threshold")
OF_TABLES = ("exponentiated_gradient", "grid_search", "static_grid", "successive_halving", *OF_TREES)
SHAPING = {"prune_only": "prune", "quantise_only": "quantize", "reduced_width": "model"}
"""Methods that shape the network themselves, and what of the settings."""
Names = tuple[str, ...]


def misfits(
    settings: Mapping[str, Any], level: ConstraintLevel, situation: Situation, patched: Mapping[str, str]
) -> Iterator[tuple[Names, str]]:
    """Yield the factors whose levels do not go together in a cell, with the reason.

    Args:
        settings: Of the cell, without its constraint.
        level: Its constraint.
        situation: What trains on what.
        patched: Key of the settings to the further factor whose level set it.
    """
    method, trainer = situation.method, situation.trainer
    what = situation.network or trainer
    if situation.image and trainer != "network":
        yield ("data", "model"), f"{trainer} learn from tables, and these are images"
    if situation.image and method in OF_TABLES:
        yield ("data", "mitigation"), f"{method} learns from tables, and these are images"
    if method in OF_TREES and trainer != "trees":
        yield ("model", "mitigation"), f"{method} trains the model trees, not {what}"
    if trainer != "network" and method != FIT and method not in OF_TREES:
        yield ("model", "mitigation"), f"{method} trains networks, and {trainer} are none"
    if trainer != "network" and method == FIT and _attacks(settings.get("policy")):
        yield ("model", "mitigation"), f"{trainer} have no gradient: they are not trained adversarially"
    if situation.network and not _reads(situation):
        yield ("data", "model"), f"{situation.network} does not read {'images' if situation.image else 'tables'}"
    kind = constraint_kinds.get(level.kind)
    if misfit := kind.unfit(situation, level):
        yield ("constraint", *misfit.factors), misfit.reason
    if (own := SHAPING.get(method)) and own in kind.sets:
        yield ("constraint", "mitigation"), f"{method} sets {own} itself"
    for key in kind.sets:
        if key in patched:
            yield ("constraint", patched[key]), f"both set {key}"


def _attacks(policy: str | None) -> bool:
    """Return whether a policy is told to train adversarially; of itself it does so only where the trainer can."""
    from efficienttrust.atats import make_policy

    if policy is None or "adversarial_share" not in policy:
        return False
    return float(getattr(make_policy(policy), "settings", {}).get("adversarial_share", 0.0)) > 0


def _reads(situation: Situation) -> bool:
    from efficienttrust.models import network_of

    kinds = network_of(situation.network).kinds
    return "image" in kinds if situation.image else bool({"table", "sequence"} & set(kinds))
