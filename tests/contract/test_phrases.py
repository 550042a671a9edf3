"""No phrase of a finding is left in English: in the source, in examples, and in made-up answers."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskaudit.contract.answer import STRICT, Answer, Missing
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.job_status import FLAT, StatusShape, audit_job_status
from taskaudit.contract.phrases import PHRASES, spoken
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Example
from taskaudit.contract.verdict import Finding
from taskaudit.contract.words import Language
from taskaudit.following import follow
from taskaudit.lifecycle import Late, Lifecycle, Thresholds
from tests.contract.test_corpus import CORPUS, audit, entries
from tests.samples import AT, auditor, exchange, outcome

PACKAGE = Path(__file__).resolve().parents[2] / "addons" / "taskaudit"

# What is said in English in every language: types, names, formats, and the notation of characters.
KEPT = re.compile(
    r"Array of Object|String|Number|Boolean|true|false|null|Object|Array"
    r"|HTTP|HTML|JSON|UTF-8|URL|ID|Unicode|Content-Type|Content-Encoding"
    r"|(?:application|binary|text)/[a-z-]+|gzip|x-gzip|deflate|br|zstd|gateway|fault|flat|problem|sdk|SDK|API|gb18030|big5"
    r"|job_id|error\.code|error|details|U\+[0-9A-F]+|0x[0-9A-F]{2}|\\[uU][0-9a-fA-F]+|\\[nrt]"
)
QUOTED = re.compile(r'"[^"]*"')


def left(text: str) -> list[str]:
    """The English words in a phrase that was to be in Chinese."""
    return re.findall(r"[A-Za-z]{2,}", KEPT.sub(" ", QUOTED.sub(" ", text)))


def assert_spoken(findings: Iterable[Finding]) -> None:
    for finding in findings:
        for text in (finding.expected, finding.found):
            told = spoken(text, Language.ZH)
            assert spoken(text, Language.EN) == text
            assert told == text if text.startswith('String "') else left(told) == [], (
                finding.rule,
                text,
                told,
            )


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("String", "String"),
        ("Array of Object", "Array of Object"),
        ("null", "null"),
        ("Number 400", "Number 400"),
        ("HTTP 403", "HTTP 403"),
        ('String "nothing"', 'String "nothing"'),
        ('String "at most 3 bytes"', 'String "at most 3 bytes"'),
        ('"None"', '"None"'),
        ("nothing", "无"),
        ("Object (2 members)", "Object（2 个成员）"),
        ("Object (1 member)", "Object（1 个成员）"),
        ("Array (1 entry)", "Array（1 个条目）"),
        ("Array of Object, or absent", "Array of Object，或省略"),
        ('Object with "a", "b c" and 3 more', '含有 "a", "b c" 及另外 3 个成员的 Object'),
        ('Object with "a"', '含有 "a" 的 Object'),
        ("Object in the gateway error dialect", "采用 gateway 错误格式的 Object"),
        ('"，" (U+FF0C): expected `,` or `}`', '"，" (U+FF0C)：应为 `,` 或 `}`'),
        ('""" (U+0022): trailing characters', '""" (U+0022)：尾随字符'),
        ("the end of the text: trailing comma", "文本末尾：多余的末尾逗号"),
        ("the same request while job 8ab1 is not final", "任务 8ab1 尚未到达终态时的相同请求"),
        (
            "a query of the job's status within 1e+06 s, or by the end",
            "在 1e+06 s 之内，或到结束时，查询过任务状态",
        ),
        ("KeyError in <lambda>, line 12", "KeyError，位于 <lambda> 第 12 行"),
        ("words of another version", "words of another version"),
        ("", ""),
    ],
)
def test_a_phrase(english: str, chinese: str) -> None:
    assert spoken(english, Language.ZH) == chinese
    assert spoken(english, Language.EN) == english


def test_what_is_left_is_seen() -> None:
    assert left("在 5 s 之内 within the time") == ["within", "the", "time"]
    assert left('"job_id" or "error"') == ["or"]
    assert left("Array of Object，或省略") == []


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.en)
def test_every_phrase_has_its_words(phrase: tuple[str, str]) -> None:
    english, chinese = phrase
    holes = re.compile(r"\{[a-z]+\}")
    assert sorted(holes.findall(english)) == sorted(holes.findall(chinese))
    assert english != chinese
    assert left(holes.sub(" ", chinese)) == []
    assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9{]|[A-Za-z0-9}][\u4e00-\u9fff]", chinese)


def test_no_phrase_is_there_twice() -> None:
    assert len({phrase.en for phrase in PHRASES}) == len(PHRASES)


# Which arguments of a call say what was expected and found.
TELLING = {
    "at": slice(1, 3),
    "_Broken": slice(0, 1),
    "Undecodable": slice(0, 1),
    "_malformed": slice(2, 3),
    "_finding": slice(2, 4),
    "Finding": slice(4, 6),
}
# What stands in the holes of phrases, where that is not just a number or a name.
IN_HOLES = {
    "broken.expected": "Array of Object",
    "_names(value)": '"a"',
    "_shown(name)": '"snappy"',
    "dialect(value)": "flat",
    "job.status": "RUNNING",
    "at": '"，" (U+FF0C)',
    "what": "trailing comma",
    "shown": "text/html",
}
MODULES = sorted({*(PACKAGE / "contract").rglob("*.py"), PACKAGE / "lifecycle.py", PACKAGE / "guard.py"})


def phrases_in(path: Path) -> set[str]:
    """What the findings of a module say, as far as it stands in its source."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    told = [arg for call in calls for arg in call.args[TELLING.get(_called(call), slice(0))]]
    named = {node.id for each in told for node in ast.walk(each) if isinstance(node, ast.Name)}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and {ast.unparse(target) for target in node.targets} & named:
            told.append(node.value)
        elif isinstance(node, ast.FunctionDef) and node.name == "_unknown":
            told += [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value]
    return {text for each in told for text in _texts(each)}


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(_filled(part) for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))


def _filled(part: ast.expr) -> str:
    if isinstance(part, ast.FormattedValue):
        hole = ast.unparse(part.value)
        return "" if hole == "kept" else IN_HOLES.get(hole, "7")
    assert isinstance(part, ast.Constant)
    return str(part.value)


def test_the_phrases_of_the_source_are_found() -> None:
    texts = set().union(*map(phrases_in, MODULES))
    assert len(texts) > 60
    assert texts >= {
        "a text for the user",
        "the job id that was asked for",
        "7 data cut short",
        "no JSON object",
        "no Content-Type",
        "an audit that does not fail",
        "an id that no submission returned",
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_phrases_of_the_source_are_spoken(path: Path) -> None:
    untold = {text: words for text in phrases_in(path) if (words := left(spoken(text, Language.ZH)))}
    assert untold == {}


@pytest.mark.parametrize(
    "rule", [r for r in RULES.values() if isinstance(r.bad, Example)], ids=lambda r: r.code
)
def test_the_examples_of_rules_are_spoken(rule: object) -> None:
    bad = rule.bad  # type: ignore[attr-defined]
    answer = Answer(bad.sent, bad.status, True, bad.content_type, bad.content_encoding, bad.missing)
    findings = audit_submission(answer, STRICT, bad.limit).findings
    assert findings
    assert_spoken(findings)


@pytest.mark.skipif(not CORPUS.exists(), reason="the published answers do not lie beside the project")
def test_published_answers_are_spoken() -> None:
    assert_spoken(finding for entry in entries() for finding in audit(entry).findings)


@pytest.mark.parametrize(
    "body",
    [
        "NaN",
        '{"a": 1',
        "{1: 1}",
        '{"a" 1}',
        '{"a": 1 "b"}',
        "[1 2]",
        "[1,]",
        "[1,",
        r'"\x"',
        r'"\ud800"',
        r'"\ud800\u0041"',
        '{"a": 01}',
        "trux",
        "{} x",
        "[" * 1000,
        '"\x01"',
        "1.x",
        "[" + "1" * 5000 + "]",
        "{} ",
        "{}\0",
        '{"a": "' + "\udc80" + '"}',
    ],
)
def test_what_the_parser_says_is_spoken(body: str) -> None:
    assert_spoken(audit_submission(Answer(body.encode("utf-8", "surrogatepass"), 200)).findings)


# Without letters, so that each word that is left is one of ours; the names and values that rules know apart.
TEXT = st.text(st.characters(exclude_categories=["Ll", "Lu", "Lt", "Lm", "Cs"]), max_size=20)
NAMES = st.sampled_from(
    ["job_id", "jobId", "error", "message", "code", "details", "error_code", "error_msg", "status", "type"]
)
# Where a name is a quotation mark, `left` takes what stands between two others for one: no letters there.
QUIET = TEXT.filter(lambda text: '"' not in text)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.sampled_from(["<html>", "Ecs.0001", "", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | QUIET, inner, max_size=7)
        | st.dictionaries(TEXT, inner, max_size=7)
    ),
    max_leaves=12,
)
ERROR = st.fixed_dictionaries({}, optional={"message": VALUE, "code": VALUE, "details": VALUE})
ENVELOPE = st.fixed_dictionaries({}, optional={"job_id": VALUE, "error": ERROR | VALUE, "details": VALUE})
STATUS = st.sampled_from([None, 200, 204, 400, 500])


@given(VALUE | ENVELOPE, STATUS, st.booleans())
@example({"job_id": "7" * 300}, 200, True)
@example({"job_id": "7", "error": None}, 200, False)
def test_made_up_answers_are_spoken(value: object, status: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert_spoken(audit_submission(Answer(body, status, True, "application/json")).findings)


@given(
    st.binary(max_size=60) | TEXT.map(str.encode),
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br", "lz4", "7", ",".join(["gzip"] * 7)]),
    st.sampled_from(
        [None, "text/html", "7/7", "application/json; charset=gb18030", "text/plain; charset=big5"]
    ),
    st.sampled_from([None, *Missing]),
    st.sampled_from([16, 1 << 20]),
)
@example(b"\x80", "", None, None, 1 << 20)
@example(b"\xef\xbb\xbf{}", "", "7/7", None, 1 << 20)
def test_made_up_bodies_are_spoken(
    body: bytes, coding: str, media_type: str | None, missing: Missing | None, limit: int
) -> None:
    answer = Answer(body, 200, True, media_type, coding, missing)
    assert_spoken(audit_submission(answer, limit=limit).findings)


@given(VALUE, st.sampled_from([FLAT, StatusShape("details", "code")]))
def test_made_up_answers_to_job_queries_are_spoken(value: object, shape: StatusShape) -> None:
    assert_spoken(audit_job_status(Answer(json.dumps(value).encode(), 200), "8ab1", shape).findings)


def life() -> Iterator[Late[int]]:
    """The life of jobs with all that can go wrong, in a table too small for them."""
    lifecycle = Lifecycle[int](Thresholds(table_size=2))
    asked = [("POST", "/v1/p/cloudservers", f'{{"job_id": "{n}"}}') for n in (1, 1, 2, 3)]
    asked += [
        ("GET", f"/v1/p/jobs/{id}", '{"status": "RUNNING"}') for id in ("3", "3", "3", "3", "3", "1", "9")
    ]
    asked += [("GET", f"/v1/p/jobs/{id}", '{"status": "SUCCESS"}') for id in ("None", "9", "9", "9")]
    asked += [
        ("POST", "/v1/p/cloudservers", '{"job_id": "4"}'),
        ("GET", "/v1/p/jobs/4", '{"status": "INIT"}'),
    ]
    asked += [("POST", "/v1/p/cloudservers", '{"job_id": "5"}')]
    for number, (method, path, body) in enumerate(asked):
        looked = auditor().look(
            exchange(body, method=method, path=path, ended=AT + number / 10, request_digest=method),
            known=lifecycle.known,
        )
        yield from follow(lifecycle, looked, number)
    yield from lifecycle.finish()
    yield from lifecycle.queried(AT + 99, 99, "", None, is_final=False)


def test_findings_on_the_life_of_jobs_are_spoken() -> None:
    findings = [late.finding for late in life()]
    assert {f.rule for f in findings} >= {f"TA50{n}" for n in range(1, 8)}
    assert any("still remembered" in finding.found for finding in findings)
    assert_spoken(findings)


def test_findings_of_outcomes_are_spoken() -> None:
    assert_spoken(outcome("", 202).findings)
