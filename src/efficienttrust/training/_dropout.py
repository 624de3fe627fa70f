"""Dropout draws from torch's global generator; a training has a stream of its own and leaves the global one alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor


class DropoutStream:
    """Stands in for torch's global generator of a device while a training draws.

    Args:
        seed: Seed of the stream.
        device: Where the network is.

    Attributes:
        state: Where the stream stands, for a checkpoint.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self.state = torch.Generator(device).manual_seed(seed).get_state()

    def reseed(self, seed: int) -> None:
        """Start again from a seed."""
        self.state = torch.Generator(self._device).manual_seed(seed).get_state()

    @contextlib.contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw from this stream in the body."""
        outside = self._global()
        self._set_global(self.state)
        try:
            yield
        finally:
            self.state = self._global()
            self._set_global(outside)

    @contextlib.contextmanager
    def drawn_again(self) -> Iterator[None]:
        """Inside `drawn`: go back, after the body, to where the stream stood before it."""
        before = self._global()
        yield
        self._set_global(before)

    def _global(self) -> Tensor:
        return torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else torch.get_rng_state()

    def _set_global(self, state: Tensor) -> None:
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(state, self._device)
        else:
            torch.set_rng_state(state)
