"""The tables, and their version.

Every record of the logs is one row of `records`, once (contract, section 6: `record_id` depends on the
exchange alone). The primary key is `job_id` with `record_id`, so that the table can be distributed by
`job_id`: Citus and its like want the distribution column in every unique constraint, and never NULL in it. Of
a record without a job id (a finding, an error, a session), `job_id` holds the exchange's id or else the
session's, and `has_job` is false. As it depends on the record alone, and not on what else was loaded, the
same record meets itself whichever loader comes first.

`doubles` holds what another session wrote about an exchange that is known already: a flow that was audited
live and replayed. There are mostly none. They are kept because numbers would else be missing from sessions.

`record` is the line of the log. On PostgreSQL it is `json`, not `jsonb`: that one refuses `\\u0000`, which a
job id may hold, and takes longer.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.types import TypeEngine

from taskaudit.store.address import StoreError
from taskaudit.store.views import VIEWS, view_sql

VERSION = 1
"""The version of the schema; a store of another one is to be loaded again from the logs."""

_LOCK = 7_415_093_262_041
"""The number of the lock under which a schema is made on PostgreSQL."""

# Sorted by bytes on every database, as Python sorts.
_TEXT: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
_RECORD: TypeEngine[str] = Text().with_variant(JSON(), "postgresql")

metadata = MetaData()


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, _TEXT) for name in names]


def _columns() -> list[Column[Any]]:
    """The columns of a record; `taskaudit.store.rows.Row` has the same names in the same order."""
    return [
        Column("record_id", _TEXT, nullable=False),
        Column("job_id", _TEXT, nullable=False),
        Column("has_job", Boolean, nullable=False),
        Column("event_type", _TEXT, nullable=False),
        Column("timestamp", _TEXT, nullable=False),
        Column("at", Double, nullable=False),
        Column("instance_id", _TEXT, nullable=False),
        Column("session_id", _TEXT, nullable=False),
        Column("seq", BigInteger, nullable=False),
        *_text("exchange_id", "flow_id", "request_id", "client", "method", "host", "path", "route"),
        Column("http_status", Integer),
        *_text("operation"),
        Column("is_query", Boolean),
        Column("is_placeholder", Boolean),
        *_text("repeat_key", "kind"),
        Column("well_formed", Boolean),
        *_text("status"),
        Column("is_final", Boolean),
        *_text("error_code", "fail_reason", "rules", "shown"),
        *_text("rule", "rule_name", "severity", "pointer", "expected", "found"),
        Column("line_number", Integer),
        Column("column_number", Integer),
        *_text("fingerprint", "waived_until", "waived_by", "waived_why", "matched_by", "sub_job_ids"),
        Column("has_query_route", Boolean),
        Column("record", _RECORD, nullable=False),
    ]


RECORDS = Table("records", metadata, *_columns(), PrimaryKeyConstraint("job_id", "record_id"))
DOUBLES = Table(
    "doubles", metadata, *_columns(), PrimaryKeyConstraint("job_id", "record_id", "session_id", "seq")
)

FINGERPRINTS = Table(
    "fingerprints",
    metadata,
    Column("rule", _TEXT, primary_key=True),
    Column("method", _TEXT, primary_key=True),
    Column("operation", _TEXT, primary_key=True),
    Column("fingerprint", _TEXT, nullable=False),
)
"""Fingerprints of the findings that the views make themselves, by what they depend on."""

LOADED_FILES = Table(
    "loaded_files",
    metadata,
    Column("log_id", _TEXT, primary_key=True),
    Column("name", _TEXT, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("ending", _TEXT, nullable=False),
)
"""How far each log was loaded: see `taskaudit.store.piece.Position`."""

STORE = Table(
    "taskaudit_store",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("query_within", Double, nullable=False),
    Column("min_interval", Double, nullable=False),
    Column("query_within_text", _TEXT, nullable=False),
    Column("min_interval_text", _TEXT, nullable=False),
)
"""One row: the version, and the thresholds by which the views judge (TA501, TA504)."""


def version_of(connection: Connection) -> int | None:
    """The version of the store's schema; None where there is no store."""
    if not inspect(connection).has_table(STORE.name):
        return None
    found = connection.execute(text("SELECT MAX(version) FROM taskaudit_store")).scalar()
    return None if found is None else int(found)


def check_version(version: int) -> None:
    """Raises StoreError for a store that another version of the program has made."""
    if version != VERSION:
        raise StoreError(
            f"it has schema version {version}, and this taskaudit needs {VERSION}: "
            "load the logs into a new store"
        )


def set_up(connection: Connection) -> None:
    """Makes the schema where there is none. Raises StoreError where that cannot be.

    Safe from any number of instances at once: SQLite is locked by the transaction, PostgreSQL here.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    version = version_of(connection)
    if version is not None:
        check_version(version)
        return
    _refuse_others_tables(connection)
    metadata.create_all(connection)
    for name in VIEWS:
        connection.execute(text(f"CREATE VIEW {name} AS {view_sql(name, connection.dialect.name)}"))


def _refuse_others_tables(connection: Connection) -> None:
    known = {*inspect(connection).get_table_names(), *inspect(connection).get_view_names()}
    if taken := sorted(known & {*metadata.tables, *VIEWS}):
        raise StoreError(
            f"it has a table or view {taken[0]} that is not taskaudit's: give a database or schema of its own"
        )
