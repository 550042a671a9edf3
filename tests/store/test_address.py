"""Where a store is: what may be given, and what a message shows of it."""

from __future__ import annotations

import pytest

from taskaudit.store import address
from taskaudit.store.address import StoreError, parse, shown


@pytest.mark.parametrize(
    ("given", "driver", "database"),
    [
        ("audit.db", "sqlite", "audit.db"),
        ("/var/lib/audit.db", "sqlite", "/var/lib/audit.db"),
        ("sqlite:///audit.db", "sqlite", "audit.db"),
        ("sqlite:////var/lib/audit.db", "sqlite", "/var/lib/audit.db"),
        ("postgresql://me@db.example.com/audit", "postgresql+psycopg", "audit"),
        ("postgres://me@db.example.com:5433/audit", "postgresql+psycopg", "audit"),
        ("postgresql+psycopg:///audit?host=/run/postgresql", "postgresql+psycopg", "audit"),
        ("postgresql://me@[::1]:5433/audit", "postgresql+psycopg", "audit"),
    ],
)
def test_what_may_be_given(given: str, driver: str, database: str) -> None:
    url = parse(given)
    assert (url.drivername, url.database) == (driver, database)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "no file is named"),
        (":memory:", "no file is named"),
        ("sqlite://", "no file is named"),
        ("mysql://me:canary@host/db", 'no store of the kind "mysql"'),
        ("\x1b[31m://x", r"no store of the kind "),
        ("postgresql://me:can@ary@host/db", "write @ as %40"),
        ("postgresql://me:ca:nary@host:canary/db", "cannot be read"),
        ("postgresql://me:canary@host:port/db", "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_without_a_password(given: str, message: str) -> None:
    with pytest.raises(StoreError) as error:
        parse(given)
    assert message in str(error.value)
    assert "canary" not in str(error.value)
    assert "ary@" not in str(error.value)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sqlite:///audit.db", "audit.db"),
        (
            "postgresql://me:canary@host:5433/audit?sslpassword=canary&sslmode=require",
            "postgresql://me@host:5433/audit",
        ),
    ],
)
def test_what_a_message_shows(given: str, told: str) -> None:
    assert shown(parse(given)) == told


def test_postgresql_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "find_spec", lambda _name: None)
    assert parse("audit.db").database == "audit.db"
    with pytest.raises(StoreError, match='install taskaudit with its extra "postgres"'):
        parse("postgresql://host/db")
