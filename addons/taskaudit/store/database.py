"""The database behind the store: connections, transactions, COPY, and what its errors mean."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from taskaudit.contract.excerpt import escape
from taskaudit.lifecycle import Thresholds
from taskaudit.store import schema
from taskaudit.store.address import StoreError, parse, shown
from taskaudit.store.piece import Position
from taskaudit.store.rows import Row

_COLUMNS = ", ".join(Row._fields)
_STAGE = "CREATE TEMPORARY TABLE IF NOT EXISTS staging AS SELECT * FROM records WHERE 1 = 0"
_STORE_NEW = (
    f"INSERT INTO records ({_COLUMNS}) SELECT {_COLUMNS} FROM staging WHERE 1 = 1 "
    # In one order, so that loaders of the same records wait for each other and do not lock each other out.
    "ORDER BY job_id, record_id, session_id, seq ON CONFLICT DO NOTHING"
)
_STORE_DOUBLES = (
    f"INSERT INTO doubles ({_COLUMNS}) SELECT {', '.join(f'staging.{name}' for name in Row._fields)} "
    "FROM staging JOIN records ON records.record_id = staging.record_id AND records.job_id = staging.job_id "
    "WHERE records.session_id <> staging.session_id OR records.seq <> staging.seq "
    "ORDER BY staging.job_id, staging.record_id, staging.session_id, staging.seq ON CONFLICT DO NOTHING"
)
_STORE_FINGERPRINT = (
    "INSERT INTO fingerprints (rule, method, operation, fingerprint) "
    "VALUES (:rule, :method, :operation, :fingerprint) ON CONFLICT DO NOTHING"
)
_STORE_POSITION = (
    "INSERT INTO loaded_files (log_id, name, bytes, lines, ending) "
    "VALUES (:log_id, :name, :bytes, :lines, :ending) ON CONFLICT (log_id) DO UPDATE "
    "SET name = excluded.name, bytes = excluded.bytes, lines = excluded.lines, "
    "ending = excluded.ending WHERE excluded.bytes > loaded_files.bytes"
)
_POSITION = "SELECT log_id, bytes, lines, ending FROM loaded_files WHERE log_id = :log_id"
_NEW_STORE = (
    "INSERT INTO taskaudit_store (version, query_within, min_interval, query_within_text, min_interval_text) "
    f"SELECT {schema.VERSION}, :query_within, :min_interval, :query_within_text, :min_interval_text "
    "WHERE NOT EXISTS (SELECT 1 FROM taskaudit_store)"
)
_SET_LIMITS = (
    "UPDATE taskaudit_store SET query_within = :query_within, min_interval = :min_interval, "
    "query_within_text = :query_within_text, min_interval_text = :min_interval_text"
)

# A server that is gone without a word is noticed within half a minute.
_POSTGRES = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "taskaudit",
}
_SQLITE = {"timeout": 60}


class StoreLost(StoreError):
    """The database cannot be reached, or not now: the same again may succeed."""


class StoreRefused(StoreError):
    """The database does not take these values."""


class Database:
    """A store by its address. Raises StoreError; nothing is connected before the first transaction."""

    def __init__(self, address: str) -> None:
        url = parse(address)
        self.name = shown(url)
        self._password = url.password
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._engine = self._new_engine(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.forget()

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[Connection]:
        """A transaction, written at its end. Raises StoreError, StoreLost, StoreRefused.

        With `reading`, loaders are not kept waiting for its end.
        """
        try:
            with self._engine.connect() as connection:
                connection = connection.execution_options(is_reading=reading)
                with connection.begin():
                    yield connection
        except StoreError as error:
            raise type(error)(f"the store {self.name}: {error}") from None
        except (SQLAlchemyError, self._errors) as error:
            raise self._told(error) from error

    def set_up(self, thresholds: Thresholds | None = None) -> None:
        """Makes the schema where there is none.

        `thresholds`: by which the views judge from now on; None leaves what the store has.
        """
        self._make_file()
        with self.transaction() as connection:
            schema.set_up(connection)
            connection.execute(text(_NEW_STORE), _limits(thresholds or Thresholds()))
            if thresholds is not None:
                connection.execute(text(_SET_LIMITS), _limits(thresholds))

    def check(self) -> None:
        """Raises StoreError where there is no store, or one of another version."""
        if self._file is not None and not self._file.is_file():
            raise StoreError(f"the store {self.name}: no such file; taskaudit load LOG --to makes one")
        with self.transaction(reading=True) as connection:
            version = schema.version_of(connection)
            if version is None:
                raise StoreError("there is none; taskaudit load LOG --to makes one")
            schema.check_version(version)

    def position(self, log_id: str) -> Position | None:
        """How far the log was loaded."""
        with self.transaction(reading=True) as connection:
            found = connection.execute(text(_POSITION), {"log_id": log_id}).first()
        return Position(*found) if found is not None else None

    def put(
        self,
        rows: Sequence[Row],
        fingerprints: Iterable[dict[str, str]] = (),
        name: str = "",
        position: Position | None = None,
    ) -> int:
        """Stores what is new of `rows`, and how far the log was loaded with it, all or nothing.

        Gives how many records were new.
        """
        with self.transaction() as connection:
            new = self._put_rows(connection, rows) if rows else 0
            if known := list(fingerprints):
                connection.execute(text(_STORE_FINGERPRINT), known)
            if position is not None:
                connection.execute(text(_STORE_POSITION), {"name": name, **position._asdict()})
        return new

    def forget(self) -> None:
        """Closes all connections; the next transaction makes a new one."""
        self._engine.dispose()

    def _put_rows(self, connection: Connection, rows: Sequence[Row]) -> int:
        connection.execute(text(_STAGE))
        if self._file is None:
            connection.execute(text("TRUNCATE staging"))
            _copy(connection, rows)
        else:
            connection.execute(text("DELETE FROM staging"))
            places = ", ".join("?" * len(Row._fields))
            connection.exec_driver_sql(f"INSERT INTO staging ({_COLUMNS}) VALUES ({places})", list(rows))
        new = connection.execute(text(_STORE_NEW)).rowcount
        if new < len(rows):
            connection.execute(text(_STORE_DOUBLES))
        return new

    def _new_engine(self, url: Any) -> Engine:
        options = _POSTGRES if self._file is None else _SQLITE
        engine = create_engine(url, connect_args=options, pool_size=1, max_overflow=0)
        dbapi: Any = engine.dialect.loaded_dbapi
        self._errors: type[Exception] = dbapi.Error
        self._lost = (dbapi.OperationalError, dbapi.InterfaceError)
        self._refused = (dbapi.DataError, dbapi.IntegrityError)
        event.listen(engine, "connect", _prepare_postgres if self._file is None else _prepare_sqlite)
        if self._file is not None:
            event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _make_file(self) -> None:
        """An embedded store is as private as a log."""
        if self._file is None:
            return
        try:
            with suppress(FileExistsError):
                os.close(os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except OSError as error:
            raise StoreError(f"the store {self.name}: {error.strerror}") from error

    def _told(self, error: Exception) -> StoreError:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        message = f"the store {self.name}: {self._one_line(cause)}"
        if isinstance(cause, self._refused):
            return StoreRefused(message)
        # SQLite tells by the same class that a table is missing.
        if isinstance(cause, self._lost) and getattr(cause, "sqlite_errorname", "") != "SQLITE_ERROR":
            return StoreLost(message)
        return StoreError(message)

    def _one_line(self, error: BaseException) -> str:
        words = " ".join(str(error).split()) or type(error).__name__
        if self._password:
            words = words.replace(str(self._password), "***")
        return escape(words, 300)


def _limits(thresholds: Thresholds) -> dict[str, float | str]:
    return {
        "query_within": thresholds.query_within,
        "min_interval": thresholds.min_interval,
        "query_within_text": f"{thresholds.query_within:g}",
        "min_interval_text": f"{thresholds.min_interval:g}",
    }


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY staging ({_COLUMNS}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _prepare_postgres(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:  # So that a batch is kept and sorted in memory.
        cursor.execute("SET temp_buffers = '32MB'")
        cursor.execute("SET work_mem = '32MB'")
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = (
        None  # Transactions begin where SQLAlchemy says so, not where the driver does.
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")


def _begin_sqlite(connection: Connection) -> None:
    # A lock that is only asked for in the middle is refused where another has written meanwhile.
    is_reading = connection.get_execution_options().get("is_reading", False)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")
