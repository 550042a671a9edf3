"""The pages as text: what they hold, in which order, and that nothing in them comes from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from taskaudit.auditor import Outcome
from taskaudit.config.loading import load
from taskaudit.contract.words import Language
from taskaudit.reports.gather import gather
from taskaudit.reports.html import STATIC, as_html, live_html, sections_html
from taskaudit.reports.model import Report
from taskaudit.reports.page import REPORT
from tests.samples import BAD_ERROR, JOB_ID, outcome
from tests.stories import ask, submit, write_log

EVIL = "<img src=x onerror=alert(1)>\"'{{7*7}}\x1b[31m\u202e</script><script>alert(2)</script>"
"""Harmful in HTML, in templates, in terminals, to the eye."""

type Gather = Callable[..., Report]


class Tags(HTMLParser):
    """All start tags with their attributes, and the text outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inlined: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.inlined.append((self.cdata_elem, data))
        else:
            self.text.append(data)

    def values(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


@pytest.fixture
def told(log_path: Path) -> Gather:
    def of(*outcomes: Outcome) -> Report:
        return gather([write_log(log_path, outcomes)], load())

    return of


def evil() -> Iterator[Outcome]:
    """Traffic that wants to harm wherever it is shown."""
    yield submit(1, EVIL, request_id=EVIL, client=EVIL, host=EVIL)
    yield ask(2, "FAIL" + EVIL, EVIL, fail_reason=EVIL, error_code=EVIL)
    yield outcome(
        json.dumps({"error": {"message": EVIL, "code": 4, "details": EVIL}}), 400, path=f"/v1/{EVIL}"
    )


def story() -> Iterator[Outcome]:
    """One job that ends, one that nobody asks for, a malformed error."""
    yield submit(0)
    yield ask(5, "RUNNING")
    yield ask(9, "SUCCESS")
    yield submit(20, "never")
    yield outcome(BAD_ERROR, 400)


@pytest.fixture(params=Language)
def language(request: pytest.FixtureRequest) -> Language:
    return Language(request.param)


def test_sections_stand_in_order(told: Gather, language: Language) -> None:
    html = sections_html(told(*story()), language)
    assert re.findall(r'<section id="(\w+)"', html) == [
        "verdict",
        "counts",
        "charts",
        "findings",
        "timeline",
        "jobs",
        "operations",
        "rules",
    ]


@pytest.mark.parametrize("outcomes", [(), tuple(story()), tuple(evil())], ids=["nothing", "story", "evil"])
def test_nothing_runs_or_is_loaded_that_is_not_ours(
    told: Gather, language: Language, outcomes: tuple[Outcome, ...]
) -> None:
    report = told(*outcomes)
    for html in (as_html(report, language), sections_html(report, language), live_html(report, language, 1)):
        page = Tags(html)
        names = {name for _, attributes in page.tags for name in attributes}
        assert "style" not in names
        assert not {name for name in names if name.startswith("on")}
        assert not {tag for tag, _ in page.tags} & {"img", "iframe", "object", "embed", "form", "base"}
        addresses = [*page.values("href"), *page.values("src")]
        assert {a for a in addresses if not a.startswith(("#", "/static/", "data:,"))} == set()


def test_hostile_text_is_shown_harmless(told: Gather, language: Language) -> None:
    page = Tags(as_html(told(*evil()), language))
    shown = "".join(page.text)
    assert "<img src=x onerror=alert(1)>\"'{{7*7}}\\u001b[31m\\u202e</script>" in shown
    for text in (shown, *(value or "" for _, attributes in page.tags for value in attributes.values())):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_links_in_the_page_lead_somewhere(told: Gather, language: Language) -> None:
    page = Tags(as_html(told(*story(), *evil()), language))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("href") if link.startswith("#")} - set(ids) == set()
    pointed = [name for value in page.values("aria-labelledby") for name in value.split()]
    assert set(pointed) | set(page.values("for")) <= set(ids)


def test_the_policy_names_what_is_inlined(told: Gather) -> None:
    html = as_html(told(), Language.EN)
    page = Tags(html)
    (policy,) = (a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    inlined = {tag: "" for tag, _ in page.inlined}
    for tag, text in page.inlined:
        inlined[tag] += text
    assert set(inlined) == {"style", "script"}
    for text in inlined.values():
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in (policy or "")
    assert (policy or "").startswith("default-src 'none'; ")
    assert "unsafe" not in (policy or "")


@pytest.mark.parametrize("name", ["report.css", "report.js", "live.js"])
def test_static_files_load_nothing_and_can_be_inlined(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert "\r" not in text
    assert not re.search(r"</|https?:|@import|url\(|innerHTML|eval\(", text)


def test_the_page_says_its_language(told: Gather) -> None:
    assert '<html lang="en">' in as_html(told(), Language.EN)
    assert '<html lang="zh-Hans">' in live_html(told(), Language.ZH, 1)


def test_a_finding_leads_to_its_explanation(told: Gather) -> None:
    html = sections_html(told(*story()), Language.EN)
    assert 'href="#rule-TA306"' in html
    assert 'id="rule-TA306"' in html
    assert "A comparison with a documented code never matches" in html
    assert "HTTP 400" in html


def test_a_finding_tells_its_place_once(told: Gather) -> None:
    bodies = ('{"error": XXX}', "{}", BAD_ERROR)
    answers = (outcome(body, 400, exchange_id=str(n)) for n, body in enumerate(bodies))
    html = sections_html(told(*answers, ask(9, None, "None")), Language.EN)
    cells = re.findall(r'data-label="Where">(.*?)</td>', html)
    assert [" ".join("".join(Tags(cell.partition("<br>")[2]).text).split()) for cell in cells] == [
        "line 1, column 11",
        "the answer as a whole",
        "/error/code line 1, column 38",
        "the request",
    ]


def test_findings_are_told_in_the_readers_language(told: Gather) -> None:
    html = sections_html(told(submit(0)), Language.ZH)
    assert "从未查询" in html
    assert "no query" not in html


def test_a_job_is_told_query_by_query(told: Gather) -> None:
    text = " ".join(Tags(sections_html(told(*story()), Language.EN)).text)
    assert JOB_ID in text
    assert re.search(r"14:13:25\.000\s+\+5\.0 s\s+RUNNING", text)
    assert re.search(r"14:13:29\.000\s+\+9\.0 s\s+SUCCESS", text)


def test_what_is_left_out_is_counted(told: Gather) -> None:
    report = told(*(submit(at, f"j-{at}") for at in range(10)))
    html = as_html(report, Language.EN, REPORT._replace(jobs=4, pictured=2))
    assert "6 more jobs, older ones, are not shown here" in html
    assert "8 more jobs, older ones or without a time, are not in the picture" in html
    assert html.count('<tr role="row" id="job-') == 4


@pytest.mark.parametrize("count", [1, 50, 60])
def test_damage_is_listed_up_to_a_limit(told: Gather, count: int) -> None:
    report = replace(told(), damaged=tuple(f"a.har, entry {n}: cut short" for n in range(count)))
    html = sections_html(report, Language.EN)
    assert html.count("cut short") == min(count, 50)
    assert ("and 10 more" in html) is (count == 60)


def test_nothing_is_no_success(told: Gather) -> None:
    html = sections_html(told(), Language.EN)
    assert "Nothing was audited" in html
    assert 'id="verdict" class="is-none"' in html
    assert "seen 0 = other 0 + audited 0 + unaudited 0" in html


def test_a_log_of_a_later_version_may_have_rules_unknown_here(told: Gather) -> None:
    report = told(outcome(BAD_ERROR, 400))
    newer = replace(report, findings=(replace(report.findings[0], rule="TA999", name="new"),))
    html = as_html(newer, Language.EN)
    assert ">TA999</span>" in html
    assert "#rule-TA999" not in html


def test_the_live_page_begins_with_its_version(told: Gather) -> None:
    assert '<main id="report" data-version="17">' in live_html(told(), Language.EN, 17)
