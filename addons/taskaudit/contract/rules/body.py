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
        "响应体为空或仅含空白字符，而该路由不允许空响应体",
    ),
    why=Words(
        "The client has no job id to ask for and no error to show. The vendor's SDK returns an object whose "
        "job_id is None, and the None then goes into the URL of the status query.",
        "客户端既没有可供查询的 job_id，也没有可以展示的错误。厂商 SDK 会返回 job_id 为 None 的对象，随后"
        "这个 None 被拼进查询任务状态的 URL。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example("", status=202),
    good=Example(_JOB, status=202),
)
TA002 = Rule(
    "TA002",
    "body-undecodable",
    Severity.ERROR,
    when=Words(
        "Content-Encoding is unknown, corrupt or cut short, or expands beyond the inspection limit",
        "Content-Encoding 未知，数据损坏或被截断，或解码后超出检查上限",
    ),
    why=Words(
        "HTTP clients raise a decoding error of their own, deep inside the transport, and the job id is lost "
        "although the task may be running.",
        "HTTP 客户端会在传输层深处抛出自身的解码错误；任务可能正在执行，job_id 却丢失了。",
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
        "响应体超出检查上限，或以流式传输绕过了审计",
    ),
    why=Words(
        "Nothing is known of this answer: it is neither good nor bad. The envelopes are a few hundred bytes, "
        "so a larger body is suspicious in itself.",
        "对该响应一无所知：既不能判为正确，也不能判为错误。约定的响应体只有几百字节，过大的响应体本身就很"
        "可疑。",
    ),
    source="the audit itself: what nobody looked at must not pass for fine",
    bad=Example(_JOB, limit=16, note=Words("with an inspection limit of 16 bytes", "检查上限为 16 字节")),
    good=_GOOD,
)
TA004 = Rule(
    "TA004",
    "body-not-utf8",
    Severity.ERROR,
    when=Words("the JSON text is not in UTF-8", "JSON 文本的编码不是 UTF-8"),
    why=Words(
        "JSON parsers take UTF-8 for granted: they raise, or turn the message into replacement characters.",
        "JSON 解析器默认文本为 UTF-8：要么抛出异常，要么把错误信息变成替换字符。",
    ),
    source="RFC 8259, section 8.1",
    bad=Example(
        '{"error": {"message": "配额不足", "code": "Ecs.0001"}}'.encode("gb18030"),
        status=400,
        note=Words("the message is in GB18030", "message 采用 GB18030 编码"),
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
        "响应体不是一个有效的 JSON 文本：NaN、注释、多余的末尾逗号、尾随文本、转义的孤立代理项和过深的嵌"
        "套均属此类",
    ),
    why=Words(
        "The client's parser raises. The user sees a parser's message in place of the API's own error.",
        "客户端的解析器会抛出异常。用户看到的是解析器的报错，而不是 API 自身的错误信息。",
    ),
    source="RFC 8259, section 2",
    bad=Example('{"error": {"message": "", "code": XXX，""}}', status=400),
    good=Example('{"error": {"message": "bad request", "code": "XXX"}}', status=400),
)
TA006 = Rule(
    "TA006",
    "body-cut-short",
    Severity.ERROR,
    when=Words("the JSON text, or the HTTP message, ends early", "JSON 文本或 HTTP 报文提前结束"),
    why=Words(
        "The client's parser raises, or the connection counts as broken and the request is sent again: the "
        "task may then run twice.",
        "客户端的解析器会抛出异常，或者连接被视为中断、请求被重新发送：任务可能因此执行两次。",
    ),
    source="RFC 9112, section 8; RFC 8259, section 2",
    bad=Example('{"job_id": "70a599e0-31e7'),
    good=_GOOD,
)
TA007 = Rule(
    "TA007",
    "duplicate-member",
    Severity.ERROR,
    when=Words("an object names a member twice, at any depth", "对象（任意深度）中有重名成员"),
    why=Words(
        "Parsers differ on which of the two counts: most take the last, some the first, some raise. Two "
        "clients of the same answer then follow two different jobs.",
        "重名成员以哪一个为准，各解析器并不一致：多数取最后一个，有些取第一个，还有些抛出异常。于是对同一"
        "个响应，两个客户端会跟踪两个不同的任务。",
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
        "the body is valid JSON, but not an object at the top level", "响应体是有效的 JSON，但顶层不是对象"
    ),
    why=Words(
        "Clients look members up by name: on an Array or a String that raises, far from the request.",
        "客户端按名称查找成员：遇到 Array 或 String 就会抛出异常，而出错位置离请求很远。",
    ),
    source="Huawei Cloud API reference, task-class responses",
    bad=Example('["70a599e0-31e7-49b7-b260-868f441e862b"]'),
    good=_GOOD,
)
TA009 = Rule(
    "TA009",
    "content-type-not-json",
    Severity.WARNING,
    when=Words(
        "Content-Type is missing, or neither application/json nor +json, on a JSON object",
        "响应体是 JSON 对象，但 Content-Type 缺失，或既不是 application/json 也不是 +json 类型",
    ),
    why=Words(
        "Clients choose their parser by this header: many leave the body as text, and find no job id.",
        "客户端根据该消息头选择解析器：许多客户端会把响应体当作纯文本，从而找不到 job_id。",
    ),
    source="RFC 8259, section 11; RFC 6838, section 4.2.8",
    bad=Example(_JOB, content_type="text/plain"),
    good=_GOOD,
)
TA010 = Rule(
    "TA010",
    "byte-order-mark",
    Severity.WARNING,
    when=Words("the UTF-8 text starts with a byte order mark", "UTF-8 文本以字节顺序标记（BOM）开头"),
    why=Words(
        "Strict parsers (Python's json on text, Go's encoding/json) refuse the text at its first byte.",
        "严格的解析器（Python 的 json 解析文本时、Go 的 encoding/json）在第一个字节处就会拒绝该文本。",
    ),
    source="RFC 8259, section 8.1",
    bad=Example("\ufeff" + _JOB),
    good=_GOOD,
)
