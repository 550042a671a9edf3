"""The words of a bug report; names in braces are filled in."""

from __future__ import annotations

from taskaudit.contract.words import Words

ANSWER = Words("An answer", "一个响应")
IS = Words("{where} is {found}, expected {expected}", "{where} 为 {found}，应为 {expected}")
IS_MISSING = Words("{where} is missing", "缺少 {where}")
AT = Words("{where}: expected {expected}, found {found}", "{where}，期望：{expected}；实际：{found}")
NOWHERE = Words("expected {expected}, found {found}", "期望：{expected}；实际：{found}")
POINTER_AND_LINE = Words(
    "{pointer} (line {line}, column {column})", "{pointer}（第 {line} 行，第 {column} 列）"
)
LINE = Words("line {line}, column {column}", "第 {line} 行，第 {column} 列")

SEVERITY = Words("Severity: {severity}", "严重程度：{severity}")
SEEN = Words("Seen: {count}", "出现次数：{count}")
ONCE = Words("once", "1")
TIMES = Words("{count} times", "{count}")
BETWEEN = Words(", from {first} to {last}", "，从 {first} 到 {last}")
TIME = Words("This one: {time}", "本次时间：{time}")
REQUEST_ID = Words("Request id: {request_id}", "请求 ID：{request_id}")
JOB = Words("Job id: {job_id}", "任务 ID：{job_id}")

SENT = Words("What was sent", "发送的请求")
PUT_IN = Words(
    "Put in your own header values, query and body (`request.json`): the audit does not keep them.",
    "请自行填入请求头的值、查询参数和请求体（`request.json`）：审计不保存这些内容。",
)
FROM_A_LOG = Words(
    "Add your headers, query and body (`request.json`), and scheme and port where they are others: a log has "
    "none of them.",
    "请自行补充请求头、查询参数和请求体（`request.json`）；协议和端口如有不同，也请改正：日志不记录这些内容。",
)
NO_REQUEST = Words(
    "The request is not known: the capture holds the answer only.", "请求未知：抓包中只有响应。"
)
CAME = Words("What came back", "收到的响应")
STATUS = Words("HTTP status {status}", "HTTP 状态码 {status}")
NO_STATUS = Words("The HTTP status is not known.", "HTTP 状态码未知。")
CUT = Words(
    "`…` stands for values that the contract does not name, and for the rest of a long line.",
    "`…` 表示契约未列出的成员的值，或过长行中省略的部分。",
)
NO_PLACE = Words(
    "The rule is about more than this one exchange: there is no place in the body to show.",
    "该规则涉及多次请求与响应，响应体中没有可标出的位置。",
)
EMPTY = Words("The body is empty.", "响应体为空。")
NO_TEXT = Words("No text can be had from the body.", "无法从响应体得到文本。")
NOT_SEEN = Words("The audit has not seen the body.", "审计没有看到响应体。")
NOT_KEPT = Words("The audit has not kept the body.", "审计没有保存响应体。")

BROKEN = Words("Which rule it breaks", "违反的规则")
SOURCE = Words("Source: {source}", "出处：{source}")
GOOD = Words("A right answer, with HTTP status {status}:", "正确的响应，HTTP 状态码 {status}：")
GOOD_STEPS = Words("The right course of things:", "正确的过程：")
WHY = Words("What a client does with it", "对客户端的影响")
OTHERS = Words("Also found on this exchange", "同一次请求与响应的其他问题")
MORE = Words("and {count} more", "另有 {count} 处")
END = Words(
    "Found by taskaudit {version}. More on the rule: `taskaudit explain {rule}`",
    "由 taskaudit {version} 发现。查看规则详情：`taskaudit explain {rule}`",
)
