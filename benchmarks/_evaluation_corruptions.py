"""Image corruptions against imagecorruptions 1.1.2: images per CPU-second, both sides in one process on one thread.

Both sides get the same pictures in their own form (the peer one 8-bit picture per call, ours a float batch) and the
constants of ImageNet-C, which are the only ones that the peer has. Turns alternate, and the faster of the rounds
counts.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from efficienttrust.threats.corruptions import COMMON, EXTRA, SEVERITIES, corrupt

SIZES = ((32, 1000), (224, 64))
"""(side in pixels, pictures)."""

QUICK_SIZES = ((32, 64), (224, 4))

BATCH_PIXELS = 16 * 224 * 224
"""Pixels of one batch of ours: 16 large or 784 small pictures, as an evaluation feeds them."""

AIM = 2.0
"""The least ratio that is aimed at for every corruption."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """One corruption at one size: CPU-seconds for one picture at each severity, for the peer and for ours."""

    name: str
    side: int
    peer: tuple[float, ...]
    ours: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times faster ours is over all severities."""
        return sum(self.peer) / sum(self.ours)

    @property
    def worst(self) -> float:
        """How many times faster ours is at the severity where it is least so."""
        return min(peer / ours for peer, ours in zip(self.peer, self.ours, strict=True))


def run(quick: bool) -> list[str]:
    """Measure all corruptions and return the lines of a Markdown section."""
    peer = _peer()
    if peer is None:
        return [
            "imagecorruptions is not installed: no comparison (`pip install imagecorruptions opencv-python-headless`)."
        ]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _table(peer, QUICK_SIZES if quick else SIZES, 1 if quick else 2)
    finally:
        torch.set_num_threads(threads)


def _table(peer: Callable[..., Pictures], sizes: tuple[tuple[int, int], ...], rounds: int) -> list[str]:
    failures: dict[str, str] = {}
    rows = []
    for side, count in sizes:
        pictures = _pictures(count, side)
        batch = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().float().div_(255.0)
        for name in (*COMMON, *EXTRA):
            failure = _failure(peer, pictures[0], name)
            if failure:
                failures[name] = failure
            else:
                rows.append(_measure(peer, pictures, batch, name, rounds))
    lines = [
        "| corruption | pixels | imagecorruptions, images/CPU-s | ours, images/CPU-s | ratio | at its worst severity |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        peer_rate, rate = (len(SEVERITIES) / sum(side) for side in (row.peer, row.ours))
        lines.append(
            f"| {row.name} | {row.side} | {peer_rate:,.0f} | {rate:,.0f} | {row.ratio:.1f} | {row.worst:.1f} |"
        )
    least = min(rows, key=lambda row: row.ratio)
    together = {
        name: _together([(row, count) for row in rows for side, count in sizes if (row.name, row.side) == (name, side)])
        for name in dict.fromkeys(row.name for row in rows)
    }
    slowest = min(together, key=lambda name: together[name])
    what = " and ".join(f"{count:,} pictures of {side} x {side}" for side, count in sizes)
    lines += ["", f"Severities 1 to 5 of {what}, constants of ImageNet-C, one thread, best of {rounds}."]
    mean, mean_together = _geometric_mean([row.ratio for row in rows]), _geometric_mean(list(together.values()))
    lines += [f"Geometric mean of the ratios {mean:.1f}, lowest {least.ratio:.1f} ({least.name}, {least.side} pixels)."]
    lines += [f"By the time for both sets: mean {mean_together:.1f}, lowest {together[slowest]:.1f} ({slowest})."]
    below = [f"{row.name} at {row.side} pixels ({row.ratio:.1f})" for row in rows if row.ratio < AIM]
    if below:
        lines += ["", f"Below {AIM:g} times the speed of the peer: {', '.join(below)}."]
    if failures:
        told = "; ".join(f"{name} ({failure})" for name, failure in failures.items())
        lines += ["", f"The peer cannot run {len(failures)} of {len((*COMMON, *EXTRA))} on this stack: {told}."]
    return lines


def _together(parts: list[tuple[Row, int]]) -> float:
    """Return the ratio of the times for all pictures of all sizes."""
    peer, ours = (sum(sum(getattr(row, side)) * count for row, count in parts) for side in ("peer", "ours"))
    return peer / ours


def _geometric_mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def _measure(peer: Callable[..., Pictures], pictures: Pictures, batch: torch.Tensor, name: str, rounds: int) -> Row:
    peer_best, best = ([math.inf] * len(SEVERITIES) for _ in range(2))
    size = max(1, BATCH_PIXELS // pictures.shape[1] ** 2)
    peer(pictures[0], severity=1, corruption_name=name)  # warm up both
    corrupt(batch[:4], name, 1, table="imagenet")
    for _ in range(rounds):
        for place, severity in enumerate(SEVERITIES):
            start = time.process_time()
            for picture in pictures:
                peer(picture, severity=severity, corruption_name=name)
            middle = time.process_time()
            for part in batch.split(size):
                corrupt(part, name, severity, table="imagenet")
            end = time.process_time()
            peer_best[place] = min(peer_best[place], (middle - start) / len(pictures))
            best[place] = min(best[place], (end - middle) / len(pictures))
    return Row(name, pictures.shape[1], tuple(peer_best), tuple(best))


def _failure(peer: Callable[..., Pictures], picture: Pictures, name: str) -> str | None:
    """Return why the peer cannot run a corruption, or None."""
    try:
        peer(picture, severity=3, corruption_name=name)
    except Exception as error:  # whatever an unmaintained peer raises on current libraries
        return f"{type(error).__name__}: {str(error).partition('. ')[0]}"
    return None


def _peer() -> Callable[..., Pictures] | None:
    """Return `imagecorruptions.corrupt` on one thread, or None where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of pkg_resources and of moved scipy names when imported
            import cv2
            import imagecorruptions
    except ImportError:
        return None
    cv2.setNumThreads(1)
    corrupt_one: Callable[..., Any] = imagecorruptions.corrupt

    def quietly(*args: Any, **kwargs: Any) -> Pictures:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(corrupt_one(*args, **kwargs))

    return quietly


def _pictures(count: int, side: int) -> Pictures:
    """Draw smooth random colour pictures with a little grain."""
    generator = torch.Generator().manual_seed(side)
    knots = torch.randn(count, 3, side // 8 + 2, side // 8 + 2, generator=generator)
    smooth = torch.nn.functional.interpolate(knots, size=(side, side), mode="bicubic", align_corners=True)
    levels = smooth.add_(torch.randn(smooth.shape, generator=generator), alpha=0.1).mul_(60.0).add_(128.0)
    return levels.clamp_(0.0, 255.0).permute(0, 2, 3, 1).contiguous().to(torch.uint8).numpy()
