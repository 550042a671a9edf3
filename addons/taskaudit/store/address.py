"""Where a store is: a PostgreSQL URL, a SQLite URL, or a plain path."""

from __future__ import annotations

from importlib.util import find_spec

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from taskaudit.contract.excerpt import escape

_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_RIGHT = "give postgresql://user@host/database, sqlite:///file, or the path of a SQLite file"


class StoreError(Exception):
    """The store cannot be used; the message is one line, has no password, and says why."""


def parse(text: str) -> URL:
    """The address as SQLAlchemy takes it. Raises StoreError, which never shows what may be a password."""
    if "://" not in text:
        return _file(text)
    scheme = text.partition("://")[0].lower()
    if scheme == "sqlite":
        return _file(text[len("sqlite://") :].removeprefix("/"))
    if scheme not in _POSTGRES:
        raise StoreError(f'no store of the kind "{escape(scheme, 40)}": {_RIGHT}')
    return _server(text)


def shown(url: URL) -> str:
    """The address for messages, without password and options."""
    if url.get_backend_name() == "sqlite":
        return escape(url.database or "")
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    return escape(bare.render_as_string())


def _file(path: str) -> URL:
    if path in ("", ":memory:"):
        raise StoreError(f"no file is named for the store: {_RIGHT}")
    return URL.create("sqlite", database=path)


def _server(text: str) -> URL:
    if find_spec("psycopg") is None:
        raise StoreError('PostgreSQL needs psycopg: install taskaudit with its extra "postgres"')
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # What could not be parsed may hold a password.
        raise StoreError(f"the URL of the store cannot be read: {_RIGHT}") from None
    if any(mark in f"{url.host or ''}{url.username or ''}" for mark in "@:/") and "[" not in text:
        raise StoreError(
            "the URL of the store cannot be read: in user and password, write @ as %40, : as %3A"
        )
    return url.set(drivername="postgresql+psycopg")
