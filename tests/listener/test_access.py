"""Who may look at a listener."""

from __future__ import annotations

import pytest

from taskaudit.listener.access import Access, Address, is_loopback, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9090", Address("127.0.0.1", 9090)),
        ("0", Address("127.0.0.1", 0)),
        ("127.0.0.1:9090", Address("127.0.0.1", 9090)),
        ("localhost:1", Address("localhost", 1)),
        ("[::1]:9090", Address("::1", 9090)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
    ],
)
def test_an_address(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["here", "host:", ":80", "host:99999", "a@b:1", "h:1/x", "::1:80", "[::1", "-1"]
)
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is no address; give a port, or host and port: 9090, 127\.0\.0\.1:9090"
    ):
        parse_address(text)


def test_an_address_is_written_as_in_a_url() -> None:
    assert [str(Address("::1", 80)), str(Address("127.0.0.1", 80))] == ["[::1]:80", "127.0.0.1:80"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_the_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "10.0.0.1", "::", "localhost.example.com", "127.0.0.1.nip.io", ""]
)
def test_what_is_not_the_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("token", "is_known"), [("secret", True), ("Secret", False), ("", False), (None, False), ("ü", False)]
)
def test_the_token(token: str | None, is_known: bool) -> None:
    assert Access(Address("127.0.0.1", 9090), "secret").knows(token) is is_known
