"""Connections that are passed on unseen are counted."""

from __future__ import annotations

import pytest
from mitmproxy.proxy import context, layer, layers
from mitmproxy.test import taddons, tflow

from taskaudit.proxy.passed_by import PassedBy


@pytest.mark.parametrize(
    ("make", "is_counted"),
    [
        (lambda on: layers.TCPLayer(on, ignore=True), True),
        (lambda on: layers.UDPLayer(on, ignore=True), True),
        (lambda on: layers.TCPLayer(on), False),
        (lambda on: None, False),
    ],
)
def test_only_what_makes_no_flow_is_counted(make: object, is_counted: bool) -> None:
    counted: list[None] = []
    with taddons.context() as running:
        on = context.Context(tflow.tclient_conn(), running.options)
        next_layer = layer.NextLayer(on)
        assert callable(make)
        next_layer.layer = make(on)
        PassedBy(lambda: counted.append(None)).next_layer(next_layer)
    assert len(counted) == int(is_counted)
