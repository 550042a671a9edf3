"""The proxy of `taskaudit serve`: mitmproxy with the addons that an audit needs, and no more.

mitmdump tells each event to some 36 addons; here it is less than ten, and only those that have a hook for it.
What is left out changes traffic, shows it, or replays it.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from mitmproxy import hooks
from mitmproxy.addons import (
    block,
    core,
    disable_h2c,
    dns_resolver,
    errorcheck,
    next_layer,
    proxyauth,
    proxyserver,
    save,
    tlsconfig,
    upstream_auth,
)
from mitmproxy.exceptions import OptionsError
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.tools.cmdline import common_options

from taskaudit.proxy.dispatch import Dispatch

_ALWAYS: tuple[Callable[[], Any], ...] = (
    core.Core,
    block.Block,
    disable_h2c.DisableH2C,
    proxyserver.Proxyserver,
    next_layer.NextLayer,
    tlsconfig.TlsConfig,
    errorcheck.ErrorCheck,
)


class _OnDemand(NamedTuple):
    """An addon that is there only when one of its options, or a mode, is given: each costs time."""

    make: Callable[[], Any]
    options: tuple[str, ...]
    modes: tuple[str, ...] = ()


_ON_DEMAND = (
    _OnDemand(proxyauth.ProxyAuth, ("proxyauth",)),
    _OnDemand(upstream_auth.UpstreamAuth, ("upstream_auth",)),
    _OnDemand(save.Save, ("save_stream_file", "save_stream_filter")),
    _OnDemand(dns_resolver.DnsResolver, ("dns_",), ("dns", "wireguard", "local")),
)

_ALTERS = "the audit never alters traffic; use mitmdump"
_NO_FACE = "serve has no interface; use: taskaudit web, or taskaudit tui"
_VERBOSE = "serve has --verbose"
_CAPTURES = "serve audits live traffic; for captures use: taskaudit check"
_REFUSED = {
    "map_": _ALTERS,
    "modify_": _ALTERS,
    "block_list": _ALTERS,
    "anticache": _ALTERS,
    "anticomp": _ALTERS,
    "sticky": _ALTERS,
    "scripts": "serve loads no other addons; use mitmdump -s",
    "rfile": _CAPTURES,
    "readfile": _CAPTURES,
    "client_replay": _CAPTURES,
    "server_replay": _CAPTURES,
    "hardump": "save flows with -w: taskaudit check reads them",
    "flow_detail": "serve prints no flows",
    "dumper_": "serve prints no flows",
    "termlog": _VERBOSE,
    "web_": _NO_FACE,
    "console_": _NO_FACE,
    "view_": _NO_FACE,
    "intercept": _NO_FACE,
    "onboarding": "serve has no page for certificates: hand out the one in confdir",
}
_LAST_PORT = 65535
_FLAGS = {"-s": "scripts", "-r": "rfile", "-C": "client_replay", "-S": "server_replay"} | {
    "-M": "map_remote",
    "-B": "modify_body",
    "-H": "modify_headers",
}


class Refused(Exception):
    """The arguments cannot be used; the message says why."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(message)


class LeanMaster(Master):
    """A proxy with the addons that `arguments`, mitmproxy's own, call for. Raises Refused.

    Needs a running event loop. mitmproxy's `config.yaml` is not read.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__(Options())
        self.dispatch = Dispatch()
        self.addons.add(self.dispatch)  # type: ignore[no-untyped-call]
        for make in (*_ALWAYS, *(each.make for each in _ON_DEMAND if _is_wanted(each, arguments))):
            self.join(make())
        self._is_streaming_chosen = False
        self._looked_at: list[str] = []
        self._configure(arguments)

    def join(self, addon: object, before: object = None) -> None:
        """Adds an addon, as the last one or before another."""
        members = self.dispatch.members
        self.addons.register(addon)  # type: ignore[no-untyped-call]
        self.dispatch.insert(members.index(before) if before else len(members), addon)

    def take(self, audit: object, options: Sequence[str]) -> None:
        """Adds the audit, with its options as NAME=VALUE, before flows are saved: where scripts would be."""
        self.options.set(*options, defer=True)
        self.join(audit, before=self.addons.get("save"))  # type: ignore[no-untyped-call]
        configure = hooks.ConfigureHook(set(self.options.keys()))  # type: ignore[no-untyped-call]
        self.addons.invoke_addon_sync(audit, configure)

    def stream_above(self, limit: int) -> None:
        """Passes bodies of more than `limit` bytes on as they come, unless the arguments say otherwise.

        mitmproxy keeps a whole body in memory where it does not stream it, however large it grows.
        """
        threshold = str(limit)
        if not self._is_streaming_chosen and self.options.stream_large_bodies != threshold:
            self.options.update(stream_large_bodies=threshold)  # type: ignore[no-untyped-call]

    def look_at(self, addresses: Sequence[str]) -> None:
        """Decrypts what goes to addresses (HOST:PORT) in which a pattern is found; without patterns, all.

        Arguments that say the same in mitmproxy's own way win.
        """
        options = self.options
        if options.ignore_hosts or list(options.allow_hosts) == list(addresses):
            return
        if self._looked_at == list(options.allow_hosts):
            self._looked_at = list(addresses)
            options.update(allow_hosts=self._looked_at)  # type: ignore[no-untyped-call]

    @property
    def server(self) -> proxyserver.Proxyserver:
        """The addon that listens."""
        found = self.addons.get("proxyserver")  # type: ignore[no-untyped-call]
        assert isinstance(found, proxyserver.Proxyserver)
        return found

    def _configure(self, arguments: Sequence[str]) -> None:
        parser = _Parser(add_help=False, allow_abbrev=False)
        common_options(parser, self.options)  # type: ignore[no-untyped-call]
        given, others = parser.parse_known_args(list(arguments))
        if others:
            raise Refused(_why_not(others[0], self.options))
        for spec in given.setoptions:
            if (name := spec.partition("=")[0]) not in self.options:
                raise Refused(_why_not(name, self.options))
        if given.options or given.commands or given.version:
            raise Refused("--options, --commands and --version are mitmdump's; see taskaudit serve --help")
        if given.verbose or given.quiet:
            raise Refused(f"{'-v' if given.verbose else '-q'}: {_VERBOSE}")
        named = {k: v for k, v in vars(given).items() if k in self.options and v is not None}
        try:
            self.options.set(*given.setoptions)
            self.options.update(**named)  # type: ignore[no-untyped-call]
        except OptionsError as error:
            raise Refused(str(error)) from error
        if not self.options.server:
            raise Refused(f"-n: {_CAPTURES}")
        if not 0 <= (self.options.listen_port or 0) <= _LAST_PORT:
            raise Refused(f"-p: {self.options.listen_port} is no port")
        self._is_streaming_chosen = any(spec.startswith("stream_large_bodies") for spec in given.setoptions)


def _is_wanted(each: _OnDemand, arguments: Sequence[str]) -> bool:
    words = (word for argument in arguments for word in argument.removeprefix("-m").split("="))
    text = [word.lstrip("-").replace("-", "_") for word in words]
    flags = {"-w"} if "save_stream_file" in each.options else set()
    return (
        any(word.startswith(each.options) for word in text)
        or any(argument[:2] in flags for argument in arguments)
        or any(word.startswith(each.modes) for word in text if each.modes)
    )


def _why_not(argument: str, options: Options) -> str:
    """A word on an option that serve does not have."""
    flag = argument.partition("=")[0]
    name = _FLAGS.get(flag[:2] if not flag.startswith("--") else "", flag.lstrip("-").replace("-", "_"))
    for start, reason in _REFUSED.items():
        if name.startswith(start):
            return f"{flag}: {reason}"
    near = difflib.get_close_matches(name, options.keys(), n=1)  # type: ignore[no-untyped-call]
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return f"{flag}: mitmproxy's proxy core has no such option{hint}"
