"""Each way through a real mitmdump: forward, reverse, upstream; HTTP/1.1 and HTTP/2; TLS; gzip and br."""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
import pytest
from running import PATIENCE, Client, Proxy, Start, bodies

from taskaudit.demo.api import SCENARIOS, DemoApi

Connect = Callable[[int], Client]


class _OffersHttp2(ssl.SSLContext):
    """httpx offers HTTP/1.1 first, and mitmproxy takes the first that it knows."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols(["h2"])


def _trusting(confdir: Path, http2: bool = True) -> ssl.SSLContext:
    """Trusts mitmproxy's own CA, and nothing else."""
    context = (_OffersHttp2 if http2 else ssl.SSLContext)(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(confdir / "mitmproxy-ca-cert.pem")
    return context


def _submit_two(client: httpx.Client, url: str) -> str:
    """A job and an error, and something that is not ours; the job id."""
    job = client.post(f"{url}/v1/p/cloudservers", json={"server": {"name": "web"}})
    failed = client.post(f"{url}/v1/p/cloudservers", json={"server": {"name": "code-number"}})
    listed = client.get(f"{url}/v1/p/cloudservers/detail")
    assert (job.status_code, failed.status_code, listed.status_code) == (200, 400, 200)
    return str(job.json()["job_id"])


def _assert_recorded(proxy: Proxy, job_id: str, host: str = "127.0.0.1") -> None:
    records = proxy.stopped()
    assert [(s["kind"], s["job_id"]) for s in bodies(records, "submission")] == [
        ("job", job_id),
        ("error", None),
    ]
    assert [f["rule"] for f in bodies(records, "finding")] == ["TA306", "TA501"]
    totals = bodies(records, "stats")[-1]
    assert (totals["seen"], totals["other"], totals["audited"]) == (3, 1, 2)
    assert {r["http"]["host"] for r in records if "http" in r} == {host}
    assert {r["client"] for r in records if "http" in r} == {"127.0.0.1"}
    assert all(len(r["request_id"]) == 32 for r in records if "http" in r)
    assert stat.S_IMODE(proxy.log.stat().st_mode) == 0o600


def test_reverse(launch: Start, api: DemoApi) -> None:
    proxy = launch("--mode", f"reverse:{api.url}")
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        job_id = _submit_two(client, f"http://127.0.0.1:{proxy.port}")
    _assert_recorded(proxy, job_id)


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity"])
def test_forward(launch: Start, api: DemoApi, encoding: str) -> None:
    proxy = launch()
    with httpx.Client(
        proxy=f"http://127.0.0.1:{proxy.port}", headers={"Accept-Encoding": encoding}, timeout=PATIENCE
    ) as client:
        job_id = _submit_two(client, api.url)
    _assert_recorded(proxy, job_id)


def test_upstream(launch: Start, api: DemoApi, tmp_path: Path) -> None:
    behind = launch(log=tmp_path / "behind.ndjson")
    proxy = launch("--mode", f"upstream:http://127.0.0.1:{behind.port}")
    with httpx.Client(proxy=f"http://127.0.0.1:{proxy.port}", timeout=PATIENCE) as client:
        job_id = _submit_two(client, api.url)
    _assert_recorded(proxy, job_id)
    _assert_recorded(behind, job_id)


@pytest.mark.parametrize("http2", [True, False], ids=["HTTP/2", "HTTP/1.1"])
def test_forward_over_tls(launch: Start, confdir: Path, tls_api: DemoApi, http2: bool) -> None:
    # Lazy: an origin of HTTP/1.1 that is connected to first would make it HTTP/1.1 for the client too.
    proxy = launch("--set", "ssl_insecure=true", "--set", "connection_strategy=lazy")
    through = f"http://127.0.0.1:{proxy.port}"
    with httpx.Client(
        proxy=through, verify=_trusting(confdir, http2), http2=http2, timeout=PATIENCE
    ) as client:
        version = client.get(f"{tls_api.url}/").http_version
        job_id = _submit_two(client, tls_api.url)
    assert version == ("HTTP/2" if http2 else "HTTP/1.1")
    records = proxy.stopped()
    assert [s["job_id"] for s in bodies(records, "submission")] == [job_id, None]
    totals = bodies(records, "stats")[-1]
    assert (totals["seen"], totals["other"], totals["audited"]) == (4, 2, 2)


def test_http2_on_both_sides(launch: Start, confdir: Path, api: DemoApi, tmp_path: Path) -> None:
    """Many streams of one connection; a second proxy is the origin that speaks HTTP/2."""
    origin = launch("--mode", f"reverse:{api.url}", log=tmp_path / "origin.ndjson")
    behind = ["--mode", f"reverse:https://localhost:{origin.port}", "--set", "ssl_insecure=true"]
    proxy = launch(*behind)
    url = f"https://localhost:{proxy.port}/v1/p/cloudservers"

    async def submit_all() -> list[str]:
        async with httpx.AsyncClient(
            verify=_trusting(confdir), http2=True, trust_env=False, timeout=PATIENCE
        ) as client:
            answers = await asyncio.gather(*(client.post(url, json={}) for _ in range(20)))
        assert {answer.http_version for answer in answers} == {"HTTP/2"}
        return [answer.json()["job_id"] for answer in answers]

    job_ids = asyncio.run(submit_all())
    assert len(set(job_ids)) == 20
    for log in (proxy, origin):
        records = log.stopped()
        assert {s["job_id"] for s in bodies(records, "submission")} == set(job_ids)
        assert log.running.output.count("HTTP/2.0") >= 20
        assert {r["http"]["host"] for r in records if "http" in r} <= {"localhost", "127.0.0.1"}


def test_job_queries_are_counted_and_no_submissions(launch: Start, api: DemoApi, client: Connect) -> None:
    proxy = launch("--mode", f"reverse:{api.url}")
    ask = client(proxy.port)
    ask.submit("web")
    (job_id,) = api.job_ids
    for _ in range(3):
        assert job_id.encode() in ask("GET", f"/v1/p/jobs/{job_id}")[1]
    records = proxy.stopped()
    assert len(bodies(records, "submission")) == 1
    assert bodies(records, "stats")[-1]["audited"] == 4


def test_every_scenario_as_it_was_sent(launch: Start, api: DemoApi, client: Connect) -> None:
    """Nothing lost, nothing twice: one verdict an exchange, in the order they passed."""
    proxy = launch("--mode", f"reverse:{api.url}")
    ask = client(proxy.port)
    whole = [name for name, scenario in SCENARIOS.items() if not scenario.cut]
    for name in whole:
        status, body = ask.submit(name)
        assert status == SCENARIOS[name].status
        assert len(body) >= len(SCENARIOS[name].body)
    assert len(api.requests) == len(whole)
    records = proxy.stopped()
    heads = [record for record in records if record["event_type"] == "submission"]
    assert [head["http"]["status"] for head in heads] == [SCENARIOS[name].status for name in whole]
    assert len({head["exchange_id"] for head in heads}) == len(whole)
    for head in heads:
        found = {r["finding"]["rule"] for r in records if "finding" in r and _same(r, head)}
        assert {rule for rule in found if not rule.startswith("TA5")} == set(head["submission"]["rules"])


def _same(one: dict[str, object], other: dict[str, object]) -> bool:
    return one["exchange_id"] == other["exchange_id"]
