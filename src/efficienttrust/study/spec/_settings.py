"""From a cell to the settings of its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.resources import Budget
from efficienttrust.study.constraints import (
    ConstraintLevel,
    Reference,
    Situation,
    constraint_kinds,
    parse_constraint,
)
from efficienttrust.study.spec._fits import OF_TREES
from efficienttrust.study.spec._mitigation import parse_mitigation
from efficienttrust.study.spec._models import StudySpec

OWN = ("data", "model", "constraint", "mitigation")


@dataclass(frozen=True, eq=False)
class Resolver:
    """Turns cells of a study into settings; what a level says is worked out once.

    Attributes:
        spec: The study.
        sources: Source by level of data, its path relative to the folder of the study file made absolute.
        references: What 100 % means by level of data.
    """

    spec: StudySpec
    sources: Mapping[str, str]
    references: Mapping[str, Reference]
    _constrained: dict[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def constraints(self) -> dict[str, ConstraintLevel]:
        """The constraint by level."""
        return {
            name: parse_constraint(one if isinstance(one, str) else one.text)
            for name, one in self.spec.constraint.items()
        }

    @cached_property
    def mitigations(self) -> dict[str, tuple[str, str | None]]:
        """Method and policy by level."""
        return {name: parse_mitigation(text) for name, text in self.spec.mitigation.items()}

    @cached_property
    def _data(self) -> dict[str, dict[str, Any]]:
        plain: dict[str, dict[str, Any]] = {}
        for name, level in self.spec.data.items():
            values = level.model_dump(mode="json", exclude={"targets", "reference"})
            plain[name] = {**values, "source": self.sources[name]}
        return plain

    def targets(self, data: str) -> list[str]:
        """Return the targets on a level of data."""
        own = self.spec.data[data].targets
        return list(self.spec.targets if own is None else own)

    def unconstrained(self, cell: Mapping[str, str]) -> dict[str, Any]:
        """Return the settings of a cell without its constraint and without a seed."""
        spec = self.spec
        method, policy = self.mitigations[cell["mitigation"]]
        time = self.references[cell["data"]].budget.time
        settings: dict[str, Any] = {
            "data": self._data[cell["data"]],
            "model": spec.model[cell["model"]],
            "trainer": "network",
            "method": method,
            "policy": policy,
            "budget": "" if time is None else str(Budget(time=time)),
            "targets": self.targets(cell["data"]),
            "prune": None,
            "quantize": "auto",
            "distil": 0.0,
            "augment": None,
            "device": "cpu",
            "threads": spec.threads,
            "use_groups_at_prediction": False,
            "measure": spec.measure.model_dump(mode="json"),
        }
        for changes in self._patches(cell):
            settings = _patched(settings, changes)
        return _named_trainer(settings)

    def settings(self, cell: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the settings of a cell, without a seed; raises `UsageError` where the reference lacks an amount."""
        level = self.constraints[cell["constraint"]]
        kind = constraint_kinds.get(level.kind)
        settings = kind.apply(self.unconstrained(cell), level, self.references[cell["data"]])
        if settings["method"] in OF_TREES:  # which choose their trainer themselves
            return {**settings, "trainer": "network"}
        return settings

    def situation(self, settings: Mapping[str, Any]) -> Situation:
        """Return what a constraint and a mitigation have to fit."""
        from efficienttrust.data._bundled import data_sets
        from efficienttrust.data.images import is_image_source
        from efficienttrust.models import parse_network

        data = settings["data"]
        known = str(data["source"]).partition(":")[0]
        entry = data_sets.get(known) if known in data_sets.names() else None
        network, options = ("", {}) if settings["trainer"] != "network" else parse_network(_network_of(settings))
        return Situation(
            image=is_image_source(data["source"]),
            task=data["task"] or (entry.task if entry else None),
            sensitive=bool(data["sensitive"] or (entry and entry.sensitive)),
            trainer=settings["trainer"],
            network=network,
            options=options,
            method=settings["method"],
        )

    def patched_by(self, cell: Mapping[str, str]) -> dict[str, str]:
        """Return the keys of the settings that further factors set in a cell, to the factor; `settings` to itself."""
        found = dict.fromkeys(self.spec.settings.changes(), "settings")
        for name, levels in self.spec.factors.items():
            found |= dict.fromkeys(levels[cell[name]].changes(), name)
        return found

    def _patches(self, cell: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        yield self.spec.settings.changes()
        for name, levels in self.spec.factors.items():
            yield levels[cell[name]].changes()


def _patched(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = {**settings, **{name: value for name, value in changes.items() if name not in ("data", "policy")}}
    if "data" in changes:
        own = changes["data"].get("limitations")
        more = {} if own is None else {"limitations": [*(settings["data"].get("limitations") or ()), *own]}
        changed["data"] = {**settings["data"], **changes["data"], **more}
    if "policy" in changes:
        changed["method"], changed["policy"] = parse_mitigation(changes["policy"])
    return changed


def _named_trainer(settings: dict[str, Any]) -> dict[str, Any]:
    """Let a model that names a trainer be the trainer, as `fit` does."""
    from efficienttrust.training import trainers

    if settings["model"] in trainers.names():
        return {**settings, "trainer": trainers.canonical(settings["model"]), "model": None}
    return settings


def _network_of(settings: Mapping[str, Any]) -> str:
    if settings["model"] is None:
        raise UsageError("a level of model names the trainer of networks; name a network, as mlp")
    return str(settings["model"])
