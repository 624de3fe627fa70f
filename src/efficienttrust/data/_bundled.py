"""Data sets by name: what each one is, where its files are found, and the registry of one module per set."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.data._cards import DatasetCard as DatasetCard
from efficienttrust.data._cards import dataset_cards
from efficienttrust.data._download import fetched, place_of
from efficienttrust.errors import EfficientTrustError, UsageError, unknown_name
from efficienttrust.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DataSet:
    """A table with a name: its card, its default roles, and how it is read.

    Attributes:
        card: Licence, origin, cleaning, traps, and whether the files are bundled or can be downloaded.
        label: Default label column.
        positive: Its positive value; None of a number to be predicted.
        sensitive: Default sensitive columns.
        options: All columns offered as sensitive attributes.
        read: Returns the cleaned table: of a bundled set without an argument, of another from the path of its files.
        derived: Column that exists only to be a sensitive attribute, to the column that it is derived from. It is never
            an input; when it is the sensitive attribute, its parent is no input either.
        labels: Other label columns on offer, to their positive values. A label column that is not chosen is no input.
        drop: Columns that are no inputs unless they are given a role.
        unit: Column whose equal values (one patient's rows) are never divided between splits.
        task: `binary` or `regression`: the task of the default label.
        query: Names of the options that may follow the path, as in `mimic_iv:PATH?window=24`; `read` gets their text.
    """

    card: DatasetCard
    label: str
    positive: str | None
    sensitive: tuple[str, ...]
    options: tuple[str, ...]
    read: Callable[..., pd.DataFrame]
    derived: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    unit: str | None = None
    task: str = "binary"
    query: tuple[str, ...] = ()

    @property
    def positives(self) -> dict[str, str | None]:
        """All label columns on offer, the default first, to their positive values."""
        return {self.label: self.positive, **self.labels}

    def left_out(self, taken: Collection[str | None]) -> tuple[str, ...]:
        """Return the columns that are no inputs: `drop` and, where there are several labels, those not chosen."""
        columns = [*self.drop, *(self.positives if self.labels else ())]
        return tuple(column for column in dict.fromkeys(columns) if column not in taken)


data_sets: Registry[DataSet] = Registry("data set", "efficienttrust.data.sets")


def bundled_names() -> list[str]:
    """Return the names of the data sets that load offline right after install."""
    return [name for name in data_sets.names() if data_sets.get(name).card.bundled]


def dataset_names() -> list[str]:
    """Return the names of all data sets that have a card: tables, images and clinical records."""
    return sorted({*data_sets.names(), *dataset_cards.names()})


def dataset_card(name: str) -> DatasetCard:
    """Return the card of a data set; raises `UsageError` with a did-you-mean."""
    if name in data_sets.names():
        return data_sets.get(name).card
    if name in dataset_cards.names():
        return dataset_cards.get(name)
    raise unknown_name("data set", name, dataset_names())


@dataclass(frozen=True)
class Found:
    """A data set that a source names, and its files.

    Attributes:
        data_set: The data set.
        path: Its files; None of a bundled set.
        query: Text of the options behind the path.
        source: The text that gives the same again.
    """

    data_set: DataSet
    path: Path | None
    query: str
    source: str

    def read(self) -> pd.DataFrame:
        """Return the cleaned table."""
        if self.path is None:
            return self.data_set.read()
        return self.data_set.read(self.path, self.query) if self.query else self.data_set.read(self.path)


def is_clinical(source: str) -> bool:
    """Return whether a source, by its name in front of the colon, holds patients of whom reports must not tell singly.

    Of a file or frame of your own it is not known, and the answer is no.
    """
    name = source.partition(":")[0]
    return name in dataset_names() and dataset_card(name).clinical


def find_data_set(source: str) -> Found | None:
    """Return the data set that `NAME`, `NAME:PATH` or `NAME:PATH?options` names; None where no set is named.

    `NAME` alone downloads the files where they are not in the folder of downloads yet; a bundled set has no path.

    Raises:
        UsageError: The set is not public and no path is given, or the path does not exist, or there is no connection,
            or options are given to a set that takes none.
    """
    name, colon, given = source.partition(":")
    if name not in data_sets.names():
        return None
    data_set = data_sets.get(name)
    if data_set.card.bundled:
        if colon:
            raise UsageError(f"{name} comes with the package: give {name!r} alone, without a path.")
        return Found(data_set, None, "", name)
    if not colon:
        return Found(data_set, download(name), "", name)
    path, query = Path(given).expanduser(), ""
    if not path.exists() and "?" in given:  # a name may hold a question mark itself
        text, _, query = given.rpartition("?")
        path = Path(text).expanduser()
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}. Give your copy of {name} as {name}:PATH.")
    if query and not data_set.query:
        raise UsageError(f"{name} takes no options: leave out ?{query}")
    return Found(data_set, path, query, f"{name}:{path.resolve()}{'?' if query else ''}{query}")


def download(name: str, folder: Path | None = None) -> Path:
    """Return the downloaded file of a data set, from the folder of downloads where it is there already.

    Args:
        name: Name of the data set.
        folder: Where to; by default the folder of downloads.

    Raises:
        UsageError: It is bundled, or cannot be downloaded by anybody, or there is no connection, or a hash is wrong.
    """
    card = dataset_card(name)
    if card.bundled:
        raise UsageError(f"{name} comes with the package: there is nothing to download.")
    if card.fetch is None:
        steps = "; ".join(card.how_to_get)
        if name in data_sets.names() or not steps:
            steps = f"give your copy as {name}:PATH. {' '.join(card.how_to_get)}".strip()
        raise UsageError(f"{name} is not downloaded: {steps}")
    return fetched(name, card.fetch, folder)


def availability(name: str) -> str:
    """Return how to come by a data set: `bundled`, `downloaded` already, `download`, or `your copy` of the files."""
    card = dataset_card(name)
    if card.bundled:
        return "bundled"
    if card.fetch is None:
        return "your copy"
    return "downloaded" if place_of(name, card.fetch).exists() else "download"


def is_card_alone(source: str) -> bool:
    """Return whether a source is the name of a data set of which nothing but the card is at hand."""
    if source not in dataset_names():
        return False
    return source not in data_sets.names() or availability(source) not in ("bundled", "downloaded")


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
