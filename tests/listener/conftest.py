"""Listeners that are stopped when their test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from taskaudit.listener.access import Address
from tests.listener.serving import ANYWHERE, LOOPBACK, Serving


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Address], Serving]]:
    """Starts listeners."""
    with ExitStack() as running:

        def start(address: Address) -> Serving:
            started = Serving(tmp_path / "served.ndjson", address)
            running.callback(started.stop)
            return started

        yield start


@pytest.fixture
def here(serve: Callable[[Address], Serving]) -> Serving:
    """A listener on the loopback, which asks for no token."""
    return serve(LOOPBACK)


@pytest.fixture
def anywhere(serve: Callable[[Address], Serving]) -> Serving:
    """A listener on all interfaces, which asks for the token."""
    return serve(ANYWHERE)
