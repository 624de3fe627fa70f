"""The parts of a study file, as strict values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from efficienttrust.pipeline._strict_yaml import Strict, fault_of_the_field
from efficienttrust.pipeline.spec import Amount, Augment, BudgetSpec, DataSpec, Limitation, Names, Prune, Quantize
from efficienttrust.pipeline.spec import Target as PlainTarget
from efficienttrust.study.spec._shorthand import (
    as_cells,
    as_data,
    as_named,
    as_patches,
    as_seeds,
    form_of,
)

SEVERAL_NUMBERS: dict[str, Any] = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}


def _as_model(text: str) -> str:
    from efficienttrust.models import parse_network
    from efficienttrust.training import trainers

    with fault_of_the_field():
        if text not in trainers.names():
            parse_network(text)
    return text


def _as_mitigation(text: str) -> str:
    from efficienttrust.study.spec._mitigation import parse_mitigation

    with fault_of_the_field():
        parse_mitigation(text)
    return text


def _as_constraint(value: str | ConstraintSpec) -> str | ConstraintSpec:
    from efficienttrust.study.constraints import parse_constraint

    if isinstance(value, str):
        with fault_of_the_field():
            parse_constraint(value)
    return value


def _as_kind(text: str) -> str:
    from efficienttrust.study.constraints import constraint_kinds

    with fault_of_the_field():
        return constraint_kinds.canonical(text)


def _as_target(text: str) -> str:
    from efficienttrust.evaluation.targets import parse_target

    with fault_of_the_field():
        return parse_target(text).text


def _as_executor(name: str) -> str:
    from efficienttrust.study.running import executors

    with fault_of_the_field():
        return executors.canonical(name)


def _as_memory(amount: str) -> str:
    from efficienttrust.resources import Budget

    with fault_of_the_field():
        Budget.parse(f"memory={amount}")
    return amount


def _as_threads(threads: int) -> int:
    if threads != 1:
        raise ValueError("a trial runs in 1 thread, so that sums come out in one order; run more trials at a time")
    return threads


def _as_reference(text: str) -> str:
    from efficienttrust.resources import Budget

    with fault_of_the_field():
        return str(Budget.parse(text))


Target = Annotated[PlainTarget, AfterValidator(_as_target)]
Model = Annotated[str, AfterValidator(_as_model)]
Mitigation = Annotated[str, AfterValidator(_as_mitigation)]
ReferenceAmounts = Annotated[
    Annotated[str, AfterValidator(_as_reference), Tag("<text>")] | Annotated[BudgetSpec, Tag("<parts>")],
    Discriminator(form_of),
]


class DataLevel(DataSpec):
    """Data of a study: the keys of `data` of the file of `fit`, and what holds for these data alone."""

    targets: tuple[Target, ...] | None = Field(None, description="targets on these data, where they differ")
    reference: ReferenceAmounts | None = Field(None, description="what 100 % means on these data, where it differs")


class ConstraintSpec(Strict):
    """A constraint as a mapping; the text `biased_sampling=0.8, by=sex, group=Female` says the same."""

    kind: Annotated[str, AfterValidator(_as_kind)] = Field(description="the kind of constraint, as time or prune")
    level: Amount = Field("", description="how much: a share of the reference as `30%`, or an amount of the kind's own")
    how: str | None = Field(None, description="by which method, as structured")
    by: str | None = Field(None, description="the sensitive column of the group that is hit")
    group: str | None = Field(None, description="the group that is hit")

    @property
    def text(self) -> str:
        """The same as text."""
        options = {"how": self.how, "by": self.by, "group": self.group}
        if self.kind == "none":
            return "none"
        return ", ".join([f"{self.kind}={self.level}", *(f"{name}={one}" for name, one in options.items() if one)])


ConstraintValue = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[ConstraintSpec, Tag("<parts>")],
    Discriminator(form_of),
    AfterValidator(_as_constraint),
]


class DataPatch(Strict):
    """What a level of a further factor changes of the data."""

    sensitive: Names | None = Field(None, description="sensitive columns")
    drop: Names | None = Field(None, description="columns to leave out")
    immutable: Names | None = Field(None, description="columns that a perturbation may not change")
    use_sensitive_as_input: bool | None = Field(None, description="let the model read the sensitive columns")
    limit: int | None = Field(None, ge=1, description="use at most so many images")
    resolution: int | None = Field(None, ge=1, description="pixels of the shorter side of images")
    limitations: tuple[Limitation, ...] | None = Field(None, description="what the data shall lack")


class Patch(Strict):
    """What a level of a further factor changes of the settings."""

    data: DataPatch | None = Field(None, description="changes of the data")
    model: Model | None = Field(None, description="network or trainer by name")
    policy: Mitigation | None = Field(None, description="a policy, or a method by name")
    targets: tuple[Target, ...] | None = Field(None, description="targets")
    prune: Prune | None = Field(None, description="pruning while training, as `gradual:0.8`")
    quantize: Quantize | None = Field(None, description="quantisation of the file, as int8")
    distil: float | None = Field(None, ge=0, le=1, description="share of the loss on probabilities of boosted trees")
    augment: Augment | None = Field(None, description="strength of augmentations")
    device: Literal["cpu", "cuda", "auto"] | None = Field(None, description="cpu, cuda or auto")
    use_groups_at_prediction: bool | None = Field(None, description="let the file use the sensitive columns")

    def changes(self) -> dict[str, Any]:
        """Return what was given, as plain values."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)


class Measures(Strict):
    """What is measured beyond metrics, size and counts."""

    latency: bool = Field(False, description="latency and throughput of the file; such trials run alone")


class Fraction(Strict):
    """A regular fraction of the full design."""

    resolution: Literal["IV", "V"] = Field(description="IV or V")
    of: tuple[str, ...] = Field((), description="factors to fractionate; by default all with 2 or 4 levels, blocks not")


Cells = Annotated[
    tuple[dict[str, tuple[str, ...]], ...],
    BeforeValidator(as_cells),
    WithJsonSchema(
        {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                },
            },
        }
    ),
]


class DesignSpec(Strict):
    """Which combinations of levels are run."""

    cross: tuple[str, ...] | None = Field(
        None, description="factors that are crossed; by default all. Others stay at their first level"
    )
    nest: dict[str, dict[str, dict[str, tuple[str, ...]]]] = Field(
        {}, description="inner factor to outer factor to its levels to the levels that the inner one has there"
    )
    include: Cells = Field((), description="further cells; factors left out are at their first level")
    exclude: Cells = Field((), description="cells to leave out; factors left out mean any level")
    fraction: Fraction | None = Field(None, description="a regular fraction of the full design")
    block: tuple[str, ...] = Field(("data",), description="factors whose levels are blocks")


class HypothesisSpec(Strict):
    """A hypothesis, declared before the first trial."""

    name: str = Field(description="a short name, as H1")
    family: str = Field("main", description="hypotheses of one family share the error rate")
    statement: str = Field(description="the hypothesis in words")
    metric: str = Field(description="a metric, as demographic_parity_difference, or a column, as cost.size")
    factor: str = Field(description="the factor whose levels are compared")
    contrast: dict[str, float] = Field(description="a weight for each level that is compared; they sum to 0")
    where: dict[str, tuple[str, ...]] = Field({}, description="levels of other factors to which it is restricted")
    test: Literal["difference", "superiority", "equivalence"] = Field(
        "difference", description="difference, superiority or equivalence"
    )
    direction: Literal["greater", "less", "two-sided"] = Field("two-sided", description="greater, less or two-sided")
    margin: float | None = Field(None, ge=0, description="in the unit of the metric; equivalence needs one")


class ExecutorDefaults(Strict):
    """How trials are run unless options say otherwise; changes no result."""

    name: Annotated[str, AfterValidator(_as_executor)] = Field("local", description="local, ray or slurm")
    workers: int | None = Field(None, ge=1, description="trials at a time; by default one for each core")


class TrialLimits(Strict):
    """When a trial is stopped from outside."""

    memory: Annotated[Amount, AfterValidator(_as_memory)] | None = Field(
        None, description="peak of a trial's processes, as 4GB"
    )
    seconds: float | None = Field(None, gt=0, description="wall-clock seconds of a trial")


class StudySpec(Strict):
    """A study: factors, what their levels mean, which cells are run, and what is to be tested."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="a name of letters, digits, - _ and .")
    question: str = Field(description="what the study asks, in words")
    data: Annotated[dict[str, DataLevel], BeforeValidator(as_data)] = Field(
        min_length=1, description="data sets: a list of names, or names with the keys of `data` of fit"
    )
    model: Annotated[dict[str, Model], BeforeValidator(as_named)] = Field(
        {"mlp": "mlp"}, min_length=1, description="what is trained: networks or trainers, a list or names with texts"
    )
    constraint: Annotated[dict[str, ConstraintValue], BeforeValidator(as_named)] = Field(
        {"none": "none"}, min_length=1, description="constraints: a list of texts, or names with texts or mappings"
    )
    mitigation: Annotated[dict[str, Mitigation], BeforeValidator(as_named)] = Field(
        {"plan": "plan"}, min_length=1, description="methods or policies: a list, or names with texts"
    )
    factors: Annotated[dict[str, dict[str, Patch]], BeforeValidator(as_patches)] = Field(
        {}, description="further factors: name to level to what it changes of the settings"
    )
    targets: tuple[Target, ...] = Field((), description="targets, as `demographic_parity_difference <= 0.05`")
    reference: ReferenceAmounts = Field(description="what 100 % means, as {steps: 400}")
    seeds: Annotated[
        tuple[int, ...],
        BeforeValidator(as_seeds),
        WithJsonSchema({"anyOf": [{"type": one} for one in ("integer", "string")] + [SEVERAL_NUMBERS]}),
    ] = Field((0, 1, 2), min_length=1, description="replicates: how many, a range as 0-9, or a list")
    settings: Patch = Field(
        default_factory=lambda: Patch.model_validate({}), description="settings that all trials share"
    )
    threads: Annotated[int, AfterValidator(_as_threads)] = Field(
        1, description="threads of a trial: one, so that sums come out in one order"
    )
    measure: Measures = Field(
        default_factory=lambda: Measures.model_validate({}),
        description="what is measured beyond metrics, size and counts",
    )
    design: DesignSpec = Field(
        default_factory=lambda: DesignSpec.model_validate({}), description="which combinations of levels are run"
    )
    hypotheses: tuple[HypothesisSpec, ...] = Field(
        (), description="what is to be tested, declared before the first trial"
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="error rate of each family of hypotheses")
    executor: ExecutorDefaults = Field(
        ExecutorDefaults.model_validate({}), description="how trials are run unless options say otherwise"
    )
    limits: TrialLimits = Field(
        default_factory=lambda: TrialLimits.model_validate({}), description="when a trial is stopped from outside"
    )

    def levels(self) -> dict[str, tuple[str, ...]]:
        """Return the levels by factor, in the order of the file."""
        own = {name: tuple(getattr(self, name)) for name in ("data", "model", "constraint", "mitigation")}
        return {**own, **{name: tuple(levels) for name, levels in self.factors.items()}}


_PARTS: dict[tuple[str, ...], type[BaseModel]] = {
    (): StudySpec,
    ("data", "*"): DataLevel,
    ("data", "*", "reference"): BudgetSpec,
    ("constraint", "*"): ConstraintSpec,
    ("factors", "*", "*"): Patch,
    ("factors", "*", "*", "data"): DataPatch,
    ("settings",): Patch,
    ("settings", "data"): DataPatch,
    ("reference",): BudgetSpec,
    ("measure",): Measures,
    ("design",): DesignSpec,
    ("design", "fraction"): Fraction,
    ("hypotheses", "*"): HypothesisSpec,
    ("executor",): ExecutorDefaults,
    ("limits",): TrialLimits,
}


def part_at(path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Return the model whose keys stand under a path of the file; None where keys are free."""
    for place, part in _PARTS.items():
        if len(place) == len(path) and all(one in ("*", found) for one, found in zip(place, path, strict=True)):
            return part
    return None
