"""The lean proxy: which addons it has, which arguments it takes, and what it says to others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.lean import LeanMaster, Refused


def with_master[T](look: Callable[[LeanMaster], T], *arguments: str) -> T:
    """What `look` finds at a master of these arguments."""

    async def make() -> T:
        master = LeanMaster(arguments)
        try:
            return look(master)
        finally:
            master.addons.get("errorcheck").finish()  # type: ignore[no-untyped-call]
            if saving := master.addons.get("save"):  # type: ignore[no-untyped-call]
                saving.done()
            master._legacy_log_events.uninstall()

    return asyncio.run(make())


def names(master: LeanMaster) -> list[str]:
    """Of its addons, in order."""
    return [type(each).__name__ for each in master.dispatch.members]


ALWAYS = ["Core", "Block", "DisableH2C", "Proxyserver", "NextLayer", "TlsConfig", "ErrorCheck"]


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        ([], []),
        (["--mode", "reverse:https://ecs.example.com", "-p", "8080"], []),
        (["--proxyauth", "any"], ["ProxyAuth"]),
        (["--set", "proxyauth=any"], ["ProxyAuth"]),
        (["--set=proxyauth=any"], ["ProxyAuth"]),
        (["--upstream-auth", "me:secret"], ["UpstreamAuth"]),
        (["--upstream-auth=me:secret"], ["UpstreamAuth"]),
        (["-w", "flows"], ["Save"]),
        (["-wflows"], ["Save"]),
        (["--save-stream-file", "flows"], ["Save"]),
        (["--mode", "transparent"], []),
        (["--mode", "wireguard"], ["DnsResolver"]),
        (["--mode", "local"], ["DnsResolver"]),
        (["--mode", "dns"], ["DnsResolver"]),
        (["--mode=dns@5353"], ["DnsResolver"]),
        (["-mdns@5353"], ["DnsResolver"]),
        (["--set", "dns_use_hosts_file=false"], ["DnsResolver"]),
    ],
    ids=" ".join,
)
def test_addons_only_where_they_are_needed(
    arguments: list[str], more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_master(names, *arguments) == ALWAYS + more


def test_arguments_are_in_force() -> None:
    arguments = ["--mode", "reverse:https://a.example", "--listen-host", "::1", "-p", "8081", "-k"]

    def look(master: LeanMaster) -> tuple[object, ...]:
        options = master.options
        return (
            list(options.mode),
            options.listen_host,
            options.listen_port,
            options.ssl_insecure,
            options.http2,
        )

    found = with_master(look, *arguments, "--set", "http2=false")
    assert found == (["reverse:https://a.example"], "::1", 8081, True, False)


REFUSED = {
    "--map-local x": "--map-local: the audit never alters traffic",
    "-M x": "-M: the audit never alters traffic",
    "--modify-body x": "--modify-body: the audit never alters traffic",
    "-B x": "-B: the audit never alters traffic",
    "-H x": "-H: the audit never alters traffic",
    "--anticache": "--anticache: the audit never alters traffic",
    "--stickycookie x": "--stickycookie: the audit never alters traffic",
    "--set modify_headers=x": "modify_headers: the audit never alters traffic",
    "-s my.py": "-s: serve loads no other addons",
    "--scripts my.py": "--scripts: serve loads no other addons",
    "--set scripts=my.py": "scripts: serve loads no other addons",
    "-r flows": "-r: serve audits live traffic; for captures use: taskaudit check",
    "-C flows": "-C: serve audits live traffic",
    "-S flows": "-S: serve audits live traffic",
    "-n": "-n: serve audits live traffic",
    "--no-server": "-n: serve audits live traffic",
    "--set hardump=x": "hardump: save flows with -w",
    "--set flow_detail=3": "flow_detail: serve prints no flows",
    "-v": "-v: serve has --verbose",
    "-q": "-q: serve has --verbose",
    "--set termlog_verbosity=info": "termlog_verbosity: serve has --verbose",
    "--set web_port=9": "web_port: serve has no interface; use: taskaudit web",
    "--web-port 9": "--web-port: serve has no interface",
    "--set console_mouse=false": "console_mouse: serve has no interface",
    "--intercept x": "--intercept: serve has no interface",
    "--set onboarding_host=x": "onboarding_host: serve has no page for certificates",
    "--set ssl_insecur=1": "ssl_insecur: mitmproxy's proxy core has no such option; "
    'did you mean "ssl_insecure"?',
    "--lisen-port 1": '--lisen-port: mitmproxy\'s proxy core has no such option; did you mean "listen_port"?',
    "--zzz": "--zzz: mitmproxy's proxy core has no such option",
    "~d example.com": "~d: mitmproxy's proxy core has no such option",
    "--options": "--options, --commands and --version are mitmdump's",
    "-p many": "invalid int value: 'many'",
    "-p": "expected one argument",
    "-p 99999": "-p: 99999 is no port",
    "--mode nonsense": "unknown mode",
    "--set body_size_limit=many": "body_size_limit",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_refused_with_a_word_of_why(arguments: str) -> None:
    with pytest.raises(Refused) as refused:
        with_master(names, *arguments.split())
    assert REFUSED[arguments] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_audit_sees_an_answer_before_it_is_saved(tmp_path: Path) -> None:
    def take(master: LeanMaster) -> list[str]:
        audit = TaskAudit(headless=True)
        log = tmp_path / "log.ndjson"
        master.take(audit, [f"taskaudit_log={log}", "taskaudit_config=", "taskaudit_listen="])
        audit.done()
        assert log.exists()
        return names(master)

    found = with_master(take, "-w", str(tmp_path / "flows"), "--set", f"confdir={tmp_path}")
    assert found == [*ALWAYS, "TaskAudit", "Save"]


@pytest.mark.parametrize(
    ("arguments", "streamed_above"), [([], "2048"), (["--set", "stream_large_bodies=3m"], "3m")]
)
def test_large_bodies_are_streamed_unless_the_user_says_otherwise(
    arguments: list[str], streamed_above: str
) -> None:
    def look(master: LeanMaster) -> object:
        master.stream_above(1024)
        master.stream_above(2048)
        return master.options.stream_large_bodies

    assert with_master(look, *arguments) == streamed_above


def test_config_yaml_of_mitmproxy_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("body_size_limit: 1k\n")
    found = with_master(lambda master: master.options.body_size_limit, "--set", f"confdir={tmp_path}")
    assert found is None
