"""Which hosts are looked at; all others are passed by, undecrypted where the proxy can."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate


class Scope:
    """Hosts by pattern (`*.example.com`), in any letter case; without patterns, all.

    `is_limited`: there are hosts outside.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        # translate gives `(?s:...)\Z`, or `\z` from Python 3.14 on.
        self._patterns = [translate(host.lower())[:-2] for host in hosts]
        self.is_limited = bool(self._patterns)
        self._any = re.compile("|".join(self._patterns) or ".*", re.DOTALL)

    def holds(self, host: str | None) -> bool:
        """Whether a host is inside; an answer whose host is not known is."""
        return host is None or not self._patterns or self._any.fullmatch(host.lower()) is not None

    def address_patterns(self) -> list[str]:
        """Regular expressions that are found in `HOST:PORT` where the host is inside; none for all."""
        return [rf"^{pattern}:\d+$" for pattern in self._patterns]


EVERYWHERE = Scope()
"""All hosts."""
