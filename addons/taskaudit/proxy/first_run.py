"""What a client needs before the proxy sees anything of it: told before the first start."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

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
_PROXY = Words("Go through the proxy:", "通过代理访问：")
_ENDPOINT = Words("Call this endpoint instead of {}:", "用以下地址代替 {} 作为 endpoint：")
_OTHER = Words(
    "How clients reach a proxy in mode {}: https://docs.mitmproxy.org/stable/concepts/modes/",
    "{} 模式的接入方法见 https://docs.mitmproxy.org/stable/concepts/modes/",
)
_TRUST = Words("For HTTPS, trust the proxy's certificate:", "访问 HTTPS 时，信任代理的证书：")
_MADE = Words("  (made at the first start)", "（首次启动时生成）")
_SINGLE_CALL = Words("A single call with curl:", "用 curl 发一次请求：")
_PYTHON = Words("Python (requests, SDKs built on it):", "Python（requests 及基于它的 SDK）：")
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
    steps = [*(_way(mode, language) for mode in meaning.modes)]
    if any(mode.name != "reverse" for mode in meaning.modes):
        steps.append(list(_trust(meaning, language)))
    numbered = [line for number, step in enumerate(steps, 1) for line in _numbered(number, step)]
    return "\n".join([_TITLE.of(language), "", *numbered, "", *_notes(front, meaning, language)])


def _numbered(number: int, step: Sequence[str]) -> Iterator[str]:
    yield f"{number}. {step[0]}"
    yield from (f"   {line}" for line in step[1:])


def _way(mode: Mode, language: Language) -> list[str]:
    """How a client reaches the proxy in this mode."""
    url = _url(mode, language)
    if mode.name == "reverse":
        return [_ENDPOINT.of(language).format(mode.target), f"  {url}"]
    if mode.name in _THROUGH_A_PROXY:
        return [_PROXY.of(language), f"  export HTTP_PROXY={url} HTTPS_PROXY={url}"]
    return [_OTHER.of(language).format(mode.name)]


def _trust(meaning: PassedOn, language: Language) -> Iterator[str]:
    """What makes clients trust the proxy."""
    path = shlex.quote(str(meaning.certificate))
    yield _TRUST.of(language)
    yield f"  {meaning.certificate}{'' if meaning.certificate.exists() else _MADE.of(language)}"
    for mode in meaning.modes:
        if mode.name in _THROUGH_A_PROXY:
            yield _SINGLE_CALL.of(language)
            yield f"  curl --proxy {_url(mode, language)} --cacert {path} https://..."
    yield _PYTHON.of(language)
    yield f"  export REQUESTS_CA_BUNDLE={path}"
    yield _BROWSER.of(language)


def _notes(front: FrontEnd, meaning: PassedOn, language: Language) -> Iterator[str]:
    if any(mode.address.endswith(":") and mode.name in _WITH_ADDRESS for mode in meaning.modes):
        yield _PORT_IS_TOLD.of(language)
    yield _AGAIN.of(language).format(front.command)


def _url(mode: Mode, language: Language) -> str:
    return f"http://{mode.address}{_PORT.of(language) if mode.address.endswith(':') else ''}"
