"""What the audit says of whole answers: kind, findings, pointers, places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from taskaudit.contract.answer import Allowance, Answer, Missing
from taskaudit.contract.audit import audit_submission
from taskaudit.contract.verdict import MAX_FINDINGS_PER_RULE, Kind, Verdict

PREPAID = Allowance(order_members=frozenset({"order_id"}), empty_statuses=frozenset({204}))


def audit(body: str | bytes, status: int | None = None, **facts: object) -> Verdict:
    raw = body if isinstance(body, bytes) else body.encode()
    return audit_submission(Answer(raw, status, **facts))  # type: ignore[arg-type]


def broken(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.rule, finding.pointer) for finding in verdict.findings]


def test_the_seed_pages_broken_example_is_unreadable() -> None:
    verdict = audit('{"error": {"message": "", "code": XXX，""}}')
    assert (verdict.kind, broken(verdict)) == (Kind.UNREADABLE, [("TA005", "")])
    assert verdict.findings[0].place == (1, 35)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"job_id": "a"}', Kind.JOB),
        ('{"error": {"message": "m", "code": "E.0001"}}', Kind.ERROR),
        ('{"job_id": "a", "error": {"message": "m", "code": "c"}}', Kind.AMBIGUOUS),
        ('{"job_id": "a", "error": null}', Kind.JOB),
        ('{"job_id": null, "error": {"message": "m", "code": "c"}}', Kind.ERROR),
        ('{"job_id": null}', Kind.JOB),
        ('{"error": null}', Kind.ERROR),
        ('{"job_id": null, "error": null}', Kind.AMBIGUOUS),
        ('{"error": null, "result": {"job_id": "a"}, "status": "success"}', Kind.ERROR),
        ('{"error_code": "A.1", "error_msg": "m"}', Kind.FOREIGN),
        ('{"error_code": "A.1", "error_msg": "m", "job_id": null}', Kind.JOB),
        ('{"errorCode": "A.1", "errorMsg": "m"}', Kind.FOREIGN),
        ('{"errCode": "A.1", "externalMessage": "m"}', Kind.FOREIGN),
        ('{"itemNotFound": {"message": "m", "code": 404}}', Kind.FOREIGN),
        ('{"code": 1, "message": "m"}', Kind.FOREIGN),
        ('{"type": "about:blank", "status": 404}', Kind.FOREIGN),
        ('{"type": "manual", "status": "BUILDING"}', Kind.UNRECOGNISED),
        ('{"error_code": null, "error_msg": null}', Kind.UNRECOGNISED),
        ('{"order_id": "CS1"}', Kind.UNRECOGNISED),
        ("{}", Kind.UNRECOGNISED),
        ("", Kind.UNREADABLE),
        ("[]", Kind.UNREADABLE),
    ],
)
def test_kind(body: str, kind: Kind) -> None:
    assert audit(body).kind is kind


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ('{"order_id": "CS1"}', 200, Kind.ORDER),
        ('{"order_id": "CS1", "volume_ids": []}', 202, Kind.ORDER),
        ('{"order_id": "CS1", "job_id": "a"}', 200, Kind.JOB),
        ('{"order_id": null}', 200, Kind.UNRECOGNISED),
        ('{"order_id": "CS1", "job_id": null}', 200, Kind.JOB),
        ('{"order_id": "CS1"}', 500, Kind.UNRECOGNISED),
        ("", 204, Kind.ACCEPTED),
        (" \r\n", 204, Kind.ACCEPTED),
        ("", 200, Kind.UNREADABLE),
        ("{}", 204, Kind.UNRECOGNISED),
    ],
)
def test_success_without_a_job_where_the_route_allows_it(body: str, status: int, kind: Kind) -> None:
    verdict = audit_submission(Answer(body.encode(), status), PREPAID)
    assert verdict.kind is kind
    assert bool(verdict.findings) == (
        kind in (Kind.UNRECOGNISED, Kind.UNREADABLE) or b"null" in body.encode()
    )


# Each: the body, then every finding as code and pointer, in order.
SAMPLES = [
    ('{"job_id": 7}', [("TA201", "/job_id")]),
    ('{"job_id": ["a"]}', [("TA201", "/job_id")]),
    ('{"job_id": "  "}', [("TA202", "/job_id"), ("TA203", "/job_id")]),
    ('{"job_id": "a b"}', [("TA203", "/job_id")]),
    ('{"job_id": "作业"}', [("TA203", "/job_id")]),
    (f'{{"job_id": "{"a" * 255}"}}', []),
    (f'{{"job_id": "{"a" * 256}"}}', [("TA203", "/job_id")]),
    ('{"job_id": "A-z.0_9~"}', []),
    ('{"job_id": "a", "serverIds": [1], "order_id": "b"}', []),
    ('{"job_id": "a", "job_id": "b"}', [("TA007", "/job_id")]),
    ('{"a/b": {"x~": 1, "x~": 2}, "job_id": "b"}', [("TA007", "/a~1b/x~0")]),
    ('{"\\u006aob_id": "a", "job_id": "b"}', [("TA007", "/job_id")]),
    ('{"jobId": "a"}', [("TA101", ""), ("TA105", "/jobId")]),
    ('{" job_id": "a"}', [("TA101", ""), ("TA105", "/ job_id")]),
    ('{"job-id": "a"}', [("TA101", ""), ("TA105", "/job-id")]),
    ('{"jobs": [{"job_id": "a"}, {"job_id": "b"}]}', [("TA101", ""), ("TA105", "/jobs/0/job_id")]),
    ('{"job": {"job_id": "a"}}', [("TA101", ""), ("TA105", "/job/job_id")]),
    ('{"a": {"b": {"job_id": "a"}}}', [("TA101", ""), ("TA105", "/a/b/job_id")]),
    ('{"a": {"b": {"c": {"job_id": "a"}}}}', [("TA101", "")]),
    ('{"error": "quota"}', [("TA301", "/error")]),
    ('{"error": {}}', [("TA302", "/error/message"), ("TA305", "/error/code")]),
    ('{"error": {"message": null, "code": null}}', [("TA303", "/error/message"), ("TA306", "/error/code")]),
    ('{"error": {"message": {}, "code": true}}', [("TA303", "/error/message"), ("TA306", "/error/code")]),
    ('{"error": {"message": " ", "code": ""}}', [("TA304", "/error/message"), ("TA307", "/error/code")]),
    ('{"error": {"message": "Ecs.0005", "code": "bad"}}', [("TA308", "/error/message")]),
    ('{"error": {"message": "Ecs.0005", "code": "Ecs.0005"}}', []),
    ('{"error": {"message": "Ecs.00055", "code": "bad"}}', []),
    ('{"error": {"message": "{\\"a\\": 1}", "code": "c"}}', [("TA309", "/error/message")]),
    ('{"error": {"message": "{not json", "code": "c"}}', []),
    ('{"error": {"message": "<!DOCTYPE html><p>", "code": "c"}}', [("TA309", "/error/message")]),
    ('{"error": {"message": "see <html>", "code": "c"}}', []),
    ('{"error": {"message": "m", "code": "c", "details": {}}}', [("TA401", "/error/details")]),
    ('{"error": {"message": "m", "code": "c", "details": "d"}}', [("TA401", "/error/details")]),
    ('{"error": {"message": "m", "code": "c", "details": null}}', [("TA402", "/error/details")]),
    ('{"error": {"message": "m", "code": "c", "details": []}}', [("TA403", "/error/details")]),
    ('{"error": {"message": "m", "code": "c", "details": [null]}}', [("TA404", "/error/details/0")]),
    (
        '{"error": {"message": "m", "code": "c", "details": [{"message": 1, "code": null}, {}, "x"]}}',
        [
            ("TA404", "/error/details/2"),
            ("TA405", "/error/details/0/message"),
            ("TA406", "/error/details/0/code"),
            ("TA407", "/error/details/1"),
        ],
    ),
    ('{"error": {"message": "m", "code": "c"}, "details": []}', [("TA408", "/details")]),
    ('{"error": {"message": "m", "code": "c", "details": [{"code": "d"}]}, "details": []}', []),
    ('{"job_id": "a", "error": null}', [("TA301", "/error")]),
    ('{"job_id": "a", "details": []}', []),
    (
        '{"job_id": "", "error": {"code": 1, "code": 400}}',
        [
            ("TA007", "/error/code"),
            ("TA102", ""),
            ("TA202", "/job_id"),
            ("TA302", "/error/message"),
            ("TA306", "/error/code"),
        ],
    ),
]


@pytest.mark.parametrize(("body", "expected"), SAMPLES)
def test_all_findings_at_once_in_order(body: str, expected: list[tuple[str, str]]) -> None:
    assert broken(audit(body)) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, '{"job_id": "a"}', ["TA104"]),
        (399, '{"job_id": "a"}', []),
        (200, '{"error": {"message": "m", "code": "c"}}', ["TA104"]),
        (400, '{"error": {"message": "m", "code": "c"}}', []),
        (None, '{"error": {"message": "m", "code": "c"}}', []),
        (200, '{"job_id": "a", "error": {"message": "m", "code": "c"}}', ["TA102"]),
        (500, "{}", ["TA101"]),
    ],
)
def test_the_status_and_the_body_agree(status: int | None, body: str, expected: list[str]) -> None:
    assert [rule for rule, _ in broken(audit(body, status))] == expected


@pytest.mark.parametrize(
    ("body", "found", "place"),
    [
        ('{"error": {"message": "bad", "code": 400}}', "Number 400", (1, 38)),
        ('{"error": {"message": "bad", "code": 4e2}}', "Number 4e2", (1, 38)),
        ('{"error": {"message": "错", "code": null}}', "null", (1, 36)),
        ('{\n  "error": {\n    "message": "bad",\n    "code": false\n  }\n}', "Boolean false", (4, 13)),
        ('{"error": {"message": "bad"}}', "nothing", (1, 11)),
        ('{"error": {"message": "m", "code": {"password": "x"}}}', "Object (1 member)", (1, 36)),
        (f'{{"job_id": "{"a" * 300}"}}', "String of 300 characters", (1, 12)),
        ('\n\n {"result": 1}', 'Object with "result"', (3, 2)),
        ('{"job_id": "a\\u001b[31m"}', 'String "a\\u001b[31m"', (1, 12)),
    ],
)
def test_what_was_found_and_where(body: str, found: str, place: tuple[int, int]) -> None:
    finding = audit(body).findings[0]
    assert (finding.found, finding.place) == (found, place)


@pytest.mark.parametrize(
    ("kind", "body", "recorded"),
    [
        (Kind.JOB, '{"job_id": "a"}', "a"),
        (Kind.AMBIGUOUS, '{"job_id": "a", "error": {}}', "a"),
        (Kind.JOB, '{"job_id": " "}', None),
        (Kind.JOB, '{"job_id": 7}', None),
        (Kind.UNRECOGNISED, '{"jobId": "a"}', None),
    ],
)
def test_which_job_id_is_recorded(kind: Kind, body: str, recorded: str | None) -> None:
    verdict = audit(body)
    assert (verdict.kind, verdict.job_id) == (kind, recorded)


def test_the_errors_code_and_message_are_kept() -> None:
    verdict = audit('{"error": {"message": "bad", "code": "Ecs.0005"}}')
    assert (verdict.error_code, verdict.error_message, verdict.well_formed) == ("Ecs.0005", "bad", True)


def test_a_rule_broken_very_often_is_counted_beyond_what_is_listed() -> None:
    details = ",".join("1" for _ in range(250))
    verdict = audit(f'{{"error": {{"message": "m", "code": "c", "details": [{details}]}}}}')
    pointers = [finding.pointer for finding in verdict.findings]
    assert pointers == [f"/error/details/{i}" for i in range(MAX_FINDINGS_PER_RULE)]
    assert verdict.omitted == (("TA404", 150),)


def test_duplicates_beyond_what_is_listed_are_counted() -> None:
    pairs = ",".join(f'"m{i}": 1, "m{i}": 2' for i in range(130))
    verdict = audit(f'{{"job_id": "a", {pairs}}}')
    assert len(verdict.findings) == MAX_FINDINGS_PER_RULE
    assert verdict.omitted == (("TA007", 30),)


@pytest.mark.parametrize("missing", list(Missing))
def test_no_other_rule_applies_to_an_unreadable_body(missing: Missing) -> None:
    verdict = audit('{"jobId": 1}', 400, missing=missing, headers_known=True)
    expected = "TA006" if missing is Missing.CUT_SHORT else "TA003"
    assert [f.rule for f in verdict.findings] == [expected]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["job_id", "error", "details", "message", "code", "order_id", "jobId"])
            | st.text(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(ANY_JSON, st.sampled_from([None, 200, 400]), st.booleans())
def test_any_json_gets_a_verdict(value: object, status: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    verdict = audit(body, status, headers_known=True, content_type="application/json")
    assert (verdict.kind is Kind.UNREADABLE) == (not isinstance(value, dict))
    assert list(verdict.findings) == sorted(verdict.findings, key=lambda f: f.rule)
    assert all(finding.place for finding in verdict.findings)


@given(st.binary(max_size=200), st.sampled_from(["", "gzip", "br", "zstd", "deflate", "x"]))
def test_any_bytes_get_a_verdict(body: bytes, coding: str) -> None:
    verdict = audit(body, 200, headers_known=True, content_encoding=coding)
    assert verdict.kind is not Kind.UNREADABLE or verdict.findings


ODD = {
    "several, the last one first": b'{"details": [], "job_id": 7, "error": {"message": "", "code": "c"}}',
    "two, the last one first": b'{"error": {"code": 7, "message": 1}}',
    "not JSON in the third line": b'{\n "job_id":\n  nope}',
    "a comma too many": '{"错误": 1,}'.encode(),
    "ends within": b'{"job_id": "a" \n',
    "trailing text": b'{"job_id": "a"} x',
    "ends within a character": '{"job_id": "错'.encode()[:-1],
    "repeated names": b'{"job_id": "a",\n"job_id": "b", "job_id": "c", "x": {"y": 1, "y": 2}}',
    "repeated, with a number that is none": b'{"a": 1, "a": NaN}',
    "repeated, then not JSON": b'{"job_id": "a", "job_id": "b", nope}',
    "a mark before it": b'\xef\xbb\xbf{"job_id": "a"}',
    "in GB18030": '{"job_id": "a",\n"x": "错"}'.encode("gb18030"),
    "in no charset": b'{"job_id": "a\xff"}',
    "a string": b'"job_id"',
    "an array": b"[1, 2]",
    "a large number": b'{"job_id": %s}' % (b"1" * 50),
    "a fraction as it is written": b'{"error": {"message": "m", "code": 4.00e2}}',
    "an id too long": b'{"job_id": "%s"}' % (b"a" * 256),
    "a blank id": b'{"job_id": " "}',
    "a page in the message": b'{"error": {"message": "<HTML><body>", "code": "c"}}',
    "a code of blanks": b'{"error": {"message": "m", "code": " "}}',
    "no members": b"{}",
    "many members": b'{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}',
    "an id deep inside": b'{"jobs": [{"id": 1}, {"job_id": "a"}], "a/b": {"job_id": "c"}}',
    "entries of every kind": b'{"error": {"message": "m", "code": "c",'
    b' "details": [1, {}, {"code": 2, "message": null}]}}',
}
HEADED = {
    "no Content-Type": None,
    "of another kind": "application/x-secret",
    "known to be wrong": "text/html; charset=utf-8",
    "with a suffix": "application/problem+json",
    "in capitals": "Application/JSON",
    "with parameters": "text/html; charset=utf-8; q=1",
    "UTF-16 that was declared": "application/json; charset=utf-16",
}


def said(name: str, verdict: Verdict) -> str:
    lines = [f"{name}: {verdict.kind.value}, job {verdict.job_id}, code {verdict.error_code}"]
    for each in verdict.findings:
        at = f"{each.place.line}:{each.place.column}" if each.place else "-"
        where = f"{each.rule} {each.pointer or '-'} {at} [{each.json_type}]"
        lines.append(f"  {where} {each.expected} | {each.found}")
    return "\n".join(lines)


def test_what_is_said_of_odd_answers(snapshot: SnapshotAssertion) -> None:
    told = [said(name, audit(body)) for name, body in ODD.items()]
    body = b'{"job_id": "a"}'
    told += [said(name, audit(body, headers_known=True, content_type=of)) for name, of in HEADED.items()]
    in_utf16 = audit('{"job_id": "a"}'.encode("utf-16"), content_type="application/json; charset=utf-16")
    told += [said("in UTF-16", in_utf16)]
    for charset, sent in (("utf-16-le", "utf-16-le"), ("ascii", "gb18030")):
        facts = {"content_type": f"application/json; charset={charset}"}
        told += [said(f"{sent}, called {charset}", audit('{"job_id": "错"}'.encode(sent), **facts))]
    told += [said("streamed", audit(b"", missing=Missing.STREAMED))]
    cut = b'{"job_id":\n "a\xff'
    told += [said("cut short", audit(cut, missing=Missing.CUT_SHORT))]
    told += [said("cut short, encoded", audit(cut, missing=Missing.CUT_SHORT, content_encoding="gzip"))]
    told += [said(f"a job with {status}", audit(body, status)) for status in (399, 400)]
    assert "\n".join(told) == snapshot


@pytest.mark.parametrize(
    ("status", "kind"), [(None, Kind.ORDER), (399, Kind.ORDER), (400, Kind.UNRECOGNISED)]
)
def test_an_order_is_a_success(status: int | None, kind: Kind) -> None:
    assert audit_submission(Answer(b'{"order_id": "CS1"}', status), PREPAID).kind is kind


@pytest.mark.parametrize(("more", "rules"), [(0, []), (1, ["TA003"])])
def test_up_to_the_limit_all_is_inspected(more: int, rules: list[str]) -> None:
    body = b'{"job_id": "a"}'
    for sent in (body, b"\xef\xbb\xbf" + body):
        verdict = audit_submission(Answer(sent), limit=len(sent) - more)
        assert [each.rule for each in verdict.findings if each.rule != "TA010"] == rules


def test_just_as_many_as_are_listed() -> None:
    details = ",".join("1" for _ in range(MAX_FINDINGS_PER_RULE))
    verdict = audit(f'{{"error": {{"message": "m", "code": "c", "details": [{details}]}}, "x": 1, "x": 1}}')
    assert (len(verdict.findings), verdict.omitted) == (MAX_FINDINGS_PER_RULE + 1, ())


def test_only_strings_are_taken_for_an_errors_code_and_message() -> None:
    verdict = audit('{"error": {"message": ["m"], "code": 7}}')
    assert (verdict.error_code, verdict.error_message) == (None, None)
