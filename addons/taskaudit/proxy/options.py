"""mitmproxy's options, read without a deep copy each time: its proxy core reads some for every message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mitmproxy.options import Options

_FIXED = (str, int, type(None))
"""Types of values that nobody can change in place: these need no copy."""


class KeptOptions(Options):
    """Options that are kept as attributes once they are read, until one of them is changed.

    While a change is under way, none is kept: those who are told of it may refuse it, and then the old ones
    hold again.
    """

    def __init__(self) -> None:
        self._changes_under_way = 0
        super().__init__()

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)  # type: ignore[no-untyped-call]
        if isinstance(value, _FIXED) and not self._changes_under_way:
            self.__dict__[name] = value
        return value

    def add_option(self, *arguments: Any, **named: Any) -> None:
        """As mitmproxy's."""
        with self._change():
            super().add_option(*arguments, **named)

    def update_known(self, **values: Any) -> dict[str, Any]:
        """As mitmproxy's, which all its other ways to set options use."""
        with self._change():
            unknown: dict[str, Any] = super().update_known(**values)  # type: ignore[no-untyped-call]
            return unknown

    def reset(self) -> None:
        """As mitmproxy's."""
        with self._change():
            super().reset()  # type: ignore[no-untyped-call]

    @contextmanager
    def _change(self) -> Iterator[None]:
        kept = self.__dict__  # To set an attribute is to set an option.
        kept["_changes_under_way"] += 1
        for name in kept.keys() & self.keys():  # type: ignore[no-untyped-call]
            del kept[name]
        try:
            yield
        finally:
            kept["_changes_under_way"] -= 1
