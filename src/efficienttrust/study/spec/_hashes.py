"""Hashes of files that decide results beside the settings, remembered while the files stay as they are."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from efficienttrust.errors import UsageError

CACHE = "study-hashes.json"


class HashCache:
    """Hashes of files, remembered by path, size and time of the last change; kept in the user's cache folder."""

    def __init__(self, path: Path | None = None) -> None:
        from platformdirs import user_cache_path

        self._path = user_cache_path("efficienttrust") / CACHE if path is None else path
        self._known: dict[str, list[object]] = {}
        with suppress(OSError, ValueError):
            known = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(known, dict):
                self._known = known
        self._changed = False

    def of(self, path: Path, what: str, make: Callable[[Path], str]) -> str:
        """Return the hash of a file, made anew only where the file changed.

        Args:
            path: The file.
            what: How it is hashed, as part of the key.
            make: Returns the hash.
        """
        stat = path.stat()
        key, state = f"{what}:{path}", [stat.st_size, stat.st_mtime_ns]
        entry = self._known.get(key)
        if isinstance(entry, list) and len(entry) == 3 and entry[:2] == state and isinstance(entry[2], str):
            return entry[2]
        made = make(path)
        self._known[key] = [*state, made]
        self._changed = True
        return made

    def save(self) -> None:
        """Write what was learned; a cache that cannot be written is none."""
        if not self._changed:
            return
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
            part.write_text(json.dumps(self._known), encoding="utf-8")
            part.replace(self._path)


def data_hash(source: str, cache: HashCache) -> str:
    """Return the SHA-256 of the raw files of a source.

    Raises:
        UsageError: A data set by name cannot be had, or its path does not exist.
        OSError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in _files_of(source):
        digest.update(f"{path.name}\0{cache.of(path, 'bytes', hash_of_bytes)}\n".encode())
    return digest.hexdigest()


def hash_of_bytes(path: Path) -> str:
    """Return the SHA-256 of what a file holds."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_of(source: str) -> list[Path]:
    from efficienttrust.data._bundled import data_sets, find_data_set
    from efficienttrust.data.images import PATH_OPTIONS
    from efficienttrust.data.images._load import download_of

    word, colon, rest = source.partition(":")
    if word in data_sets.names():
        found = find_data_set(source)
        if found is not None and found.path is None:
            return sorted(Path(str(files("efficienttrust.data") / "files")).glob(f"{word}.*"))
        path = found.path if found is not None else None
    elif download_of(source) is not None:
        from efficienttrust.data import download

        path = download(source)
    else:
        path = _image_path(rest) if colon and not Path(source).exists() else Path(source)
    if path is None or not path.exists():
        raise UsageError(f"there is no file or folder {path or source}; give a data set by name or the path of a table")
    beside = [Path(one).expanduser() for one in re.findall(rf"[?&](?:{'|'.join(PATH_OPTIONS)})=([^&]+)", rest)]
    named = [path, *(one for one in beside if one.exists())]
    return [one for place in named for one in _all_files(place)]


def _all_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(one for one in place.rglob("*") if one.is_file())


def _image_path(rest: str) -> Path:
    while not (path := Path(rest).expanduser()).exists() and "?" in rest:  # names may hold a question mark
        rest = rest.rpartition("?")[0]
    return path
