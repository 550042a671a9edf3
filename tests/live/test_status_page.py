"""The status page of a running audit in a real Chromium, while traffic passes."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import Look, Visit
from running import PATIENCE, Client, Proxy, Start, wait_until

from taskaudit.demo.api import DemoApi
from taskaudit.demo.mitmdump import program

LISTEN = ("--set", "taskaudit_listen=127.0.0.1:0")
PAGE = re.compile(r"taskaudit: status page: (http://127\.0\.0\.1:(\d+)/\?token=\S+)")
LISTENING = re.compile(r"proxy.* listening at \S*:(\d+)")
EVIL = "<img src=x onerror=alert(1)>"


def page_in(read: Callable[[], str]) -> str:
    """The address that is told at the start."""
    wait_until(lambda: bool(PAGE.search(read())), "the status page is told")
    found = PAGE.search(read())
    assert found
    return found[1]


class Audited(NamedTuple):
    """A proxy, a client that goes through it, and the address of its page."""

    proxy: Proxy
    client: Client
    url: str

    @property
    def home(self) -> str:
        """The address without the token, which has become a cookie."""
        return self.url.partition("?")[0]

    def has_a_life(self) -> str:
        """A job to its end; its id."""
        job_id: str = json.loads(self.client.submit("web")[1])["job_id"]
        status = ""
        while status != "SUCCESS":
            status = json.loads(self.client("GET", f"/v1/p/jobs/{job_id}")[1])["status"]
        return job_id


@pytest.fixture
def audited(launch: Start, api: DemoApi, client: Callable[[int], Client]) -> Audited:
    proxy = launch(*LISTEN, "--mode", f"reverse:{api.url}")
    return Audited(proxy, client(proxy.port), page_in(lambda: proxy.running.output))


def tiles(visit: Visit) -> dict[str, str]:
    """The counts at the top."""
    keys, values = visit.texts("#counts dt"), visit.texts("#counts dd")
    return dict(zip(keys, values, strict=True))


def is_sound(visit: Visit, home: str) -> None:
    """Nothing was said, asked elsewhere, or is hard to use."""
    assert visit.said == []
    assert visit.outside(home) == []
    assert visit.faults() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_traffic_arrives_while_the_page_is_open(audited: Audited, look: Look, scheme: str) -> None:
    visit = look(audited.url, color_scheme=scheme)
    page = visit.page
    assert page.locator("p.coverage").inner_text() == "seen 0 = other 0 + audited 0 + unaudited 0"
    is_sound(visit, audited.home)
    job_id = audited.has_a_life()
    audited.client.submit("code-number")
    audited.client("GET", "/elsewhere")
    asked = sum(each["job_id"] == job_id for each in audited.proxy.of("job_query"))
    seen = f"seen {asked + 3} = other 1 + audited {asked + 2} + unaudited 0"
    page.locator("p.coverage", has_text=seen).wait_for()
    counts = tiles(visit)
    assert (counts["submissions"], counts["job queries"]) == ("2", str(asked))
    row = page.locator("#jobs-table tbody tr", has_text=job_id)
    assert "SUCCESS" in row.inner_text()
    in_picture = page.locator("#timeline li.row", has_text=job_id)
    assert in_picture.locator("svg.track:visible, .track:visible").count() >= 1
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = sum(map(int, re.findall(r"\d+", background)[:3])) > 3 * 128
    assert bright is (scheme == "light")
    assert sum(url == audited.home for url in visit.asked) == 1, "never loaded anew"
    is_sound(visit, audited.home)


def test_a_finding_leads_to_its_explanation_and_its_job(audited: Audited, look: Look) -> None:
    visit = look(audited.url)
    page = visit.page
    audited.client.submit("code-number")
    link = page.locator("#findings-table tbody a", has_text="TA306")
    link.wait_for()
    link.focus()
    page.keyboard.press("Enter")
    explained = page.locator("#rule-TA306")
    page.wait_for_url(f"{audited.home}#rule-TA306")
    page.wait_for_function("document.activeElement.id === 'rule-TA306'")
    assert "error.code is of another JSON type than String" in explained.inner_text()
    is_sound(visit, audited.home)


def test_the_keyboard_reaches_everything_and_keeps_its_place(audited: Audited, look: Look) -> None:
    visit = look(audited.url)
    page = visit.page
    audited.client.submit("code-number")
    job_id = audited.has_a_life()
    page.locator("#jobs-table tbody tr", has_text=job_id).wait_for()
    page.locator("#findings-table tbody tr").first.wait_for()
    page.locator("#live-pause").focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("(e => `${e.localName} ${e.closest('[id]')?.id ?? ''}`)(document.activeElement)")
        )
    sorting = {f"button {table}-table-sort-1" for table in ("jobs", "findings")}
    assert sorting | {"input jobs-text", "input findings-text", "div timeline-rows"} <= reached
    assert any(place.startswith("a found-") for place in reached)
    assert any(place.startswith("summary job-") for place in reached)
    page.locator("#jobs-text").focus()
    page.keyboard.type(job_id)
    other = audited.has_a_life()
    page.locator("#jobs-table tbody tr", has_text=other).wait_for(state="attached")
    assert page.evaluate("document.activeElement.id") == "jobs-text"
    assert page.locator("#jobs-shown").inner_text() == "1 of 2 shown"
    is_sound(visit, audited.home)


def test_what_a_peer_sends_is_text(audited: Audited, look: Look) -> None:
    visit = look(audited.url)
    path = f"/v1/p/cloudservers/{EVIL.replace(' ', '%20')}"
    audited.client("POST", path, {"server": {"name": "code-number"}})
    visit.page.locator("#findings-table tbody tr").first.wait_for()
    assert visit.page.locator("img").count() == 0
    is_sound(visit, audited.home)


def test_the_page_tells_that_the_proxy_has_stopped(audited: Audited, look: Look) -> None:
    visit = look(audited.url)
    audited.has_a_life()
    rows = visit.page.locator("#jobs-table tbody tr")
    rows.first.wait_for()
    assert audited.proxy.stopped()
    visit.page.locator("#live-trouble", has_text="Connection lost since ").wait_for()
    assert rows.count() == 1
    assert visit.faults() == []


PRIVATE = ("/", "/sections", "/static/live.js")


def answered(url: str, path: str, host: str) -> int:
    """The status for somebody without the token, under another name."""
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=PATIENCE)
    connection.request("GET", path, headers={"Host": host})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("host", ["evil.example.com", "localhost"])
def test_without_the_token_there_is_no_page(audited: Audited, host: str) -> None:
    for path in PRIVATE:
        assert answered(audited.url, path, host) == 401
    for path in ("/metrics", "/healthz"):
        assert answered(audited.url, path, host) == 200


def test_a_user_of_the_proxy_does_not_see_the_page_of_this_audit_or_another(
    launch: Start, client: Callable[[int], Client], tmp_path: Path
) -> None:
    one, other = launch(*LISTEN), launch(*LISTEN, log=tmp_path / "other.ndjson")
    through = client(one.port)
    for proxy in (one, other):
        page = page_in(lambda proxy=proxy: proxy.running.output)  # type: ignore[misc]
        port = page.split("/")[2].rpartition(":")[2]
        for name in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]", "2130706433"):
            for path in PRIVATE:
                status, body = through("GET", f"http://{name}:{port}{path}")
                assert status in (401, 502)
                assert b"<html" not in body


class Web(NamedTuple):
    """A running `taskaudit web`."""

    process: subprocess.Popen[bytes]
    told: Path

    def output(self) -> str:
        """What it has printed so far."""
        return self.told.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """Where it proxies."""
        wait_until(lambda: bool(LISTENING.search(self.output())), "the proxy listens")
        found = LISTENING.search(self.output())
        assert found
        return int(found[1])


@pytest.fixture
def web(tmp_path: Path, api: DemoApi) -> Iterator[Web]:
    told = tmp_path / "told"
    words = ["--set", "web_open_browser=false", "--set", "web_port=0", "--set", "listen_host=127.0.0.1"]
    with told.open("wb") as output:
        process = subprocess.Popen(
            [program("taskaudit"), "web", *words, "-p", "0", "--mode", f"reverse:{api.url}"],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(tmp_path), "TASKAUDIT_LANG": "zh", "PYTHONUNBUFFERED": "1"},
        )
    yield Web(process, told)
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE)


def test_web_has_the_page_without_being_asked(web: Web, look: Look, client: Callable[[int], Client]) -> None:
    url = page_in(web.output)
    visit = look(url)
    assert visit.page.locator("html").get_attribute("lang") == "zh-Hans"
    job_id = json.loads(client(web.port).submit("web")[1])["job_id"]
    visit.page.locator("#jobs-table tbody tr", has_text=job_id).wait_for()
    is_sound(visit, url.partition("?")[0])
