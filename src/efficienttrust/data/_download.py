"""Downloads: into one cache folder, resumed where they broke off, checked, and never left half-written.

What is already in the folder is used as it is, so that a file placed by hand does as well as a downloaded one.
"""

from __future__ import annotations

import logging
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError

FOLDER_VARIABLE = "EFFICIENTTRUST_DATA"
TIMEOUT = 30.0
CHUNK = 1 << 16


@dataclass(frozen=True)
class Fetch:
    """A file that can be downloaded.

    Attributes:
        url: Its official address.
        file: Its name on disk.
        sha256: Of its bytes; None where no copy was at hand to hash. Then the hash of the first copy is written beside
            it, and every later one has to be the same.
        md5: Of its bytes, where the source publishes that.
        members: File name inside the zip archive to sha256 of its bytes.
    """

    url: str
    file: str
    sha256: str | None = None
    md5: str | None = None
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> str:
        """What is known of the bytes, for people: `sha256 1f...`, or that nothing is."""
        hashes = [("sha256", self.sha256), ("md5", self.md5)]
        hashes += [(f"sha256 of its {member}", known) for member, known in self.members.items()]
        return ", ".join(f"{what} {known}" for what, known in hashes if known) or "sha256 not on record"


def data_folder() -> Path:
    """Return the folder of downloads: `EFFICIENTTRUST_DATA`, or a folder of the operating system's cache."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given).expanduser()
    import pooch

    return Path(pooch.os_cache("efficienttrust"))


def place_of(name: str, fetch: Fetch) -> Path:
    """Return where the file of a data set lies once it has been downloaded, or is to be placed by hand."""
    return data_folder() / name / fetch.file


def fetched(name: str, fetch: Fetch, folder: Path | None = None) -> Path:
    """Return the file of a data set, downloaded first where it is not there yet.

    Args:
        name: Name of the data set.
        fetch: What to download.
        folder: Where to; by default the folder of downloads.

    Raises:
        UsageError: There is no connection (the line says what to place where by hand), or a hash is not the known one.
    """
    path = folder / fetch.file if folder else place_of(name, fetch)
    if not path.exists():
        _download(name, fetch, path)
    elif fault := _fault(path, fetch):
        raise UsageError(f"{path} is damaged or another version: {fault}. Delete it to download it again.")
    _record(path)
    return path


def _download(name: str, fetch: Fetch, path: Path) -> None:
    """Stream to `FILE.part`, check, and rename; a part that is left of a broken download is continued."""
    import pooch
    import requests

    part = path.with_name(path.name + ".part")

    def download(url: str, output: str, _pooch: object) -> None:
        _stream(url, part, name)
        if fault := _fault(part, fetch, path):
            part.unlink()
            raise UsageError(
                f"{fetch.file} from {url} is not the known file: {fault}. It was removed; "
                f"if you trust another copy, give its path as {name}:PATH."
            )
        os.replace(part, output)

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_name(f".{path.name}.lock")):
            if not path.exists():
                pooch.retrieve(fetch.url, known_hash=None, fname=path.name, path=path.parent, downloader=download)
    except (requests.RequestException, OSError) as error:
        raise UsageError(
            f"cannot download {name}: {_reason(error)}. Place {fetch.file} ({fetch.url}, {fetch.known}) "
            f"in {path.parent}, or give its path as {name}:PATH."
        ) from error


def _stream(url: str, part: Path, name: str) -> None:
    """Download to a file that may hold the beginning already."""
    import requests

    version = part.with_name(part.name + ".version")
    known = version.read_text(encoding="utf-8") if part.exists() and version.exists() else ""
    start = part.stat().st_size if known else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            return _stream(url, part, name)
        answer.raise_for_status()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise requests.RequestException("the address answers with a web page")
        resumed = answer.status_code == requests.codes.partial_content
        start = start if resumed else 0
        if not resumed:
            version.write_text(_version(answer.headers), encoding="utf-8")
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file, _progress(name, start, total) as advance:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                advance(len(chunk))
    if total is not None and part.stat().st_size != total:
        raise requests.RequestException(f"{part.stat().st_size} of {total} bytes came")
    return version.unlink()


def _version(headers: Mapping[str, str]) -> str:
    """Return what tells the server that the rest of the same version is wanted; empty where it cannot be told."""
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _fault(path: Path, fetch: Fetch, final: Path | None = None) -> str:
    """Return what is wrong with a file, empty when nothing is."""
    import pooch

    record = _record_of(final or path)
    recorded = record.read_text(encoding="utf-8").partition(" ")[0] if record.exists() else None
    for algorithm, known in (("sha256", fetch.sha256 or recorded), ("md5", fetch.md5)):
        if known and (found := pooch.file_hash(str(path), algorithm)) != known:
            return f"its {algorithm} is {found}, not {known}"
    if fetch.file.endswith(".zip") and not zipfile.is_zipfile(path):
        return "it is no zip archive"
    return _fault_inside(path, fetch.members) if fetch.members else ""


def _fault_inside(path: Path, members: Mapping[str, str]) -> str:
    import hashlib
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            inside = {entry.rpartition("/")[2]: entry for entry in archive.namelist()}
            for member, known in members.items():
                if member not in inside:
                    return f"it holds no {member}"
                with archive.open(inside[member]) as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
                if found != known:
                    return f"the sha256 of its {member} is {found}, not {known}"
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        return f"the archive cannot be read ({error})"
    return ""


def _record_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _record(path: Path) -> None:
    """Write the hash of a first copy beside it, in the form that `sha256sum --check` reads."""
    import pooch

    if not _record_of(path).exists():
        with suppress(OSError):  # a folder that only its owner may write to serves as well
            temporary = path.with_name(f".{path.name}.{os.getpid()}.sha256")
            temporary.write_text(f"{pooch.file_hash(str(path))}  {path.name}\n", encoding="utf-8")
            os.replace(temporary, _record_of(path))


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError):
        return f"the address answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let one process at a time download a file, on systems that can lock."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _progress(name: str, start: int, total: int | None) -> Iterator[Callable[[int], Any]]:
    """Show a bar on stderr when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, completed=start, total=total)
        yield lambda count: bar.advance(task, count)
