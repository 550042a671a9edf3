"""TA2xx: what a job id may hold, as it goes into a URL path."""

from __future__ import annotations

import pytest

from taskaudit.contract.rules.job_id import job_id_empty, job_id_unsafe


@pytest.mark.parametrize(
    ("job_id", "empty"),
    [("", True), (" ", True), ("\t\n", True), ("\u3000", True), ("0", False), (" a ", False)],
)
def test_empty(job_id: str, empty: bool) -> None:
    assert bool(list(job_id_empty(job_id))) is empty


@pytest.mark.parametrize(
    ("job_id", "unsafe"),
    [
        ("70a599e0-31e7-49b7-b260-868f441e862b", False),
        ("ff808082739334d80173941ad6a30f4a", False),
        ("A-z.0_9~", False),
        ("a" * 255, False),
        ("a" * 256, True),
        ("a/b", True),
        ("a%2Fb", True),
        ("a b", True),
        ("a:b", True),
        ("a+b", True),
        ("a\n", True),
        ("é", True),
        ("٣", True),
    ],
)
def test_unsafe(job_id: str, unsafe: bool) -> None:
    assert bool(list(job_id_unsafe(job_id))) is unsafe


def test_a_long_one_is_told_by_its_length() -> None:
    (fault,) = job_id_unsafe("/" * 300)
    assert fault.found == "String of 300 characters"
