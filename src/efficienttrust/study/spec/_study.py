"""A study that was read: its design, its trials and its identity."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.spec import DataSpec
from efficienttrust.resources import Budget
from efficienttrust.study._design import Constraint, Design, Factor, hash_of_declared
from efficienttrust.study._trial import Trial, content_address, trial_key
from efficienttrust.study.constraints import Reference, constraint_kinds
from efficienttrust.study.plan._cells import cells_of
from efficienttrust.study.spec._checks import Fault, faults_of_cells, faults_of_names
from efficienttrust.study.spec._code import code_hashes
from efficienttrust.study.spec._hashes import HashCache, data_hash
from efficienttrust.study.spec._hypotheses import hypothesis_of
from efficienttrust.study.spec._models import StudySpec
from efficienttrust.study.spec._reading import faults_at, read_spec
from efficienttrust.study.spec._settings import Resolver

if TYPE_CHECKING:
    from efficienttrust.study.store import StudyIdentity

PACKAGES = ("efficienttrust", "torch", "numpy", "scikit-learn", "onnxruntime", "fairlearn", "lightgbm")


def open_study(path: Path) -> Study:
    """Read a study file and check all of it; nothing is loaded and nothing runs.

    Raises:
        UsageError: It cannot be read, or has faults: one line for each.
    """
    spec, document = read_spec(path)
    faults = list(faults_of_names(spec))
    sources = {name: _source(path, level) for name, level in spec.data.items()}
    references, more = _references(spec)
    faults += more
    resolver = Resolver(spec, sources, references)
    if not faults:
        try:
            cells, fraction = cells_of(spec.levels(), spec.design)
        except UsageError as error:
            faults.append((("design", "fraction"), str(error)))
        else:
            faults += faults_of_cells(spec, resolver, cells)
    if faults:
        raise faults_at(path, document, faults)
    return Study(path, path.read_text(encoding="utf-8"), spec, resolver, tuple(cells), fraction)


@dataclass(frozen=True, eq=False)
class Study:
    """A study.

    Attributes:
        path: Its file.
        text: What the file says.
        spec: The same as values.
        resolver: Turns cells into settings.
        cells: Combinations of levels that are run, in the order of the factors.
        fraction: What fraction of the full design they are, in words; empty for a full one.
    """

    path: Path
    text: str
    spec: StudySpec
    resolver: Resolver
    cells: tuple[tuple[str, ...], ...]
    fraction: str

    @property
    def store(self) -> Path:
        """Where its store is unless an option says otherwise."""
        return self.path.with_suffix(".db")

    @property
    def folder(self) -> Path:
        """Where its outputs go."""
        return self.path.with_suffix("")

    @cached_property
    def data(self) -> dict[str, str]:
        """SHA-256 of the raw data, by source as the file names it."""
        return {self.spec.data[name].source: one for name, one in self._data_hashes.items()}

    @cached_property
    def code(self) -> dict[str, str]:
        """SHA-256 by part of the code that decides results."""
        cache = HashCache()
        made = code_hashes(cache)
        cache.save()
        return made

    @cached_property
    def design(self) -> Design:
        """What the analysis has to know."""
        spec = self.spec
        levels = spec.levels()
        used = {name: {cell[index] for cell in self.cells} for index, name in enumerate(levels)}
        targets = {name: tuple(self.resolver.targets(name)) for name in spec.data}
        asked = [text for texts in targets.values() for text in texts]
        hypotheses = tuple(hypothesis_of(one, asked) for one in spec.hypotheses)
        return Design(
            name=spec.name,
            question=spec.question,
            factors=tuple(
                Factor(name, kept, kept[0], block=name in spec.design.block)
                for name, all_levels in levels.items()
                if (kept := tuple(one for one in all_levels if one in used[name]))
            ),
            constraints={name: self._dose(name) for name in spec.constraint if name in used["constraint"]},
            hypotheses=hypotheses,
            alpha=spec.alpha,
            targets=targets,
            seeds=spec.seeds,
            planned=len(self.cells) * len(spec.seeds),
            spec_hash=self.spec_hash,
            declared_hash=hash_of_declared(hypotheses),
            fraction=self.fraction,
        )

    @cached_property
    def spec_hash(self) -> str:
        """SHA-256 of what the file says, whatever its formatting; how trials are run does not count."""
        return content_address(self.spec.model_dump(mode="json", exclude={"executor"}))

    def trials(self) -> Sequence[Trial]:
        """Return all trials with their keys, cell by cell.

        Raises:
            UsageError: Data cannot be found, or two cells come to the same settings.
        """
        code = content_address(self.code)
        trials = [trial for cell in self.cells for trial in self._trials_of(cell, code)]
        seen: dict[str, Trial] = {}
        for trial in trials:
            other = seen.setdefault(trial.key, trial)
            if other is not trial:
                raise UsageError(
                    f"{self.path}: {_said(other.factors)} and {_said(trial.factors)} come to the same settings, so "
                    "that one trial would count twice: leave out one, or exclude it in design.exclude"
                )
        return trials

    def identity(self) -> StudyIdentity:
        """Return what a store keeps of the study, and compares when the study goes on."""
        from efficienttrust.study.store import StudyIdentity

        return StudyIdentity(
            name=self.spec.name,
            spec_text=self.text,
            design=self.design.as_plain(),
            data=self.data,
            code=self.code,
            environment=environment(),
            command=" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        )

    @cached_property
    def _data_hashes(self) -> dict[str, str]:
        cache = HashCache()
        made = {name: data_hash(source, cache) for name, source in self.resolver.sources.items()}
        cache.save()
        return made

    def _trials_of(self, cell: Sequence[str], code: str) -> Iterator[Trial]:
        factors = dict(zip(self.spec.levels(), cell, strict=True))
        settings = self.resolver.settings(factors)
        address = content_address(factors)
        # A key does not depend on where a study lies: the data count by hash, and by the file's name of them.
        named = {**settings["data"], "source": self.spec.data[factors["data"]].source}
        data, alone = self._data_hashes[factors["data"]], _is_exclusive(settings)
        seconds = _seconds(str(settings["budget"]))
        for seed in self.spec.seeds:
            own = {**settings, "seed": seed, "split_seed": seed}
            key = trial_key({**own, "data": named}, data=data, code=code)
            yield Trial(key, address, factors, own, seed, alone, seconds)

    def _dose(self, name: str) -> Constraint:
        level = self.resolver.constraints[name]
        return constraint_kinds.get(level.kind).dose(level)


def environment() -> dict[str, str]:
    """Return the versions and the machine on which a study is begun."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        **found,
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def _source(path: Path, level: DataSpec) -> str:
    """Return a source with its paths relative to the folder of the file."""
    from efficienttrust.pipeline.spec import beside

    return beside(path, level.source)


def _references(spec: StudySpec) -> tuple[dict[str, Reference], list[Fault]]:
    """Return what 100 % means by level of data, and what is wrong with it."""
    found: dict[str, Reference] = {}
    faults: list[Fault] = []
    for name, level in spec.data.items():
        own = level.reference is not None
        reference = Reference.parse(str(level.reference if own else spec.reference))
        if reference.budget.time is None:
            place = ("data", name, "reference") if own else ("reference",)
            faults.append((place, "it states no time, by which training ends: add steps, as {steps: 400}"))
        found[name] = reference
    return found, faults


def _is_exclusive(settings: Mapping[str, Any]) -> bool:
    """Return whether a trial measures wall-clock time or latency, so that nothing may run beside it."""
    budget = Budget.parse(str(settings["budget"]))
    timed = budget.time is not None and budget.time.clock == "wall"
    limited = budget.latency is not None or budget.throughput is not None
    return bool(timed or limited or settings["measure"]["latency"])


def _seconds(budget: str) -> float:
    """Return the seconds that a budget states; 0 on other clocks."""
    time = Budget.parse(budget).time
    return float(time.amount) if time is not None and time.clock in ("wall", "cpu") else 0.0


def _said(factors: Mapping[str, str]) -> str:
    return "(" + ", ".join(f"{name}: {level}" for name, level in factors.items()) + ")"
