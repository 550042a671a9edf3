"""Bug reports as they are pasted into a tracker."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec import structs
from syrupy.assertion import SnapshotAssertion

from taskaudit import __version__
from taskaudit.auditor import Outcome
from taskaudit.bug.text import MOST_OTHERS, Seen, bug_text, worst
from taskaudit.contract.answer import Missing
from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.contract.words import Language
from taskaudit.following import follow
from taskaudit.lifecycle import Lifecycle
from tests.samples import AT, BAD_ERROR, JOB, JOB_ID, OWN_HOST, answer, outcome
from tests.stories import ask, submit

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HEADERS = ("Host", "X-Auth-Token", "Content-Type", "User-Agent")
PRETTY = json.dumps(
    {
        "request_id": "r",
        "server": {"adminPass": "hidden"},
        "error": {"message": "bad", "code": 400, "details": None},
    },
    indent=2,
)


def lived(*story: Outcome) -> Outcome:
    """The last exchange of a story on which the life of jobs says something."""
    lifecycle: Lifecycle[int] = Lifecycle()
    late = [each for at, told in enumerate(story) for each in follow(lifecycle, told, at)]
    at, finding = [*late, *lifecycle.finish()][-1]
    return structs.replace(story[at], late=(finding,))


OUTCOMES = {
    "a Number for a code": outcome(BAD_ERROR, 400, request_headers=HEADERS, request_type="application/json"),
    "in lines, with a query": outcome(PRETTY, 400, query="secret=1"),
    "a message that is missing": outcome('{"error": {"code": "Ecs.0001"}}', 403),
    "the documentation's broken example": outcome('{"error": {"message": "", "code": XXX，""}}', 400),
    "empty": outcome(""),
    "a status that disagrees": outcome(JOB, 500),
    "a placeholder": lived(ask(0, None, "None", code="Common.0011", message="no such job")),
    "never asked for": lived(submit(0)),
    "a job id twice": lived(submit(0), submit(1), ask(5, "SUCCESS")),
    "a status that is no String": outcome(
        '{"status": 7}', method="GET", path="/v1/p/jobs/8ab1", host=OWN_HOST
    ),
    "undecodable": outcome(answer=answer(b"{}", content_encoding="snappy")),
    "not seen": outcome(answer=answer(b"", missing=Missing.STREAMED)),
    "not listed": outcome('{"job_id": 5}', path="/v9/things/0123"),
    "a raw response": outcome(
        BAD_ERROR, 400, method=None, host=None, path=None, client=None, started=None, ended=None
    ),
    "a bare body": outcome('{"job_id": ""}', None, method=None, host=None, path=None, request_id=None),
}


def text_of(outcome: Outcome, finding: Finding | None = None, language: Language = Language.EN) -> str:
    return bug_text(outcome, finding, 1, language).replace(__version__, "VERSION")


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_bug(name: str, snapshot: SnapshotAssertion) -> None:
    assert text_of(OUTCOMES[name]) == snapshot


@pytest.mark.parametrize("name", OUTCOMES)
def test_in_chinese_it_has_the_same_parts(name: str) -> None:
    english, chinese = (PARSER.parse(text_of(OUTCOMES[name], language=each)) for each in Language)
    headings = [[t.type for t in told if t.type.startswith("heading")] for told in (english, chinese)]
    fences = [[t.content for t in told if t.type == "fence"] for told in (english, chinese)]
    assert headings[0] == headings[1]
    assert fences[0] == fences[1]


def test_in_chinese() -> None:
    text = text_of(OUTCOMES["a Number for a code"], language=Language.ZH)
    assert text.splitlines()[0].endswith(": error.code 为 Number 400，应为 String [TA306]")
    assert "## 发送的请求" in text
    assert "（第 1 行，第 38 列）" in text
    assert RULES["TA306"].why.zh in text


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (1, "- Seen: once\n"),
        (3, "- Seen: 3 times\n"),
        (Seen(2, AT, AT), "- Seen: 2 times\n"),
        (Seen(2), "- Seen: 2 times\n"),
        (
            Seen(2, AT - 1, AT),
            "- Seen: 2 times, from 2026-09-21T14:13:19.250000Z to 2026-09-21T14:13:20.250000Z\n",
        ),
    ],
)
def test_how_often_it_was_seen(seen: int | Seen, told: str) -> None:
    assert told in bug_text(outcome(BAD_ERROR, 400), None, seen)


def test_the_worst_comes_first() -> None:
    both = outcome('{"error": {"message": "", "code": 400}}', 400)
    assert [found.severity for found in both.findings] == [Severity.INFO, Severity.ERROR]
    assert worst(both).rule == "TA306"
    assert "[TA306]" in text_of(both).splitlines()[0]
    assert "- TA304 error-message-empty (info)" in text_of(both)
    assert "- TA306 error-code-not-string (error)" in text_of(both, both.findings[0])


def test_without_a_finding_there_is_no_report() -> None:
    with pytest.raises(ValueError, match="nothing was found"):
        bug_text(outcome(), None, 1)


def test_a_finding_on_an_answer_that_is_not_kept_any_more() -> None:
    broken = outcome(BAD_ERROR, 400)
    text = text_of(broken.without_bodies(), broken.findings[0])
    assert "The audit has not kept the body." in text
    assert "error.code is Number 400" in text


def test_very_many_findings_are_counted() -> None:
    entries = json.dumps({"error": {"message": "m", "code": "c", "details": [0] * 130}})
    text = text_of(outcome(entries, 400))
    assert text.count("\n- TA404") == MOST_OTHERS
    assert f"- and {130 - 1 - MOST_OTHERS} more\n" in text


@pytest.mark.parametrize("code", RULES)
@pytest.mark.parametrize("language", Language)
def test_the_words_of_every_rule_are_plain_text(code: str, language: Language) -> None:
    for words in (RULES[code].when, RULES[code].why):
        shown = [child for token in PARSER.parse(words.of(language)) for child in token.children or ()]
        assert {child.type for child in shown} <= {"text"}


HOSTILE = (
    "`@octocat` ``` </code><script>alert(1)</script> [a](javascript:b) ![](x)\n# b\r\x1b[31m\u202e | _x_"
)


def hostile(text: str) -> list[Outcome]:
    """Answers and requests that hold the text wherever something of them is shown."""
    members = {"code": text, "message": text, "details": text}
    bodies = [
        json.dumps({"error": members}),
        json.dumps({"error": {**members, "message": 1}}),
        json.dumps({"job_id": text}),
        json.dumps({"jobId": text, text: {"job_id": text}}),
        f'{{"error": {{"message": {text}',
        f'{{"error": {{"message": "m", "{text}": 1, "{text}": 2',
    ]
    asked = {"path": f"/v1/p/{text}", "host": text, "request_id": text, "request_headers": (text,)}
    return [outcome(body, 400, **asked) for body in bodies] + [outcome(body, 400) for body in bodies]


def assert_harmless(text: str) -> None:
    """Only what the report itself has: its headings, lists, links to RFCs; no HTML, no other line."""
    tokens = PARSER.parse(text)
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert kinds <= {
        "heading",
        "inline",
        "bullet_list",
        "list_item",
        "paragraph",
        "fence",
        "blockquote",
        "hr",
    }
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {
        "text",
        "code_inline",
        "link_open",
        "link_close",
        "strong_open",
        "strong_close",
    }
    links = [str(child.attrs["href"]) for child in inline if child.type == "link_open"]
    assert all(
        re.fullmatch(r"https://www\.rfc-editor\.org/rfc/rfc\d+\.html#section-[\d.]+", each) for each in links
    )
    plain = "".join(child.content for child in inline if child.type == "text")
    assert not set("@<>`") & set(plain)
    assert all(escape(line, len(line)) == line for line in text.split("\n"))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("each", hostile(HOSTILE))
def test_hostile_traffic_is_harmless(each: Outcome, language: Language) -> None:
    for finding in each.findings:
        assert_harmless(bug_text(each, finding, 2, language))


@given(st.text(max_size=30))
def test_any_traffic_is_harmless(text: str) -> None:
    for each in hostile(text):
        for finding in each.findings:
            assert_harmless(bug_text(each, finding, 2))


def test_what_the_contract_does_not_name_is_masked() -> None:
    told = {
        "token": "hunter2",
        "server": {"adminPass": "hunter2", "list": ["hunter2", 4711]},
        "error": {"message": "bad", "code": 400, "password": "hunter2", "details": {"key": "hunter2"}},
        "jobs": [{"secret": "hunter2"}],
    }
    for indent in (None, 1):
        each = outcome(json.dumps(told, indent=indent), 200, query="hunter2", request_type="hunter2")
        assert len(each.findings) > 2
        for finding in each.findings:
            text = bug_text(each, finding, 1)
            assert "hunter2" not in text
            assert "4711" not in text
            assert '"…"' in text or finding.rule == "TA104"


def test_the_job_is_named() -> None:
    assert f"- Job id: `{JOB_ID}`\n" in text_of(OUTCOMES["never asked for"])
