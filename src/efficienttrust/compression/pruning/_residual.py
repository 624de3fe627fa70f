"""The channels of residual networks: those within blocks, and those of the stream between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import nn

from efficienttrust.compression.pruning._groups import Group, Indices, Member, places
from efficienttrust.models._image_layers import ResidualNetwork, SubsampledShortcut


@dataclass(eq=False)
class _Stream:
    """Channels of the stream that stay or go together.

    Attributes:
        at: Index of each unit among the channels of the present stage, int64 [units].
        members: Where they have their place so far.
    """

    at: Indices
    members: list[Member] = field(default_factory=list)


def groups_of_residual(module: ResidualNetwork) -> list[Group]:
    """Return the channels within each block, and those of the stream.

    What a shortcut adds to must keep the channels that the shortcut carries. With one that pads with zeros, channels of
    a stage are therefore one with some of all later stages, and only those that a stage adds are units of their own:
    in front and behind, as the padding is. With a projected shortcut each stage has its own.
    """
    inner: list[Group] = []
    closed: list[_Stream] = []
    stem = "stem.0"
    channels = module.stem[0].out_channels  # type: ignore[index]
    open_: list[_Stream] = [_Stream(np.arange(channels))]
    _write(open_, stem, "stem.1")
    for k, block in enumerate(module.blocks):
        path, shortcut = f"blocks.{k}", block.shortcut
        convolutions = [name for name in ("first", "second", "last") if hasattr(block, name)]
        _read(open_, f"{path}.first.weight")
        for before, after in zip(convolutions, convolutions[1:], strict=False):
            inner.append(_within(getattr(block, before).out_channels, f"{path}.{before}", f"{path}.{after}"))
        if isinstance(shortcut, nn.Sequential):
            _read(open_, f"{path}.shortcut.0.weight")
            closed += open_
            open_ = [_Stream(np.arange(shortcut[0].out_channels))]
            _write(open_, f"{path}.shortcut.0", f"{path}.shortcut.1")
        elif isinstance(shortcut, SubsampledShortcut):
            front, behind = shortcut.padding[-2:]
            carried = sum(len(stream.at) for stream in open_)
            for stream in open_:
                stream.at = stream.at + front
            added = np.r_[np.arange(front), front + carried + np.arange(behind)]
            open_.append(_Stream(added.astype(np.int64)))
        _write(open_, f"{path}.last", f"{path}.last_norm")
    _read(open_, "head.weight")
    return [*inner, *(Group(len(one.at), tuple(one.members)) for one in (*closed, *open_) if len(one.at))]


def paddings(module: ResidualNetwork) -> dict[str, tuple[int, ...]]:
    """Return what each padding shortcut has to pad with, by path, once the channels of the stages have changed."""
    found: dict[str, tuple[int, ...]] = {}
    return found


def _write(streams: list[_Stream], convolution: str, norm: str) -> None:
    for stream in streams:
        stream.members += _written(stream.at[:, None], convolution, norm)


def _read(streams: list[_Stream], name: str) -> None:
    for stream in streams:
        stream.members.append(Member(name, 1, stream.at[:, None], "reads"))


def _within(units: int, before: str, after: str) -> Group:
    at = places(units)
    members = _written(at, before, f"{before}_norm")
    return Group(units, (*members, Member(f"{after}.weight", 1, at, "reads")))


def _written(at: Indices, convolution: str, norm: str) -> list[Member]:
    statistics = [Member(f"{norm}.{leaf}", 0, at) for leaf in ("weight", "running_mean", "running_var")]
    return [
        Member(f"{convolution}.weight", 0, at, "writes", scale=norm),
        Member(f"{norm}.bias", 0, at, "writes"),
        *statistics,
    ]
