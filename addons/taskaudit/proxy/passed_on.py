"""What the options say that are passed on to mitmproxy: read as mitmproxy itself reads them."""

from __future__ import annotations

import argparse
import errno
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from mitmproxy.exceptions import OptionsError
from mitmproxy.options import CONF_BASENAME, Options
from mitmproxy.optmanager import load_paths, parse
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.tools.cmdline import common_options

_EVERYWHERE = ("", "*", "0.0.0.0", "::")


class Mode(NamedTuple):
    """One way in which clients reach the proxy."""

    name: str
    """As in `--mode`: `regular`, `reverse`, `upstream` ..."""
    address: str
    """HOST:PORT for a client on this machine; the port is empty where mitmproxy chooses one."""
    target: str
    """What stands behind the colon of `--mode reverse:https://api.example.com`."""


class Place(NamedTuple):
    """Where a program is to listen for TCP, and the option that changes it; an empty host is any."""

    host: str
    port: int
    option: str

    @property
    def is_taken(self) -> bool:
        """Whether another program listens there already."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            socket.create_server((self.host, self.port), family=family).close()
        except (OSError, UnicodeError) as error:
            return getattr(error, "errno", None) == errno.EADDRINUSE
        return False

    @property
    def trouble(self) -> str:
        """That it is taken, and what to do."""
        return (
            f"cannot listen on {self.host or '*'}:{self.port}: another program does already; "
            f"stop that one, or choose another port with {self.option}"
        )


class PassedOn(NamedTuple):
    """The options of the command line together with those of mitmproxy's own `config.yaml`."""

    named: frozenset[str]
    """Names of the options in `--set`."""
    configured: frozenset[str]
    """Names of the options in `config.yaml`, which win over `--set`."""
    confdir: Path
    scripts: tuple[str, ...]
    """What mitmproxy loads, be it named by -s, by `--set scripts=` or by `config.yaml`."""
    scripts_in_flags: bool
    """By -s, which makes mitmproxy forget the other two."""
    modes: tuple[Mode, ...]
    """Empty where mitmproxy does not listen."""
    places: tuple[Place, ...]
    """Where it listens, the page of mitmweb last."""
    only_tells: bool
    """Whether mitmproxy prints something (--version, --options, --commands, --help) and ends."""

    @property
    def certificate(self) -> Path:
        """The CA certificate that clients have to trust; mitmproxy makes it at its first start."""
        return certificate_in(self.confdir)


def certificate_in(confdir: Path | str) -> Path:
    """The CA certificate in mitmproxy's folder."""
    return Path(confdir).expanduser() / f"{CONF_BASENAME}-ca-cert.pem"


class _Refused(Exception):
    """These are no arguments of mitmproxy."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Refused(message)


def understand(arguments: Sequence[str]) -> PassedOn | None:
    """None where mitmproxy is going to refuse the arguments, or its `config.yaml`: it says why itself."""
    options = Options()
    parser = _Parser(add_help=False)
    # Options of mitmproxy's own addons are passed over, but for the one that is needed.
    options.add_option("scripts", Sequence[str], [], "")
    options.add_option("web_host", str, "127.0.0.1", "")
    options.add_option("web_port", int, 8081, "")
    common_options(parser, options)  # type: ignore[no-untyped-call]
    parser.add_argument("--web-host")
    parser.add_argument("--web-port", type=int)
    try:
        given, others = parser.parse_known_args(arguments)
        options.set(*given.setoptions, defer=True)
        confdir = Path(options.confdir).expanduser()
        files = [confdir / "config.yaml", confdir / "config.yml"]
        load_paths(options, *files)
        options.update(**_flags(given, options))  # type: ignore[no-untyped-call]
        return PassedOn(
            named=frozenset(spec.partition("=")[0] for spec in given.setoptions),
            configured=frozenset(name for path in files for name in _in_file(path)),
            confdir=confdir,
            scripts=tuple(options.scripts),
            scripts_in_flags=given.scripts is not None,
            modes=modes_of(options),
            places=(*places(options), Place(options.web_host, options.web_port, "--web-port PORT")),
            only_tells=given.version or given.options or given.commands or "--help" in others,
        )
    except (_Refused, OptionsError, OSError, TypeError, ValueError):
        return None


def places(options: Options) -> Iterator[Place]:
    """Where the proxy is to listen. Raises ValueError where there is no such mode."""
    for mode in [ProxyMode.parse(spec) for spec in options.mode] if options.server else []:
        port = mode.listen_port(options.listen_port)
        if port and mode.default_port is not None and mode.transport_protocol != "udp":
            own = mode.full_spec.rpartition("@")[0]
            option = "-p PORT" if mode.custom_listen_port is None else f"--mode {own}@PORT"
            yield Place(mode.listen_host(options.listen_host), port, option)


def _flags(given: argparse.Namespace, options: Options) -> Mapping[str, Any]:
    return {name: value for name, value in vars(given).items() if name in options and value is not None}


def _in_file(path: Path) -> Sequence[str]:
    if not path.is_file():
        return []
    return list(parse(path.read_text(encoding="utf-8")))  # type: ignore[no-untyped-call]


def modes_of(options: Options) -> tuple[Mode, ...]:
    """How clients reach the proxy. Raises ValueError where there is no such mode."""
    if not options.server:
        return ()
    return tuple(_mode(ProxyMode.parse(spec), options) for spec in options.mode)


def _mode(mode: ProxyMode, options: Options) -> Mode:
    host, port = mode.listen_host(options.listen_host), mode.listen_port(options.listen_port)
    host = "127.0.0.1" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return Mode(mode.type_name, f"{host}:{port or ''}", mode.data)
