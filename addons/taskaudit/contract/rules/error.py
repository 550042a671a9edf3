"""TA3xx: error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jiter import from_json

from taskaudit.contract.rules.rule import Example, Fault, Rule
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Words

_SOURCE = "Huawei Cloud API reference, task-class responses"
_GOOD = Example('{"error": {"message": "Insufficient ECS quota.", "code": "Ecs.0001"}}', status=403)

TA301 = Rule(
    "TA301",
    "error-not-object",
    Severity.ERROR,
    when=Words(
        "error is of another JSON type than Object, null included",
        "",
    ),
    why=Words(
        "Clients read error.code and error.message: that raises, and hides the reason.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": "Insufficient ECS quota."}', status=403),
    good=_GOOD,
)
TA302 = Rule(
    "TA302",
    "error-message-missing",
    Severity.ERROR,
    when=Words(
        "error has no message",
        "",
    ),
    why=Words(
        "The user gets no text to act on. The vendor's SDK leaves its error empty, code and all, unless it "
        "finds both members.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"code": "Ecs.0001"}}', status=403),
    good=_GOOD,
)
TA303 = Rule(
    "TA303",
    "error-message-not-string",
    Severity.ERROR,
    when=Words(
        "error.message is of another JSON type than String, null included",
        "",
    ),
    why=Words(
        "Typed clients refuse the whole answer; others show the user a raw structure, or 'None'.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": null, "code": "Ecs.0001"}}', status=403),
    good=_GOOD,
)
TA304 = Rule(
    "TA304",
    "error-message-empty",
    Severity.INFO,
    when=Words(
        "error.message is empty, or white space only",
        "",
    ),
    why=Words(
        "It is allowed, the documentation's own example does it; but the user is left with a bare code.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": "", "code": "Ecs.0001"}}', status=403),
    good=_GOOD,
)
TA305 = Rule(
    "TA305",
    "error-code-missing",
    Severity.ERROR,
    when=Words(
        "error has no code",
        "",
    ),
    why=Words(
        "Clients branch on the code: whether to try again, to wait, to give up. Without it they cannot.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": "Insufficient ECS quota."}}', status=403),
    good=_GOOD,
)
TA306 = Rule(
    "TA306",
    "error-code-not-string",
    Severity.ERROR,
    when=Words(
        "error.code is of another JSON type than String, null and Numbers included",
        "",
    ),
    why=Words(
        "A comparison with a documented code never matches, and typed clients refuse the answer. 400 is the "
        "common one: the HTTP status in the place of the code.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": "bad", "code": 400}}', status=400),
    good=Example('{"error": {"message": "bad", "code": "Ecs.0005"}}', status=400),
)
TA307 = Rule(
    "TA307",
    "error-code-empty",
    Severity.WARNING,
    when=Words(
        "error.code is empty, or white space only",
        "",
    ),
    why=Words(
        "Clients that branch on the code fall into their default, mostly 'try again'.",
        "",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": "Insufficient ECS quota.", "code": ""}}', status=403),
    good=_GOOD,
)
TA308 = Rule(
    "TA308",
    "error-members-swapped",
    Severity.WARNING,
    when=Words(
        "message looks like a documented code and code does not",
        "",
    ),
    why=Words(
        "The user is shown a code for a text, and no comparison of codes ever matches.",
        "",
    ),
    source="Huawei Cloud API reference, ECS examples",
    bad=Example('{"error": {"message": "Ecs.0005", "code": "request body is illegal."}}', status=400),
    good=Example('{"error": {"message": "request body is illegal.", "code": "Ecs.0005"}}', status=400),
)
TA309 = Rule(
    "TA309",
    "error-message-embeds-body",
    Severity.WARNING,
    when=Words(
        "message is itself a JSON object or an HTML page in a String",
        "",
    ),
    why=Words(
        "An inner service's answer was passed on unread: the real code is in a text that no client reads.",
        "",
    ),
    source="recorded answers of the ECS API",
    bad=Example(
        r'{"error": {"message": "{\"fault\": {\"message\": \"no\", \"code\": 400}}", "code": "Ecs.1000"}}',
        status=400,
    ),
    good=Example('{"error": {"message": "no", "code": "Ecs.1000"}}', status=400),
)

_DOCUMENTED_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\.(?:[0-9]{4}|[0-9]{6}|[0-9]{8})")
_HTML = re.compile(r"\s*(?:<!doctype\s+html|<html|<head|<body)\b", re.IGNORECASE)


def error_message_empty(message: str) -> Iterator[Fault]:
    """TA304."""
    if not message.strip():
        yield TA304.at("/error/message", "a text for the user")


def error_code_empty(code: str) -> Iterator[Fault]:
    """TA307."""
    if not code.strip():
        yield TA307.at("/error/code", "a documented code")


def error_members_swapped(message: str, code: str) -> Iterator[Fault]:
    """TA308."""
    if is_documented_code(message) and not is_documented_code(code):
        yield TA308.at("/error/message", "the code in error.code")


def error_message_embeds_body(message: str) -> Iterator[Fault]:
    """TA309."""
    if _HTML.match(message):
        yield TA309.at("/error/message", "a text for the user", "String that holds an HTML page")
    elif _is_json_object(message):
        yield TA309.at("/error/message", "a text for the user", "String that holds a JSON object")


def is_documented_code(text: str) -> bool:
    """Whether `text` has the form of the documented codes: `Prefix.` and 4, 6 or 8 digits."""
    return _DOCUMENTED_CODE.fullmatch(text.strip()) is not None


def _is_json_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(from_json(text.encode("utf-8", "surrogatepass")), dict)
    except ValueError:
        return False
