"""Encoded images where they lie: in a folder, or as members of a zip or tar archive."""

from __future__ import annotations

import struct
import tarfile
import threading
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from efficienttrust.errors import UsageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Endings, in lower case, of the files that are taken for images."""

DAMAGE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)
"""What Pillow and the archives raise for a file that is damaged or no image."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One encoded image.

    Attributes:
        path: The file, or the archive that holds it.
        member: Name inside a `.zip` or tar archive; `None` when `path` is the image itself.
    """

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.member} in {self.path}"


def is_image(name: str) -> bool:
    """Return whether a file name ends like an image; the shadow files of macOS (`._x.png`) do not count."""
    lowered = name.lower()
    return lowered.endswith(SUFFIXES) and not lowered.rpartition("/")[2].startswith("._")


def members(archive: Path) -> list[str]:
    """Return the names of the images in a `.zip` or tar archive, in its order; raises `UsageError` when damaged."""
    with Archives() as archives:
        return [name for name in archives.names(archive) if is_image(name)]


class Archives:
    """Archives that stay open while their members are read, from any number of threads.

    A member of a compressed tar is found by reading from the start unless it lies behind the one read last: ask in the
    archive's order.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._zips: dict[Path, zipfile.ZipFile] = {}
        self._tars: dict[Path, tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Archives:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def names(self, archive: Path) -> list[str]:
        """Return the names of the files in an archive, in its order."""
        if archive.suffix.lower() == ".zip":
            return [name for name in self._zip(archive).namelist() if not name.endswith("/")]
        return list(self._tar(archive)[1])

    def read(self, file: ImageFile) -> bytes:
        """Return the bytes of a member; raises one of `DAMAGE` when it is missing or broken."""
        assert file.member is not None
        if file.path.suffix.lower() == ".zip":
            return self._zip(file.path).read(file.member)
        tar, found = self._tar(file.path)
        with self._lock:
            stream = tar.extractfile(found[file.member])
            if stream is None:
                raise ValueError("not a file")
            return stream.read()

    def _zip(self, path: Path) -> zipfile.ZipFile:
        with self._lock:
            if path not in self._zips:
                try:
                    self._zips[path] = self._stack.enter_context(zipfile.ZipFile(path))
                except (OSError, zipfile.BadZipFile) as error:
                    raise _damaged(path, error) from error
            return self._zips[path]

    def _tar(self, path: Path) -> tuple[tarfile.TarFile, dict[str, tarfile.TarInfo]]:
        with self._lock:
            if path not in self._tars:
                try:
                    tar = self._stack.enter_context(tarfile.open(path))  # noqa: SIM115  the stack closes it
                    self._tars[path] = tar, {member.name: member for member in tar.getmembers() if member.isfile()}
                    if not _ends(tar):
                        raise tarfile.ReadError("it ends without the mark of its end")
                except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
                    raise _damaged(path, error) from error
            return self._tars[path]


def _ends(tar: tarfile.TarFile) -> bool:
    """Return whether a block of zeros follows the last member: cut between two members, all others look whole."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    return tar.fileobj.read(tarfile.BLOCKSIZE) == tarfile.NUL * tarfile.BLOCKSIZE


def _damaged(path: Path, error: BaseException) -> UsageError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return UsageError(f"{path} is truncated or no archive that can be read ({reason}): copy or download it again")
