"""One addon in place of many: mitmproxy asks it alone, and it knows who wants which event.

mitmproxy asks each addon of its chain for each event, eight events an exchange, whether it has a hook for it;
nearly all have none. Here that is looked up once, when an addon joins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from inspect import isawaitable
from typing import Any

from mitmproxy import hooks
from mitmproxy.addonmanager import safecall, traverse

type Hook = Callable[..., Awaitable[None] | None]


class Dispatch:
    """Hands each event to those of its `members` that have a hook for it, in their order.

    They are registered with mitmproxy one by one, so that it knows their names, options and commands. One
    that raises keeps no event from those after it.
    """

    name = "taskaudit.dispatch"

    def __init__(self) -> None:
        self.members: list[object] = []

    def insert(self, at: int, member: object) -> None:
        """Adds an addon, which has been registered, and has had its `load`."""
        self.members.insert(at, member)
        for event in hooks.all_hooks.keys() - {"load"}:
            wanting = [hook for hook in map(partial(_hook, event=event), self._all()) if hook is not None]
            if wanting:
                setattr(self, event, wanting[0] if len(wanting) == 1 else partial(_each, tuple(wanting)))

    def _all(self) -> list[object]:
        """The members, each before its own ones."""
        return list(traverse(self.members))  # type: ignore[no-untyped-call]


def _hook(addon: object, event: str) -> Hook | None:
    hook: Hook | None = getattr(addon, event, None)
    return hook if callable(hook) else None


def _each(wanting: Sequence[Hook], *arguments: Any) -> Awaitable[None] | None:
    """Calls one after the other; gives what to await where one of them takes its time."""
    for number, hook in enumerate(wanting, 1):
        with safecall():
            waiting = hook(*arguments)
            if waiting is not None and isawaitable(waiting):
                return _rest(waiting, wanting[number:], arguments)
    return None


async def _rest(waiting: Awaitable[None], wanting: Sequence[Hook], arguments: tuple[Any, ...]) -> None:
    with safecall():
        await waiting
    further = _each(wanting, *arguments)
    if further is not None:
        await further
