"""What tells requests apart."""

from __future__ import annotations

from taskaudit.sources.identity import request_digest, request_id


def test_request_id_by_order() -> None:
    assert request_id(({}, {"x-openstack-request-id": "b"})) == "b"
    assert request_id(({"x-openstack-request-id": "b", "x-request-id": "a"}, {"x-request-id": "c"})) == "a"
    assert request_id(({"x-request-id": "  "}, {})) is None


def test_digest_takes_any_text() -> None:
    assert len(request_digest("POST", "\udcff", 443, "/\ud800", b"")) == 32
    assert request_digest("POST", None, 1, "/", b"") != request_digest("POST", None, 1, "/", b"a")
