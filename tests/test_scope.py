"""Which hosts are looked at."""

from __future__ import annotations

import re

import pytest

from taskaudit.scope import Scope

SCOPE = Scope(["ecs.example.com", "*.myhuaweicloud.com"])


@pytest.mark.parametrize(
    "host", ["ecs.example.com", "ECS.example.com", "ecs.cn-north-4.myhuaweicloud.com", None]
)
def test_inside(host: str | None) -> None:
    assert SCOPE.holds(host)


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "xecs.example.com",
        "ecs.example.com.evil.org",
        "myhuaweicloud.com",
        "ecsxexample.com",
        "",
    ],
)
def test_outside(host: str) -> None:
    assert not SCOPE.holds(host)


def test_without_hosts_all_are_inside() -> None:
    assert Scope().holds("anything")
    assert not Scope().is_limited
    assert Scope().address_patterns() == []


@pytest.mark.parametrize(
    ("address", "is_inside"),
    [
        ("ecs.example.com:443", True),
        ("ECS.EXAMPLE.COM:443", True),
        ("a.myhuaweicloud.com:8443", True),
        ("ecs.example.com.evil.org:443", False),
        ("evil.org:443", False),
        ("ecs.example.com:443.evil.org:1", False),
    ],
)
def test_the_proxy_is_told_the_same(address: str, is_inside: bool) -> None:
    found = any(re.search(pattern, address, re.IGNORECASE) for pattern in SCOPE.address_patterns())
    assert found is is_inside
