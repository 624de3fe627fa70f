"""Batches of somebody else's loader: what is in one, and an endless stream that knows its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from efficienttrust.errors import UsageError

Batch = tuple[Any, Tensor, Any]
"""Inputs, labels [n], groups (codes [n], a mapping of them by attribute, or None)."""


def unpacked(batch: Any) -> Batch:
    """Return inputs, labels and groups of a batch: (x, y, groups), (x, y), or a mapping with `labels` and `groups`.

    Raises:
        UsageError: It is none of these.
    """
    if isinstance(batch, Mapping):
        rest = dict(batch)
        y, groups = rest.pop("labels", None), rest.pop("groups", None)
        if y is None:
            raise UsageError(
                f"a batch with {', '.join(map(str, batch)) or 'nothing'} has no 'labels': name the label so"
            )
        return rest, torch.as_tensor(y), groups
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        what = f"{len(batch)} things" if isinstance(batch, tuple | list) else f"a {type(batch).__name__}"
        raise UsageError(f"a batch holds {what}: let the loader yield (x, y, groups), or (x, y) without groups")
    y = batch[1] if isinstance(batch[1], Tensor) else torch.as_tensor(batch[1])
    return batch[0], y, batch[2] if len(batch) == 3 else None


class Stream:
    """Batches without end: the loader is started again whenever it is exhausted.

    Args:
        loader: Any iterable of batches.
        place: `place` of an interrupted run, to go on from there: the epoch is begun with the random numbers it was
            begun with, and the batches that were used are drawn once more and left out.

    Attributes:
        place: Random state with which the present epoch began and batches of it that were used, as of `commit`.
    """

    def __init__(self, loader: Iterable[Any], place: Mapping[str, Any] | None = None) -> None:
        self._loader = loader
        self._iterator: Iterator[Any] | None = iter(()) if place is None else None
        self._start: dict[str, Any] = {} if place is None else {k: v for k, v in place.items() if k != "served"}
        self._served, self._ever = 0, 0
        self._skip = 0 if place is None else int(place["served"])
        self.place: dict[str, Any] = {**self._start, "served": self._skip}

    def draw(self) -> Batch | None:
        """Return the next batch; None when the loader can be read once only and is at its end.

        Raises:
            UsageError: The loader has no batch at all.
        """
        if self._iterator is None:
            self._resume()
        assert self._iterator is not None
        batch = next(self._iterator, None)
        if batch is None:
            self._start = self._random()
            self._iterator, self._served = iter(self._loader), 0
            batch = next(self._iterator, None)
        if batch is None:
            if self._ever == 0:
                raise UsageError("the loader is empty: it yields no batch to train on")
            return None
        self._served += 1
        self._ever += 1
        return unpacked(batch)

    def commit(self) -> None:
        """Remember the present place: what was drawn up to here has been learned from."""
        self.place = {**self._start, "served": self._served}

    def _resume(self) -> None:
        now = torch.get_rng_state()
        if self._start:
            torch.set_rng_state(self._start["torch"])
            generator = getattr(self._loader, "generator", None)
            if generator is not None and self._start["generator"] is not None:
                generator.set_state(self._start["generator"])
        self._iterator = iter(self._loader) if self._start else iter(())
        for _ in range(self._skip):
            next(self._iterator, None)
        self._served = self._ever = self._skip
        torch.set_rng_state(now)

    def _random(self) -> dict[str, Any]:
        generator = getattr(self._loader, "generator", None)
        return {"torch": torch.get_rng_state(), "generator": None if generator is None else generator.get_state()}
