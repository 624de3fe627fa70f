"""`DatasetCard`: what to know about a data set before using it; and the registry of cards that no table brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from efficienttrust.data._download import Fetch
from efficienttrust.registry import Registry


@dataclass(frozen=True)
class DatasetCard:
    """Where a data set comes from and what to know before using it.

    Attributes:
        name: Name by which it is asked for.
        title: Full title.
        licence: Licence or terms, with the holder.
        citation: How to cite it.
        origin: Where the bytes come from.
        originals: Original file name to sha256 of its bytes, as far as a copy was at hand to hash.
        sha256: Of the bundled CSV, uncompressed; empty when nothing is bundled.
        cleaning: Every step from the originals to the problem, in order.
        traps: What a careless reader gets wrong.
        what: One sentence: what a row is and what is predicted.
        size: Rows, columns or pixels, and bytes of the original files.
        groups: Sensitive attributes on offer, with their groups.
        base_rates: Share of the positive label, over all rows and by group.
        how_to_get: How to come by the files, one step each.
        fetch: What `data get` downloads; None where the files are bundled or come from their holder alone.
        clinical: Whether rows are patients of whom reports must not tell singly: they suppress small cells.
    """

    name: str
    title: str
    licence: str
    citation: str
    origin: str
    originals: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    cleaning: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    what: str = ""
    size: str = ""
    groups: tuple[str, ...] = ()
    base_rates: tuple[str, ...] = ()
    how_to_get: tuple[str, ...] = ()
    fetch: Fetch | None = None
    clinical: bool = False

    @property
    def bundled(self) -> bool:
        """Whether the data come with the package."""
        return bool(self.sha256)


dataset_cards: Registry[DatasetCard] = Registry("dataset card", "efficienttrust.data.cards", DatasetCard)
