"""What cannot be opened, read or written ends in one line, and nothing is overwritten."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.store import _address, open_store, store_address
from tests.postgres_server import PASSWORD
from tests.study.store.planned import IDENTITY, plan

AS_NOBODY = """
import os, sys
from pathlib import Path
from efficienttrust.errors import UsageError
from efficienttrust.study.store import open_store
with open_store(Path(sys.argv[2])) as store:  # imports everything, which nobody may not read
    store.retry("failed")
if os.getuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
with open_store(Path(sys.argv[1])) as store:
    print(store.counts()["waiting"], len(list(store.trials())))
    try:
        store.retry("failed")
    except UsageError as error:
        print(error)
"""


def one_line(where, **options) -> str:
    with pytest.raises(UsageError) as caught:
        open_store(where, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"hello, I am a text that matters", b"SQLite format 2\0 old", b"\x00" * 5000])
def test_a_file_that_is_no_store_is_left_alone(tmp_path, content):
    file = tmp_path / "thesis.db"
    file.write_bytes(content)
    assert one_line(file).endswith("is no store of a study; nothing was written: name another file")
    assert file.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.db"]


def test_a_database_of_another_program_is_left_alone(tmp_path):
    file = tmp_path / "contacts.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE contacts (name TEXT)")
    before = file.read_bytes()
    assert "holds other tables (contacts) and no store of a study" in one_line(file)
    assert "holds other tables" in one_line(file, read_only=True)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["contacts.db"]


def test_another_schema_of_postgresql_is_left_alone(postgres):
    import psycopg

    where = postgres.database("contacts")
    with psycopg.connect(where) as connection:
        connection.execute("CREATE TABLE contacts (name TEXT)")
    assert "holds other tables (contacts) and no store of a study" in one_line(where)


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "study.db").touch()
    with open_store(tmp_path / "study.db") as store:
        assert sum(store.counts().values()) == 0


@pytest.mark.parametrize(("first", "last"), [(4096, 12288), (100, 3000)])
def test_a_damaged_file_is_one_line_and_stays_as_it_is(tmp_path, first, last):
    file = tmp_path / "study.db"
    with open_store(file) as store:
        store.begin(IDENTITY, plan(300))
    damaged = bytearray(file.read_bytes())
    damaged[first:last] = os.urandom(last - first)
    file.write_bytes(damaged)
    with pytest.raises(UsageError, match=r"damaged|SQLite says"), open_store(file) as store:
        store.counts(), list(store.trials())
    assert file.read_bytes() == damaged


def test_a_truncated_file_is_one_line(tmp_path):
    file = tmp_path / "study.db"
    with open_store(file) as store:
        store.begin(IDENTITY, plan(300))
    file.write_bytes(file.read_bytes()[:20000])
    with pytest.raises(UsageError, match="damaged"), open_store(file) as store:
        list(store.trials())


def test_wrong_places(tmp_path):
    assert "is a folder; name a file in it" in one_line(tmp_path)
    assert "there is no folder" in one_line(tmp_path / "nowhere" / "study.db")
    assert "there is no store" in one_line(tmp_path / "study.db", read_only=True)
    assert not (tmp_path / "study.db").exists()
    assert "a store is a file" in one_line("sqlite://")
    assert "a store is a SQLite file or has an address postgresql://" in one_line("mysql://me:secret@host/db")
    assert "secret" not in one_line("mysql://me:secret@host/db")


def test_who_reads_makes_no_store(where):
    if "://" not in where:
        Path(where).touch()
    assert "there is no store" in one_line(where, read_only=True)


def test_paths_with_odd_signs(tmp_path):
    for name in ("a b?c#d%20.db", "ü.db"):
        with open_store(tmp_path / name) as store:
            store.begin(IDENTITY, plan(1))
        assert (tmp_path / name).stat().st_size > 0
    with open_store(f"sqlite:///{tmp_path}/ü.db", read_only=True) as store:
        assert store.counts()["waiting"] == 1


def test_where_the_store_of_a_study_is(tmp_path):
    assert store_address("a/small.yaml") == Path("a/small.db")
    assert store_address(Path("small.yml"), "other.db") == "other.db"
    assert store_address("other.db") == "other.db"
    assert store_address("postgresql://h/db.yaml") == "postgresql://h/db.yaml"


@pytest.mark.parametrize("folder_mode", [0o555, 0o777])
def test_a_store_that_can_only_be_read_is_read_and_writing_is_one_line(tmp_path, folder_mode):
    folder = tmp_path / "kept"
    folder.mkdir()
    file = folder / "study.db"
    with open_store(file) as store:
        store.begin(IDENTITY, plan(3))
    before = file.read_bytes()
    file.chmod(0o444)
    folder.chmod(folder_mode)
    for parent in list(folder.parents)[: len(folder.parents) - 2]:
        if parent.owner() == folder.owner():
            parent.chmod(parent.stat().st_mode | 0o055)
    try:
        command = [sys.executable, "-W", "error", "-c", AS_NOBODY, str(file), str(tmp_path / "other.db")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        folder.chmod(0o755)
    assert done.stderr == ""
    counted, line = done.stdout.splitlines()
    assert counted == "3 3"
    assert line == f"{file}: the store can only be read: make the file and its folder writable, or copy it elsewhere"
    assert file.read_bytes() == before


def test_who_asks_to_read_cannot_write(where):
    with open_store(where) as store:
        store.begin(IDENTITY, plan(1))
    with open_store(where, read_only=True) as store:
        assert store.counts()["waiting"] == 1
        with pytest.raises(UsageError, match=r"can only be read|read-only transaction"):
            store.begin(IDENTITY, plan(1))


def test_a_full_disk_is_one_line_and_the_store_stays_intact(tmp_path):
    file = tmp_path / "study.db"
    with open_store(file) as store:
        store.begin(IDENTITY, plan(20))
        with store._database._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 40")
        written, lease = 0, None
        with pytest.raises(UsageError, match="the disk is full; nothing of this step was written"):  # noqa: PT012
            for lease in store.claim("w", seconds=60, limit=20):
                store.finish(lease, Outcome("done", details={"long": "x" * 10_000}))
                written += 1
        assert 0 < written < 20
        assert store.counts()["done"] == written
    with open_store(file) as store:
        assert store.counts()["done"] == written
        assert store.finish(lease, Outcome("done"))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_limit_on_the_size_of_files_is_one_line(tmp_path):
    """The operating system refuses, as it does where a disk or quota is full."""
    file = tmp_path / "study.db"
    with open_store(file) as store:
        store.begin(IDENTITY, plan(20))
    code = (
        "import resource, sys\n"
        "from efficienttrust.study.store import open_store\n"
        "from efficienttrust.study import Outcome\n"
        "from efficienttrust.errors import UsageError\n"
        "from tests.study.store.planned import IDENTITY, plan\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "with open_store(sys.argv[1]) as store:\n"
        "    store.begin(IDENTITY, plan(20))\n"
        "    try:\n"
        "        for lease in store.claim('w', seconds=600, limit=20):\n"
        "            store.finish(lease, Outcome('done', details={'long': 'x' * 20_000}))\n"
        "            print('done', flush=True)\n"
        "    except UsageError as error:\n"
        "        print(error)\n"
    )
    command = [sys.executable, "-c", code, str(file)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=60, check=False)
    *lines, last = done.stdout.splitlines()
    assert "the disk is full" in last
    with open_store(file) as store:
        assert store.counts()["done"] == len(lines) > 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_password_is_never_shown(postgres, caplog, capfd):
    """Not in the line, in a repr, in a log, nor in the traceback with all its causes."""
    caplog.set_level(logging.DEBUG)
    wrong = "wr@ng/pa:ss?#"
    quoted = "wr%40ng%2Fpa%3Ass%3F%23"
    at = f"127.0.0.1:{postgres.port}/postgres"
    for url in (
        f"postgresql://tester:{quoted}@{at}",
        f"postgresql://tester@{at}?password={quoted}",
        f"postgresql://tester:{quoted}@127.0.0.1:1/postgres",
        f"postgresql://tester:{quoted}@no-such-host.invalid/postgres",
        f"postgresql://tester:{quoted}@{at}nowhere",
        f"postgresql://tester:{wrong}@{at}",
        f"postgres://tester:{quoted}@{at}?no_such_option={quoted}",
    ):
        with pytest.raises(UsageError) as caught:
            open_store(url)
        told = (
            "".join(traceback.format_exception(caught.value))
            + repr(caught.value)
            + caplog.text
            + "".join(capfd.readouterr())
        )
        assert "\n" not in str(caught.value)
        assert [secret for secret in (wrong, quoted, "pa:ss", "wr@ng", "ng/pa") if secret in told] == []


def test_what_is_wrong_with_the_server_is_said(postgres):
    at = f"127.0.0.1:{postgres.port}/postgres"
    assert "password authentication failed" in one_line(f"postgresql://tester:wrong@{at}")
    assert "check user and password" in one_line(f"postgresql://tester:wrong@{at}")
    assert "check host and port" in one_line("postgresql://tester@127.0.0.1:1/postgres")
    assert "check host and port" in one_line("postgresql://tester@no-such-host.invalid/postgres")


def test_the_right_password_opens(postgres):
    from urllib.parse import quote

    name = "by_password"
    options = postgres.database(name).partition("&options=")[2]
    url = f"postgresql://tester:{quote(PASSWORD, safe='')}@127.0.0.1:{postgres.port}/postgres?options={options}"
    with open_store(url) as store:
        store.begin(IDENTITY, plan(1))
        assert store.counts()["waiting"] == 1
        assert repr(store) == f"Store('postgresql://tester@127.0.0.1:{postgres.port}/postgres')"
        assert PASSWORD not in repr(vars(store)) + repr(vars(store._database)) + str(store._database._engine)


def test_a_missing_driver_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'efficienttrust[postgres]'" in one_line("postgresql://tester@127.0.0.1:1/postgres")


def test_a_network_file_system_is_noted(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path}/my\\040home nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(_address, "_MOUNTS", mounts)
    (tmp_path / "my home").mkdir()
    with open_store(tmp_path / "my home" / "study.db") as store:
        assert "is on a network file system (nfs4)" in store.notes[0]
    with open_store(tmp_path / "study.db") as store:
        assert store.notes == ()
