"""The report and the status page in a real Chromium."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import Look, Visit
from running import wait_until

from taskaudit.auditor import Outcome
from taskaudit.config.loading import load
from taskaudit.contract.words import Language
from taskaudit.reports.gather import gather
from taskaudit.reports.html import STATIC, as_html, live_html, sections_html
from taskaudit.reports.model import Report
from tests.samples import BAD_ERROR, outcome
from tests.stories import ask, submit, write_log

EVIL = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"


def story(jobs: int = 3) -> Iterator[Outcome]:
    """Jobs that end well, fail or are not asked for, in turn; a malformed error; text that wants to harm."""
    for number in range(jobs):
        at, job_id = number * 10.0, f"job-{number}"
        yield submit(at, job_id)
        if number % 3 < 2:
            yield ask(at + 1, "RUNNING", job_id)
            yield ask(at + 3, ("SUCCESS", "FAIL")[number % 3], job_id, fail_reason=EVIL)
    yield outcome(BAD_ERROR, 400)
    yield submit(5, EVIL, request_id=EVIL)


def report_in(folder: Path, outcomes: Iterator[Outcome]) -> Report:
    log = folder / "audit.ndjson"
    log.unlink(missing_ok=True)
    return gather([write_log(log, outcomes)], load())


@pytest.fixture
def opened(tmp_path: Path, look: Look) -> Callable[..., Visit]:
    """Opens the file of a report."""

    def of(outcomes: Iterator[Outcome], language: Language = Language.EN, **options: object) -> Visit:
        path = tmp_path / "report.html"
        path.write_text(as_html(report_in(tmp_path, outcomes), language), encoding="utf-8")
        return look(path.as_uri(), **options)

    return of


class Server:
    """Serves a report that changes, as the proxy does, with its policy."""

    def __init__(self, report: Report) -> None:
        self.version = 1
        self.report = report
        self.asked = 0
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def show(self, report: Report) -> None:
        """There is something new."""
        self.report = report
        self.version += 1

    def stop(self) -> None:
        """Nobody answers any more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def answer(self, target: str) -> tuple[int, str, str]:
        """Status, type and body."""
        address = urlsplit(target)
        if address.path == "/":
            return 200, "text/html", live_html(self.report, Language.EN, self.version)
        if address.path == "/sections":
            self.asked += 1
            if self.status != 200:
                return self.status, "text/plain", ""
            if parse_qs(address.query).get("since") == [str(self.version)]:
                return 204, "text/html", ""
            return 200, "text/html", sections_html(self.report, Language.EN)
        path = STATIC / address.path.removeprefix("/static/")
        if address.path.startswith("/static/") and path.is_file():
            return 200, "text/css" if path.suffix == ".css" else "text/javascript", path.read_text("utf-8")
        return 404, "text/plain", ""

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = server.answer(self.path)
                raw = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Security-Policy", POLICY + "; img-src data:")
                self.send_header("X-Version", str(server.version))
                if status != 204:
                    self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None: ...

        return Handler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(report_in(tmp_path, story()))
    yield running
    running.stop()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_the_file_needs_nothing_and_has_no_fault(
    opened: Callable[..., Visit], language: Language, scheme: str, width: int
) -> None:
    visit = opened(story(), language, color_scheme=scheme, width=width)
    assert visit.said == []
    assert visit.outside("file:") == []
    assert visit.faults() == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


BROKEN = """() => {
  const broken = [];
  for (const element of document.querySelectorAll("main .id, main .word, main .badge, main .operation")) {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      if (!/\\s/.test(range.toString()) && range.getClientRects().length > 1) broken.push(range.toString());
    }
  }
  return broken;
}"""
"""Words that stand on more than one line."""


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("width", [800, 1100, 1400])
def test_ids_and_words_are_not_broken(opened: Callable[..., Visit], width: int, language: Language) -> None:
    job_id, request_id = "70a599e0-31e7-49b7-b260-868f441e862b", "af3c2d1e0b9a8f7e6d5c4b3a29180706"
    outcomes = [
        submit(1, job_id, request_id=request_id, client="192.0.2.7:51234"),
        ask(5, "FAIL", job_id, error_code="Ecs.0219", fail_reason="no valid host was found for s6.xlarge.4"),
        submit(7, "ff80808182762b7b0182b7cc96c5165a", request_id=request_id),
        outcome(BAD_ERROR, 400, request_id=request_id),
    ]
    page = opened(iter(outcomes), language, width=width).page
    assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("count", [2, 6, 7])
def test_times_at_an_axis_stand_apart(opened: Callable[..., Visit], width: int, count: int) -> None:
    visit = opened(story(count), width=width)
    overlaps = visit.page.evaluate(
        """() => [...document.querySelectorAll("svg.axis")].flatMap(axis => {
            const boxes = [...axis.querySelectorAll("text")].map(text => text.getBoundingClientRect());
            return boxes.slice(1).filter((box, at) => box.left && box.left < boxes[at].right + 3);
        })"""
    )
    assert overlaps == []


@pytest.mark.parametrize("count", [0, 1])
def test_few_jobs_have_no_fault_either(opened: Callable[..., Visit], count: int) -> None:
    visit = opened(story(count) if count else iter(()))
    assert visit.said == []
    assert visit.faults() == []


def rows(visit: Visit) -> list[str]:
    return visit.texts("#jobs-table tbody tr td:nth-child(3)")


def test_the_file_is_whole_without_a_script(opened: Callable[..., Visit]) -> None:
    visit = opened(story(), java_script_enabled=False)
    assert len(rows(visit)) == 4
    assert visit.texts(".filter, th button") == []
    visit.page.locator("summary").first.click()
    assert "RUNNING" in visit.texts(".steps")[0]


def test_jobs_are_filtered_and_shown_again(opened: Callable[..., Visit]) -> None:
    visit = opened(story(6))
    page = visit.page
    page.locator("#jobs-text").fill("JOB-4 fail")
    assert [text.split()[0] for text in rows(visit)] == ["job-4"]
    assert page.locator("#jobs-shown").inner_text() == "1 of 7 shown"
    page.locator("#jobs-reset").click()
    page.locator("#jobs-state-failed").uncheck()
    page.locator("#jobs-state-never-queried").uncheck()
    assert [text.split()[0] for text in rows(visit)] == ["job-3", "job-0"]


def test_a_link_to_a_hidden_row_shows_it(opened: Callable[..., Visit]) -> None:
    visit = opened(story())
    visit.page.locator("#jobs-text").fill("nothing like it")
    assert rows(visit) == []
    visit.page.locator("#timeline a", has_text="job-2").click()
    assert len(rows(visit)) == 4


def test_jobs_are_sorted_by_keyboard(opened: Callable[..., Visit]) -> None:
    visit = opened(story())
    page = visit.page
    heading = page.locator("#jobs-table th", has_text="Took")
    orders = []
    for _ in range(3):
        heading.locator("button").focus()
        page.keyboard.press("Enter")
        took = visit.texts("#jobs-table tbody tr td:nth-child(6)")
        orders.append((heading.get_attribute("aria-sort"), [text.split()[0] for text in took]))
    assert orders == [
        ("ascending", ["–", "–", "3.0", "3.0"]),
        ("descending", ["3.0", "3.0", "–", "–"]),
        ("none", ["–", "3.0", "–", "3.0"]),
    ]


def test_every_control_can_be_reached_by_keyboard(opened: Callable[..., Visit]) -> None:
    page = opened(story()).page
    wanted = set(
        page.evaluate(
            "[...document.querySelectorAll('button, input, summary')].map(e => e.id || e.closest('[id]').id)"
        )
    )
    wanted -= {"timeline-clock", "timeline-since"}  # One stop for both.
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(e => e.id || e.closest('[id]')?.id)(document.activeElement)"))
    assert wanted - reached == set()
    assert reached & {"timeline-clock", "timeline-since"}


def test_the_axis_is_chosen(opened: Callable[..., Visit]) -> None:
    visit = opened(story())
    for axis, other in (("clock", "since"), ("since", "clock")):
        visit.page.locator(f"#timeline-{axis}").check()
        assert visit.page.locator(f".track.by-{axis}").first.is_visible()
        assert not visit.page.locator(f".track.by-{other}").first.is_visible()


def test_it_prints(opened: Callable[..., Visit]) -> None:
    visit = opened(story(), color_scheme="dark")
    visit.page.emulate_media(media="print")
    assert visit.texts("nav, .filter, .skip") == []
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert visit.page.pdf().startswith(b"%PDF")


def test_the_status_page_has_no_fault(server: Server, look: Look) -> None:
    visit = look(server.url)
    wait_until(lambda: server.asked > 0, "the page asks what is new")
    assert visit.said == []
    assert visit.outside(server.url) == []
    assert visit.faults() == []


def test_the_status_page_follows_and_leaves_the_reader_where_they_are(
    server: Server, look: Look, tmp_path: Path
) -> None:
    page = look(server.url).page
    page.locator("#jobs-table th", has_text="Took").locator("button").click()
    page.locator("#jobs-state-failed").uncheck()
    page.locator("#jobs-table summary").last.click()
    opened = page.locator("#jobs-table details[open]").get_attribute("id")
    page.locator("#jobs-text").fill("job")
    page.locator("#jobs-text").press("ArrowLeft")
    before = page.locator("#jobs-text").bounding_box()
    server.show(report_in(tmp_path, story(9)))
    page.locator("#jobs-shown", has_text="of 10 shown").wait_for()
    assert page.locator("#jobs-text").input_value() == "job"
    assert page.evaluate("[document.activeElement.id, document.activeElement.selectionStart]") == [
        "jobs-text",
        2,
    ]
    assert not page.locator("#jobs-state-failed").is_checked()
    assert page.locator("#jobs-table th", has_text="Took").get_attribute("aria-sort") == "ascending"
    assert page.locator(f"#{opened}").get_attribute("open") is not None
    after = page.locator("#jobs-text").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 3
    assert page.locator("#live-news").inner_text().startswith("Now: 1 error, ")
    assert page.title().startswith("1 error, ")


def test_the_focus_stays_on_a_row(server: Server, look: Look, tmp_path: Path) -> None:
    page = look(server.url).page
    page.locator("#jobs-table a", has_text="TA501").last.focus()
    row = page.evaluate("document.activeElement.closest('tr').id")
    server.show(report_in(tmp_path, story(9)))
    page.locator("#jobs-shown", has_text="10 of 10 shown").wait_for()
    assert page.evaluate("[document.activeElement.textContent, document.activeElement.closest('tr').id]") == [
        "TA501",
        row,
    ]


def test_updates_are_paused_and_resumed(server: Server, look: Look, tmp_path: Path) -> None:
    page = look(server.url).page
    wait_until(lambda: server.asked > 0, "the page asks what is new")
    page.locator("#live-pause").click()
    assert page.locator("#live-state").inner_text().startswith("Paused since ")
    server.show(report_in(tmp_path, story(9)))
    page.locator("#live-pause", has_text="Resume updates").click()
    page.locator("#jobs-shown", has_text="10 of 10 shown").wait_for()
    assert page.locator("#live-state").inner_text() == "Live: follows the traffic."


def test_a_lost_connection_is_told(server: Server, look: Look) -> None:
    page = look(server.url).page
    wait_until(lambda: server.asked > 0, "the page asks what is new")
    server.stop()
    page.locator("#live-trouble", has_text="Connection lost since ").wait_for()
    assert page.locator("#jobs-table tbody tr").count() == 4


def test_an_audit_that_refuses_is_told_until_it_answers(server: Server, look: Look) -> None:
    page = look(server.url).page
    server.status = 401
    page.locator("#live-trouble", has_text="the audit answers HTTP 401").wait_for()
    server.status = 200
    page.locator("#live-news", has_text="Connected again.").wait_for(state="attached")
    assert page.locator("#live-trouble").inner_text() == ""


def test_nothing_is_taken_away_while_it_is_selected(server: Server, look: Look, tmp_path: Path) -> None:
    page = look(server.url).page
    page.locator("#jobs-table td .id", has_text="job-0").first.select_text()
    page.locator("#live-state", has_text="Held while text is selected.").wait_for()
    server.show(report_in(tmp_path, story(9)))
    asked = server.asked
    wait_until(lambda: server.asked > asked + 1, "the page asks again")
    assert page.evaluate("getSelection().toString()") == "job-0"
    page.evaluate("getSelection().removeAllRanges()")
    page.locator("#jobs-shown", has_text="10 of 10 shown").wait_for()


def test_many_jobs_do_not_hold_the_browser_up(tmp_path: Path, look: Look) -> None:
    def many() -> Iterator[Outcome]:
        for number in range(3000):
            yield submit(number, f"job-{number}")
            yield ask(number + 0.5, "SUCCESS", f"job-{number}")

    path = tmp_path / "many.html"
    path.write_text(as_html(report_in(tmp_path, many()), Language.EN), encoding="utf-8")
    visit = look(path.as_uri())
    assert len(visit.page.query_selector_all("#jobs-table tbody tr")) == 1000
    assert "2000 more jobs" in visit.texts("#jobs .hint")[0]
    visit.page.locator("#jobs-text").fill("job-2999")
    assert visit.page.locator("#jobs-shown").inner_text() == "1 of 1000 shown"
    assert visit.said == []
