"""The pages as a client gets them."""

from __future__ import annotations

import json

import pytest

from taskaudit.listener.handlers import COOKIE, HEADERS
from taskaudit.reports.html import STATIC
from tests.listener.serving import TOKEN, Serving
from tests.samples import BAD_ERROR, JOB_ID, outcome
from tests.stories import ask, submit

PAGES = ["/", "/sections", "/healthz", "/metrics", "/static/report.css", "/static/live.js"]
EVERYTHING = [*PAGES, "/static/none.js", "/nothing", "/static/", "//", "/sections/", "/%00"]
PRIVATE = [path for path in EVERYTHING if path not in ("/healthz", "/metrics")]
NOBODY = {"Authorization": ""}
"""Headers of somebody who does not know the token."""


@pytest.mark.parametrize("path", EVERYTHING)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_the_headers_are_on_every_answer(here: Serving, path: str, method: str) -> None:
    answer = here.ask(path, method)
    assert {name: answer.headers.get(name.lower()) for name in HEADERS} == HEADERS


def test_the_policy_allows_nothing_from_elsewhere() -> None:
    policy = dict(each.strip().split(" ", 1) for each in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert {word for sources in policy.values() for word in sources.split()} == {"'none'", "'self'", "data:"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=UTF-8"),
        ("/sections", "text/html; charset=UTF-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/static/report.css", "text/css"),
        ("/static/live.js", "text/javascript"),
    ],
)
def test_what_there_is(here: Serving, path: str, kind: str) -> None:
    answer = here.ask(path)
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    assert answer.text


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_without_the_token_there_is_nothing(here: Serving, path: str, method: str) -> None:
    answer = here.ask(path, method, **NOBODY)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="taskaudit"'
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert method == "HEAD" or "?token=" in answer.text
    assert TOKEN not in answer.text + str(answer.headers)


def test_elsewhere_than_on_the_loopback_metrics_need_it_too(anywhere: Serving) -> None:
    assert anywhere.ask("/metrics", **NOBODY).status == 401
    assert anywhere.ask("/metrics").status == 200


def test_what_needs_no_token_holds_nothing_of_the_traffic(here: Serving) -> None:
    here.passes(submit(1))
    here.passes(outcome(BAD_ERROR, 400))
    here.wrong = "cannot open the log /srv/logs/audit.ndjson: No space left on device"
    health, metrics = here.ask("/healthz", **NOBODY), here.ask("/metrics", **NOBODY)
    assert health[::2] == (503, "records cannot be written\n")
    assert metrics.status == 200
    assert "TA306" in metrics.text
    for secret in (JOB_ID, "example.com", "/v1/", "/srv"):
        assert secret not in health.text + metrics.text


@pytest.mark.parametrize(
    "given",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "", "Cookie": f"{COOKIE}=wrong"},
        {"Authorization": "", "Cookie": f"other={TOKEN}"},
    ],
    ids=str,
)
def test_a_wrong_token(here: Serving, given: dict[str, str]) -> None:
    given = {name: value.format(port=here.port) for name, value in given.items()}
    assert here.ask("/sections", **given).status == 401


@pytest.mark.parametrize("query", ["token=wrong", "token=", "token=%ff", f"Token={TOKEN}"])
def test_a_wrong_token_in_the_address(here: Serving, query: str) -> None:
    answer = here.ask(f"/?{query}", **NOBODY)
    assert answer.status in (400, 401)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "given",
    [{"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "", "Cookie": f"{COOKIE}={TOKEN}"}],
    ids=["bearer", "cookie"],
)
def test_the_right_token(here: Serving, path: str, given: dict[str, str]) -> None:
    given = {name: value.format(port=here.port) for name, value in given.items()}
    assert here.ask(path, host="audit.example.com", **given).status == 200


def test_a_token_in_the_address_becomes_a_cookie_of_this_port(here: Serving) -> None:
    answer = here.ask(f"/?token={TOKEN}", **NOBODY)
    assert (answer.status, answer.headers["location"]) == (302, "/")
    cookie, *flags = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(flags)
    assert str(here.port) in cookie
    assert here.ask("/", Authorization="", Cookie=cookie).status == 200


@pytest.mark.parametrize(
    "path", [f"/?token={TOKEN}&token=%ff", f"/static/%00?token={TOKEN}", f"/nothing?token={TOKEN}"]
)
def test_a_request_that_fails_leaves_no_token_in_the_journal(
    here: Serving, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(0)
    assert here.ask(path, **NOBODY).status in (400, 404)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_health(here: Serving, method: str) -> None:
    assert here.ask("/healthz", method).status == 200
    here.wrong = "No space left on device"
    answer = here.ask("/healthz", method)
    reason = "records cannot be written: No space left on device\n"
    assert (answer.status, answer.text) == (503, reason if method == "GET" else "")
    here.wrong = None
    assert here.ask("/healthz", method).text == ("ok\n" if method == "GET" else "")


def test_metrics_follow(here: Serving) -> None:
    sample = 'taskaudit_exchanges_total{kind="job",role="submission"}'
    assert f"{sample} 0.0" in here.ask("/metrics").text
    here.passes(outcome())
    assert f"{sample} 1.0" in here.ask("/metrics").text


def test_the_page_shows_what_has_passed(here: Serving) -> None:
    assert JOB_ID not in here.ask("/").text
    here.passes(submit(1))
    here.passes(ask(2, "SUCCESS"))
    here.passes(outcome(BAD_ERROR, 400))
    page = here.ask("/").text
    assert JOB_ID in page
    assert "TA306" in page
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in page


def test_sections_come_when_there_is_something_new(here: Serving) -> None:
    first = here.ask("/sections")
    version = first.headers["x-version"]
    assert f'data-version="{version}"' in here.ask("/").text
    assert here.ask(f"/sections?since={version}")[::2] == (204, "")
    here.passes(submit(1))
    second = here.ask_until(200, f"/sections?since={version}")
    assert second.headers["x-version"] != version
    assert JOB_ID in second.text
    assert JOB_ID not in first.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../html.py",
        "/static/..%2fhtml.py",
        "/static/%2e%2e/html.py",
        "/static/..%5chtml.py",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/../static/../html.py",
        "/static/live.js%00.css",
        "/static/../static",
        "/static/.",
    ],
)
def test_only_what_is_in_the_folder_is_static(here: Serving, path: str) -> None:
    answer = here.ask(path)
    assert answer.status in (400, 403, 404)
    assert "html" not in answer.headers["content-type"]
    assert "import" not in answer.text
    assert str(STATIC) not in answer.text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_sent(here: Serving, path: str, method: str) -> None:
    assert here.ask(path, method).status == 405


def test_an_error_says_nothing_of_the_program(here: Serving, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise KeyError(json.dumps({"secret": TOKEN}))

    here.board.snapshot = fail  # type: ignore[assignment,method-assign]
    answer = here.ask(f"/sections?token={TOKEN}")
    assert (answer.status, answer.text) == (500, "500 Internal Server Error\n")
    assert "content-security-policy" in answer.headers
    assert "the status page failed at /sections: KeyError in fail, line " in caplog.text
    assert TOKEN not in caplog.text
