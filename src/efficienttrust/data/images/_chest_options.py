"""What can be chosen about chest films behind the `?` of their source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from efficienttrust.data.images._reading import Wanted, refuse_options, size_option
from efficienttrust.errors import UsageError, unknown_name

COMMON = ("size", "view", "split")
CHOICES = {
    "view": ("frontal", "ap", "pa", "all"),
    "split": ("official", "patients"),
    "uncertain": ("zeros", "ones", "ignore"),
    "labels": ("chexpert", "negbio"),
}


@dataclass(frozen=True)
class ChestOptions:
    """The options of a source such as `chexpert:../CheXpert-v1.0-small?size=224&uncertain=ones`.

    Attributes:
        size: Height and width in pixels to which films are scaled; None for the usual size.
        view: `frontal` (AP and PA), `ap`, `pa`, or `all` (lateral and unknown views too).
        split: `official`, or `patients`: no official split, so that patients are dealt anew.
        uncertain: What an uncertain finding counts as: `zeros`, `ones`, or `ignore` to leave the film out.
        labels: Which program's labels: `chexpert` or `negbio`.
        demographics: Table of the patients' races, where it lies elsewhere.
        mimic_iv: Folder of MIMIC-IV, where it lies elsewhere.
    """

    size: int | None = None
    view: str = "frontal"
    split: str = "official"
    uncertain: str = "zeros"
    labels: str = "chexpert"
    demographics: Path | None = None
    mimic_iv: Path | None = None


def chest_options(wanted: Wanted, *own: str) -> ChestOptions:
    """Return the options of a source; `own` are those that its set takes besides `size`, `view` and `split`.

    Raises:
        UsageError: An option or a value is unknown, with a did-you-mean.
    """
    if "label" in wanted.options:
        raise UsageError("the finding is no option of the source: leave out ?label=, and name it with --label")
    refuse_options(wanted, *COMMON, *own)
    others = {name: _value(name, text) for name, text in wanted.options.items() if name != "size"}
    return ChestOptions(size=size_option(wanted), **others)


def _value(name: str, text: str) -> Any:
    if name not in CHOICES:
        return Path(text).expanduser()
    if text.lower() not in CHOICES[name]:
        raise unknown_name(f"value of {name}", text, CHOICES[name])
    return text.lower()
