"""What `fit` is asked to do, as one strict value: from a YAML file, from options, or from both.

A file states data, budget, targets, policy, trainer and seed. Unknown keys are errors, and all faults are reported at
once, each with its line (`spec.yaml:5: budget.time: ...`). Options replace what the file says and are named in errors
as they were typed (`--budget: ...`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from efficienttrust.errors import UsageError
from efficienttrust.pipeline._strict_yaml import Strict, fault_of_the_field, line_of, path_of, read_yaml, text_of_fault


def fit_spec(options: Mapping[str, object], *, file: Path | None = None) -> FitSpec:
    """Return the spec that a file and options state together; raises `UsageError` with one line a fault.

    Args:
        options: Values by name of a field of `FitSpec` or `DataSpec`; None means not given.
        file: A YAML file. A relative path in its `data.source`, alone or behind a name, is relative to its folder.
    """
    given = {name: value for name, value in options.items() if value is not None}
    document = read_yaml(file, states="data, budget and targets", keys=FitSpec.model_fields) if file else {}
    merged = dict(document) | {name: value for name, value in given.items() if name in FitSpec.model_fields}
    data = document.get("data", {})
    if isinstance(data, Mapping):
        merged["data"] = dict(data) | {name: value for name, value in given.items() if name in DataSpec.model_fields}
    if isinstance(merged.get("baseline"), str):
        from efficienttrust.pipeline.levels._defaults import with_baseline

        merged = with_baseline(merged, None if "baseline" in given else file)
    try:
        spec = FitSpec.model_validate(merged)
    except ValidationError as error:
        faults = sorted((_where(fault["loc"], document, file, given), _what(fault)) for fault in error.errors())
        raise UsageError("\n".join(f"{place}: {what}" for (_line, place), what in faults)) from None
    if file and "source" not in given:
        placed = spec.data.model_copy(update={"source": beside(file, spec.data.source)})
        return spec.model_copy(update={"data": placed})
    return spec


def fit_spec_schema() -> dict[str, Any]:
    """Return the JSON schema of the YAML file, for editors; committed as `docs/fit.schema.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **FitSpec.model_json_schema()}


def beside(file: Path, source: str) -> str:
    """Return a source with its paths relative to the folder of a file; names stay as they are."""
    word, colon, path = source.partition(":")
    if colon:
        from efficienttrust.data import dataset_names
        from efficienttrust.data.images import PATH_OPTIONS, image_formats

        path = re.sub(
            rf"(?<=[?&])({'|'.join(PATH_OPTIONS)})=([^~&][^&]*)",
            lambda found: f"{found[1]}={file.parent / found[2]}",
            path,
        )
        if word in dataset_names() or word in image_formats.names():
            return source if path.startswith("~") else f"{word}:{file.parent / path}"
    return str(file.parent / source) if Path(source).suffix else source


def _as_text(value: object) -> object:
    """Let a YAML scalar such as `1` or `true` stand for its text."""
    return str(value) if isinstance(value, bool | int | float) else value


def _as_amount(value: object) -> object:
    """Let a YAML number stand for its text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_budget(text: str) -> str:
    from efficienttrust.resources import Budget

    with fault_of_the_field():
        return str(Budget.parse(text))


def _as_target(text: str) -> str:
    from efficienttrust.evaluation.targets import parse_target

    with fault_of_the_field():
        parse_target(text)
    return text


def _as_policy(text: str) -> str:
    from efficienttrust.atats import make_policy

    with fault_of_the_field():
        make_policy(text)
    return text


def _as_limitation(text: str) -> str:
    from efficienttrust.data.limitations import parse_limitation

    with fault_of_the_field():
        return parse_limitation(text).text


def _as_augment(text: str) -> str:
    from efficienttrust.training import parse_augmentation

    with fault_of_the_field():
        parse_augmentation(text)
    return text


def _as_prune(text: str) -> str:
    from efficienttrust.compression.pruning import parse_pruning

    with fault_of_the_field():
        return parse_pruning(text).text


def _as_quantize(text: str) -> str:
    from efficienttrust.compression.quantisation import parse_quantisation

    with fault_of_the_field():
        return text if text in ("auto", "none") else parse_quantisation(text).text


def _as_level(text: str) -> str:
    from efficienttrust.pipeline.levels import parse_level

    with fault_of_the_field():
        return str(parse_level(text))


def _form(value: object) -> Literal["<text>", "<parts>"]:
    """Tell the two forms apart that names and budgets may have."""
    return "<text>" if isinstance(value, str) else "<parts>"


Text = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Names = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[tuple[str, ...], Tag("<parts>")],
    Discriminator(_form),
]
Amount = Annotated[str, BeforeValidator(_as_amount), WithJsonSchema({"type": ["string", "number"]})]
Target = Annotated[str, AfterValidator(_as_target)]
Limitation = Annotated[str, AfterValidator(_as_limitation)]
Policy = Annotated[str, AfterValidator(_as_policy)]
Augment = Annotated[str, AfterValidator(_as_augment)]
Prune = Annotated[str, AfterValidator(_as_prune)]
Quantize = Annotated[str, AfterValidator(_as_quantize)]
Level = Annotated[str, AfterValidator(_as_level)]


class DataSpec(Strict):
    """Which table or images to learn from and what their columns mean; the arguments of `load_problem`."""

    source: str = Field(description="a data set by name, the path of a .csv, .csv.gz or .parquet file, or images")
    label: str | None = Field(None, description="column to predict")
    positive: Text | None = Field(None, description="value of the label that counts as 1")
    task: Literal["binary", "multiclass", "regression"] | None = Field(None, description="what the label is for")
    sensitive: Names = Field((), description="sensitive columns; their intersections are the groups")
    weight: str | None = Field(None, description="column of sample weights")
    split_column: str | None = Field(None, description="column that says which split a row belongs to")
    unit: str | None = Field(None, description="column whose equal values are never divided between splits")
    time: str | None = Field(None, description="column that orders the rows, oldest in train, newest in test")
    immutable: Names = Field((), description="columns that a perturbation may not change")
    relations: tuple[str, ...] = Field((), description="relations between columns that a perturbed row has to satisfy")
    drop: Names = Field((), description="columns to leave out")
    use_sensitive_as_input: bool = Field(False, description="let the model read the sensitive columns")
    limit: int | None = Field(None, ge=1, description="use at most so many images, drawn at random")
    resolution: int | None = Field(None, ge=1, description="pixels of the shorter side to which images are averaged")
    limitations: tuple[Limitation, ...] = Field((), description="what the data shall lack, as `label_noise(0.2)`")

    def settings(self) -> dict[str, Any]:
        """Return the keyword arguments for `load_data`, the source left out."""
        return self.model_dump(exclude={"source"})


class BudgetSpec(Strict):
    """Limits by resource, as a mapping; the text form `time=20s cpu, size=300kB` says the same."""

    time: Amount | None = Field(None, description="`20s`, `20s cpu`, `500 steps`; wall clock unless named")
    steps: Amount | None = Field(None, description="short for a time limit on the clock of steps")
    samples: Amount | None = Field(None, description="short for a time limit on the clock of samples")
    flops: Amount | None = Field(None, description="short for a time limit on the clock of FLOPs")
    epochs: Amount | None = Field(None, description="short for a time limit in passes over the training rows")
    memory: Amount | None = Field(None, description="peak bytes while training, as `2GB`")
    parameters: Amount | None = Field(None, description="parameters of the deployed model")
    size: Amount | None = Field(None, description="bytes of the model file on disk, as `300kB`")
    latency: Amount | None = Field(None, description="p95 of one row, as `2ms`")
    throughput: Amount | None = Field(None, description="rows per second")

    @field_validator("*")
    @classmethod
    def _is_a_limit(cls, value: Amount | None, info: ValidationInfo) -> Amount | None:
        if value is not None:
            _as_budget(f"{info.field_name}={value}")
        return value

    @model_validator(mode="after")
    def _are_limits_together(self) -> BudgetSpec:
        _as_budget(str(self))
        return self

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self if value is not None)


class FitSpec(Strict):
    """One training: data, budget, targets, and how to get there."""

    data: DataSpec
    budget: Annotated[
        Annotated[str, AfterValidator(_as_budget), Tag("<text>")] | Annotated[BudgetSpec, Tag("<parts>")],
        Discriminator(_form),
    ] = Field(description="limits by resource, as the text `time=20s cpu, size=300kB` or as a mapping")
    targets: tuple[Target, ...] = Field((), description="targets, as `demographic_parity_difference <= 0.05`")
    policy: Policy = Field("plan", description="who steers: plan, rule, pid, dual, rl, conditional or static")
    trainer: str = Field("network", description="what is trained: network, trees, lightgbm or auto")
    model: str | None = Field(
        None, description="network by name, as `resnet20(width=0.5)`, `module:function`, trees, lightgbm or auto"
    )
    device: str = Field("auto", description="where networks other than mlp are trained: auto, cpu, cuda")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="auto, fp32, bf16 or fp16")
    compile: Literal["auto", "on", "off"] = Field("auto", description="whether training goes through torch.compile")
    augment: Augment | None = Field(None, description="strength of augmentations, as `crop=1, flip=0.5`; none for none")
    distil: float = Field(0.0, ge=0, le=1, description="share of a network's loss on probabilities of boosted trees")
    prune: Prune | None = Field(None, description="pruning while training, as `gradual:0.8`")
    quantize: Quantize = Field("auto", description="auto, none, or a quantisation of the deployed file, as int8")
    seed: int = Field(0, ge=0, description="seed of the split and of the training")
    split_seed: int | None = Field(None, ge=0, description="seed of the split, where it is not that of the training")
    use_groups_at_prediction: bool = Field(False, description="let the deployed model use the sensitive columns")
    baseline: str | None = Field(None, description="folder of a run of fit: gives what is left out, and levels meaning")
    levels: tuple[Level, ...] = Field((), description="shares of what the baseline used, as `time=50%`")

    @field_validator("levels")
    @classmethod
    def _have_a_baseline(cls, levels: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if levels and info.data.get("baseline") is None:
            raise ValueError(
                f"{levels[0]} is a share of what a baseline used, which has to be measured first: run the same fit "
                "without it and --out FOLDER, then give --baseline FOLDER"
            )
        return levels

    @property
    def budget_text(self) -> str:
        """The budget as text, whichever form it was given in."""
        return _as_budget(str(self.budget))

    @property
    def data_seed(self) -> int:
        """The seed of the split, and of what limitations draw."""
        return self.seed if self.split_seed is None else self.split_seed

    def arguments(self) -> dict[str, Any]:
        """Return the options that state this again, baseline and levels left out; `fit_spec` takes them."""
        own = self.model_dump(exclude={"data", "baseline", "levels"})
        return {**self.data.model_dump(), **own, "budget": self.budget_text}

    def training(self) -> dict[str, Any]:
        """Return the keyword arguments for `fit`; the data left out."""
        from efficienttrust.training import Settings, parse_augmentation

        return {
            "budget": self.budget_text,
            "targets": self.targets,
            "policy": self.policy,
            "trainer": self.trainer,
            "model": self.model,
            "settings": Settings(
                self.device,
                self.precision,
                None if self.augment is None else parse_augmentation(self.augment),
                distil=self.distil,
                compile=self.compile,
                prune=self.prune,
                quantize=self.quantize,
            ),
            "seed": self.seed,
            "use_groups_at_prediction": self.use_groups_at_prediction,
        }


_PARTS: dict[tuple[str, ...], type[BaseModel]] = {(): FitSpec, ("data",): DataSpec, ("budget",): BudgetSpec}
REPEATED = ("targets", "relations", "limitations", "levels")
"""Fields whose option is given once for each text, and is called by the singular."""


def _where(
    loc: tuple[int | str, ...], document: Mapping[str, Any], file: Path | None, given: Mapping[str, object]
) -> tuple[int, str]:
    """Return the line (0 for an option) and how to name the place of a fault."""
    path = path_of(loc)
    option = next((part for part in map(str, path[:2]) if part in given), None)
    if option is None and file is None:
        option = str(path[-1])
    if option is not None:
        return 0, f"--{option.removesuffix('s') if option in REPEATED else option.replace('_', '-')}"
    line = line_of(document, path)
    return line, f"{file}:{line}: {'.'.join(map(str, path))}"


def _what(fault: ErrorDetails) -> str:
    return text_of_fault(fault, _PARTS.get(tuple(str(part) for part in path_of(fault["loc"])[:-1])))
