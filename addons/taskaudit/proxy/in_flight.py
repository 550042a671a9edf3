"""The exchanges that are under way."""

from __future__ import annotations

import asyncio

from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver

GONE = 5.0
"""Seconds after which nothing more is heard of an exchange whose client has gone."""


class InFlight:
    """Counts exchanges from their request's head until their answer may go on to the client.

    mitmproxy ends each by one hook, but not all: of HTTP/2 streams whose client goes away while their answers
    are streamed, some end without a word.
    """

    def __init__(self) -> None:
        self._flows: dict[str, http.HTTPFlow] = {}
        self._waiting = 0

    def __len__(self) -> int:
        """Those whose client is still there, or whose answer waits."""
        return self._waiting + sum(_gone(flow) is None for flow in self._flows.values())

    def __contains__(self, flow: http.HTTPFlow) -> bool:
        return flow.id in self._flows

    def flows(self) -> list[http.HTTPFlow]:
        """Those that no hook has ended."""
        return list(self._flows.values())

    def begin(self, flow: http.HTTPFlow) -> None:
        """Its request's head is there."""
        self._flows[flow.id] = flow

    def end(self, flow: http.HTTPFlow, until: asyncio.Future[None] | None = None) -> None:
        """Its hook has come; the answer goes on when `until` is done."""
        self._flows.pop(flow.id, None)
        if until is not None:
            self._waiting += 1
            until.add_done_callback(self._released)

    def lost(self, now: float) -> list[http.HTTPFlow]:
        """Gives those whose client has gone, so that no hook will come, and forgets them."""
        lost = [flow for flow in self._flows.values() if now - (_gone(flow) or now) > GONE]
        for flow in lost:
            del self._flows[flow.id]
        return lost

    def _released(self, _: object) -> None:
        self._waiting -= 1


def kill(flow: http.HTTPFlow) -> None:
    """Sends nothing more of it, to either side; mitmproxy acts on this when the hook is over."""
    if flow.killable:
        flow.kill()  # type: ignore[no-untyped-call]


def cut(flow: http.HTTPFlow) -> None:
    """Closes the client's connection where an answer is being streamed: no hook would stop the rest."""
    proxy = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
    if flow.response is None or not isinstance(proxy, Proxyserver):
        return
    for handler in proxy.connections.values():
        writer = handler.transports[handler.client].writer if handler.client in handler.transports else None
        if handler.client is flow.client_conn and isinstance(writer, asyncio.StreamWriter):
            writer.transport.abort()
        elif handler.client is flow.client_conn and writer is not None:
            writer.close()


def _gone(flow: http.HTTPFlow) -> float | None:
    """When its client went; a replayed flow has the client of the first time."""
    return None if flow.is_replay else flow.client_conn.timestamp_end
