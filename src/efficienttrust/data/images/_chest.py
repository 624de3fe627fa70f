"""What chest-film sets have in common: findings with uncertain values, frontal views, patients, official splits.

A reader of `catalogue` brings `Films`: a table with one row a film. `raw_images` chooses rows and labels by what was
asked, says in notes what it did, and maps the decoded films.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.data.images._cache import decoded
from efficienttrust.data.images._chest_options import ChestOptions
from efficienttrust.data.images._files import ImageFile
from efficienttrust.data.images._reading import Array, RawImages, Wanted
from efficienttrust.errors import UsageError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

NO_FINDING = "No Finding"
"""The label of fairness studies on chest films (Seyyed-Kalantari et al. 2021; Zong et al. 2023, MEDFAIR): for an ill
patient it is an underdiagnosis, which is what they compare between groups. All three sets have it, so it is the
default."""
FRONTAL = ("AP", "PA")
SIZE = 128
"""Pixels of a side, where none is asked for; about an eighth of the pixels of CheXpert small."""
MINED = "labels were mined from radiologists' reports by a program, and are wrong in some of the films"


People = Mapping[str, Callable[["pd.DataFrame", list[str]], "pd.Series[Any]"]]
"""Sensitive attribute -> its value for every row of a table of films; may extend the notes."""


@dataclass(frozen=True, eq=False)
class Films:
    """The films of a release, before anything is chosen.

    Attributes:
        name: Short name of the set.
        folder: Folder to which `file` is relative.
        finding: What is to be found.
        table: One row a film: `file`; `patient` (text); `view` (`AP`, `PA`, `lateral`, or empty where unknown); `value`
            (1 found, 0 not, -1 uncertain, NaN not mentioned); `split` (`train`, `validate` or `test`) where official.
        people: The sensitive attributes that are known of the patients.
        caveats: What a reader must know of the labels, one line each.
        pixels: (Rows of the table, size or None) -> uint8 [n, 1, H, W]; None decodes the files.
    """

    name: str
    folder: Path
    finding: str
    table: pd.DataFrame
    people: People
    caveats: tuple[str, ...] = (MINED,)
    pixels: Callable[[pd.DataFrame, int | None], Array] | None = None


def raw_images(films: Films, wanted: Wanted, options: ChestOptions) -> RawImages:
    """Return the films that were asked for, with labels, patients, official split and attributes.

    Raises:
        UsageError: A patient stands in two splits, nothing is left, an attribute is unknown, or films are missing.
    """
    for name in wanted.sensitive:
        if name not in films.people:
            raise unknown_name("sensitive attribute", name, films.people)
    official = options.split == "official" and "split" in films.table
    if official:
        refuse_divided_patients(films.table["patient"], films.table["split"], films.name)
    table, y, notes = chosen(films, wanted.part if official else "all", options)
    attributes = {name: films.people[name](table, notes) for name in wanted.sensitive}
    for name, values in attributes.items():
        if missing := int(values.isna().sum()):
            notes.append(f"{name!r} is not known for {missing} of {len(table)} films")
    notes.extend(_about_views(table["view"], y, films.finding))
    if films.pixels is None:
        pixels = _decoded(films.folder, table, options.size, notes)
    else:
        pixels = films.pixels(table, options.size)
    return RawImages(
        name=films.name,
        part=wanted.part if official else "all",
        x=pixels,
        y=y,
        classes=("any finding" if films.finding == NO_FINDING else f"no {films.finding}", films.finding),
        attributes={name: _plain(values) for name, values in attributes.items()},
        notes=tuple(notes),
        unit=_plain(table["patient"]),
        split=_plain(table["split"]) if official else None,
    )


def chosen(films: Films, part: str, options: ChestOptions) -> tuple[pd.DataFrame, Array, list[str]]:
    """Return (the rows of a part that were asked for, their labels int64 0 or 1, notes)."""
    notes = [*films.caveats]
    if films.finding == NO_FINDING:
        notes.append("the positive class says that nothing was found: a false positive is a missed finding")
    views = {"frontal": FRONTAL, "ap": ("AP",), "pa": ("PA",)}.get(options.view)
    table = films.table if part == "all" else films.table[films.table["split"] == part]
    kept = table if views is None else table[table["view"].isin(views)]
    if other := len(table) - len(kept):
        notes.append(f"{other} of {len(table)} films are left out by their view (view={options.view})")
    y = binary(kept["value"], options.uncertain, films.finding, notes)
    kept, y = kept[y.notna()], y[y.notna()]
    if not len(kept):
        raise UsageError(
            f"{films.folder} has {len(films.table)} films, and none is left (part {part}, view={options.view}, "
            f"uncertain={options.uncertain}): ask for more"
        )
    return kept, y.to_numpy(np.int64), notes


def _decoded(folder: Path, table: pd.DataFrame, size: int | None, notes: list[str]) -> Array:
    side = SIZE if size is None else size
    notes.append(f"films are scaled to {side}x{side} pixels, whatever their proportions (size={side})")
    return decoded([ImageFile(folder / file) for file in table["file"]], size=(side, side), channels=1)


def binary(values: pd.Series[Any], uncertain: str, finding: str, notes: list[str]) -> pd.Series[Any]:
    """Return labels 1 or 0, NaN for rows to leave out, by the policy for uncertain values.

    A blank says that the report does not mention the finding; it counts as 0, as in the papers.

    Args:
        values: 1, 0, -1 (uncertain) or NaN (blank), [n].
        uncertain: `zeros`, `ones` or `ignore`, the U-Zeros, U-Ones and U-Ignore of the paper.
        finding: For the notes.
        notes: Is extended with how many films each rule decided.

    References:
        Irvin et al. 2019, "CheXpert: a large chest radiograph dataset with uncertainty labels and expert comparison",
        section 3. Differs in U-Ignore: there a row counts for its other findings; one finding is learned here.
    """
    doubtful, blank = values == -1, values.isna()
    if blank.any():
        notes.append(f"{int(blank.sum())} films whose report does not mention {finding!r} count as negative")
    if doubtful.any():
        outcome = {"zeros": "count as negative", "ones": "count as positive", "ignore": "are left out"}[uncertain]
        notes.append(f"{int(doubtful.sum())} films where {finding!r} is uncertain {outcome} (uncertain={uncertain})")
    return values.mask(blank, 0.0).mask(doubtful, {"zeros": 0.0, "ones": 1.0, "ignore": np.nan}[uncertain])


def label_values(texts: pd.Series[Any], path: Path) -> pd.Series[Any]:
    """Return 1, 0, -1 or NaN (blank) of the texts in a label file; raises `UsageError` for any other code."""
    import pandas as pd

    values = pd.to_numeric(texts, errors="coerce").astype("float64")
    odd = texts[(texts != "") & ~values.isin([1.0, 0.0, -1.0])]
    if len(odd):
        raise UsageError(
            f"{path} holds unknown labels for {texts.name!r} ({len(odd)} rows); known are 1, 0, -1 "
            "(uncertain) and blank"
        )
    return values


def finding_of(asked: str | None, known: Iterable[str]) -> str:
    """Return a finding by its official spelling; `pleural effusion` and `Pleural_Effusion` are the same."""
    if asked is None:
        return NO_FINDING
    by_key = {_key(name): name for name in known}
    if _key(asked) not in by_key:
        raise unknown_name("finding", asked, by_key.values())
    return by_key[_key(asked)]


def refuse_divided_patients(patient: pd.Series[Any], split: pd.Series[Any], where: str) -> None:
    """Raise `UsageError` when films of one patient stand in two official splits."""
    import pandas as pd

    pairs = pd.DataFrame({"patient": patient, "split": split}).drop_duplicates()
    divided = pairs.loc[pairs["patient"].duplicated(), "patient"].unique()
    if len(divided):
        raise UsageError(
            f"{where}: {len(divided)} patients stand in more than one split, so the splits are not independent: repair "
            "the files of the release"
        )


def view_of(table: pd.DataFrame, notes: list[str]) -> pd.Series[Any]:
    """Return the view as a sensitive attribute, missing where unknown."""
    return table["view"].mask(table["view"] == "")


def _about_views(view: pd.Series[Any], y: Array, finding: str) -> list[str]:
    """Return a line on how far the view gives the label away."""
    frontal = view.isin(FRONTAL).to_numpy()
    lying = (view == "AP").to_numpy()
    positive, negative = frontal & (y == 1), frontal & (y == 0)
    if not (positive.any() and negative.any()) or not lying.any() or not (frontal & ~lying).any():
        return []
    line = (
        f"the view tells of the label: {lying[positive].mean():.0%} of the films with {finding!r} are AP (portable, of "
        f"patients who cannot stand), {lying[negative].mean():.0%} of the others; view=ap or view=pa takes it out"
    )
    return [line]


def _key(finding: str) -> str:
    return " ".join(finding.lower().replace("_", " ").split())


def _plain(values: pd.Series[Any]) -> Array:
    """Return numbers as float64 and texts as objects, `None` where missing."""
    if values.dtype.kind == "f":
        return values.to_numpy(np.float64)
    return values.astype(object).where(values.notna(), None).to_numpy(dtype=object)
