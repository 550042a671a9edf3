"""TA0xx: reading the body."""

from __future__ import annotations

from taskaudit.contract.rules.rule import Example, Rule
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

_JOB = '{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
_GOOD = Example(_JOB)

TA001 = Rule(
    "TA001",
    "body-missing",
    Severity.ERROR,
    when=Words(
        "the body is empty, or white space only, where the route does not allow it",
        "",
    ),
    why=Words(
        "The client has no job id to ask for and no error to show. The vendor's SDK returns an object whose "
        "job_id is None, and the None then goes into the URL of the status query.",
        "",
    ),
    source="contract, section 1; Huawei Cloud API reference, task-class responses",
    bad=Example("", status=202),
    good=Example(_JOB, status=202),
)
TA002 = Rule(
    "TA002",
    "body-undecodable",
    Severity.ERROR,
    when=Words(
        "Content-Encoding is unknown, corrupt or cut short, or expands beyond the inspection limit",
        "",
    ),
    why=Words(
        "HTTP clients raise a decoding error of their own, deep inside the transport, and the job id is lost "
        "although the task may be running.",
        "",
    ),
    source="RFC 9110, section 8.4",
    bad=Example(_JOB, content_encoding="snappy"),
    good=_GOOD,
)
TA003 = Rule(
    "TA003",
    "body-not-seen",
    Severity.WARNING,
    when=Words(
        "the body is larger than the inspection limit, or was streamed past the audit",
        "",
    ),
    why=Words(
        "Nothing is known of this answer: it is neither good nor bad. The envelopes are a few hundred bytes, "
        "so a larger body is suspicious in itself.",
        "",
    ),
    source="contract, section 4",
    bad=Example(_JOB, limit=16, note="with an inspection limit of 16 bytes"),
    good=_GOOD,
)
TA004 = Rule(
    "TA004",
    "body-not-utf8",
    Severity.ERROR,
    when=Words(
        "the JSON text is not in UTF-8",
        "",
    ),
    why=Words(
        "JSON parsers take UTF-8 for granted: they raise, or turn the message into replacement characters.",
        "",
    ),
    source="RFC 8259, section 8.1",
    bad=Example(
        '{"error": {"message": "配额不足", "code": "Ecs.0001"}}'.encode("gb18030"),
        status=400,
        note="the message is in GB18030",
    ),
    good=Example('{"error": {"message": "配额不足", "code": "Ecs.0001"}}', status=400),
)
TA005 = Rule(
    "TA005",
    "body-not-json",
    Severity.ERROR,
    when=Words(
        "the body is not one valid JSON text: NaN, comments, trailing commas, trailing text, escaped lone "
        "surrogates and too deep nesting count",
        "",
    ),
    why=Words(
        "The client's parser raises. The user sees a parser's message in place of the API's own error.",
        "",
    ),
    source="RFC 8259, section 2",
    bad=Example('{"error": {"message": "", "code": XXX，""}}', status=400),
    good=Example('{"error": {"message": "bad request", "code": "XXX"}}', status=400),
)
TA006 = Rule(
    "TA006",
    "body-cut-short",
    Severity.ERROR,
    when=Words(
        "the JSON text, or the HTTP message, ends early",
        "",
    ),
    why=Words(
        "The client's parser raises, or the connection counts as broken and the request is sent again: the "
        "task may then run twice.",
        "",
    ),
    source="RFC 9112, section 8; RFC 8259, section 2",
    bad=Example('{"job_id": "70a599e0-31e7'),
    good=_GOOD,
)
TA007 = Rule(
    "TA007",
    "duplicate-member",
    Severity.ERROR,
    when=Words(
        "an object names a member twice, at any depth",
        "",
    ),
    why=Words(
        "Parsers differ on which of the two counts: most take the last, some the first, some raise. Two "
        "clients of the same answer then follow two different jobs.",
        "",
    ),
    source="RFC 8259, section 4",
    bad=Example('{"job_id": "8ab1", "job_id": "8ab2"}'),
    good=Example('{"job_id": "8ab2"}'),
)
TA008 = Rule(
    "TA008",
    "body-not-object",
    Severity.ERROR,
    when=Words(
        "the body is valid JSON, but not an object at the top level",
        "",
    ),
    why=Words(
        "Clients look members up by name: on an Array or a String that raises, far from the request.",
        "",
    ),
    source="contract, section 1",
    bad=Example('["70a599e0-31e7-49b7-b260-868f441e862b"]'),
    good=_GOOD,
)
TA009 = Rule(
    "TA009",
    "content-type-not-json",
    Severity.WARNING,
    when=Words(
        "Content-Type is missing, or neither application/json nor +json, on a JSON object",
        "",
    ),
    why=Words(
        "Clients choose their parser by this header: many leave the body as text, and find no job id.",
        "",
    ),
    source="RFC 8259, section 11; RFC 6838, section 4.2.8",
    bad=Example(_JOB, content_type="text/plain"),
    good=_GOOD,
)
TA010 = Rule(
    "TA010",
    "byte-order-mark",
    Severity.WARNING,
    when=Words(
        "the UTF-8 text starts with a byte order mark",
        "",
    ),
    why=Words(
        "Strict parsers (Python's json on text, Go's encoding/json) refuse the text at its first byte.",
        "",
    ),
    source="RFC 8259, section 8.1",
    bad=Example("\ufeff" + _JOB),
    good=_GOOD,
)
