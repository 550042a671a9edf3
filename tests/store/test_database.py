"""Connections and what goes wrong with them, in one line and without a password."""

from __future__ import annotations

import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from taskaudit.store.address import StoreError
from taskaudit.store.database import Database, StoreLost, StoreRefused


def test_an_embedded_store_is_private(tmp_path: Path) -> None:
    with Database(str(tmp_path / "store.db")) as database:
        database.set_up()
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600


def test_reading_waits_for_no_writer(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "store.db"))
    database.set_up()
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        database.check()
        writer.execute("ROLLBACK")
    database.forget()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing/store.db", "No such file or directory"),
        ("text.db", "file is not a database"),
        (".", "unable to open database file"),
    ],
)
def test_what_is_no_store(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "text.db").write_text("hello, this is no database\n" * 100, encoding="utf-8")
    with Database(str(tmp_path / name)) as database, pytest.raises(StoreError) as error:
        database.set_up()
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = Database(f"postgresql://me:canary@127.0.0.1:{port}/audit")
    with pytest.raises(StoreLost) as error:
        database.set_up()
    told = str(error.value)
    assert told.startswith(f"the store postgresql://me@127.0.0.1:{port}/audit: ")
    assert "refused" in told
    assert "canary" not in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT nothing FROM nowhere", StoreError),
        ("INSERT INTO taskaudit_store (version) VALUES (2)", StoreRefused),
    ],
)
def test_errors_by_what_can_be_done_about_them(
    tmp_path: Path, statement: str, kind: type[StoreError]
) -> None:
    with Database(str(tmp_path / "store.db")) as database:
        database.set_up()
        with pytest.raises(StoreError) as error, database.transaction() as connection:
            connection.execute(text(statement))
    assert type(error.value) is kind


def test_what_is_written_is_all_or_nothing(tmp_path: Path) -> None:
    def fail(database: Database) -> None:
        with database.transaction() as connection:
            connection.execute(text("DELETE FROM taskaudit_store"))
            raise ZeroDivisionError

    with Database(str(tmp_path / "store.db")) as database:
        database.set_up()
        with pytest.raises(ZeroDivisionError):
            fail(database)
        database.check()
