"""Servers whose certificate mitmproxy does not trust: normal in staging, where a private CA has signed it."""

from __future__ import annotations

from mitmproxy.flow import Flow

from taskaudit.contract.excerpt import escape
from taskaudit.contract.words import Language, Words

UNTRUSTED = Words("the server's certificate is not trusted", "服务器的证书不受信任")

# What mitmproxy says, in `TlsLayer.receive_handshake_data`; then the reason, as OpenSSL has it.
_REFUSED = "Certificate verify failed: "
# Reasons that go away once the CA is known.
_UNKNOWN_CA = ("unable to get", "self-signed certificate", "self signed certificate")
_TRUST = Words(
    "{} ({}): trust its CA with --set ssl_verify_upstream_trusted_ca=FILE (PEM), "
    "or any certificate with --set ssl_insecure=true",
    "{}（{}）：用 --set ssl_verify_upstream_trusted_ca=FILE（PEM）信任其 CA，"
    "或用 --set ssl_insecure=true 接受任何证书",
)
_ACCEPT = Words(
    "{} ({}): --set ssl_insecure=true accepts any certificate",
    "{}（{}）：--set ssl_insecure=true 接受任何证书",
)


def distrust(flow: Flow) -> str | None:
    """Why the server's certificate was refused, None where it was not; also of a flow from a file."""
    said = flow.error.msg if flow.error else ""
    return escape(said.removeprefix(_REFUSED)) if said.startswith(_REFUSED) else None


def advice(reason: str, language: Language = Language.EN) -> str:
    """That the certificate is not trusted, why, and what to do."""
    words = _TRUST if reason.startswith(_UNKNOWN_CA) else _ACCEPT
    return words.of(language).format(UNTRUSTED.of(language), reason)
