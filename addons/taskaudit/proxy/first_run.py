"""What a client needs before the proxy sees anything of it: told before the first start."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from taskaudit.contract.words import Language, Words
from taskaudit.proxy.launch import FrontEnd
from taskaudit.proxy.passed_on import Mode, PassedOn

_TITLE = Words(
    "What your client needs, before the audit sees anything:", "审计要看到流量，客户端需要先做以下设置："
)
_PORT = Words("PORT", "端口")
_PORT_IS_TOLD = Words(
    "PORT is chosen at the start, and told in the line “... proxy ... listening at *:PORT”.",
    "端口在启动时选定，见 “... proxy ... listening at *:端口” 一行。",
)
_SIMPLEST = Words(
    "Simplest, as it needs no certificate: one endpoint in reverse mode,\n"
    "  taskaudit {command} --mode reverse:https://ecs.example.com\n"
    "and in the client http://127.0.0.1:8080 instead of that endpoint.\n\n"
    "For all endpoints, through the proxy:",
    "最简单的方式是反向代理一个 endpoint，不需要证书：\n"
    "  taskaudit {command} --mode reverse:https://ecs.example.com\n"
    "然后让客户端用 http://127.0.0.1:8080 代替该 endpoint。\n\n"
    "要经代理访问所有 endpoint：",
)
_PROXY = Words(
    "Go through the proxy; for http:// curl reads the lower-case name only:",
    "通过代理访问；对 http:// 地址，curl 只读小写的变量名：",
)
_ENDPOINT = Words("Call this endpoint instead of {}:", "用以下地址代替 {} 作为 endpoint：")
_OTHER = Words(
    "How clients reach a proxy in mode {}: https://docs.mitmproxy.org/stable/concepts/modes/",
    "{} 模式的接入方法见 https://docs.mitmproxy.org/stable/concepts/modes/",
)
_TRUST = Words("For HTTPS, trust the proxy's certificate:", "访问 HTTPS 时，信任代理的证书：")
_MADE = Words("The file is made at the first start.", "该文件在首次启动时生成。")
_WHO = Words(
    "The first is for curl, Go and what uses OpenSSL, the second for Python's\n"
    "requests, the third for Node.js, with NODE_USE_ENV_PROXY=1 for the proxy.",
    "第一个变量用于 curl、Go 和使用 OpenSSL 的程序，第二个用于 Python 的\n"
    "requests，第三个用于 Node.js（另设 NODE_USE_ENV_PROXY=1 才会使用代理）。",
)
_JAVA = Words("Java has its own store, and its own properties:", "Java 有自己的证书库和系统属性：")
_BROWSER = Words(
    "A browser that uses the proxy gets it at http://mitm.it",
    "浏览器设置代理后，打开 http://mitm.it 即可下载并安装",
)
_AGAIN = Words(
    "To read this again: taskaudit {} --hint, with the options of this start.",
    "再次查看本提示：taskaudit {} --hint，并加上本次启动所用的选项。",
)
_WITHOUT_SERVER = Words(
    "There is nothing to set up for a client: the proxy does not listen (-n).",
    "代理不监听端口（-n），客户端无需设置。",
)

IS_WINDOWS = os.name == "nt"
_SHELL_PROXY = (
    "  export http_proxy={0} HTTP_PROXY={0}\n  export https_proxy=$http_proxy HTTPS_PROXY=$http_proxy"
)
_SHELL_TRUST = (
    "  export SSL_CERT_FILE={}\n  export REQUESTS_CA_BUNDLE=$SSL_CERT_FILE NODE_EXTRA_CA_CERTS=$SSL_CERT_FILE"
)
# Names of variables have no letter case on Windows.
_POWERSHELL_PROXY = "  $env:HTTP_PROXY = '{0}'; $env:HTTPS_PROXY = '{0}'"
_POWERSHELL_TRUST = (
    "  $env:SSL_CERT_FILE = {}\n  $env:REQUESTS_CA_BUNDLE = $env:NODE_EXTRA_CA_CERTS = $env:SSL_CERT_FILE"
)

_THROUGH_A_PROXY = ("regular", "upstream")
_WITH_ADDRESS = (*_THROUGH_A_PROXY, "reverse")


def is_due(meaning: PassedOn | None) -> bool:
    """Whether clients cannot trust the proxy yet, since it has no certificate."""
    if meaning is None or meaning.only_tells or not meaning.modes:
        return False
    return not meaning.certificate.exists()


def hint(front: FrontEnd, meaning: PassedOn, language: Language) -> str:
    """Lines of text: how clients reach the proxy, and how they trust it."""
    if not meaning.modes:
        return _WITHOUT_SERVER.of(language)
    modes = sorted(meaning.modes, key=lambda mode: mode.name != "reverse")
    steps = [_way(mode, language) for mode in modes]
    if any(mode.name != "reverse" for mode in meaning.modes):
        steps.append(list(_trust(meaning, language)))
    numbered = [line for number, step in enumerate(steps, 1) for line in _numbered(number, step)]
    head = [_TITLE.of(language), ""]
    if all(mode.name in _THROUGH_A_PROXY for mode in modes):
        head += [_SIMPLEST.of(language).format(command=front.command), ""]
    return "\n".join([*head, *numbered, "", *_notes(front, meaning, language)])


def idle(modes: Sequence[Mode], certificate: Path) -> str:
    """What to check where no request has come for a while."""
    ways = []
    for mode in modes:
        if mode.name == "reverse":
            ways.append(f"does the client call http://{mode.address} instead of {mode.target}?")
        elif mode.name in _THROUGH_A_PROXY:
            ways.append(
                f"does the client use the proxy (http_proxy, https_proxy=http://{mode.address}; NO_PROXY), "
                f"and trust {certificate}?"
            )
    return " ".join(["no request so far:", *ways, "taskaudit web --hint says how, with the same options"])


def _numbered(number: int, step: Sequence[str]) -> Iterator[str]:
    yield f"{number}. {step[0]}"
    yield from (f"   {line}" for line in step[1:])


def _way(mode: Mode, language: Language) -> list[str]:
    """How a client reaches the proxy in this mode."""
    url = _url(mode, language)
    if mode.name == "reverse":
        return [_ENDPOINT.of(language).format(mode.target), f"  {url}"]
    if mode.name in _THROUGH_A_PROXY:
        return [
            _PROXY.of(language),
            *(_POWERSHELL_PROXY if IS_WINDOWS else _SHELL_PROXY).format(url).split("\n"),
        ]
    return [_OTHER.of(language).format(mode.name)]


def _trust(meaning: PassedOn, language: Language) -> Iterator[str]:
    """What makes clients trust the proxy."""
    path = str(meaning.certificate)
    quoted = "'" + path.replace("'", "''") + "'" if IS_WINDOWS else shlex.quote(path)
    yield _TRUST.of(language)
    yield from (_POWERSHELL_TRUST if IS_WINDOWS else _SHELL_TRUST).format(quoted).split("\n")
    if not meaning.certificate.exists():
        yield _MADE.of(language)
    yield from _WHO.of(language).split("\n")
    for mode in meaning.modes:
        if mode.name in _THROUGH_A_PROXY:
            yield from _java(mode, language)
            break
    yield _BROWSER.of(language)


def _java(mode: Mode, language: Language) -> Iterator[str]:
    host, _, port = mode.address.rpartition(":")
    proxy = f"-Dhttps.proxyHost={host.strip('[]')} -Dhttps.proxyPort={port or _PORT.of(language)}"
    yield _JAVA.of(language)
    yield '  keytool -importcert -noprompt -file "$SSL_CERT_FILE" -alias mitmproxy \\'
    yield "    -keystore ca.p12 -storepass changeit"
    yield f"  java {proxy} \\"
    yield "    -Djavax.net.ssl.trustStore=ca.p12 ..."


def _notes(front: FrontEnd, meaning: PassedOn, language: Language) -> Iterator[str]:
    if any(mode.address.endswith(":") and mode.name in _WITH_ADDRESS for mode in meaning.modes):
        yield _PORT_IS_TOLD.of(language)
    yield _AGAIN.of(language).format(front.command)


def _url(mode: Mode, language: Language) -> str:
    return f"http://{mode.address}{_PORT.of(language) if mode.address.endswith(':') else ''}"
