"""`taskaudit serve`: the headless auditor, from its start to its stop in good order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from mitmproxy.proxy.mode_servers import ServerInstance

from taskaudit.contract.verdict import Severity
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.floods import Floods
from taskaudit.proxy.heads import bound_heads
from taskaudit.proxy.lean import LeanMaster
from taskaudit.proxy.notify import Notify
from taskaudit.proxy.passed_by import PassedBy
from taskaudit.proxy.passed_on import places

# `taskaudit serve` says so. Windows has neither these signals nor a way to handle them in an event loop.
assert sys.platform != "win32"

logger = logging.getLogger(__name__)

GRACE = 10.0
"""For how many seconds, at most, a stop waits for what is in flight."""
TICK = 1.0
_LOOK = 0.05
_YOUNG = 500
"""After how many new objects garbage is looked for. Of an exchange, mitmproxy leaves more than a hundred
behind in cycles; while they are few, they are still in the processor's cache."""


def serve(arguments: Sequence[str], options: Sequence[str], fail_on: Severity | None, verbose: bool) -> int:
    """Runs until SIGTERM or SIGINT; gives the exit status.

    `arguments` are mitmproxy's; `options` are the audit's, as NAME=VALUE. 1 where records are missing from
    the log, or the log from its place; with `fail_on`, also for a finding of that severity or worse. Raises
    Refused; SystemExit(1) where it cannot start.
    """
    floods = _log_to_stderr(verbose)
    return asyncio.run(_serve(arguments, options, fail_on, floods))


def leave(status: int) -> NoReturn:
    """Ends the process, now that all is closed.

    Not by way of the interpreter's own end: threads of mitmproxy's native servers (UDP, for HTTP/3) may still
    call into it then, which ends in a segmentation fault.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _serve(
    arguments: Sequence[str], options: Sequence[str], fail_on: Severity | None, floods: Floods
) -> int:
    gc.set_threshold(_YOUNG)
    bound_heads()
    audit = TaskAudit(headless=True)
    master = LeanMaster(arguments)
    for place in places(master.options):
        if place.is_taken:
            logger.error("taskaudit: %s", place.trouble)
            raise SystemExit(1)
    master.take(audit, options)
    master.join(PassedBy(audit.pass_by))
    _apply(master, audit)
    notify = Notify(os.environ)
    _on_signals(master, audit, notify)
    watching = asyncio.create_task(_keep_watch(master, audit, notify, floods))
    try:
        await master.run()
    finally:
        watching.cancel()
        floods.flush()
    has_failed = fail_on is not None and audit.standing.has(fail_on)
    return int(has_failed or not audit.standing.is_sound)


def _apply(master: LeanMaster, audit: TaskAudit) -> None:
    """What the configuration in force asks of the proxy.

    Only what the audit may inspect is held in memory; what goes to hosts out of scope is not decrypted.
    """
    if (auditor := audit.standing.auditor) is not None:
        master.stream_above(auditor.limit)
        master.look_at(auditor.scope.address_patterns())


def _on_signals(master: LeanMaster, audit: TaskAudit, notify: Notify) -> None:
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        if stopping:  # Asked twice: at once.
            master.shutdown()  # type: ignore[no-untyped-call]
            return
        notify.stopping()
        stopping.append(asyncio.create_task(_stop(master, audit)))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, audit.standing.renew)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


async def _stop(master: LeanMaster, audit: TaskAudit) -> None:
    """Takes no more connections, and lets what is in flight end, for a bounded time."""
    master.options.update(server=False)  # type: ignore[no-untyped-call]
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            while audit.in_flight or _is_sending(master):
                await asyncio.sleep(_LOOK)
    if audit.in_flight:
        logger.warning("taskaudit: stopped with %d exchanges in flight", len(audit.in_flight))
    master.shutdown()  # type: ignore[no-untyped-call]


def _is_sending(master: LeanMaster) -> bool:
    """Whether bytes of answers are still on their way out to clients."""
    writers = (
        io.writer
        for handler in master.server.connections.values()
        for connection, io in handler.transports.items()
        if connection is handler.client
    )
    return any(
        isinstance(writer, asyncio.StreamWriter) and writer.transport.get_write_buffer_size()
        for writer in writers
    )


async def _keep_watch(master: LeanMaster, audit: TaskAudit, notify: Notify, floods: Floods) -> None:
    """Tells the service manager that all is well, as long as the audit's own timer turns."""
    is_ready = False
    ticks = -1
    while True:
        await asyncio.sleep(TICK if is_ready else _LOOK)
        floods.due()
        _apply(master, audit)
        is_ready = is_ready or _tell_ready(master, notify)
        if audit.standing.ticks != ticks:
            ticks = audit.standing.ticks
            notify.alive(audit.standing.status())


def _tell_ready(master: LeanMaster, notify: Notify) -> bool:
    """Whether all its modes are at work; if so, says where."""
    servers = master.server.servers
    if servers.is_updating or not len(servers) or not all(server.is_running for server in servers):
        return False
    gc.collect()
    gc.freeze()  # What the program is made of stays: to look at it again and again would halt all traffic.
    where = ", ".join(dict.fromkeys(place for server in servers for place in _places(server)))
    logger.info("taskaudit: listening on %s", where)
    notify.ready(f"listening on {where}")
    return True


def _places(server: ServerInstance[Any]) -> list[str]:
    """Addresses; a mode that takes traffic without any (local, tun) by its name."""
    return [f"{host}:{port}" for host, port, *_ in server.listen_addrs] or [server.mode.full_spec]


def _log_to_stderr(verbose: bool) -> Floods:
    """Warnings of mitmproxy, and what the audit has to say; mitmproxy tells of each connection with -v."""
    floods = Floods()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    if not verbose:
        handler.addFilter(floods)
    logging.basicConfig(handlers=[handler], level=logging.INFO if verbose else logging.WARNING)
    logging.getLogger("taskaudit").setLevel(logging.INFO)
    return floods
