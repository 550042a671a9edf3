"""Exchanges of which a HAR has two entries: Chrome lists what a page asks its service worker for, and what
the worker then asks the server for."""

from __future__ import annotations

from collections import deque

from taskaudit.sources.har_entry import Entry, Request

WITHIN = 64
"""Entries between which a copy is looked for."""
_LONGEST = 64 * 1024
"""Characters of an answer that is remembered."""


class Copies:
    """Tells those entries that are an earlier one's copy.

    Of two, one is marked as the page's; which comes first depends on the program. Each is a copy of one at
    most: the next query of a job, with the same answer, has a copy of its own.
    """

    def __init__(self) -> None:
        self._recent: deque[Entry] = deque(maxlen=WITHIN)
        self._marked = -WITHIN - 1

    def has(self, index: int, entry: Entry) -> bool:
        """Whether this, the entry at that place, is a copy of one that was asked about before."""
        response = entry.response
        if response is None:
            return False
        if response.via_worker or entry.via_worker:
            self._marked = index
        if index - self._marked <= WITHIN and self._takes_earlier(entry):
            return True
        content = response.content
        if content is None or (text := content.text) is None or len(text) <= _LONGEST:
            self._recent.append(entry)
        return False

    def _takes_earlier(self, entry: Entry) -> bool:
        for place, known in enumerate(self._recent):
            if _is_marked(known) != _is_marked(entry) and _is_copy(entry, known):
                del self._recent[place]
                return True
        return False


def _is_marked(entry: Entry) -> bool:
    return bool(entry.via_worker or (entry.response and entry.response.via_worker))


def _is_copy(second: Entry, first: Entry) -> bool:
    """The same request and answer; the second may have been kept without its bodies."""
    asked, before = second.request, first.request
    if (asked.url, asked.method) != (before.url, before.method):
        return False
    sent, sent_before = _sent(asked), _sent(before)
    if sent and sent_before and sent != sent_before:
        return False
    status, text = _answered(first)
    return _answered(second) in ((status, text), (status, None))


def _sent(request: Request) -> str | None:
    return request.postData.text if request.postData else None


def _answered(entry: Entry) -> tuple[float | None, str | None]:
    response = entry.response
    if response is None:
        return None, None
    return response.status, response.content.text if response.content else None
