"""Where a store is: a SQLite file, or a PostgreSQL database by URL whose password is never shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url

from efficienttrust.errors import UsageError

DRIVER = "postgresql+psycopg"
_SECRETS = ("password", "sslpassword")
_NETWORK = ("nfs", "cifs", "smb", "afs", "9p", "ceph", "gluster", "lustre", "beegfs", "gpfs", "fuse.sshfs", "fuse.s3fs")
_MOUNTS = Path("/proc/mounts")


@dataclass(frozen=True, repr=False)
class Address:
    """Where a store is.

    Attributes:
        shown: For messages, without password.
        path: Of a SQLite file; None for PostgreSQL.
        url: Of PostgreSQL; None for a file.
    """

    shown: str
    path: Path | None = None
    url: URL | None = None

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def secrets(self) -> list[str]:
        """Return the texts that must not be shown: the password as it is and as it stands in a URL."""
        if self.url is None:
            return []
        found = [self.url.password, *(self.url.query.get(name) for name in _SECRETS)]
        plain = [str(one) for one in found if one]
        return sorted({form for one in plain for form in (one, quote(one, safe=""))}, key=len, reverse=True)


def store_address(study: str | Path, store: str | Path | None = None) -> str | Path:
    """Return where the store of a study is: `store` where it is given, else beside the study file, as `NAME.db`.

    Args:
        study: A study file (`.yaml`, `.yml`), or a store itself: the path of a file or a URL.
        store: Path or URL, which takes precedence.
    """
    if store is not None:
        return store
    path = Path(study)
    return path.with_suffix(".db") if "://" not in str(study) and path.suffix in {".yaml", ".yml"} else study


def parse_address(where: str | Path) -> Address:
    """Return the address that a path or URL means.

    Raises:
        UsageError: No store can be there.
    """
    text = str(where)
    if isinstance(where, Path) or "://" not in text:
        return Address(text, path=Path(where))
    scheme = text.partition("://")[0]
    if scheme == "sqlite":
        path = text.removeprefix("sqlite://").removeprefix("/")
        if not path or path == ":memory:":
            raise UsageError(f"{text}: a store is a file; name it, as in sqlite:///study.db")
        return Address(path, path=Path(path))
    if scheme not in {"postgresql", "postgres", DRIVER}:
        raise UsageError(f"{scheme}://: a store is a SQLite file or has an address postgresql://USER@HOST/DATABASE")
    try:
        if text.count("@") > 1:  # one is in the password, of which the rest would be taken for a host
            raise ValueError
        url = make_url(text).set(drivername=DRIVER)
        host = f"{url.username}@{url.host or ''}" if url.username else url.host or ""
        shown = f"postgresql://{host}{f':{url.port}' if url.port else ''}/{url.database or ''}"
    except Exception:  # whose texts quote parts of the URL, which may be of the password
        raise UsageError(
            f"{scheme}://…: not an address postgresql://USER:PASSWORD@HOST:PORT/DATABASE; "
            "write signs such as @ : / ? # in the password as %40 %3A %2F %3F %23"
        ) from None
    return Address(shown, url=url)


def network_file_system(path: Path) -> str | None:
    """Return the kind of network file system a path is on, such as `nfs4`; None where it is on none, or unknown."""
    if not _MOUNTS.exists():
        return None
    target = path.resolve()
    best, kind = -1, ""
    for line in _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        words = line.split(" ")
        point = Path(words[1].replace("\\040", " "))
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), words[2]
    return kind if kind.startswith(_NETWORK) else None
