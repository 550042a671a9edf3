"""Facts of an answer: what holds where nothing is said."""

from __future__ import annotations

from taskaudit.contract.answer import DEFAULT_LIMIT, STRICT, Answer


def test_a_bare_body_has_no_status_and_no_headers() -> None:
    answer = Answer(b"{}")
    assert (answer.status, answer.headers_known, answer.content_type, answer.missing) == (
        None,
        False,
        None,
        None,
    )


def test_nothing_but_a_job_is_allowed_unless_a_route_says_so() -> None:
    assert not STRICT.order_members
    assert not STRICT.empty_statuses


def test_a_mebibyte_is_inspected() -> None:
    assert DEFAULT_LIMIT == 1_048_576
