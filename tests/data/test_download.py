"""Downloads arrive whole or not at all: resumed, checked, remembered; and offline one line says what to place where."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from efficienttrust.data import Fetch
from efficienttrust.data import _download as downloads
from efficienttrust.data._download import data_folder, fetched
from efficienttrust.errors import UsageError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file, in ranges when asked, and can break off."""

    daemon_threads = True
    content = CONTENT
    tag = '"1"'
    kind = "application/octet-stream"
    status = 200
    break_after: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.ranges.append(wanted)
        start = 0
        if wanted and self.headers.get("If-Range") == server.tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        body = server.content[start:]
        status = server.status if server.status != 200 else 416 if start and not body else 206 if start else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", server.kind)
        self.send_header("ETag", server.tag)
        self.end_headers()
        self.wfile.write(body if server.break_after is None else body[: server.break_after])

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of downloads of the set called `some`."""
    monkeypatch.setenv("EFFICIENTTRUST_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "some"


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.exists() else set()


@pytest.mark.parametrize("known", [{"sha256": SHA256}, {"md5": MD5}, {}], ids=["sha256", "md5", "nothing known"])
def test_a_file_arrives_and_its_hash_lies_beside_it(server: Server, folder: Path, known: dict[str, str]) -> None:
    path = fetched("some", Fetch(server.url, "file.bin", **known))
    assert path == folder / "file.bin"
    assert path.read_bytes() == CONTENT
    assert (folder / "file.bin.sha256").read_text() == f"{SHA256}  file.bin\n"
    assert files(folder) == {"file.bin", "file.bin.sha256"}


def test_what_is_there_is_not_downloaded_again(server: Server) -> None:
    fetch = Fetch(server.url, "file.bin", SHA256)
    assert fetched("some", fetch) == fetched("some", fetch)
    assert len(server.ranges) == 1


def test_another_folder_may_be_given(server: Server, folder: Path, tmp_path: Path) -> None:
    assert fetched("some", Fetch(server.url, "file.bin"), tmp_path / "mine" / "own") == tmp_path / "mine/own/file.bin"
    assert not folder.exists()


@pytest.mark.parametrize("known", [{"sha256": "0" * 64}, {"md5": "0" * 32}], ids=["sha256", "md5"])
def test_a_file_of_another_hash_is_refused_and_removed(server: Server, folder: Path, known: dict[str, str]) -> None:
    (algorithm,) = known
    found = {"sha256": SHA256, "md5": MD5}[algorithm]
    with pytest.raises(UsageError, match=f"its {algorithm} is {found}, not 000") as caught:
        fetched("some", Fetch(server.url, "file.bin", **known))
    assert "\n" not in str(caught.value)
    assert files(folder) == set()


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(f"inner/{name}.csv", content)
    return file.getvalue()


def test_the_hash_of_a_member_is_checked(server: Server, folder: Path) -> None:
    server.content = archive(table=b"a,b\n1,2\n")
    known = {"table.csv": hashlib.sha256(b"a,b\n1,2\n").hexdigest()}
    assert fetched("some", Fetch(server.url, "file.zip", members=known)).exists()
    server.content = archive(table=b"a,b\n1,3\n")
    with pytest.raises(UsageError, match=r"the sha256 of its table\.csv is"):
        fetched("other", Fetch(server.url, "file.zip", members=known))
    server.content = archive(else_=b"")
    with pytest.raises(UsageError, match=r"it holds no table\.csv"):
        fetched("other", Fetch(server.url, "file.zip", members=known))
    server.content = CONTENT
    with pytest.raises(UsageError, match="it is no zip archive"):
        fetched("other", Fetch(server.url, "file.zip", members=known))


def test_a_broken_download_is_continued(server: Server, folder: Path) -> None:
    fetch = Fetch(server.url, "file.bin", SHA256)
    server.break_after = 100_000
    with pytest.raises(UsageError, match="cannot download some"):
        fetched("some", fetch)
    assert "file.bin" not in files(folder)
    arrived = (folder / "file.bin.part").stat().st_size
    assert 0 < arrived <= 100_000
    server.break_after = None
    assert fetched("some", fetch).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={arrived}-"]
    assert files(folder) == {"file.bin", "file.bin.sha256"}


def test_a_part_of_an_older_version_is_not_continued(server: Server) -> None:
    fetch = Fetch(server.url, "file.bin")
    server.break_after = 100_000
    with pytest.raises(UsageError):
        fetched("some", fetch)
    server.break_after, server.tag, server.content = None, '"2"', CONTENT[::-1]
    assert fetched("some", fetch).read_bytes() == CONTENT[::-1]


def test_a_part_that_is_whole_already_is_no_obstacle(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "file.bin.part").write_bytes(CONTENT)
    (folder / "file.bin.part.version").write_text(server.tag)
    assert fetched("some", Fetch(server.url, "file.bin", SHA256)).read_bytes() == CONTENT


def test_offline_one_line_says_what_to_place_where(server: Server, folder: Path) -> None:
    url = "http://127.0.0.1:9/file.bin"
    with pytest.raises(UsageError) as caught:
        fetched("some", Fetch(url, "file.bin", SHA256))
    assert str(caught.value) == (
        f"cannot download some: there is no connection. Place file.bin ({url}, sha256 {SHA256}) in {folder}, "
        "or give its path as some:PATH."
    )
    with pytest.raises(UsageError, match=r"sha256 not on record\) in "):
        fetched("some", Fetch(url, "file.bin"))


def test_an_address_that_is_gone_or_answers_with_a_page_is_named(server: Server, folder: Path) -> None:
    server.status = 404
    with pytest.raises(UsageError, match="the address answers 404 Not Found"):
        fetched("some", Fetch(server.url, "file.bin"))
    server.status, server.kind = 200, "text/html; charset=utf-8"
    with pytest.raises(UsageError, match="the address answers with a web page"):
        fetched("some", Fetch(server.url, "file.bin"))
    assert "file.bin" not in files(folder)


def test_a_file_placed_by_hand_is_used_without_a_connection(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "file.bin").write_bytes(CONTENT)
    fetch = Fetch("http://127.0.0.1:9/file.bin", "file.bin", SHA256)
    assert fetched("some", fetch).read_bytes() == CONTENT
    (folder / "file.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(UsageError, match=r"is damaged or another version: its sha256 is \w+, not .* Delete it"):
        fetched("some", fetch)
    assert (folder / "file.bin").exists(), "what somebody placed is not deleted"


def test_without_a_known_hash_the_first_copy_is_trusted_and_every_later_one_has_to_be_the_same(
    server: Server, folder: Path
) -> None:
    fetch = Fetch(server.url, "file.bin")
    path = fetched("some", fetch)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(UsageError, match="is damaged or another version"):
        fetched("some", fetch)
    path.unlink()
    server.content = CONTENT[::-1]
    with pytest.raises(UsageError, match="is not the known file"):
        fetched("some", fetch)
    assert not path.exists()
    server.content = CONTENT
    assert fetched("some", fetch) == path


def test_two_at_once_download_once(server: Server) -> None:
    fetch, found = Fetch(server.url, "file.bin", SHA256), []
    threads = [threading.Thread(target=lambda: found.append(fetched("some", fetch).read_bytes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 4
    assert len(server.ranges) == 1


def test_a_bar_is_shown_on_a_terminal_alone(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched("some", Fetch(server.url, "file.bin"))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(downloads.sys.stderr, "isatty", lambda: True)
    fetched("other", Fetch(server.url, "file.bin"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "other" in err


def test_the_folder_is_of_the_environment_or_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder() == tmp_path / "cache"
    monkeypatch.delenv("EFFICIENTTRUST_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "system"))
    assert data_folder().name == "efficienttrust"
