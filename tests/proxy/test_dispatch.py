"""Who is told of an event, in which order, and what becomes of one that raises or waits."""

from __future__ import annotations

import asyncio
import logging

import pytest
from mitmproxy import exceptions, hooks
from mitmproxy.addonmanager import AddonManager
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http import HttpRequestHook, HttpResponseHook
from mitmproxy.test import tflow

from taskaudit.proxy.dispatch import Dispatch


class Told:
    """Notes the events that reach it; `what` is done, too."""

    def __init__(self, name: str, told: list[str], what: Exception | None = None) -> None:
        self.name, self._told, self._what = name, told, what

    def request(self, _: object) -> None:
        self._told.append(self.name)
        if self._what is not None:
            raise self._what


class Waits(Told):
    """Has an asynchronous hook."""

    async def request(self, _: object) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().request(_)


class Holds:
    """Has another under it, and nothing to say of requests itself."""

    name = "holds"

    def __init__(self, *addons: object) -> None:
        self.addons = list(addons)


def dispatched(*members: object, event: hooks.Hook | None = None) -> None:
    """An event, as mitmproxy triggers it for an exchange."""

    async def run() -> None:
        master = Master(Options())
        dispatch = Dispatch()
        manager: AddonManager = master.addons
        manager.add(dispatch)  # type: ignore[no-untyped-call]
        for member in members:
            manager.register(member)  # type: ignore[no-untyped-call]
            dispatch.insert(len(dispatch.members), member)
        try:
            await manager.handle_lifecycle(event or HttpRequestHook(tflow.tflow()))
        finally:
            master._legacy_log_events.uninstall()

    asyncio.run(run())


def test_in_order_and_those_below_too() -> None:
    told: list[str] = []
    dispatched(Told("a", told), Holds(Told("b", told)), Waits("c", told), Told("d", told), Waits("e", told))
    assert told == ["a", "b", "c", "d", "e"]


def test_only_who_has_a_hook() -> None:
    told: list[str] = []
    dispatched(Told("a", told), event=HttpResponseHook(tflow.tflow(resp=True)))
    assert told == []


@pytest.mark.parametrize("kind", [Told, Waits])
def test_one_that_raises_keeps_it_from_nobody(kind: type[Told], caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    with caplog.at_level(logging.ERROR):
        dispatched(Told("a", told), kind("b", told, ZeroDivisionError("broken")), Told("c", told))
    assert told == ["a", "b", "c"]
    assert "Addon error: broken" in caplog.text


def test_one_that_halts_keeps_it_from_those_after_it() -> None:
    told: list[str] = []
    dispatched(Told("a", told, exceptions.AddonHalt()), Told("b", told))  # type: ignore[no-untyped-call]
    assert told == ["a"]


def test_load_is_not_passed_on() -> None:
    dispatch = Dispatch()
    dispatch.insert(0, type("Loads", (), {"load": lambda *_: None, "done": lambda *_: None})())
    assert not hasattr(dispatch, "load")
    assert hasattr(dispatch, "done")
