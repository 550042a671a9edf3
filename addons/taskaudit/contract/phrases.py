"""What findings say was expected and found, in the language of whoever reads it.

It is recorded in English: logs and JSON are read by programs too. Here it is put into other words, phrase by
phrase, as it is shown. JSON types, names, and excerpts of the traffic stay as they are.
"""

from __future__ import annotations

import re
from typing import Final

from taskaudit.contract.words import Language, Words

# {n} and {m} are numbers, {name} is one word, {excerpt} anything, {quoted} anything in quotes, {char} a
# character and its code point; {phrase} is a phrase itself.
PHRASES: Final = (
    # Any value
    Words("nothing", "无"),
    Words("Object ({n} member)", "Object（{n} 个成员）"),
    Words("Object ({n} members)", "Object（{n} 个成员）"),
    Words("Array ({n} entry)", "Array（{n} 个条目）"),
    Words("Array ({n} entries)", "Array（{n} 个条目）"),
    # TA0xx: the body
    Words("a JSON object", "JSON 对象"),
    Words("no JSON object", "没有 JSON 对象"),
    Words("a body in the Content-Encoding it names", "按所声明的 Content-Encoding 编码的响应体"),
    Words(
        "Content-Encoding of {n} codings (more than {m})", "含 {n} 种编码的 Content-Encoding（超过 {m} 种）"
    ),
    Words("Content-Encoding {quoted} (unknown)", "Content-Encoding {quoted}（未知）"),
    Words("Content-Encoding of another name (unknown)", "其他名称的 Content-Encoding（未知）"),
    Words("more than {n} bytes decoded", "解码后超过 {n} 字节"),
    Words("{name} data with a window of more than {n} bytes", "窗口超过 {n} 字节的 {name} 数据"),
    Words("{name} data that is corrupt", "已损坏的 {name} 数据"),
    Words("{name} data cut short", "被截断的 {name} 数据"),
    Words("a body to inspect", "可供检查的响应体"),
    Words("a body that was streamed past the audit", "以流式传输绕过审计的响应体"),
    Words("a body that the capture did not keep", "抓包文件未保存的响应体"),
    Words("at most {n} bytes", "最多 {n} 字节"),
    Words("a larger body", "更大的响应体"),
    Words("text in {name}", "{name} 编码的文本"),
    Words("byte 0x{name} that no charset explains", "任何字符集都无法解释的字节 0x{name}"),
    Words("one JSON text", "一个 JSON 文本"),
    Words("an HTML page", "HTML 页面"),
    Words("{char}: {phrase}", "{char}：{phrase}"),
    Words("the end of the text: {phrase}", "文本末尾：{phrase}"),
    Words("the whole HTTP message", "完整的 HTTP 报文"),
    Words("an HTTP message that ends after {n} bytes of its body", "在响应体第 {n} 字节之后结束的 HTTP 报文"),
    Words("the rest of the JSON text", "JSON 文本的其余部分"),
    Words("the end of the text", "文本末尾"),
    Words("each member once", "每个成员只出现一次"),
    Words("member named a second time", "再次出现的同名成员"),
    Words("Content-Type of another kind", "其他类型的 Content-Type"),
    Words("no Content-Type", "没有 Content-Type"),
    Words("no byte order mark", "没有字节顺序标记"),
    Words("byte order mark U+FEFF", "字节顺序标记 U+FEFF"),
    # TA005: what jiter, the JSON parser, says
    Words("expected `:`", "应为 `:`"),
    Words("expected `,` or `]`", "应为 `,` 或 `]`"),
    Words("expected `,` or `}`", "应为 `,` 或 `}`"),
    Words("expected ident", "应为 true、false 或 null"),
    Words("expected value", "应为一个值"),
    Words("invalid escape", "无效的转义"),
    Words("invalid number", "无效的数字"),
    Words("number out of range", "数字超出范围"),
    Words("invalid unicode code point", "无效的 Unicode 码点"),
    Words(
        r"control character (\u0000-\u001F) found while parsing a string",
        r"字符串中有控制字符（\u0000-\u001F）",
    ),
    Words("key must be a string", "成员名必须是字符串"),
    Words("lone leading surrogate in hex escape", "十六进制转义中有孤立代理项"),
    Words("unexpected end of hex escape", "十六进制转义意外结束"),
    Words("trailing comma", "多余的末尾逗号"),
    Words("trailing characters", "尾随字符"),
    Words("recursion limit exceeded", "嵌套过深"),
    # TA1xx: the envelope
    Words('"job_id" or "error"', '"job_id" 或 "error"'),
    Words('one of "job_id" and "error"', '"job_id" 与 "error" 二者之一'),
    Words('Object with both "job_id" and "error"', '同时含有 "job_id" 与 "error" 的 Object'),
    Words("Object with no members", "没有成员的 Object"),
    Words("Object with {quoted} and {n} more", "含有 {quoted} 及另外 {n} 个成员的 Object"),
    Words("Object with {quoted}", "含有 {quoted} 的 Object"),
    Words("Object in the {name} error dialect", "采用 {name} 错误格式的 Object"),
    Words(
        "Object in the sdk error dialect: what the vendor's SDK prints of an error, not an answer of the API",
        "采用 sdk 错误格式的 Object：这是厂商 SDK 打印的错误内容，而非 API 的响应",
    ),
    Words("a status under 400 with a job", "返回任务时状态码小于 400"),
    Words("a status of 400 or more with an error", "返回错误时状态码不小于 400"),
    Words('a top-level "job_id"', '位于顶层的 "job_id"'),
    # TA2xx: job_id
    Words("a non-blank String", "非空白的 String"),
    Words("at most {n} characters", "最多 {n} 个字符"),
    Words("String of {n} characters", "{n} 个字符的 String"),
    Words("only letters, digits and -._~", "仅含字母、数字和 -._~"),
    Words("a new job id", "新的 job_id"),
    Words("String that was answered before", "此前已返回过的 String"),
    # TA3xx and TA4xx: error
    Words("a text for the user", "给用户看的文字"),
    Words("a documented code", "文档中的错误码"),
    Words("the code in error.code", "错误码应在 error.code 中"),
    Words("String that holds an HTML page", "内容为 HTML 页面的 String"),
    Words("String that holds a JSON object", "内容为 JSON 对象的 String"),
    Words("Array of Object, or absent", "Array of Object，或省略"),
    Words("entries, or no details at all", "有条目，或省略 details"),
    Words('"message" or "code"', '"message" 或 "code"'),
    Words("details inside error", "details 位于 error 之内"),
    # TA5xx: what the client does next
    Words(
        "a query of the job's status within {n} s, or by the end", "在 {n} s 之内，或到结束时，查询过任务状态"
    ),
    Words("no query", "没有查询"),
    Words("the id of a job", "任务的 ID"),
    Words("an empty id", "空的 ID"),
    Words("the id of a job seen here", "此处见过的任务的 ID"),
    Words("an id that no submission returned", "没有任何提交返回过的 ID"),
    Words("an id that no submission that is still remembered returned", "在仍记得的提交中，没有返回过的 ID"),
    Words("{n} s between queries", "两次查询间隔 {n} s"),
    Words("{n} queries in a row closer together", "连续 {n} 次查询间隔过短"),
    Words("no query after the end", "结束之后不再查询"),
    Words("a query after {quoted}", "{quoted} 之后的查询"),
    Words("a final status", "终态"),
    Words("last status {quoted}", "最后状态 {quoted}"),
    Words("each task submitted once", "每个任务只提交一次"),
    Words("the same request while job {excerpt} is not final", "任务 {excerpt} 尚未到达终态时的相同请求"),
    Words("the job id that was asked for", "所查询的 job_id"),
    # TA9xx: the audit itself
    Words("an audit that does not fail", "审计不出故障"),
    Words("{name} in {excerpt}, line {n}", "{name}，位于 {excerpt} 第 {n} 行"),
)
_HOLES = {
    "n": r"[0-9][0-9.e+-]*",
    "m": r"[0-9]+",
    "name": r"[\w.-]+",
    "excerpt": r".*",
    "quoted": r'".*"',
    "char": r'".+" \(U\+[0-9A-F]{4,6}\)',
    "phrase": r".+",
}
_HOLE = re.compile(r"\{(n|m|name|excerpt|quoted|char|phrase)\}")


def _pattern(english: str) -> re.Pattern[str]:
    """What a phrase with holes matches, with a group for each hole."""
    parts = _HOLE.split(english)
    texts, holes = map(re.escape, parts[::2]), (f"(?P<{name}>{_HOLES[name]})" for name in parts[1::2])
    return re.compile(
        next(texts) + "".join(hole + text for hole, text in zip(holes, texts, strict=True)), re.S
    )


_FIXED = {phrase.en: phrase for phrase in PHRASES if not _HOLE.search(phrase.en)}
_WITH_HOLES = [(_pattern(phrase.en), phrase) for phrase in PHRASES if phrase.en not in _FIXED]


def spoken(text: str, language: Language) -> str:
    """An `expected` or `found` of a finding in that language; as it is where no phrase is known for it."""
    if language is Language.EN or text.startswith('String "'):
        return text
    if phrase := _FIXED.get(text):
        return phrase.of(language)
    for pattern, phrase in _WITH_HOLES:
        if match := pattern.fullmatch(text):
            return _filled(phrase.of(language), match, language)
    return text


def _filled(template: str, match: re.Match[str], language: Language) -> str:
    told = match.groupdict()
    if "phrase" in told:
        told["phrase"] = spoken(told["phrase"], language)
    return _HOLE.sub(lambda hole: told[hole[1]], template)
