"""Log lines that come again and again: one an hour, with how many there were."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

EVERY = 3600.0
"""Seconds for which an equal line is held back."""
MOST = 10_000
"""How many different lines are remembered."""

type _Key = tuple[object, ...]


@dataclass(slots=True)
class _Held:
    since: float
    record: logging.LogRecord
    count: int = 0


class Floods(logging.Filter):
    """Lets an equal line through once an hour.

    Lines are equal that have the same `fingerprint` (given by `extra=`), or else come from the same place in
    the program and, if that is the audit, say the same. Where a line has the state of something for its
    subject (`about`), it is held back only if the one before on that subject was equal: neither the end of a
    trouble nor its return is. `due`, called from time to time, tells how many were held back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._states: dict[str, _Key] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be given now."""
        if getattr(record, "is_summary", False):
            return True
        key = _key(record)
        about = getattr(record, "about", None)
        if about is not None and self._states.get(about) != key:
            self._states[about] = key
            if past := self._held.pop(key, None):
                self._summarise(past)
        if held := self._held.get(key):
            held.count += 1
            held.record = record
            return False
        self._held[key] = _Held(self._clock(), record)
        if len(self._held) > MOST:
            self._summarise(self._held.popitem(last=False)[1])
        return True

    def due(self) -> None:
        """Tells of lines whose hour is over."""
        while self._held:
            key, held = next(iter(self._held.items()))
            if self._clock() - held.since < EVERY:
                return
            del self._held[key]
            self._summarise(held)

    def flush(self) -> None:
        """Tells of all that is held back: the end."""
        for held in self._held.values():
            self._summarise(held)
        self._held.clear()

    def _summarise(self, held: _Held) -> None:
        if not held.count:
            return
        record = held.record
        times = "once" if held.count == 1 else f"{held.count} times"
        words = f"{record.getMessage()} (again {times} since it was last told)"
        logging.getLogger(record.name).log(record.levelno, "%s", words, extra={"is_summary": True})


def _key(record: logging.LogRecord) -> _Key:
    if fingerprint := getattr(record, "fingerprint", None):
        return (fingerprint,)
    place = record.pathname, record.lineno
    return (*place, record.getMessage()) if record.name.startswith("taskaudit.") else place
