"""mitmweb with the audit, in a real Chromium: what it lists, finds and shows of real traffic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Look, Visit
from mitmweb import FlowPage, Listed, Mitmweb
from running import Client, RawOrigin, exchange_bytes, wait_until

from taskaudit.demo.api import DemoApi

type Open = Callable[..., "Opened"]
RULE = "─" * 76
NOT_SHIPPED = "/src/css/vendor.less"
"""What the page of mitmweb 12.3 asks for, and does not have."""


class Opened:
    """mitmweb, its page, and a client of the proxy."""

    def __init__(self, web: Mitmweb, visit: Visit) -> None:
        self.web = web
        self.visit = visit
        self.flows = FlowPage(visit.page)
        self.ask = Client(web.port)

    def job(self) -> str:
        """A submission that is answered with a job, and its id."""
        job_id: str = json.loads(self.ask.submit("web-1")[1])["job_id"]
        return job_id

    def shown(self) -> list[str]:
        """The lines of the content view above the body, as far as one sees them."""
        lines = self.visit.page.locator(".contentview pre > div").all()
        seen = [line.inner_text().rstrip() for line in lines if line.is_visible()]
        return seen[: seen.index(RULE)]


@pytest.fixture
def open_web(tmp_path: Path, look: Look) -> Iterator[Open]:
    """Starts mitmweb and opens its page; at the end nothing has gone wrong on it."""
    opened = []

    def start(target: str, *arguments: str) -> Opened:
        web = Mitmweb(tmp_path, "--mode", f"reverse:{target}", *arguments)
        started.append(web)
        opened.append(Opened(web, look(web.address)))
        return opened[-1]

    started: list[Mitmweb] = []
    yield start
    for each in opened:
        each.ask.close()
    for web in started:
        with web:
            assert web.stop() == 0
            assert "Traceback" not in web.output
    assert [line for each in opened for line in each.visit.said if not line.endswith(NOT_SHIPPED)] == []


def test_the_list_tells_each_verdict(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url)
    job_id = opened.job()
    for name in ("code-number", "details-null", "quota"):
        opened.ask.submit(name)
    opened.ask("GET", f"/v1/p/jobs/{job_id}")
    opened.ask("GET", "/v1/p/cloudservers/detail")
    servers, jobs = f"{api.url}/v1/p/cloudservers", f"{api.url}/v1/p/jobs"
    assert opened.flows.listed(6) == [
        Listed("✅", "POST", servers, f"job {job_id}"),
        Listed("❌", "POST", servers, "TA306 /error/code: Number 400"),
        Listed("⚠", "POST", servers, "TA402 /error/details: null"),
        Listed("🔵", "POST", servers, "error Ecs.0001"),
        Listed("🔍", "GET", f"{jobs}/{job_id}", f"INIT, job {job_id}"),
        Listed("", "GET", f"{servers}/detail", ""),
    ]


def test_a_certificate_that_is_not_trusted_is_named(open_web: Open, tls_api: DemoApi) -> None:
    opened = open_web(tls_api.url)
    assert opened.ask.submit("web")[0] == 502
    wait_until(lambda: "ssl_verify_upstream_trusted_ca=FILE" in opened.web.output, "the advice")
    row = opened.visit.page.locator(".flow-table tbody tr", has_text="certificate is not trusted")
    row.wait_for()
    assert "❔" in row.inner_text()
    assert "trust its CA with --set ssl_verify_upstream_trusted_ca=FILE" in opened.web.output
    opened.visit.said.clear()


def test_the_advice_on_certificates_helps(open_web: Open, tls_api: DemoApi, tmp_path: Path) -> None:
    ca = tmp_path / "origin" / "origin-ca-cert.pem"
    opened = open_web(tls_api.url, "--set", f"ssl_verify_upstream_trusted_ca={ca}")
    assert opened.flows.page.url
    assert opened.ask.submit("web")[0] == 200


WAIVER = "waivers: [{rule: TA402, reason: known, owner: team-ecs, until: 2099-12-31}]"


FILTERS = {
    "~comment TA306": ["❌"],
    "~marker :x:": ["❌"],
    "~marker :zzz:": ["💤"],
    "~comment waived": ["💤"],
}


def test_a_filter_finds_verdicts(open_web: Open, api: DemoApi, tmp_path: Path) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text(WAIVER, encoding="utf-8")
    opened = open_web(api.url, "--config", str(config))
    for name in ("web-1", "code-number", "details-null"):
        opened.ask.submit(name)
    opened.ask("GET", "/v1/p/cloudservers/detail")
    opened.flows.listed(4)
    for expression, found in FILTERS.items():
        opened.flows.search(expression)
        assert [flow.mark for flow in opened.flows.listed(len(found))] == found
        opened.flows.search("")
        opened.flows.listed(4)


def test_a_malformed_answer_is_explained(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url)
    opened.ask.submit("code-number")
    opened.flows.listed(1)
    opened.flows.open(0)
    opened.flows.shows('"message": "Bad request.",')
    assert opened.flows.view == ("Task response", "auto")
    assert opened.shown() == [
        "error: not well-formed",
        "POST 127.0.0.1/v1/p/cloudservers (ecs:CreateServers) HTTP 400",
        "",
        "TA306 error-code-not-string (error)",
        "  /error/code: expected String, found Number 400",
        '  1 | {"error": {"message": "Bad request.", "code": 400}}',
        "    |                                               ^^^",
        "  A comparison with a documented code never matches, and typed clients",
        "  refuse the answer. 400 is the common one: the HTTP status in the place of",
        "  the code.",
        "",
    ]


def test_it_speaks_chinese_and_filters_stay_as_they_are(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url, "--lang", "zh")
    opened.ask.submit("code-number")
    opened.flows.search("~comment TA306")
    opened.flows.listed(1)
    opened.flows.open(0)
    opened.flows.shows("格式有误", "/error/code：应为 String，实为 Number 400")


def test_a_job_is_told_with_its_story_so_far(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url)
    job_id = opened.job()
    opened.flows.listed(1)
    opened.flows.open(0)
    opened.flows.shows(f"job {job_id}: well-formed", "not asked yet")
    opened.ask("GET", f"/v1/p/jobs/{job_id}")
    opened.flows.listed(2)
    opened.flows.open(1)
    opened.flows.shows(f"query of job {job_id}: INIT", "submitted  HTTP 200", '"status": "INIT"')
    opened.flows.open(0)
    opened.flows.shows(f"job {job_id}: well-formed", " s  INIT")


def test_other_answers_are_shown_as_ever(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url)
    opened.ask("GET", "/v1/p/cloudservers/detail")
    opened.flows.listed(1)
    opened.flows.open(0)
    assert opened.flows.view == ("JSON", "auto")


COMMANDS = {
    "taskaudit.summary": "submissions: 3 (1 error, 1 job, 1 unreadable); job queries: 1",
    "taskaudit.explain TA306": "TA306 error-code-not-string",
    "taskaudit.explain": "name a rule (taskaudit.explain TA306)",
    'taskaudit.bug "~marker :x:"': "error.code is Number 400, expected String",
    "taskaudit.bug @all": "error.code is Number 400, expected String",
    'taskaudit.bug "~marker :grapes:"': "there is no such flow",
}


def test_commands_answer_in_the_command_bar(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url)
    opened.ask("GET", f"/v1/p/jobs/{opened.job()}")
    for name in ("code-number", "seed-example"):
        opened.ask.submit(name)
    opened.flows.listed(4)
    opened.flows.display("Command Bar")
    for command, result in COMMANDS.items():
        assert result in opened.flows.command(command)


def test_the_event_log_has_the_whole_answer(open_web: Open, api: DemoApi) -> None:
    opened = open_web(api.url)
    job_id = opened.job()
    opened.ask("GET", f"/v1/p/jobs/{job_id}")
    opened.flows.listed(2)
    opened.flows.display("Event Log", "Command Bar")
    assert job_id in opened.flows.command("taskaudit.jobs")
    opened.flows.logged("1 job: 1 open", "seen 2 = other 0 + audited 2 + unaudited 0")


def test_what_traffic_says_stays_text(
    open_web: Open, raw_origin: Callable[[dict[str, bytes]], RawOrigin]
) -> None:
    """An alert would be a page error here: nobody answers it."""
    evil = "<img src=x onerror=alert(1)>\x1b[31m"
    body = json.dumps({"job_id": evil}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    opened = open_web(raw_origin({"evil": head.encode() + body}).url)
    exchange_bytes(opened.web.port, "evil")
    (flow,) = opened.flows.listed(1)
    assert flow.comment.startswith("TA203 ")
    opened.flows.open(0)
    opened.flows.shows("<img src=x onerror=alert(1)>", "TA203 job-id-unsafe")
    assert "\x1b" not in opened.visit.page.locator(".contentview pre").inner_text()
    assert opened.visit.page.locator("img[src=x]").count() == 0
