"""The cache of decoded images: each set is decoded once, into one file that is mapped, not read.

`decoded` gives uint8 pixels [n, C, H, W] of encoded files. They lie in `<cache>/images/<key>.npy`, where the key is a
hash of the names, sizes and times of the files and of what was asked for. While a set is being decoded, its rows are
appended to `<key>.part`; what is there when the process dies stays, and the next call goes on behind it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO, FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.images._decoding import Form, decode, size_of
from efficienttrust.data.images._files import DAMAGE, Archives, ImageFile
from efficienttrust.errors import UsageError, in_bytes

VERSION = 1
"""Part of every key: another way of decoding gets another number."""

CHUNK = 32 * 2**20
"""Bytes of pixels that are decoded between two writes."""

MOST_AT_ONCE = 32
"""Images that a thread takes at a time: enough to hide what handing them out costs."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Fault = tuple[ImageFile, str]


def decoded(
    files: Sequence[ImageFile],
    *,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    short_side: int | None = None,
    cache: Path | None = None,
) -> NDArray[np.uint8]:
    """Return the pixels of encoded images, decoded at most once: a read-only memory map, uint8 [n, C, H, W].

    Two processes that want the same images at once decode them once; the second waits.

    Args:
        files: The images, in the order of the rows. Members of a compressed tar are read fastest in its order.
        size: (height, width) in pixels to scale to, bilinear; `None` keeps the size, which must be the same for all.
        channels: 1 (grey) or 3 (RGB); files of another kind are converted.
        short_side: Scale until the shorter side has so many pixels, then cut `size` from the centre.
        cache: Folder of the cache; by default `cache_folder()`.

    Raises:
        UsageError: Files are missing, broken or of another size (all are counted, the first is named), the disk is
            full (what was decoded stays and counts next time), or the cache cannot be written.
    """
    form = Form(channels, size, short_side)
    if not files:
        raise UsageError("there are no images to decode")
    folder = (cache or cache_folder()) / "images"
    final = folder / f"{_key(files, form)}.npy"
    if not _is_whole(final):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # images may be of patients
            with Archives() as archives:
                _decode_all(files, form, archives, final)
        except OSError as error:
            raise UsageError(
                f"decoded images cannot be written to {folder} ({error.strerror}): set EFFICIENTTRUST_CACHE to another "
                "folder"
            ) from error
    pixels: NDArray[np.uint8] = np.load(final, mmap_mode="r", allow_pickle=False)
    return pixels


def _is_whole(final: Path) -> bool:
    """Return whether the decoded images are there; a damaged file (a full disk, a bad copy) is removed."""
    try:
        np.load(final, mmap_mode="r", allow_pickle=False)
    except OSError:  # not there, or not to be read: decoding says why
        return False
    except (ValueError, EOFError):
        final.unlink(missing_ok=True)
        return False
    return True


def cache_folder() -> Path:
    """Return the folder of what can be made or downloaded again: `EFFICIENTTRUST_CACHE`, or the system's own."""
    if chosen := os.environ.get("EFFICIENTTRUST_CACHE"):
        return Path(chosen).expanduser()
    try:
        from platformdirs import user_cache_path
    except ImportError:
        return Path("~/.cache/efficienttrust").expanduser()
    return Path(user_cache_path("efficienttrust", appauthor=False))


def workers() -> int:
    """Return how many threads decode: one for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _key(files: Sequence[ImageFile], form: Form) -> str:
    """Return a hash of what is decoded and how; raises `UsageError` when files are missing."""
    digest = hashlib.sha256(f"{VERSION} {form}".encode())
    stamps: dict[Path, str] = {}
    missing: list[ImageFile] = []
    for file in files:
        stamp = stamps.get(file.path) if file.member is not None else None
        if stamp is None:
            try:
                state = os.stat(file.path)
            except OSError:
                missing.append(file)
                continue
            stamp = f"{os.path.abspath(file.path)}\0{state.st_size}\0{state.st_mtime_ns}"
            if file.member is not None:
                stamps[file.path] = stamp
        digest.update(f"{stamp}\0{file.member or ''}\n".encode(errors="surrogateescape"))
    if missing:
        raise UsageError(
            f"{len(missing)} of {len(files)} image files are missing, the first is {missing[0]}: copy the set again, "
            "whole"
        )
    return digest.hexdigest()[:32]


def _decode_all(files: Sequence[ImageFile], form: Form, archives: Archives, final: Path) -> None:
    row = (form.channels, *_common_size(files, form, archives))
    shape = (len(files), *row)
    step = max(1, CHUNK // int(np.prod(row)))
    faults: list[Fault] = []
    with _part(final, shape) as part, ThreadPoolExecutor(workers()) as threads:
        if part is None:
            return
        for start in range(part.rows, len(files), step):
            pixels, broken = _decode_some(files[start : start + step], form, row, archives, threads)
            faults += broken
            if not faults:  # once an image is broken the rest is only looked through, to count
                part.append(pixels)
        if faults:
            part.path.unlink()  # a mended file has another time, so that this would never be asked for again
            file, reason = faults[0]
            raise UsageError(
                f"{len(faults)} of {len(files)} images cannot be used; the first is {file}: {reason.rstrip('.')}. Mend "
                "them or copy them again, or leave them out"
            )
        part.finish(final)


def _common_size(files: Sequence[ImageFile], form: Form, archives: Archives) -> tuple[int, int]:
    """Return (height, width) of the rows: what was asked for, or that of the first image that can be opened."""
    if form.size is not None:
        return form.size
    for file in files:
        with suppress(*DAMAGE):
            return size_of(file, archives)
    raise UsageError(f"none of {len(files)} images can be opened; the first is {files[0]}: are these images at all?")


def _decode_some(
    files: Sequence[ImageFile], form: Form, row: tuple[int, ...], archives: Archives, threads: ThreadPoolExecutor
) -> tuple[NDArray[np.uint8], list[Fault]]:
    """Return pixels [m, C, H, W] and the files that gave none."""
    pixels = np.empty((len(files), *row), dtype=np.uint8)
    share = max(1, min(MOST_AT_ONCE, len(files) // (4 * workers())))

    def fill(start: int) -> list[Fault]:
        faults = []
        for place in range(start, min(start + share, len(files))):
            try:
                image = decode(files[place], form, archives)
            except DAMAGE as error:
                faults.append((files[place], " ".join(str(error).split()) or type(error).__name__))
                continue
            if image.shape == row:
                pixels[place] = image
            else:
                faults.append((files[place], f"it is {_shown(image.shape)} pixels, others are {_shown(row)}"))
        return faults

    return pixels, [fault for faults in threads.map(fill, range(0, len(files), share)) for fault in faults]


class _Part:
    """The rows decoded so far: the header of the `.npy` file, then whole rows; more is cut off when opened."""

    def __init__(self, file: FileIO, path: Path, shape: tuple[int, ...]) -> None:
        header = BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        self.path = path
        self._file = file
        self._total = header.tell() + int(np.prod(shape))
        file.seek(0)
        same = file.read(header.tell()) == header.getvalue()
        size = os.fstat(file.fileno()).st_size
        self.rows = (size - header.tell()) // int(np.prod(shape[1:])) if same else 0
        file.truncate(header.tell() + self.rows * int(np.prod(shape[1:])) if same else 0)
        if not same:
            self._write(header.getvalue())

    def append(self, pixels: NDArray[np.uint8]) -> None:
        """Write rows behind the last."""
        self._write(pixels.data)
        self.rows += len(pixels)

    def finish(self, final: Path) -> None:
        """Give the file its name."""
        os.fsync(self._file.fileno())
        os.replace(self.path, final)

    def _write(self, content: bytes | memoryview) -> None:
        try:
            left = self._total - os.fstat(self._file.fileno()).st_size
            if shutil.disk_usage(self.path.parent).free < left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            rest = memoryview(content).cast("B")
            while rest:  # a disk that fills up takes a part and refuses the next
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if error.errno not in FULL:
                raise
            if not self.rows:
                self.path.unlink(missing_ok=True)  # nothing to go on from
            raise UsageError(
                f"the decoded images take {in_bytes(self._total)}, more than is free for {self.path.parent}: make "
                "room and go on, or set EFFICIENTTRUST_CACHE to a larger disk"
            ) from error


@contextmanager
def _part(final: Path, shape: tuple[int, ...]) -> Iterator[_Part | None]:
    """Hold the unfinished file alone; `None` when another process finished it meanwhile."""
    path = final.with_suffix(".part")
    while True:
        with open(path, "a+b", buffering=0, opener=_for_owner) as file:
            _lock(file)
            named = _has_name(file, path)
            if final.exists():
                if named:  # made anew by opening it
                    path.unlink()
                yield None
                return
            if named:
                yield _Part(file, path, shape)
                return
        # whoever held the lock removed the file: open it anew


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock(file: FileIO) -> None:
    """Wait until no other process holds the file; where there are no locks, two processes may collide."""
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _has_name(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _shown(shape: tuple[int, ...]) -> str:
    return f"{shape[2]}x{shape[1]}"
