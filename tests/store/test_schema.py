"""The schema: its version, older and newer ones, and what stands in the way of distribution."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from taskaudit.exchange import stable_id
from taskaudit.store import schema
from taskaudit.store.address import StoreError
from taskaudit.store.database import Database
from taskaudit.store.reading import read
from taskaudit.store.rows import Row
from taskaudit.store.views import VIEWS, view_sql
from tests.samples import BAD_ERROR, outcome
from tests.stories import START, ask, submit, under, write_log
from tests.tangles import POLICY, back_to_version_1, load, view_rows

VERSIONS = {1: "7d92", 2: "0db3", 3: "5117"}
"""A digest of each version: a schema or view that is changed needs a new version, and a migration."""


def digest() -> str:
    """Of all that is made in a database."""
    dialects = (postgresql.dialect(), sqlite.dialect())
    tables = [str(CreateTable(t).compile(dialect=d)) for t in schema.metadata.sorted_tables for d in dialects]
    views = [view_sql(name, dialect.name) for name in VIEWS for dialect in dialects]
    return stable_id(*tables, *views)[:4]


def test_a_change_makes_a_new_version() -> None:
    assert VERSIONS[schema.VERSION] == digest()
    assert set(VERSIONS) == {*schema.MIGRATIONS, schema.VERSION}


def test_the_rows_are_those_of_the_table() -> None:
    assert Row._fields == tuple(schema.RECORDS.columns.keys()) == tuple(schema.DOUBLES.columns.keys())


@pytest.mark.parametrize("table", [schema.RECORDS, schema.DOUBLES], ids=str)
def test_no_constraint_stands_in_the_way_of_distribution_by_job_id(table: schema.Table) -> None:
    unique = [c for c in table.constraints if isinstance(c, PrimaryKeyConstraint | UniqueConstraint)]
    assert unique
    assert all("job_id" in each.columns for each in unique)
    assert not table.columns["job_id"].nullable
    assert not table.foreign_keys
    assert not any(index.unique for index in table.indexes)
    assert not any(column.identity or column.server_default is not None for column in table.columns)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with one job."""
    return write_log(tmp_path / "log", [submit(0)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the store lies."""
    return tmp_path / "store.db"


def execute(store: Path, *statements: str) -> None:
    """As somebody else would."""
    with closing(sqlite3.connect(store)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_an_older_store_is_brought_up_to_date(
    log: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(str(store), [log])
    before = view_rows(str(store), "records")
    monkeypatch.setattr(schema, "VERSION", 5)
    steps = {3: ["ALTER TABLE records ADD COLUMN extra {text}"], 4: ["UPDATE records SET extra = 'new'"]}
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    with pytest.raises(StoreError, match="schema version 3: taskaudit load brings it up to date"):
        read(str(store))
    for _ in range(2):
        load(str(store), [log])
        assert view_rows(str(store), "records") == [(*row, "new") for row in before]
        assert view_rows(str(store), "taskaudit_store")[0][0] == 5
        assert len(view_rows(str(store), "jobs")) == 1


def test_a_store_without_waivers_learns_of_them(tmp_path: Path, store: Path) -> None:
    faults = [submit(0), outcome(BAD_ERROR, 400, started=START + 1, ended=START + 2), ask(5), submit(7)]
    logs = [write_log(tmp_path / "log", under(POLICY, faults), policy=POLICY)]
    load(str(store), logs)
    before = {name: view_rows(str(store), name) for name in ("findings", "jobs")}
    back_to_version_1(str(store))
    load(str(store), logs)
    assert {name: view_rows(str(store), name) for name in before} == before
    assert any(row[7] for row in before["findings"])


def test_a_newer_store_is_left_alone(log: Path, store: Path) -> None:
    load(str(store), [log])
    execute(store, "UPDATE taskaudit_store SET version = 99", "DROP VIEW jobs")
    for use in (lambda: load(str(store), [log]), lambda: read(str(store))):
        with pytest.raises(StoreError, match="schema version 99, and this taskaudit knows 3 at most"):
            use()


@pytest.mark.parametrize("statement", ["CREATE TABLE records (a)", "CREATE VIEW jobs AS SELECT 1"])
def test_what_is_anothers_is_left_alone(log: Path, store: Path, statement: str) -> None:
    execute(store, statement)
    with pytest.raises(StoreError, match="is not taskaudit's"):
        load(str(store), [log])
    with Database(str(store)) as database, pytest.raises(StoreError, match="there is none; taskaudit load"):
        database.check()
