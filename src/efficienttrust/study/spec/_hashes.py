"""Hashes of what decides results beside the settings: the raw data, and the code."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from efficienttrust.errors import UsageError

DECIDING = (
    "errors", "registry", "data", "resources", "metrics", "models", "losses", "threats", "compression", "evaluation",
    "atats", "training", "pipeline", "study",
)  # fmt: skip
"""Parts of the package that decide results."""
OF_A_STUDY = ("running",)
"""What of the floor `study` does: the other rooms plan, keep and analyse."""
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
    return _hash_of_files(_files_of(source), cache)


def code_hashes(cache: HashCache) -> dict[str, str]:
    """Return a hash for each part of the package that decides results.

    Of a Python file the syntax tree is hashed, without comments, docstrings and formatting; of other files the bytes.
    The tree depends on the minor version of Python, which therefore counts as a change of the code.
    """
    root = Path(str(files("efficienttrust")))
    return {part: _hash_of_files(_code_of(root, part), cache, root) for part in DECIDING}


def hash_of_code(path: Path) -> str:
    """Return the SHA-256 of what a Python file does."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _documented(node):
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def _code_of(root: Path, part: str) -> list[Path]:
    if (root / f"{part}.py").exists():
        return [root / f"{part}.py"]
    folders = [root / part / one for one in OF_A_STUDY] if part == "study" else [root / part]
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in found if "__pycache__" not in path.parts)


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


def _hash_of_files(paths: Iterable[Path], cache: HashCache, root: Path | None = None) -> str:
    digest = hashlib.sha256()
    for path in paths:
        name = str(path.relative_to(root)) if root else path.name
        python = root is not None and path.suffix == ".py"
        made = cache.of(path, "code" if python else "bytes", hash_of_code if python else _hash_of_bytes)
        digest.update(f"{name}\0{made}\n".encode())
    return digest.hexdigest()


def _hash_of_bytes(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
