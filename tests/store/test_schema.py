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
from tests.stories import submit, write_log
from tests.tangles import load

VERSIONS = {1: "5117"}
"""A digest of each version: once one is released, a schema or view that is changed needs a new version."""


def digest() -> str:
    """Of all that is made in a database."""
    dialects = (postgresql.dialect(), sqlite.dialect())
    tables = [str(CreateTable(t).compile(dialect=d)) for t in schema.metadata.sorted_tables for d in dialects]
    views = [view_sql(name, dialect.name) for name in VIEWS for dialect in dialects]
    return stable_id(*tables, *views)[:4]


def test_a_change_makes_a_new_version() -> None:
    assert VERSIONS[schema.VERSION] == digest()


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


@pytest.mark.parametrize("version", [0, 99])
def test_a_store_of_another_version_is_left_alone(log: Path, store: Path, version: int) -> None:
    load(str(store), [log])
    execute(store, f"UPDATE taskaudit_store SET version = {version}", "DROP VIEW jobs")
    for use in (lambda: load(str(store), [log]), lambda: read(str(store))):
        with pytest.raises(StoreError, match=f"schema version {version}, and this taskaudit needs 1: load"):
            use()


@pytest.mark.parametrize("statement", ["CREATE TABLE records (a)", "CREATE VIEW jobs AS SELECT 1"])
def test_what_is_anothers_is_left_alone(log: Path, store: Path, statement: str) -> None:
    execute(store, statement)
    with pytest.raises(StoreError, match="is not taskaudit's"):
        load(str(store), [log])
    with Database(str(store)) as database, pytest.raises(StoreError, match="there is none; taskaudit load"):
        database.check()
