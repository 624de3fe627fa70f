"""The options that say what the data are, the same for every verb that learns from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class DataOptions:
    """What the columns of the data mean, and which of them are used.

    Attributes:
        label: Column to predict.
        positive: Value of the label that counts as 1.
        task: What is learned: binary, multiclass, or regression for a number; by default what the label says.
        sensitive: Sensitive columns, as `sex,age_band`; their intersections are the groups.
        weight: Column of sample weights.
        split_column: Column that says train, monitor, calibrate, certify or test for every row.
        unit: Column whose equal values are never divided between splits, such as a patient.
        time: Column that orders the rows: oldest in train, newest in test.
        immutable: Columns that a perturbation may not change.
        relation: A relation between numeric columns that a perturbed row has to satisfy, as
            `capital_gain >= capital_loss`; may be repeated.
        drop: Columns to leave out.
        use_sensitive_as_input: Let the model read the sensitive columns as inputs.
        limit: Use at most so many images, drawn at random.
        resolution: Average images over areas until their shorter side has so many pixels.
        limitation: What the data shall lack, as `label_noise(0.2)` or `fewer_rows(0.5)`; may be repeated.
    """

    label: str | None = None
    positive: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None
    task: str | None = None
    sensitive: list[str] | None = None
    weight: str | None = None
    split_column: str | None = None
    unit: str | None = None
    time: str | None = None
    immutable: list[str] | None = None
    relation: list[str] | None = None
    drop: list[str] | None = None
    use_sensitive_as_input: bool | None = None
    limit: int | None = None
    resolution: int | None = None
    limitation: list[str] | None = None

    def values(self) -> dict[str, object]:
        """Return the options by their names in a spec; None was not given."""
        return {
            "label": self.label,
            "positive": self.positive,
            "task": self.task,
            "sensitive": _joined(self.sensitive),
            "weight": self.weight,
            "split_column": self.split_column,
            "unit": self.unit,
            "time": self.time,
            "immutable": _joined(self.immutable),
            "relations": self.relation,
            "drop": _joined(self.drop),
            "use_sensitive_as_input": self.use_sensitive_as_input,
            "limit": self.limit,
            "resolution": self.resolution,
            "limitations": self.limitation,
        }


NO_DATA_OPTIONS = DataOptions()
"""Nothing was said of the data."""


def _joined(names: list[str] | None) -> str | None:
    return None if names is None else ",".join(names)
