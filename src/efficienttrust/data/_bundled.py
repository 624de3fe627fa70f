"""Bundled data sets: their cards, and the registry that finds one module per set."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import EfficientTrustError
from efficienttrust.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DatasetCard:
    """Where a bundled data set comes from and what to know before using it.

    Attributes:
        name: Bundled name.
        title: Full title.
        licence: Licence or terms, with the holder.
        citation: How to cite it.
        origin: Where the bytes came from.
        originals: Original file name to sha256 of its bytes.
        sha256: Of the bundled CSV, uncompressed.
        cleaning: Every step from the originals to the problem, in order.
        traps: What a careless reader gets wrong.
    """

    name: str
    title: str
    licence: str
    citation: str
    origin: str
    originals: Mapping[str, str]
    sha256: str
    cleaning: tuple[str, ...]
    traps: tuple[str, ...]


@dataclass(frozen=True)
class DataSet:
    """A bundled data set: its card, its default roles, and how it is read.

    Attributes:
        card: Licence, origin, cleaning, traps.
        label: Label column.
        positive: Positive value.
        sensitive: Default sensitive columns.
        options: All columns offered as sensitive attributes.
        read: Returns the cleaned table.
        derived: Column that exists only to be a sensitive attribute, to the column that it is derived from. It is never
            an input; when it is the sensitive attribute, its parent is no input either.
    """

    card: DatasetCard
    label: str
    positive: str
    sensitive: tuple[str, ...]
    options: tuple[str, ...]
    read: Callable[[], pd.DataFrame]
    derived: Mapping[str, str] = field(default_factory=dict)


data_sets: Registry[DataSet] = Registry("data set", "efficienttrust.data.sets")


def bundled_names() -> list[str]:
    """Return the names of the data sets that load offline right after install."""
    return data_sets.names()


def dataset_card(name: str) -> DatasetCard:
    """Return the card of a bundled data set; raises `UsageError` with a did-you-mean."""
    return data_sets.get(name).card


def read_bundled(card: DatasetCard, **options: Any) -> pd.DataFrame:
    """Read the bundled CSV of a card after checking its hash; `options` go to `pandas.read_csv`."""
    import pandas as pd

    content = gzip.decompress((files("efficienttrust.data") / "files" / f"{card.name}.csv.gz").read_bytes())
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise EfficientTrustError(f"the bundled file {card.name}.csv.gz is damaged. Install efficienttrust again.")
    table: pd.DataFrame = pd.read_csv(io.BytesIO(content), **options)
    return table


def age_bands(age: pd.Series[Any], last_ages: tuple[int, ...], names: tuple[str, ...]) -> pd.Series[Any]:
    """Cut ages into named, ordered bands; band k ends at `last_ages[k]`, the last band is open."""
    import pandas as pd

    return pd.cut(age, [-float("inf"), *last_ages, float("inf")], labels=list(names))
