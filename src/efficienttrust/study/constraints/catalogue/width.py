"""Width: every layer of the network with a share of its units."""

from __future__ import annotations

from efficienttrust.models import network_of, parse_network
from efficienttrust.pipeline.levels.catalogue.width import narrowed
from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._amounts import number_of
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Misfit,
    Reference,
    Settings,
    Situation,
    constraint_kinds,
    networks_alone,
)


def _dose(level: ConstraintLevel) -> Constraint:
    return Constraint("width", number_of(level, low=0.0, high=1.0), "share of the units of a layer")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    from efficienttrust.pipeline._document import network_text

    name, given = parse_network(str(settings["model"]))
    option = "widths" if "widths" in network_of(name).options else "width"
    whole = {**given, option: given.get(option, network_of(name).options[option])}
    return {**settings, "model": network_text(name, narrowed(whole, number_of(level, low=0.0, high=1.0)))}


def _unfit(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    if misfit := networks_alone(situation, level):
        return misfit
    options, name = network_of(situation.network).options, situation.network
    if not {"width", "widths"} & options.keys():
        return Misfit(("model",), f"{name} has no width")
    if "widths" in options and "widths" not in situation.options:
        return Misfit(("model",), f"{name} takes its widths from the data: state them, as {name}(widths=128-64)")
    return None


constraint_kinds.register("width")(
    ConstraintKind(
        "width",
        "All layers of the network are narrowed by one factor; of dense layers both sides are, so that a half of the "
        "units is about a quarter of the weights between them.",
        "width=50%",
        _dose,
        _apply,
        unfit=_unfit,
        sets=("model",),
    )
)
