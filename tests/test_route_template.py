"""Paths without their values."""

from __future__ import annotations

import pytest

from taskaudit.route_template import template_of


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/0123abc/cloudservers", "/v1/{}/cloudservers"),
        ("/v2.1/servers", "/v2.1/servers"),
        ("/V3/servers/70a599e0-31e7-49b7-b260-868f441e862b/action", "/V3/servers/{}/action"),
        ("/v1/p%20q/x", "/v1/{}/x"),
        ("/v1a/x", "/{}/x"),
        ("/ecs/tags", "/ecs/tags"),
        ("//", "//"),
        ("", ""),
    ],
)
def test_segments_with_digits_are_values(path: str, template: str) -> None:
    assert template_of(path) == template
