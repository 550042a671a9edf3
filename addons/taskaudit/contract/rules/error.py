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
        "error is of another JSON type than Object, null included", "error 的 JSON 类型不是 Object，包括 null"
    ),
    why=Words(
        "Clients read error.code and error.message: that raises, and hides the reason.",
        "客户端会读取 error.code 和 error.message：这会抛出异常，并掩盖真正的原因。",
    ),
    source=_SOURCE,
    bad=Example('{"error": "Insufficient ECS quota."}', status=403),
    good=_GOOD,
)
TA302 = Rule(
    "TA302",
    "error-message-missing",
    Severity.ERROR,
    when=Words("error has no message", "error 中没有 message"),
    why=Words(
        "The user gets no text to act on. The vendor's SDK leaves its error empty, code and all, unless it "
        "finds both members.",
        "用户得不到可据以处理的说明。厂商 SDK 只有在两个成员都找到时才填写错误，否则连 code 也一并留空。",
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
        "error.message 的 JSON 类型不是 String，包括 null",
    ),
    why=Words(
        "Typed clients refuse the whole answer; others show the user a raw structure, or 'None'.",
        "强类型客户端会拒绝整个响应；其他客户端会把原始结构或“None”展示给用户。",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": null, "code": "Ecs.0001"}}', status=403),
    good=_GOOD,
)
TA304 = Rule(
    "TA304",
    "error-message-empty",
    Severity.INFO,
    when=Words("error.message is empty, or white space only", "error.message 为空或仅含空白字符"),
    why=Words(
        "It is allowed, the documentation's own example does it; but the user is left with a bare code.",
        "这是允许的，文档自己的示例就是如此；但用户只能看到一个孤立的错误码。",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": "", "code": "Ecs.0001"}}', status=403),
    good=_GOOD,
)
TA305 = Rule(
    "TA305",
    "error-code-missing",
    Severity.ERROR,
    when=Words("error has no code", "error 中没有 code"),
    why=Words(
        "Clients branch on the code: whether to try again, to wait, to give up. Without it they cannot.",
        "客户端根据错误码决定重试、等待还是放弃。没有错误码，就无从决定。",
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
        "error.code 的 JSON 类型不是 String，包括 null 和 Number",
    ),
    why=Words(
        "A comparison with a documented code never matches, and typed clients refuse the answer. 400 is the "
        "common one: the HTTP status in the place of the code.",
        "与文档中错误码的比较永远不会匹配，强类型客户端还会拒绝该响应。最常见的是 400：HTTP 状态码占了错"
        "误码的位置。",
    ),
    source=_SOURCE,
    bad=Example('{"error": {"message": "bad", "code": 400}}', status=400),
    good=Example('{"error": {"message": "bad", "code": "Ecs.0005"}}', status=400),
)
TA307 = Rule(
    "TA307",
    "error-code-empty",
    Severity.WARNING,
    when=Words("error.code is empty, or white space only", "error.code 为空或仅含空白字符"),
    why=Words(
        "Clients that branch on the code fall into their default, mostly 'try again'.",
        "根据错误码分支处理的客户端会落入默认分支，多半是“重试”。",
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
        "message 看起来像文档中的错误码，而 code 不像",
    ),
    why=Words(
        "The user is shown a code for a text, and no comparison of codes ever matches.",
        "展示给用户的是错误码而不是说明，错误码的比较也永远不会匹配。",
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
        "message 这个 String 本身是一个 JSON 对象或 HTML 页面",
    ),
    why=Words(
        "An inner service's answer was passed on unread: the real code is in a text that no client reads.",
        "内部服务的响应未经解析就被转发：真正的错误码埋在没有客户端会读取的文本里。",
    ),
    source="recorded answers of the ECS API",
    bad=Example(
        r'{"error": {"message": "{\"fault\": {\"message\": \"no\", \"code\": 400}}", "code": "Ecs.1000"}}',
        status=400,
    ),
    good=Example('{"error": {"message": "no", "code": "Ecs.1000"}}', status=400),
)

_DOCUMENTED_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\.(?:[0-9]{4}|[0-9]{6}|[0-9]{8})")
_HTML = re.compile(r"\s*(?:<!doctype\s+html|<html|<head|<body)\b", re.IGNORECASE | re.ASCII)


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
    if is_html_page(message):
        yield TA309.at("/error/message", "a text for the user", "String that holds an HTML page")
    elif _is_json_object(message):
        yield TA309.at("/error/message", "a text for the user", "String that holds a JSON object")


def is_html_page(text: str) -> bool:
    """Whether this begins as the pages of proxies and gateways do."""
    return _HTML.match(text) is not None


def is_documented_code(text: str) -> bool:
    """Whether `text` has the form of the documented codes: `Prefix.` and 4, 6 or 8 digits."""
    return _DOCUMENTED_CODE.fullmatch(text.strip()) is not None


def _is_json_object(text: str) -> bool:
    if not text.lstrip(" \t\n\r").startswith("{"):
        return False
    try:
        return isinstance(from_json(text.encode("utf-8", "surrogatepass")), dict)
    except ValueError:
        return False
